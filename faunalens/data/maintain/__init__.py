"""Tools of those who make the data; neither the wheel nor the package for Lambda has them."""

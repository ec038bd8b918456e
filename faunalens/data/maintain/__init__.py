"""Tools for those who make the data; neither the wheel nor the package for Lambda contains them."""

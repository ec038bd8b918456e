"""CloudWatch's metric math: series of data points, and the functions of expressions."""

"""How CloudWatch writes metric math, and the `metrics` array of a graph."""

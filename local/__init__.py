"""Local runs of Faunalens: embedded stores, the local server, `make run`, and simulated Lambda containers."""

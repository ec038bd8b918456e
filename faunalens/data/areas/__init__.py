"""Countries, states and provinces: their borders as cells."""

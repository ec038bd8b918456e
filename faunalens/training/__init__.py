"""A pack's head trained on one's own photos."""

"""Train the head of a pack on labelled photos of the user's cameras."""

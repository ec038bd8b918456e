"""Faunalens: a photo goes in, the animal comes out, and where it was taken decides between look-alikes."""

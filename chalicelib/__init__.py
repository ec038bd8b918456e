"""Faunalens identifies the animal in a photo, and uses the photo's location to distinguish similar animals."""

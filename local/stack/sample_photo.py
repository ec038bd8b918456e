"""A photo for examples: Chelsea the cat, by Stéfan van der Walt (CC0), from the wheel of scikit-image."""

from pathlib import Path

from local.stack.installed import package_folder


def sample_photo() -> Path:
    """Return the photo's path, without importing scikit-image."""
    return package_folder("skimage") / "data" / "chelsea.png"

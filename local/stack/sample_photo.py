"""A photo for examples: Chelsea the cat, by Stéfan van der Walt (CC0), from the wheel of scikit-image."""

from importlib.util import find_spec
from pathlib import Path

from local.stack.errors import LocalError


def sample_photo() -> Path:
    """Return the photo's path, without importing scikit-image."""
    package = find_spec("skimage")
    if package is None or package.origin is None:
        raise LocalError("scikit-image, which contains the sample photo, is not installed; run `make setup`")
    return Path(package.origin).parent / "data" / "chelsea.png"

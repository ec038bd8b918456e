"""A photo to try things with: Chelsea the cat, by Stéfan van der Walt (CC0), in the wheel of scikit-image."""

from importlib.util import find_spec
from pathlib import Path

from local.stack.errors import LocalError


def chelsea() -> Path:
    """The photo; the package that holds it is not imported for it."""
    package = find_spec("skimage")
    if package is None or package.origin is None:
        raise LocalError("scikit-image, which holds the sample photo, is not installed; run `make setup`")
    return Path(package.origin).parent / "data" / "chelsea.png"

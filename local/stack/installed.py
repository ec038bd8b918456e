"""Folders of installed packages."""

from importlib.util import find_spec
from pathlib import Path

from local.stack.errors import LocalError


def package_folder(name: str) -> Path:
    """Return the folder of an installed package, without importing the package. Raises `LocalError`."""
    found = find_spec(name)
    if found is None or found.origin is None:
        raise LocalError(f"the Python package {name} is not installed; run `make setup`")
    return Path(found.origin).parent

"""A copy of this checkout: a deployment writes into its `.chalice` folder."""

import shutil
import zipfile
from pathlib import Path

from chalicelib.config.settings import ROOT
from infra.checkout import copy_to

__all__ = ["copy_to", "use_package_of", "use_small_package"]


def use_package_of(source: Path, folder: Path) -> None:
    """Copy the zips of another checkout, which have the same names if their inputs are the same."""
    for each in (source / ".chalice" / "deployments").glob("*.zip"):
        target = folder / ".chalice" / "deployments" / each.name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(each, target)


def use_small_package(folder: Path) -> None:
    """Write small zips under the names of this checkout's, so that Chalice uploads them at once; they cannot be run."""
    for each in (ROOT / ".chalice" / "deployments").glob("*.zip"):
        target = folder / ".chalice" / "deployments" / each.name
        target.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(target, "w") as small:
            small.writestr("app.py", each.name)

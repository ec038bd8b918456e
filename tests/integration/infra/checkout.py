"""A copy of this checkout: a package can be built from other files than the original's."""

import shutil
from pathlib import Path

from chalicelib.config.settings import ROOT

DEPLOYED = ("app.py", "chalicelib", "vendor", "model", "database", "infra", "docs", ".chalice", "requirements.txt")
"""Everything that building a package reads."""

_IGNORED = ("__pycache__", "deployed", "deployments", "images")


def copy_to(folder: Path) -> Path:
    """Copy the files that a package needs, and symbolic links as links. Return the folder."""
    folder.mkdir(parents=True)
    for name in DEPLOYED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, symlinks=True, ignore=shutil.ignore_patterns(*_IGNORED))
        else:
            shutil.copy(source, folder / name)
    return folder


def use_package_of(source: Path, folder: Path) -> None:
    """Copy the zips of another checkout, which have the same names if their inputs are the same."""
    for each in (source / ".chalice" / "deployments").glob("*.zip"):
        target = folder / ".chalice" / "deployments" / each.name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(each, target)

"""A copy of this checkout. A deployment writes into `.chalice/`; a rehearsal must not change the original."""

import shutil
from pathlib import Path

from chalicelib.config.settings import ROOT

DEPLOYED = (
    "app.py",
    "chalicelib",
    "vendor",
    "model",
    "database",
    "infra",
    "dashboards",
    "cloudwatch",
    "docs",
    ".chalice",
    "requirements.txt",
)
"""Everything that `python -m infra up` reads."""

_IGNORED = ("__pycache__", "deployed", "deployments", "images")


def copy_to(folder: Path) -> Path:
    """Copy the files that a deployment needs, and symbolic links as links. Return the folder."""
    folder.mkdir(parents=True)
    for name in DEPLOYED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, symlinks=True, ignore=shutil.ignore_patterns(*_IGNORED))
        else:
            shutil.copy(source, folder / name)
    return folder


def share_packages(folder: Path) -> None:
    """Let a copy use, and add to, the packages that this checkout has built."""
    packages = ROOT / ".chalice" / "deployments"
    packages.mkdir(exist_ok=True)
    (folder / ".chalice" / "deployments").symlink_to(packages, target_is_directory=True)

"""A copy of this checkout that a deployment may write into, as it does into `.chalice`."""

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
LEFT = ("__pycache__", "deployed", "deployments", "images")


def copy_to(folder: Path) -> Path:
    """Copy what deploying takes, symbolic links as links."""
    folder.mkdir(parents=True)
    for name in DEPLOYED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, symlinks=True, ignore=shutil.ignore_patterns(*LEFT))
        else:
            shutil.copy(source, folder / name)
    return folder


def use_package_of(source: Path, folder: Path) -> None:
    """Let a copy use the layers that another checkout has packed: the same inputs have the same name."""
    for each in (source / ".chalice" / "deployments").glob("managed-layer-*.zip"):
        target = folder / ".chalice" / "deployments" / each.name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(each, target)

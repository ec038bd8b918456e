"""A copy of this checkout: a package can be built from other files than the original's."""

import shutil
import zipfile
from pathlib import Path

from chalicelib.config.settings import ROOT

DEPLOYED = ("app.py", "chalicelib", "vendor", "model", "faunalens", "infra", "docs", ".chalice", "requirements.txt")
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


def write_wheel(folder: Path, name: str, tag: str) -> None:
    """Write a wheel of version 1.0 for a platform, with a file that names it, and with a script."""
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-cp313-cp313-{tag}.whl", "w") as opened:
        opened.writestr(f"{name}.txt", tag)
        opened.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        opened.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nTag: cp313-cp313-{tag}\n")
        opened.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{name} = {name}:main\n")
        opened.writestr(f"{info}/RECORD", "")

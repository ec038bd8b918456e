"""The package for tests, which is built once for all processes, and again if one of its files has changed."""

import hashlib
import os
import shutil
import sys
from pathlib import Path

from chalicelib.config.settings import ROOT
from infra.package import Package, archive, build, package_in

CACHE = ROOT / "build" / "packages"
"""Packages by the hash of what they are made of. It is safe to delete when nothing is built."""
KEPT = 3
"""Packages that stay in `CACHE`: those of the last changes."""
INPUTS = (
    "app.py",
    "chalicelib",
    "vendor",
    "requirements.txt",
    ".chalice",
    "infra/package",
    "infra/functions.py",
    "infra/gateway_responses.py",
)
"""Everything in a checkout that a package depends on, besides the versions of Python and of the packages here."""


def built_once(cache: Path = CACHE) -> Package:
    """Return this checkout's package for the stage dev, which must not be changed. Build it unless `cache` has it.

    Only one process at a time builds, and the others wait for it. A build that is killed leaves no package. Raise
    `CalledProcessError` on failure.
    """
    with archive.locked(cache):
        found = cache / _digest()
        if found.exists():
            found.touch()
        else:
            unfinished = cache / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            build(unfinished, quiet=True)
            unfinished.rename(found)
        packages = sorted((each for each in cache.iterdir() if each.is_dir()), key=lambda each: -each.stat().st_mtime)
        for old in packages[KEPT:]:
            shutil.rmtree(old)
    return package_in(found)


def _digest() -> str:
    """Return a hash of `INPUTS`, of Python's version, and of the option HEIC."""
    digest = hashlib.sha256(f"{sys.version} {os.environ.get('HEIC', '')}".encode())
    for each in (ROOT / name for name in INPUTS):
        for path in [each] if each.is_file() else archive.files(each):
            name = path.relative_to(ROOT)
            if path.suffix not in (".pyc", ".zip") and "deployed" not in name.parts and path.name != "lock":
                digest.update(f"{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:32]

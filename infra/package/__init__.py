"""Build the package that Chalice uploads, without an AWS account. `python -m infra.package` prints its sizes."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from chalicelib.config.settings import ROOT
from infra.chalice_project import chalice_command
from infra.package import archive

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
    "infra/gateway_responses.py",
)
"""Everything in a checkout that a package depends on, besides the versions of Python and of the packages here."""


@dataclass(frozen=True, slots=True)
class Package:
    """Two zips and the SAM template that refers to them.

    `function`: the app and the models; Lambda unpacks it in /var/task. `layer`: the dependencies; unpacked in /opt.
    """

    function: Path
    layer: Path
    template: Path

    @property
    def zipped(self) -> int:
        """Size of the two zips, in bytes."""
        return self.function.stat().st_size + self.layer.stat().st_size

    @property
    def unpacked(self) -> int:
        """Size of the files in the two zips, in bytes."""
        return archive.unpacked(self.function) + archive.unpacked(self.layer)


def build(
    out: Path, stage: str = "dev", project: Path = ROOT, *, merge: Path | None = None, quiet: bool = False
) -> Package:
    """Build a stage's package in the folder `out` with `chalice package`. This takes 8 s, or 1 s if the layer exists.

    `merge`: a JSON template to merge into Chalice's. `quiet`: hide progress. Raise `CalledProcessError` on failure.
    """
    command = chalice_command(project, "package", "--stage", stage, str(out))
    if merge:
        command += ["--merge-template", str(merge)]
    region = os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"  # Chalice requires one, but does not call AWS
    environment = {**os.environ, "AWS_DEFAULT_REGION": region}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL if quiet else None)
    return _package_in(out)


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
    return _package_in(found)


def _package_in(folder: Path) -> Package:
    return Package(folder / "deployment.zip", folder / "layer-deployment.zip", folder / "sam.json")


def _digest() -> str:
    """Return a hash of `INPUTS`, of Python's version, and of the option HEIC."""
    digest = hashlib.sha256(f"{sys.version} {os.environ.get('HEIC', '')}".encode())
    for each in (ROOT / name for name in INPUTS):
        for path in [each] if each.is_file() else archive.files(each):
            name = path.relative_to(ROOT)
            if path.suffix not in (".pyc", ".zip") and "deployed" not in name.parts and path.name != "lock":
                digest.update(f"{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:32]

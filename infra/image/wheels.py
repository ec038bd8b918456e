"""The wheels of the image's packages, fetched before the build.

So the build needs no network, and pip's configuration on this machine stays out of it.
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.step import Echo, PreconditionFailed

BUILD = "build"
"""Name of the requirements of the build itself."""


def folder(inference: str, project: Path, cache: Path, echo: Echo) -> Path:
    """Return a folder with the wheels for an image. pip fetches them unless `cache` has them.

    Raises `PreconditionFailed`.
    """
    lists = [project / "web" / "requirements" / f"{name}.txt" for name in (BUILD, inference)]
    contents = [path.read_bytes() for each in lists for path in with_nested(each)]
    digest = hashlib.sha256(b"".join(contents)).hexdigest()[:16]
    found = cache / f"wheels-{digest}"
    if not found.exists():
        echo("fetching wheels")
        unfinished = found.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--require-hashes", f"--dest={unfinished}"]
        command += [f"--requirement={path}" for path in lists]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PreconditionFailed(
                f"pip cannot fetch the image's packages; is the network up?\n{done.stderr.strip()}"
            )
        unfinished.rename(found)
    return found


def with_nested(requirements: Path) -> Iterator[Path]:
    """Yield a file of requirements, and those that it names."""
    yield requirements
    for line in requirements.read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            yield from with_nested(requirements.parent / line.removeprefix("-r "))

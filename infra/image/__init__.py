"""Build the image of the web tier (web/Dockerfile) without Docker: `python -m infra.image`, or `make image`.

buildah builds it, without root if need be. The same files give the same bytes: pip checks the hashes of packages, every
file gets the same time, and nothing of this machine gets in. Wheels are fetched before the build, so it needs no
network, and pip's configuration on this machine stays out of it.

Where a public base cannot be pulled, one is made from Debian's packages: Python 3.13, pip and a shell. The packages are
unpacked and not set up, which the build does not need. Debian's signatures are checked. The base is kept in
.local/image; delete it for a new one, with Debian's security updates.
"""

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from chalicelib.config.settings import ROOT
from infra.image import buildah
from infra.package import archive
from infra.step import Echo, PreconditionFailed

Inference = Literal["lambda", "local"]
"""Who identifies photos: with `local`, the image has the model."""
CACHE = ROOT / ".local" / "image"
"""Bases and wheels, by the hash of what they are made of. It is safe to delete when nothing is built."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image as an OCI layout, a folder from which skopeo copies it to a registry, with the same digest."""

    layout: Path

    @property
    def digest(self) -> str:
        """The digest of its manifest, by which deployments name it."""
        (manifest,) = json.loads((self.layout / "index.json").read_bytes())["manifests"]
        return str(manifest["digest"])

    @property
    def compressed(self) -> int:
        """Bytes to pull."""
        return sum(int(each["size"]) for each in self._manifest()["layers"])

    @property
    def unpacked(self) -> int:
        """Bytes of the layers once they are decompressed."""
        return sum(_unpacked(self.blob(each["digest"])) for each in self._manifest()["layers"])

    def blob(self, digest: str) -> Path:
        """Return the file of a manifest, a configuration or a layer."""
        return self.layout / "blobs" / digest.replace(":", "/")

    def _manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads(self.blob(self.digest).read_bytes())
        return manifest


def build(
    out: Path,
    echo: Echo,
    *,
    inference: Inference = "lambda",
    of: str = "",
    project: Path = ROOT,
    storage: Path = CACHE / "storage",
) -> Image:
    """Build the image of the checkout `project` in the folder `out`, whose content is replaced.

    `of`: the base, an image by its digest; by default one of Debian's packages. `storage`: buildah's own folder. Raises
    `PreconditionFailed`.
    """
    buildah.require()
    with archive.locked(CACHE), ThreadPoolExecutor(1) as threads:
        fetching = threads.submit(wheels_folder, inference, project, CACHE, echo)
        if not of:
            of = buildah.import_root(base_archive(CACHE, echo), storage)
        found = fetching.result()
    shutil.rmtree(out, ignore_errors=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    echo(f"building with INFERENCE={inference}")
    buildah.build(project, {"BASE": of, "INFERENCE": inference}, found, out, storage)
    return Image(out)


def _unpacked(layer: Path) -> int:
    with gzip.open(layer) as opened:
        return sum(map(len, iter(partial(opened.read, 2**20), b"")))


BUILD = "build"
"""Name of the requirements of the build itself."""


def wheels_folder(inference: str, project: Path, cache: Path, echo: Echo) -> Path:
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


SUITE = "trixie"
PACKAGES = ("base-files", "ca-certificates", "dash", "libstdc++6", "python3", "python3-pip")
_SET_UP = """\
cat "$1"/usr/share/ca-certificates/mozilla/*.crt >"$1/etc/ssl/certs/ca-certificates.crt"
find "$1/usr/share/doc" -type f ! -name copyright -delete
rm -rf "$1/usr/share/locale" "$1/usr/share/man" "$1"/usr/lib/*/gconv
"""
"""What is done with the unpacked files: the script of ca-certificates, and less to copy."""


def base_archive(cache: Path, echo: Echo) -> Path:
    """Return the base as a tar archive. Build it unless `cache` has it, in about 10 s. Raises `PreconditionFailed`."""
    digest = hashlib.sha256(" ".join((SUITE, *PACKAGES, _SET_UP)).encode()).hexdigest()[:16]
    found = cache / f"base-{digest}.tar"
    if not found.exists():
        if not shutil.which("mmdebstrap"):
            raise PreconditionFailed(
                "the base is made by mmdebstrap (Debian: apt-get install mmdebstrap); or name one with --base"
            )
        echo(f"building the base from packages of Debian {SUITE}")
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = found.with_suffix(".unfinished.tar")
        command = ["mmdebstrap", "--quiet", "--variant=extract", f"--include={','.join(PACKAGES)}"]
        command += [f"--extract-hook={_SET_UP}", SUITE, str(unfinished)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PreconditionFailed(f"mmdebstrap cannot build the base:\n{done.stderr.strip()}")
        unfinished.rename(found)
    return found

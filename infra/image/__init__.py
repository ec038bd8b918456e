"""Build the image of the web tier (web/Dockerfile) without Docker: `python -m infra.image`, or `make image`.

buildah builds it, without root if need be. The same files give the same bytes: pip checks the hashes of packages, every
file gets the same time, and nothing of this machine gets in.
"""

import gzip
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from functools import partial
from pathlib import Path
from typing import Any, Literal

from chalicelib.config.settings import ROOT
from infra.image import base, buildah, wheels
from infra.step import Echo

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
    with _locked(CACHE), ThreadPoolExecutor(1) as threads:
        fetching = threads.submit(wheels.folder, inference, project, CACHE, echo)
        if not of:
            of = buildah.import_root(base.archive(CACHE, echo), storage)
        found = fetching.result()
    shutil.rmtree(out, ignore_errors=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    echo(f"building with INFERENCE={inference}")
    buildah.build(project, {"BASE": of, "INFERENCE": inference}, found, out, storage)
    return Image(out)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let no other build change `folder` until the end of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        flock(lock, LOCK_EX)
        yield


def _unpacked(layer: Path) -> int:
    with gzip.open(layer) as opened:
        return sum(map(len, iter(partial(opened.read, 2**20), b"")))

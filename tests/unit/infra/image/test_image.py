"""The build of the image says what is missing, and the image how large it is."""

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from infra.image import Image, build
from infra.step import PreconditionFailed


def layout(folder: Path, layer: bytes) -> Path:
    """Write an OCI layout with one layer."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def add(content: bytes) -> dict[str, object]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}", "size": len(content)}

    manifest = {"config": add(b"{}"), "layers": [add(layer)]}
    index = {"manifests": [add(json.dumps(manifest).encode())]}
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")
    return folder


def test_an_image_knows_its_digest_and_its_sizes(tmp_path: Path) -> None:
    layer = gzip.compress(bytes(1_000_000))
    image = Image(layout(tmp_path, layer))
    assert hashlib.sha256(image.blob(image.digest).read_bytes()).hexdigest() == image.digest.removeprefix("sha256:")
    assert (image.compressed, image.unpacked) == (len(layer), 1_000_000)


def test_without_buildah_the_message_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PreconditionFailed, match="apt-get install buildah"):
        build(tmp_path / "image", print)

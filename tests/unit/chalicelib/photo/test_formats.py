"""The table of formats, and everything that follows from it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT, PhotoLimits
from chalicelib.errors import PhotoUnreadable, UnsupportedMediaType
from chalicelib.photo import formats
from chalicelib.photo.formats import ENOUGH, FORMATS, TimedFile, detect_format, load_decoder
from chalicelib.photo.photos import open_photo
from infra.package.dependencies import EXCLUSIONS, read_exclusions
from tests.support.pictures import encoded, jpeg, noise, scene


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WebP", "TIFF", "HEIC"])
def test_the_first_bytes_are_enough(name: str) -> None:
    # GIVEN the beginning of a photo; of HEIC, one that has its brand among others
    heic = b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic"
    data = heic if name == "HEIC" else encoded(noise(64, 48), name.upper())[:ENOUGH]
    assert detect_format(data).name == name


@pytest.mark.parametrize("data", [b"", b"hello", b"RIFF....WAVE", b"\0\0\0\x14ftypisom\0\0\0\0isom"])
def test_anything_else_is_no_photo(data: bytes) -> None:
    with pytest.raises(UnsupportedMediaType, match="send JPEG, PNG, WebP, HEIC or TIFF"):
        detect_format(data)


AVIF = {
    "name": "AVIF",
    "media_types": ["image/avif"],
    "extensions": ["avif"],
    "brands": ["avif", "avis"],
    "decoder": "PIL.AvifImagePlugin.AvifImageFile",
    "bytes_per_pixel": 12,
}
PROGRAM = """\
import json, sys
from chalicelib.api.parameters import BINARY_TYPES
from chalicelib.api.openapi import document
from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import UnsupportedMediaType
from chalicelib.photo.photos import open_photo
from chalicelib.photo.formats import detect_format
from faunalens.study.photos import media_type

photo = open_photo(open(sys.argv[1], "rb").read(), PhotoLimits())
try:
    detect_format(b"no photo")
except UnsupportedMediaType as error:
    refusal = error.detail
print(json.dumps({
    "format": photo.format,
    "memory": photo.decode_bytes(64),
    "pixels": photo.pixels(64).shape,
    "binary": "image/avif" in BINARY_TYPES,
    "documented": "image/avif" in json.dumps(document("1", "https://example.org")),
    "by suffix": media_type("b.AVIF"),
    "refusal": refusal,
}))
"""


def test_a_row_is_all_that_a_new_format_takes(tmp_path: Path) -> None:
    # GIVEN the project with one more row in the table, and a photo in that format
    shutil.copytree(ROOT / "chalicelib", tmp_path / "chalicelib", ignore=shutil.ignore_patterns("web", "rds"))
    table = tmp_path / "chalicelib/photo/formats.json"
    table.write_text(json.dumps([*json.loads(table.read_text()), AVIF]))
    (tmp_path / "a.avif").write_bytes(encoded(scene(400, 300), "AVIF"))
    # WHEN it is identified, documented, found in a folder THEN the row is everywhere
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "a.avif")]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, check=True)
    assert json.loads(done.stdout) == {
        "format": "AVIF",
        "memory": pytest.approx(8_000_000 + 12 * 400 * 300),
        "pixels": [64, 64, 3],
        "binary": True,
        "documented": True,
        "by suffix": "image/avif",
        "refusal": "the file is not a photo in a supported format; send JPEG, PNG, WebP, HEIC, TIFF or AVIF",
    }
    # AND the package keeps the decoder that it would leave out otherwise
    assert {each.name for each in EXCLUSIONS} - {each.name for each in read_exclusions(table.read_text())} == {"AVIF"}


def test_there_is_a_decoder_of_each_format() -> None:
    for each in FORMATS:
        assert load_decoder(each).__name__ == each.decoder.rpartition(".")[2]


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass for decoders."""
    now = [100.0]
    monkeypatch.setattr(formats, "monotonic", lambda: now[0])
    return lambda seconds: now.append(now.pop() + seconds)


def test_a_file_can_be_read_until_its_time_is_over(wait: Callable[[float], None]) -> None:
    file = TimedFile(b"photo", 0.5)
    wait(0.4)
    assert file.read(2) == b"ph"
    wait(0.2)
    with pytest.raises(PhotoUnreadable, match=r"takes more than 0\.5 s to decode; save it again"):
        file.read(1)
    # AND once the clock starts again, it can be read again
    file.restart_clock()
    assert file.read() == b"oto"


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_decoding_stops_after_the_time_limit(kind: str) -> None:
    # GIVEN a photo that is decoded at full resolution for a large model, in 30 ms or more
    data = encoded(noise(1600, 1200), kind, **({"progressive": True, "quality": 95} if kind == "JPEG" else {}))
    # WHEN opened and decoded in 10 ms THEN it stops with an error for the client
    with pytest.raises(PhotoUnreadable, match="takes more than"):
        open_photo(data, PhotoLimits(max_seconds=0.01)).pixels(1200)


def test_the_time_between_opening_and_decoding_does_not_count(wait: Callable[[float], None]) -> None:
    photo = open_photo(jpeg(), PhotoLimits(max_seconds=5))
    wait(60)
    assert photo.pixels(64).shape == (64, 64, 3)


def test_a_package_without_heic_says_what_to_send_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a package that an operator built with HEIC=no
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (heic,) = (each for each in FORMATS if each.name == "HEIC")
    with pytest.raises(UnsupportedMediaType, match="this server does not read HEIC; send JPEG, PNG, WebP or TIFF"):
        load_decoder(heic)

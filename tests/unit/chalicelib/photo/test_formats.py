"""The table of formats, and everything that follows from it."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import batched
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chalicelib.config.settings import ROOT, PhotoLimits
from chalicelib.errors import PhotoUnreadable, UnsupportedMediaType
from chalicelib.photo import formats
from chalicelib.photo.exif import location_from_gps
from chalicelib.photo.formats import (
    ENOUGH,
    FORMATS,
    TimedFile,
    check_segments,
    detect_format,
    load_decoder,
    read_webp_header,
    with_metadata_first,
)
from chalicelib.photo.photos import Photo, PhotoFacts, open_photo
from infra.package.dependencies import EXCLUSIONS, read_exclusions
from tests.support.pictures import SYDNEY, encoded, exif, jpeg, noise, png_chunk, scene, tiff_header
from tests.support.processor_time import limited


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
from chalicelib.routes import ROUTES
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
    "documented": "image/avif" in json.dumps(document(ROUTES, "1", "https://example.org")),
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


def read(data: bytes) -> Photo:
    return open_photo(data, PhotoLimits())


def _with_scans(count: int) -> bytes:
    """Return a progressive JPEG that repeats its last scan until it has `count` scans."""
    data = encoded(scene(64, 64), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * (count - data.count(b"\xff\xda")) + data[-2:]


def test_a_jpeg_with_a_thousand_scans_is_rejected_before_it_is_decoded() -> None:
    # GIVEN a small file with a scan in every 100 bytes
    with pytest.raises(PhotoUnreadable, match="has more than 64 scans; save it again"):
        read(_with_scans(1000))
    # THEN a file with as many scans as encoders write is accepted
    assert read(_with_scans(64)).pixels(64).shape == (64, 64, 3)


def test_scans_cannot_hide_behind_what_libjpeg_skips_or_ends_with() -> None:
    data = _with_scans(100)
    second = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    # GIVEN a comment that contains an end of image, a reserved marker with a long length, fill bytes before markers
    for hiding in (b"\xff\xfe\x00\x04\xff\xd9", b"\xff\x02\xff\xff", b"\xff\xff\xff"):
        with pytest.raises(PhotoUnreadable, match="more than 64 scans"):
            read(data[:second] + hiding + data[second:])


def test_a_jpeg_with_a_million_comments_is_rejected_before_pillow_reads_them() -> None:
    data = jpeg()
    with pytest.raises(PhotoUnreadable, match="more than 2000 segments"):
        read(data[:2] + b"\xff\xfe\x00\x02" * 1_000_000 + data[2:])


def test_scans_with_one_component_are_counted_too() -> None:
    # GIVEN a baseline JPEG whose first scan has one of its three components, so that more follow
    data = jpeg()
    start = data.index(b"\xff\xda")
    one = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + bytes(8)
    with pytest.raises(PhotoUnreadable, match="more than 64 scans"):
        read(data[:start] + one * 100)


@limited(2)
@pytest.mark.parametrize("piece", [b"\xff\xda", b"\xff\xc4\x00\x00", b"\xff\x01", b"\xff", b"\xff\x00"])
def test_the_check_is_fast_for_any_bytes(piece: bytes, most: float) -> None:
    # GIVEN as many bytes as are accepted WHEN checked THEN in little processor time
    data = b"\xff\xd8" + piece * (20_000_000 // len(piece))
    started = time.process_time()
    with suppress(PhotoUnreadable):
        check_segments(data)
    assert time.process_time() - started < most


def _before_first_scan(data: bytes, addition: bytes) -> bytes:
    start = data.index(b"\xff\xdb")
    return data[:start] + addition + data[start:]


@limited(0.5)
@pytest.mark.parametrize(
    ("addition", "reason"),
    [
        (b"\xff" * 19_000_000, "65536 fill bytes"),
        (b"\x00" * 19_000_000, "65536 fill bytes"),
        (b"\xff\x00" * 9_000_000, "65536 fill bytes"),
        ((b"\xff\xdb\xff\xfd" + (b"\x00" + b"\x01" * 64) * 1008 + b"\x00") * 250, "65536 bytes in segments of type"),
        ((b"\xff\xed\xff\xfe" + b"Photoshop 3.0\x00" + b"8BIM" * 16379 + b"  ") * 250, "1000000 bytes in segments"),
        ((b"\xff\xe1\xff\xfe" + b"Exif\x00\x00".ljust(65532, b"\x00")) * 250, "8000000 bytes in segments"),
    ],
)
def test_what_pillow_reads_in_loops_is_limited(addition: bytes, reason: str, most: float) -> None:
    # GIVEN nearly 20 MB ahead of the first scan, which takes Pillow up to 8 s
    data = _before_first_scan(jpeg(), addition)
    # WHEN opened THEN it is rejected at once
    started = time.process_time()
    with pytest.raises(PhotoUnreadable, match=f"more than {reason}"):
        read(data)
    assert time.process_time() - started < most


def test_scans_count_by_their_megapixels() -> None:
    # GIVEN 20 scans of what claims to be 64 MP
    data = bytearray(_with_scans(20))
    start = data.index(b"\xff\xc2") + 5
    data[start : start + 4] = (8000).to_bytes(2) + (8000).to_bytes(2)
    # WHEN opened THEN it is rejected, although 20 scans of a smaller photo are not
    with pytest.raises(PhotoUnreadable, match="more than 12 scans of 64 MP"):
        read(bytes(data))
    assert read(_with_scans(20)).width == 64


def test_pixels_in_one_scan_are_not_kept_whole_and_what_is_harmless_is_allowed() -> None:
    for data, is_buffered in ((jpeg(), False), (jpeg(progressive=True), True)):
        assert check_segments(data) is is_buffered
        # AND images after the first do not count, nor do a few fill bytes
        assert read(_before_first_scan(data, b"\xff" * 1000) + jpeg() * 100).width == 400


def with_late(data: bytes, *chunks: bytes) -> bytes:
    """Return a PNG with more chunks between its pixels and its end."""
    end = data.rindex(b"IEND") - 4
    return data[:end] + b"".join(chunks) + data[end:]


@limited(0.5)
def test_a_png_with_a_million_empty_chunks_is_rejected_at_once(most: float) -> None:
    # GIVEN 19 MB of chunks, which take Pillow 3 s
    for kind in (b"IDAT", b"tEXt", b"prIv"):
        data = with_late(encoded(scene(), "PNG"), png_chunk(kind) * 1_600_000)
        started = time.process_time()
        # WHEN opened THEN it is rejected after a look at the first chunks
        with pytest.raises(PhotoUnreadable, match="more than 20000 chunks; save it again"):
            open_photo(data, PhotoLimits())
        assert time.process_time() - started < most


def test_a_png_in_as_many_chunks_as_the_smallest_that_encoders_write_is_accepted() -> None:
    # GIVEN 5,000 chunks, as many as 20 MB in chunks of 4 kB have
    data = encoded(noise(1000, 667), "PNG", compress_level=0)
    start, end = data.index(b"IDAT") - 4, data.rindex(b"IEND") - 4
    pixels = b"".join(bytes(each)[8:-4] for each in batched(data[start:end], 65536 + 12, strict=False))
    small = b"".join(png_chunk(b"IDAT", bytes(each)) for each in batched(pixels, 400, strict=False))
    photo = open_photo(data[:start] + small + data[end:], PhotoLimits())
    assert np.array_equal(photo.pixels(64), open_photo(data, PhotoLimits()).pixels(64))


def test_exif_behind_the_pixels_is_read_without_decoding_them() -> None:
    # GIVEN EXIF at the end of a file whose pixels are damaged
    tiff = exif(SYDNEY, orientation=6).tobytes().removeprefix(b"Exif\x00\x00")
    data = encoded(scene(), "PNG")
    at = data.index(b"IDAT") + 10
    damaged = with_late(data[:at] + b"\x00\x00" + data[at + 2 :], png_chunk(b"eXIf", tiff))
    # WHEN opened THEN the position is there
    photo = open_photo(damaged, PhotoLimits())
    location = location_from_gps(photo.gps)
    assert location is not None
    assert round(location.latitude) == -34
    assert photo.orientation == 6


def test_exif_as_text_is_read_wherever_it_is() -> None:
    raw = exif(SYDNEY).tobytes()
    lines = "\n".join(raw.hex()[at : at + 72] for at in range(0, len(raw.hex()), 72))
    text = b"Raw profile type exif\x00" + f"\nexif\n{len(raw):8}\n{lines}\n".encode()
    photo = open_photo(with_late(encoded(scene(), "PNG"), png_chunk(b"tEXt", text)), PhotoLimits())
    assert location_from_gps(photo.gps) is not None
    # AND a file whose metadata come first is not copied
    data = encoded(scene(), "PNG", exif=exif(SYDNEY))
    assert with_metadata_first(data) is data


@limited(0.2)
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_with_millions_of_strips_is_rejected_at_once(order: str, most: float) -> None:
    # GIVEN 4.9 million offsets of strips, which would take Pillow seconds
    number = 4_900_000
    header = tiff_header(order, t273=(number, 200), t279=(number, 200))
    data = header.ljust(200, b"\x00") + bytes(4 * number)
    # WHEN opened THEN it is rejected by its directory
    started = time.process_time()
    with pytest.raises(PhotoUnreadable, match="has a list of 4900000 values, but at most 200000 are read"):
        open_photo(data, PhotoLimits())
    assert time.process_time() - started < most


def test_a_large_profile_is_no_list() -> None:
    photo = open_photo(encoded(scene(), "TIFF", icc_profile=bytes(1_000_000), exif=exif()), PhotoLimits())
    assert photo.pixels(16).shape == (16, 16, 3)


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": exif(SYDNEY, orientation=8)}])
def test_the_header_of_a_webp_has_its_size_and_exif(options: dict[str, object]) -> None:
    data = encoded(scene(401, 299), "WEBP", **options)
    assert read_webp_header(data).size == (401, 299)
    photo = read(data)
    assert (location_from_gps(photo.gps) is not None, photo.orientation) == (
        (True, 8) if "exif" in options else (False, 1)
    )


def test_an_orientation_in_xmp_counts() -> None:
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    data = encoded(scene(), "WEBP", xmp=xmp)
    assert open_photo(data, PhotoLimits()).orientation == 6
    # AND behind a chunk of an odd length, which a zero fills up
    assert read_webp_header(data[:30] + b"odd \x03\0\0\0abc\0" + data[30:]).xmp == xmp


def test_a_header_without_a_size_is_invalid() -> None:
    with pytest.raises(PhotoUnreadable, match=r"the WebP photo has an invalid header \(no size\)"):
        open_photo(b"RIFF\x00\x00\x00\x00WEBPVP9 " + bytes(40), PhotoLimits())


@pytest.mark.parametrize("options", [{}, {"exif": exif(SYDNEY, taken="2026:05:02 06:00:00")}, {"progressive": True}])
def test_the_first_bytes_of_a_jpeg_say_what_the_whole_does(options: dict[str, Any]) -> None:
    # GIVEN a photo with a thumbnail's worth of other data before its picture
    data = jpeg(**options, comment=b"x" * 20_000)
    whole = PhotoFacts.read(data, PhotoLimits())
    # WHEN its beginning is read THEN size, place and time are those of the whole
    found = PhotoFacts.of_header(data[:30_000])
    assert whole is not None
    assert found is not None
    assert replace(found, size_in_bytes=len(data)) == whole
    assert PhotoFacts.of_header(data[:10_000]) is None

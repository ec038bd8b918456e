"""Bytes that are costly to decode are refused before a decoder sees them."""

import time
from contextlib import suppress
from dataclasses import replace
from itertools import batched
from typing import Any

import numpy as np
import pytest

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import PhotoUnreadable
from chalicelib.photo.exif import location_from_gps
from chalicelib.photo.formats import check_segments, read_webp_header, with_metadata_first
from chalicelib.photo.photos import Photo, PhotoFacts, open_photo
from tests.support.pictures import SYDNEY, encoded, exif, jpeg, noise, png_chunk, scene, tiff_header
from tests.support.processor_time import limited


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

"""PNGs of very many chunks are rejected; EXIF behind the pixels is found without decoding them."""

import struct
import time
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import PhotoUnreadable
from chalicelib.photo.decode import open_photo
from chalicelib.photo.exif import location_from_gps
from chalicelib.photo.png import with_metadata_first
from testing.pictures import SYDNEY, encoded, exif, noise, scene


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_late(data: bytes, *chunks: bytes) -> bytes:
    """Return a PNG with more chunks between its pixels and its end."""
    end = data.rindex(b"IEND") - 4
    return data[:end] + b"".join(chunks) + data[end:]


def test_a_png_with_a_million_empty_chunks_is_rejected_at_once() -> None:
    # GIVEN 19 MB of chunks, which take Pillow 3 s
    for kind in (b"IDAT", b"tEXt", b"prIv"):
        data = with_late(encoded(scene(), "PNG"), chunk(kind) * 1_600_000)
        started = time.process_time()
        # WHEN opened THEN it is rejected after a look at the first chunks
        with pytest.raises(PhotoUnreadable, match="more than 20000 chunks; save it again"):
            open_photo(data, PhotoLimits())
        assert time.process_time() - started < 0.5


def test_a_png_of_20_mb_in_small_chunks_is_accepted() -> None:
    data = encoded(noise(3000, 2000), "PNG", compress_level=0)
    start, end = data.index(b"IDAT") - 4, data.rindex(b"IEND") - 4
    pixels = b"".join(
        each[8:-4] for each in (data[start:end][at : at + 65536 + 12] for at in range(0, end - start, 65536 + 12))
    )
    small = b"".join(chunk(b"IDAT", pixels[at : at + 4096]) for at in range(0, len(pixels), 4096))
    photo = open_photo(data[:start] + small + data[end:], PhotoLimits())
    assert np.array_equal(photo.pixels(64), open_photo(data, PhotoLimits()).pixels(64))


def test_exif_behind_the_pixels_is_read_without_decoding_them() -> None:
    # GIVEN EXIF at the end of a file whose pixels are damaged
    tiff = exif(SYDNEY, orientation=6).tobytes().removeprefix(b"Exif\x00\x00")
    data = encoded(scene(), "PNG")
    at = data.index(b"IDAT") + 10
    damaged = with_late(data[:at] + b"\x00\x00" + data[at + 2 :], chunk(b"eXIf", tiff))
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
    photo = open_photo(with_late(encoded(scene(), "PNG"), chunk(b"tEXt", text)), PhotoLimits())
    assert location_from_gps(photo.gps) is not None


def test_a_png_without_late_metadata_stays_as_it_is() -> None:
    data = encoded(scene(), "PNG", exif=exif(SYDNEY))
    assert with_metadata_first(data) is data


@given(st.binary(max_size=300))
def test_any_bytes_pass_or_are_a_listed_error(data: bytes) -> None:
    with suppress(PhotoUnreadable):
        with_metadata_first(b"\x89PNG\r\n\x1a\n" + data)

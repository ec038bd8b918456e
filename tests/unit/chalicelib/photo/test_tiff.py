"""TIFFs with very long lists are rejected before Pillow makes numbers of them."""

import struct
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import PhotoUnreadable
from chalicelib.photo.decode import open_photo
from chalicelib.photo.tiff import check_directory
from testing.pictures import encoded, exif, scene


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_with_millions_of_strips_is_rejected_at_once(order: str) -> None:
    # GIVEN 4.9 million offsets of strips, which would take Pillow seconds
    number = 4_900_000
    entries = {256: 100, 257: 100, 258: 8, 259: 1, 262: 1, 277: 1}
    fields = b"".join(struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in entries.items())
    fields += struct.pack(order + "HHII", 273, 4, number, 200) + struct.pack(order + "HHII", 279, 4, number, 200)
    mark = b"II*\x00" if order == "<" else b"MM\x00*"
    header = mark + struct.pack(order + "IH", 8, len(entries) + 2) + fields + bytes(4)
    data = header.ljust(200, b"\x00") + bytes(4 * number)
    # WHEN opened THEN it is rejected by its directory
    started = time.process_time()
    with pytest.raises(PhotoUnreadable, match="has a list of 4900000 values, but at most 200000 are read"):
        open_photo(data, PhotoLimits())
    assert time.process_time() - started < 0.2


def test_a_large_profile_is_no_list() -> None:
    photo = open_photo(encoded(scene(), "TIFF", icc_profile=bytes(1_000_000), exif=exif()), PhotoLimits())
    assert photo.pixels(16).shape == (16, 16, 3)


@given(st.binary(max_size=300))
def test_any_bytes_pass_or_are_a_listed_error(data: bytes) -> None:
    for mark in (b"II*\x00", b"MM\x00*"):
        with suppress(PhotoUnreadable):
            check_directory(mark + data)

"""JPEGs that are too costly to decode are rejected; those of encoders and cameras are accepted."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import PhotoUnreadable
from chalicelib.photo.decode import Limits, Photo, open_photo
from chalicelib.photo.jpeg import check_segments
from testing.pictures import encoded, jpeg, scene


def read(data: bytes) -> Photo:
    return open_photo(data, Limits())


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


def test_images_after_the_first_are_not_counted() -> None:
    for first in (jpeg(), jpeg(progressive=True)):
        assert read(first + jpeg() * 100).width == 400


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_damage_passes_or_is_a_listed_error(damage: bytes, where: int) -> None:
    data = jpeg(64, 64)
    with suppress(PhotoUnreadable):
        check_segments(data[:where] + damage + data[where:])


@pytest.mark.parametrize("piece", [b"\xff\xda", b"\xff\xc4\x00\x00", b"\xff\x01", b"\xff", b"\xff\x00"])
def test_the_check_is_fast_for_any_bytes(piece: bytes) -> None:
    # GIVEN as many bytes as are accepted WHEN checked THEN in little processor time
    data = b"\xff\xd8" + piece * (20_000_000 // len(piece))
    started = time.process_time()
    with suppress(PhotoUnreadable):
        check_segments(data)
    assert time.process_time() - started < 2

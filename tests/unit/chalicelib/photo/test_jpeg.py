"""JPEGs that are too costly to decode are rejected; those of encoders and cameras are accepted."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import PhotoUnreadable
from chalicelib.photo.decode import Photo, open_photo
from chalicelib.photo.jpeg import check_segments
from testing.pictures import encoded, jpeg, scene


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


def _before_first_scan(data: bytes, addition: bytes) -> bytes:
    start = data.index(b"\xff\xdb")
    return data[:start] + addition + data[start:]


@pytest.mark.parametrize(
    ("addition", "reason"),
    [
        (b"\xff" * 19_000_000, "65536 fill bytes"),
        (b"\x00" * 19_000_000, "65536 fill bytes"),
        (b"\xff\x00" * 9_000_000, "65536 fill bytes"),
        (
            (b"\xff\xdb\xff\xfd" + (b"\x00" + b"\x01" * 64) * 1008 + b"\x00") * 250,
            "65536 bytes in segments of type 0xdb",
        ),
        ((b"\xff\xed\xff\xfe" + b"Photoshop 3.0\x00" + b"8BIM" * 16379 + b"  ") * 250, "1000000 bytes in segments"),
        ((b"\xff\xe1\xff\xfe" + b"Exif\x00\x00".ljust(65532, b"\x00")) * 250, "8000000 bytes in segments"),
    ],
)
def test_what_pillow_reads_in_loops_is_limited(addition: bytes, reason: str) -> None:
    # GIVEN nearly 20 MB ahead of the first scan, which takes Pillow up to 8 s
    data = _before_first_scan(jpeg(), addition)
    # WHEN opened THEN it is rejected at once
    started = time.process_time()
    with pytest.raises(PhotoUnreadable, match=f"more than {reason}"):
        read(data)
    assert time.process_time() - started < 0.5


def test_a_few_fill_bytes_are_allowed() -> None:
    assert read(_before_first_scan(jpeg(), b"\xff" * 1000)).pixels(16).shape == (16, 16, 3)


def test_scans_count_by_their_megapixels() -> None:
    # GIVEN 20 scans of what claims to be 64 MP
    data = bytearray(_with_scans(20))
    start = data.index(b"\xff\xc2") + 5
    data[start : start + 4] = (8000).to_bytes(2) + (8000).to_bytes(2)
    # WHEN opened THEN it is rejected, although 20 scans of a smaller photo are not
    with pytest.raises(PhotoUnreadable, match="more than 12 scans of 64 MP"):
        read(bytes(data))
    assert read(_with_scans(20)).width == 64


def test_pixels_in_one_scan_are_not_kept_whole() -> None:
    assert check_segments(jpeg()) is False
    assert check_segments(jpeg(progressive=True)) is True

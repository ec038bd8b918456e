"""Size and EXIF of a WebP photo are read from its container, without its decoder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import PhotoUnreadable
from chalicelib.photo.decode import open_photo
from chalicelib.photo.exif import location_from_gps
from chalicelib.photo.webp import read_header
from testing.pictures import SYDNEY, encoded, exif, scene


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": exif(SYDNEY)}])
def test_the_size_is_in_the_first_chunk(options: dict[str, object]) -> None:
    assert read_header(encoded(scene(401, 299), "WEBP", **options)).size == (401, 299)


def test_position_and_orientation_are_read_before_the_photo_is_decoded() -> None:
    photo = open_photo(encoded(scene(), "WEBP", exif=exif(SYDNEY, orientation=8)), PhotoLimits())
    assert location_from_gps(photo.gps) is not None
    assert photo.orientation == 8


def test_an_orientation_in_xmp_counts() -> None:
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    assert open_photo(encoded(scene(), "WEBP", xmp=xmp), PhotoLimits()).orientation == 6


def test_a_header_without_a_size_is_invalid() -> None:
    with pytest.raises(PhotoUnreadable, match=r"the WebP photo has an invalid header \(no size\)"):
        open_photo(b"RIFF\x00\x00\x00\x00WEBPVP9 " + bytes(40), PhotoLimits())


@given(st.binary(max_size=300))
def test_any_bytes_have_a_header(data: bytes) -> None:
    width, height = read_header(b"RIFF\x10\x00\x00\x00WEBP" + data).size
    assert width >= 0
    assert height >= 0

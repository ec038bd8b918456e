"""The format of a photo comes from its first bytes."""

import pytest

from chalicelib.errors import UnsupportedMediaType
from chalicelib.photo.format import ENOUGH, detect_format
from testing.pictures import encoded, noise


@pytest.mark.parametrize(
    ("name", "pillow_name"), [("JPEG", "JPEG"), ("PNG", "PNG"), ("WebP", "WEBP"), ("TIFF", "TIFF")]
)
def test_the_first_bytes_are_enough(name: str, pillow_name: str) -> None:
    assert detect_format(encoded(noise(64, 48), pillow_name)[:ENOUGH]) == name


def test_heic_is_found_by_any_of_its_brands() -> None:
    box = b"ftyp" + b"mif1" + b"\0\0\0\0" + b"mif1heic"
    assert detect_format((len(box) + 4).to_bytes(4, "big") + box) == "HEIC"


@pytest.mark.parametrize("data", [b"", b"hello", b"RIFF....WAVE", b"\0\0\0\x14ftypisom\0\0\0\0isom"])
def test_anything_else_is_no_photo(data: bytes) -> None:
    with pytest.raises(UnsupportedMediaType, match="send JPEG, PNG, WebP, HEIC or TIFF"):
        detect_format(data)

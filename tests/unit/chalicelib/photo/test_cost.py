"""The memory of decoding is estimated from the header: `benchmarks.decode` compares it with the measured peaks."""

from typing import Any

import pytest
from PIL import Image

from chalicelib.config.settings import PhotoLimits
from chalicelib.photo.decode import Photo, open_photo
from testing.pictures import encoded, noise, scene

FIXED = 8_000_000
SIZE = 260


def photo_of(kind: str, mode: str = "RGB", width: int = 0, height: int = 0, **options: Any) -> Photo:
    width, height = (width, height) if width else (1600, 1200) if kind == "JPEG" else (400, 304)
    return open_photo(encoded(noise(width, height).convert(mode), kind, **options), PhotoLimits())


def bytes_per_pixel(photo: Photo) -> float:
    return (photo.decode_bytes(SIZE) - FIXED) / (photo.width * photo.height)


@pytest.mark.parametrize(
    ("kind", "mode", "options", "expected"),
    [
        ("JPEG", "RGB", {}, 1),  # decoded at half its size
        ("JPEG", "CMYK", {}, 2),
        ("JPEG", "RGB", {"progressive": True}, 4),  # and 1.5 coefficients per pixel, of two bytes
        ("JPEG", "RGB", {"progressive": True, "subsampling": 0}, 7),
        ("PNG", "RGB", {}, 4),
        ("PNG", "L", {}, 1),
        ("PNG", "P", {}, 5),
        ("PNG", "RGBA", {}, 8),
        ("PNG", "RGB", {"transparency": (0, 0, 0)}, 12),
        ("WEBP", "RGB", {"quality": 1}, 18),
        ("WEBP", "RGB", {"lossless": True, "quality": 0, "method": 0}, 18),
        ("HEIF", "RGB", {"quality": 10}, 8),
        ("HEIF", "RGB", {"quality": 10, "chroma": 444}, 10),
        ("HEIF", "RGBA", {"quality": 10}, 9),
    ],
)
def test_each_format_costs_its_bytes_per_pixel(kind: str, mode: str, options: dict[str, Any], expected: float) -> None:
    assert bytes_per_pixel(photo_of(kind, mode, **options)) == pytest.approx(expected, abs=0.01)


def test_a_narrow_jpeg_is_not_decoded_smaller() -> None:
    assert bytes_per_pixel(photo_of("JPEG", width=4000, height=160)) == pytest.approx(4, abs=0.01)


def test_a_jpeg_in_several_scans_is_kept_whole_even_if_it_is_not_progressive() -> None:
    # GIVEN a baseline JPEG whose first scan has one of its three components
    data = encoded(noise(1600, 1200), "JPEG")
    start = data.index(b"\xff\xda")
    photo = open_photo(data[:start] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + bytes(8), PhotoLimits())
    # THEN its coefficients count
    assert bytes_per_pixel(photo) == pytest.approx(4, abs=0.01)


def test_a_tiff_costs_the_image_its_rotation_and_one_strip() -> None:
    # GIVEN strips of a few rows, upright and rotated
    turned = Image.Exif()
    turned[0x0112] = 6
    upright = photo_of("TIFF", compression="tiff_lzw")
    rotated = photo_of("TIFF", compression="tiff_lzw", exif=turned)
    # THEN rotating takes another copy
    assert 4 < bytes_per_pixel(upright) < 5
    assert bytes_per_pixel(rotated) - bytes_per_pixel(upright) == pytest.approx(4, abs=0.1)


def test_a_tiff_in_one_strip_costs_the_strip_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.TiffImagePlugin.STRIP_SIZE", 2**31)
    photo = photo_of("TIFF", compression="tiff_adobe_deflate")
    assert bytes_per_pixel(photo) == pytest.approx(8, abs=0.1)


def test_a_small_photo_costs_the_fixed_part() -> None:
    assert open_photo(encoded(scene(16, 16), "PNG"), PhotoLimits()).decode_bytes(SIZE) == pytest.approx(FIXED, rel=0.01)

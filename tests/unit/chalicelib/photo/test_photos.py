"""Photos: what cameras write becomes upright RGB; anything else becomes an error, at little cost."""

import struct
import tracemalloc
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import PhotoTooLarge, PhotoUnreadable
from chalicelib.photo.photos import Photo, open_photo
from tests.support.pictures import (
    BLUE,
    GREEN,
    GREY,
    RED,
    encoded,
    exif,
    jpeg,
    noise,
    png_chunk,
    scene,
    tiff_header,
)

LIMITS = PhotoLimits(max_bytes=8_000_000, max_megapixels=4)
FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"]


def read(data: bytes) -> Photo:
    return open_photo(data, LIMITS)


def corners(pixels: NDArray[np.uint8]) -> list[tuple[int, ...]]:
    """Return the colours inside the quarters: top left, top right, bottom left, bottom right."""
    size = len(pixels)
    near, far = size // 8, size - size // 8
    return [tuple(map(int, pixels[y, x])) for y, x in ((near, near), (near, far), (far, near), (far, far))]


def assert_upright(pixels: NDArray[np.uint8], tolerance: int = 12) -> None:
    assert pixels.dtype == np.uint8
    for found, expected in zip(corners(pixels), [RED, GREEN, BLUE, GREY], strict=True):
        assert np.abs(np.subtract(found, expected)).max() <= tolerance


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", FORMATS)
def test_every_orientation_becomes_upright(kind: str, orientation: int) -> None:
    # GIVEN the scene as a rotated camera stores it
    turn = Image.Transpose
    turns = turn.FLIP_LEFT_RIGHT, turn.ROTATE_180, turn.FLIP_TOP_BOTTOM, turn.TRANSPOSE, turn.ROTATE_90, turn.TRANSVERSE
    stored = scene().transpose((*turns, turn.ROTATE_270)[orientation - 2]) if orientation > 1 else scene()
    # WHEN read with the orientation tag; THEN it is upright
    assert_upright(read(encoded(stored, kind, exif=exif(orientation=orientation))).pixels(64))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(orientation: int) -> None:
    assert_upright(read(jpeg(exif=exif(orientation=orientation))).pixels(64))


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        *(("L", "JPEG"), ("CMYK", "JPEG"), ("CMYK", "TIFF"), ("L", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("1", "PNG")),
        *(("RGBA", "PNG"), ("RGBA", "WEBP"), ("RGBA", "TIFF"), ("LAB", "TIFF"), ("YCbCr", "TIFF")),
    ],
)
def test_every_colour_mode_becomes_rgb(mode: str, kind: str) -> None:
    # GIVEN the scene in another mode; WHEN read
    image = scene()
    converted = image.convert("RGB").convert(mode) if mode != "LAB" else _lab(image)
    pixels = read(encoded(converted, kind)).pixels(64)
    # THEN the red quarter is as it looks in that mode
    expected = image.convert("L").convert("RGB") if mode in ("L", "LA", "1") else image
    assert pixels.shape == (64, 64, 3)
    if mode != "1":
        assert np.abs(np.subtract(corners(pixels)[0], np.asarray(expected)[10, 10])).max() <= 40


def _lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(image, transform)
    assert lab is not None
    return lab


RAMP = np.arange(400)[None, :] * np.ones((300, 1))


@pytest.mark.parametrize(
    ("kind", "ramp"),
    [
        ("PNG", (RAMP * 163).astype(np.uint16)),
        ("TIFF", (RAMP * 163).astype(np.uint16)),
        ("TIFF", (RAMP - 100).astype(np.int32)),
        ("TIFF", (RAMP - 100).astype(np.float32)),
    ],
    ids=lambda each: str(getattr(each, "dtype", each)),
)
def test_16_bits_and_int_and_float_pixels_are_scaled_to_8_bits(kind: str, ramp: NDArray[Any]) -> None:
    pixels = read(encoded(Image.fromarray(ramp), kind)).pixels(64)
    assert 45 < pixels[32, 0, 0] < 75  # the crop begins at a fifth of the ramp and ends at four fifths
    assert 180 < pixels[32, -1, 0] < 210


NOTHING = Image.fromarray(np.full((300, 400), np.nan, dtype=np.float32))
CLEAR = scene().convert("RGBA")
CLEAR.putalpha(0)
PALETTE = scene().quantize(8, dither=Image.Dither.NONE)


@pytest.mark.parametrize(
    ("image", "kind", "options", "level"),
    [
        (NOTHING, "TIFF", {}, 0),
        (CLEAR, "PNG", {}, 255),
        (CLEAR, "WEBP", {"lossless": True}, 255),
        (PALETTE, "PNG", {"transparency": PALETTE.getpixel((0, 0))}, 255),
    ],
    ids=["NaN is black", "transparency is white", "also in WebP", "also in a palette"],
)
def test_pixels_without_a_colour_get_one(image: Image.Image, kind: str, options: dict[str, Any], level: int) -> None:
    pixels = read(encoded(image, kind, **options)).pixels(64)
    assert np.abs(np.subtract(corners(pixels)[0], level)).max() <= 5


@pytest.mark.parametrize(
    ("kind", "options"), [("WEBP", {"lossless": True}), ("PNG", {}), ("TIFF", {}), ("HEIF", {}), ("MPO", {})]
)
def test_of_several_frames_the_first_is_read(kind: str, options: dict[str, Any]) -> None:
    other = Image.new("RGB", (400, 300), "white")
    data = encoded(scene(), kind, save_all=True, append_images=[other, other], **options)
    photo = read(data)
    assert_upright(photo.pixels(64))
    assert (photo.format == "JPEG") == (kind == "MPO")  # a multi-picture file of a camera is a JPEG


def test_the_middle_of_the_short_side_is_kept() -> None:
    # GIVEN a wide picture that is white but for its middle square
    image = Image.new("RGB", (900, 300), "white")
    image.paste("black", (300, 0, 600, 300))
    # WHEN read; THEN only the middle is seen
    assert read(encoded(image, "PNG")).pixels(260).max() <= 5


def test_a_draft_jpeg_keeps_the_pixels_of_a_full_decode() -> None:
    # GIVEN a large photo, in a format that is decoded whole and as JPEG, which is decoded smaller
    image = noise(1600, 1200)
    whole = read(encoded(image, "PNG", compress_level=0)).pixels(260).astype(int)
    draft = read(encoded(image, "JPEG", quality=95)).pixels(260).astype(int)
    # THEN both look the same
    assert np.abs(whole - draft).mean() < 2.5


@pytest.mark.parametrize("kind", FORMATS)
def test_a_photo_of_one_pixel_is_read(kind: str) -> None:
    size = 16 if kind == "HEIF" else 1
    assert read(encoded(scene(size, size), kind)).pixels(64).shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", PhotoUnreadable, "the photo is empty; send its bytes"),
        (b"\xff\xd8\xff\xe0", PhotoUnreadable, r"invalid header \(unknown data\)"),
        (b"\x89PNG\r\n\x1a\n" + bytes(10), PhotoUnreadable, "^[^<]+$"),  # no objects of the process
        (jpeg() + bytes(9_000_000), PhotoTooLarge, r"photo is 9\.0 MB, at most 8\.0 MB are read; send a smaller one"),
    ],
    ids=["empty", "four bytes of a JPEG", "the signature of PNG", "too large"],
)
def test_what_is_no_photo_says_what_is_wrong(data: bytes, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        read(data)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_photo_cut_short_is_unreadable(kind: str) -> None:
    data = encoded(noise(200, 152), kind)
    for share in (0.02, 0.3, 0.9):
        with pytest.raises(PhotoUnreadable, match="send the original file again"):
            read(data[: max(30, int(len(data) * share))]).pixels(64)


def _png_header(width: int, height: int) -> bytes:
    """Return a PNG that claims a size but has no pixels."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(bytes(1000))) + png_chunk(b"IEND")


def _webp_header(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", 10) + bytes(4) + size
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def _jpeg_header(width: int, height: int) -> bytes:
    data = bytearray(encoded(scene(16, 16), "JPEG"))
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def _tiff_header(width: int, height: int) -> bytes:
    return tiff_header(t256=(1, width), t257=(1, height), t273=(1, 8), t279=(1, 100)) + bytes(100)


@pytest.mark.parametrize("header", [_png_header, _webp_header, _jpeg_header, _tiff_header])
def test_a_bomb_costs_its_header_only(header: Any) -> None:
    # GIVEN a small file that claims 256 MP (and would take a gigabyte once decoded)
    data = header(16000, 16000)
    assert len(data) < 3000
    # WHEN opened; THEN it is rejected at once
    with pytest.raises(PhotoTooLarge, match=r"photo is 256\.0 MP, at most 4 MP are read"):
        read(data)


def test_a_photo_just_above_the_limit_is_not_said_to_be_at_it() -> None:
    # GIVEN the size of a phone's "64 MP", 64.14 million pixels
    data, limits = _jpeg_header(9248, 6936), replace(LIMITS, max_megapixels=64)
    # WHEN opened THEN the message says by how much it is too large
    with pytest.raises(PhotoTooLarge, match=r"photo is 64\.1 MP, at most 64 MP are read"):
        open_photo(data, limits)
    # AND the default admits such phones
    assert open_photo(data, PhotoLimits()).width == 9248


def test_a_small_tiff_of_a_large_tile_is_refused_by_its_header() -> None:
    # GIVEN 100 × 100 pixels in a tile of 400 MP, which would be decoded whole
    with pytest.raises(PhotoTooLarge, match=r"photo is 400\.0 MP"):
        read(tiff_header(t259=(1, 8), t322=(1, 20_000), t323=(1, 20_000), t324=(1, 8), t325=(1, 100)) + bytes(100))


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_32_bit_pixels_take_little_memory(kind: type) -> None:
    # GIVEN 2 MP, 8 MB as 32-bit numbers
    data = encoded(Image.fromarray(np.tile(np.arange(2000, dtype=kind), (1000, 1))), "TIFF")
    tracemalloc.start()
    try:
        # WHEN read THEN numpy holds the pixels, the 8-bit result and one band in float64, not all pixels in float64
        pixels = open_photo(data, PhotoLimits()).pixels(64)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 35_000_000
    assert pixels[0, 0, 0] < 128 < pixels[0, -1, 0]


@given(st.binary(max_size=200))
def test_any_bytes_as_exif_leave_a_readable_photo(data: bytes) -> None:
    photo = read(jpeg(80, 60, exif=b"Exif\x00\x00II*\x00" + data))
    assert photo.pixels(16).shape == (16, 16, 3)


def test_a_type_error_of_the_decoder_is_not_quoted() -> None:
    # GIVEN an interlaced PNG that is cut short, with EXIF after its pixels: Pillow's own search for EXIF would decode
    # it, and decoding it again would raise a TypeError about Pillow's own arguments
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 1))
    data = b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(bytes(1000)))
    data += png_chunk(b"eXIf", b"II*\x00") + png_chunk(b"IEND")
    # WHEN it is decoded; THEN the error says that it is damaged, without the TypeError
    with pytest.raises(PhotoUnreadable) as caught:
        open_photo(data, PhotoLimits()).pixels(64)
    assert "argument" not in caught.value.detail
    assert "image file is truncated" in caught.value.detail

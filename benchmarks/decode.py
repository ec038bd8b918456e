"""The memory and time that decoding a photo takes, by format, compared with the memory reserved for it.

Each format is decoded in a process of its own, because Python and the decoders keep freed memory for reuse.
"""

import io
import sys
from time import perf_counter
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image, TiffImagePlugin

from benchmarks.measure import forget_peak, in_new_process, megabytes, options, table
from chalicelib.config.settings import PhotoLimits
from chalicelib.photo.photos import open_photo
from chalicelib.photo.pixels import Area
from tests.support.pictures import encoded, noise

SIZE = 260
"""Side of the model's input in pixels."""
DETECTOR_SIZE = 416
"""Side of the detector's input in pixels. Its image counts for the memory, but not for the time: only boxes need it."""
LIMITS = PhotoLimits(max_bytes=10**10, max_megapixels=1e6, max_seconds=600)


def photos(megapixels: float) -> dict[str, Any]:
    """Return a function for each format, by its name. The function encodes a photo of about `megapixels`."""
    width = int((megapixels * 1e6 * 4 / 3) ** 0.5) // 16 * 16
    height = width * 3 // 4 // 16 * 16
    image = noise(width, height)
    grey = np.asarray(image.convert("L"))
    alpha = image.convert("RGBA")
    alpha.putalpha(200)
    turned = Image.Exif()
    turned[0x0112] = 6
    return {
        "JPEG": lambda: encoded(image, "JPEG", quality=90),
        "JPEG, narrow": lambda: encoded(noise(14 * width // 16 * 16, height // 14 // 16 * 16), "JPEG", quality=90),
        "JPEG, CMYK": lambda: encoded(image.convert("CMYK"), "JPEG", quality=90),
        "JPEG, progressive": lambda: encoded(image, "JPEG", quality=90, progressive=True),
        "JPEG, progressive 4:4:4": lambda: encoded(image, "JPEG", quality=90, progressive=True, subsampling=0),
        "PNG": lambda: encoded(image, "PNG", compress_level=1),
        "PNG, grey": lambda: encoded(image.convert("L"), "PNG", compress_level=1),
        "PNG, palette": lambda: encoded(image.quantize(64), "PNG", compress_level=1),
        "PNG, transparency": lambda: encoded(alpha, "PNG", compress_level=1),
        "PNG, 16-bit grey": lambda: encoded(Image.fromarray(grey.astype(np.uint16) * 257), "PNG", compress_level=1),
        "TIFF": lambda: encoded(image, "TIFF"),
        "TIFF, LZW, rotated": lambda: encoded(image, "TIFF", compression="tiff_lzw", exif=turned),
        "TIFF, one strip": lambda: _in_one_strip(alpha),
        "TIFF, float": lambda: encoded(Image.fromarray(grey.astype(np.float32)), "TIFF"),
        "WebP": lambda: encoded(image, "WEBP", quality=80, method=0),
        "WebP, transparency": lambda: encoded(alpha, "WEBP", quality=80, method=0),
        "WebP, lossless": lambda: encoded(image, "WEBP", lossless=True, method=0, quality=0),
        "HEIC": lambda: encoded(image, "HEIF", quality=50),
        "HEIC, 4:4:4": lambda: encoded(image, "HEIF", quality=50, chroma=444),
        "HEIC, 10-bit": lambda: _ten_bit_heic(image, 420),
        "HEIC, 10-bit 4:4:4": lambda: _ten_bit_heic(image, 444),
        "HEIC, 10-bit 4:4:4 with transparency": lambda: _ten_bit_heic(alpha, 444),
        "HEIC, transparency": lambda: encoded(alpha, "HEIF", quality=50),
    }


def _in_one_strip(image: Image.Image) -> bytes:
    usual, TiffImagePlugin.STRIP_SIZE = TiffImagePlugin.STRIP_SIZE, 2**31
    try:
        return encoded(image, "TIFF", compression="tiff_adobe_deflate")
    finally:
        TiffImagePlugin.STRIP_SIZE = usual


def _ten_bit_heic(image: Image.Image, chroma: int) -> bytes:
    deep = (np.asarray(image).astype(np.uint16) * 257).tobytes()
    buffer = io.BytesIO()
    pillow_heif.from_bytes(f"{image.mode};16", image.size, deep).save(buffer, quality=50, chroma=chroma)
    return buffer.getvalue()


def measure(data: bytes) -> tuple[float, int, float, float]:
    """Decode a photo in this process. Return its megapixels, the reserved bytes, the bytes used, and the seconds."""
    for kind in ("JPEG", "PNG", "TIFF", "WEBP", "HEIF"):  # imports and tables of the decoders are not the photo's
        open_photo(encoded(noise(64, 64), kind), LIMITS).pixels(SIZE)
    forget_peak()
    before = megabytes("VmHWM")
    started = perf_counter()
    photo = open_photo(data, LIMITS)
    reserved = photo.decode_bytes(SIZE)
    picture = photo.decode(SIZE)
    picture.square(SIZE)
    seconds = perf_counter() - started
    picture.whole(DETECTOR_SIZE)
    picture.around(Area(0, 0, 1, 1), SIZE)
    return photo.width * photo.height / 1e6, reserved, (megabytes("VmHWM") - before) * 1e6, seconds


def main() -> int:
    """Print a table of memory and time by format. Return 1 if a photo takes more memory than is reserved for it."""
    size, only = (16.0, "size of the photos in megapixels"), (str, "measure only formats whose name contains this text")
    chosen = options(__doc__, megapixels=size, only=only)
    rows, exceeded = [], False
    for name, encode in photos(chosen.megapixels).items():
        if (chosen.only or "") in name:
            megapixels, reserved, peak, seconds = in_new_process(measure, encode())
            exceeded |= peak > reserved
            figures = peak / megapixels / 1e6, reserved / megapixels / 1e6, seconds * 1e3 / megapixels
            rows.append([name, *map("{:.1f}".format, figures[:2]), f"{figures[2]:.0f}"])
            print(f"{name}: done", file=sys.stderr)
    print(table(rows, ["format", "bytes per pixel", "reserved", "ms per MP"]))
    return int(exceeded)


if __name__ == "__main__":
    sys.exit(main())

"""Synthetic photos for tests, in every format and with any EXIF data."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

GREY, RED, GREEN, BLUE = (90, 90, 90), (200, 40, 40), (40, 180, 60), (40, 60, 200)
SYDNEY: dict[int, Any] = {
    GPS.GPSLatitudeRef: "S",
    GPS.GPSLatitude: (33.0, 52.0, 7.68),
    GPS.GPSLongitudeRef: "E",
    GPS.GPSLongitude: (151.0, 12.0, 33.48),
}


def scene(width: int = 400, height: int = 300) -> Image.Image:
    """Return a picture with one red, green, blue and grey quarter, so that a test can detect each orientation."""
    image = Image.new("RGB", (width, height), GREY)
    image.paste(RED, (0, 0, width // 2, height // 2))
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    return image


def noise(width: int, height: int, seed: int = 7) -> Image.Image:
    """Return soft noise, which compresses like a photo."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC)


def exif(gps: dict[int, Any] | None = None, orientation: int | None = None, taken: str = "") -> Image.Exif:
    """Return EXIF data with GPS tags, orientation, and the time when the photo was taken."""
    data = Image.Exif()
    data[Base.Software] = "Faunalens tests"
    if orientation is not None:
        data[Base.Orientation] = orientation
    if taken:
        data.get_ifd(IFD.Exif)[Base.DateTimeOriginal] = taken
    if gps:
        data.get_ifd(IFD.GPSInfo).update(gps)
    return data


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the image encoded in a format, such as JPEG or HEIF."""
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    if "exif" in options and isinstance(options["exif"], Image.Exif):  # some encoders accept it only as bytes
        options["exif"] = options["exif"].tobytes()
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(width: int = 400, height: int = 300, **options: Any) -> bytes:
    return encoded(scene(width, height), "JPEG", quality=95, **options)


def png_chunk(kind: bytes, data: bytes = b"") -> bytes:
    """Return a chunk of a PNG, with its length and its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def tiff_header(order: str = "<", **lists: tuple[int, int]) -> bytes:
    """Return the start of a TIFF of 100 × 100 pixels. `lists`: count and value of other tags, such as `t273=(1, 8)`."""
    tags = {256: (1, 100), 257: (1, 100), 258: (1, 8), 259: (1, 1), 262: (1, 1), 277: (1, 1)}
    tags |= {int(name[1:]): entry for name, entry in lists.items()}
    fields = b"".join(struct.pack(order + "HHII", tag, 4, *tags[tag]) for tag in sorted(tags))
    return (b"II*\x00" if order == "<" else b"MM\x00*") + struct.pack(order + "IH", 8, len(tags)) + fields + bytes(4)

"""Bytes to an upright RGB image: formats, decoding and its memory, EXIF, quality."""

"""A setting of glibc's memory allocator, for processes that decode photos in threads."""

import ctypes

_M_MMAP_THRESHOLD = -3  # malloc.h
_LARGE = 2**20
"""Smallest size of a large block, in bytes. Decoded photos are larger. Requests per second were the same with 256 KB
and with 4 MB."""


def return_large_blocks() -> bool:
    """Make `free` return large blocks to the system at once. Return false if the C library cannot do that.

    By default, glibc keeps freed blocks for later in one heap per thread, and raises the size of a large block after
    the first one. After 64 clients, the process kept 130 MB by default, and 12 MB with this setting
    (`python -m benchmarks.attacks`).
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE))
    except (AttributeError, OSError, TypeError):  # another C library, as on macOS and Alpine
        return False

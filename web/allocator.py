"""Settings of glibc's memory allocator, for a process with threads that decode photos."""

import ctypes

_M_MMAP_THRESHOLD = -3  # malloc.h
_LARGE = 2**20
"""Bytes. The images of photos are larger; 256 KB and 4 MB made no difference to requests per second."""


def return_large_blocks() -> bool:
    """Make `free` return large blocks to the system at once. Return whether the C library can do so.

    By default, glibc raises its threshold after the first large block and then keeps such blocks for later, in a heap
    for each thread: 64 clients left 130 MB, and with this setting 12 MB (`python -m benchmarks.attacks`).
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE))
    except (AttributeError, OSError, TypeError):  # another C library, as on macOS and Alpine
        return False

"""Settings of glibc's memory allocator for processes that decode photos in threads."""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_LARGE = 4 * 2**20
"""Bytes. Pillow stores a large image in blocks of 16 MB. Mapping and unmapping smaller blocks takes too long: with
1 MB, a photo of 12 MP took 10 % more processor time."""
_KEPT = 16 * 2**20
"""Bytes that may stay free at the top of a heap."""


def return_large_blocks() -> bool:
    """Make `free` give large blocks back to the system at once. Return whether the C library can do so.

    By default, glibc raises its threshold after the first large block and then keeps such blocks for later, in a heap
    for each thread: 16 PNGs of 64 MP left 518 MB, and with this setting 1 MB (`python -m benchmarks.attacks`).
    """
    return _call("mallopt", _M_MMAP_THRESHOLD, _LARGE) and _call("mallopt", _M_TRIM_THRESHOLD, _KEPT)


def return_free_memory() -> bool:
    """Give all free memory of the heap back to the system. Return whether there was any. Takes some milliseconds.

    `free` alone keeps small blocks: bodies arrive in small parts, and those of many clients fragment the heap.
    """
    return _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> bool:
    try:
        return bool(getattr(ctypes.CDLL(None), name)(*arguments))
    except (AttributeError, OSError, TypeError):  # another C library, as on macOS and Alpine
        return False

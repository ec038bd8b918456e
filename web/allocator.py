"""Settings of glibc's memory allocator for processes that decode photos in threads."""

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
    return _call("mallopt", _M_MMAP_THRESHOLD, _LARGE)


def return_free_memory() -> bool:
    """Return all free memory to the system. Return whether there was any. Takes some milliseconds.

    Bodies arrive in parts that are smaller than a large block, and many clients fragment the heap.
    """
    return _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> bool:
    try:
        return bool(getattr(ctypes.CDLL(None), name)(*arguments))
    except (AttributeError, OSError, TypeError):  # another C library, as on macOS and Alpine
        return False

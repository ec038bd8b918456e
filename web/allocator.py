"""glibc's memory allocator, in a process whose threads decode photos: freed memory returns to the system."""

import ctypes

_M_MMAP_THRESHOLD = -3  # malloc.h
_LARGE = 2**20
"""Bytes. The images of photos are larger; 256 KB and 4 MB made no difference to requests per second."""


def return_large_blocks() -> bool:
    """Make `free` return large blocks to the system at once. Return whether the C library can do so.

    By default, glibc raises its threshold after the first large block and then keeps such blocks for later, in a heap
    for each thread: 64 clients left 130 MB, and with this setting 12 MB (`python -m benchmarks.attacks`).
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

"""Settings of glibc's memory allocator for processes that decode photos in threads."""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_LARGE = 4 * 2**20
"""Size in bytes from which a block is large. Pillow stores a large image in blocks of 16 MB. A smaller value costs time
for mapping and unmapping blocks: with 1 MB, a photo of 12 MP took 10 % more processor time."""
_KEPT = 16 * 2**20
"""Bytes that may stay free at the top of a heap."""


def return_large_blocks() -> bool:
    """Make `free` give large blocks back to the system at once. Return whether the C library can do so.

    By default, glibc raises its threshold for large blocks when the first one is freed. After that, each thread's heap
    keeps freed blocks for reuse. After 16 PNGs of 64 MP, the process kept 518 MB; with this setting it keeps 1 MB
    (`python -m benchmarks.attacks`).
    """
    return _call("mallopt", _M_MMAP_THRESHOLD, _LARGE) and _call("mallopt", _M_TRIM_THRESHOLD, _KEPT)


def return_free_memory() -> bool:
    """Give all free memory of the heaps back to the system. Return whether there was any. Takes a few milliseconds.

    `free` does not give small blocks back. Request bodies arrive in small parts, so many clients fragment the heap.
    """
    return _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> bool:
    try:
        return bool(getattr(ctypes.CDLL(None), name)(*arguments))
    except (AttributeError, OSError, TypeError):  # another C library, as on macOS and Alpine
        return False

"""The memory that this process may use, and the part of it that decoding photos may use."""

import os
from pathlib import Path

from chalicelib.errors import SettingError

PROCESS = 250_000_000
"""Bytes of a process that decodes no photo: Python, the libraries, the model and the features in memory. 190 MB are
measured after a hundred photos (`python -m benchmarks.request`)."""
DECODE = 400_000_000
"""Bytes for decoding photos outside Lambda: enough for one HEIC photo of 48 MP from a phone."""
_CGROUP_FILES = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""The limit of a container's memory, in version 2 and version 1 of Linux's control groups."""


def decode_bytes(wanted: int, lambda_mib: int, other: int = 0) -> int:
    """Return the number of bytes that decoding photos may use.

    `wanted`: value of the setting `PHOTO_DECODE_BYTES`, or 0 for the default. `lambda_mib`: memory of the Lambda
    function in MiB, or 0 outside Lambda. `other`: bytes that the process needs for other purposes. A Lambda function
    handles one photo at a time, so the default on Lambda is all of the remaining memory.
    Raises `SettingError` if there is not enough memory.
    """
    memory = lambda_mib * 2**20 or memory_limit()
    left = memory - PROCESS - other
    size = wanted or (left if lambda_mib else DECODE)
    if not 0 < size <= left:
        raise SettingError(
            f"PHOTO_DECODE_BYTES is {max(size, 0) / 1e6:.0f} MB, but only {max(left, 0) / 1e6:.0f} MB are left of "
            f"{memory / 1e6:.0f} MB of memory; lower the setting, or give the process more memory"
        )
    return size


def memory_limit() -> int:
    """Return the bytes that this process may use: its container's limit, or the machine's memory if that is smaller."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in _CGROUP_FILES:
        try:
            limits.append(int(path.read_text()))
        except (OSError, ValueError):  # not Linux, another version of control groups, or "max" for no limit
            continue
    return min(limits)

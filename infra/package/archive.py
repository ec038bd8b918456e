"""Write zips whose bytes depend only on the files in them, so that unchanged code is not uploaded again.

They have bytecode: Lambda's code folder is read-only, so Python would compile every module at each cold start.
"""

import compileall
import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from py_compile import PycInvalidationMode

EPOCH = (1980, 1, 1, 0, 0, 0)  # modification time of all entries: the earliest in the format
READABLE = stat.S_IFREG | 0o644  # mode of all entries; a strict umask would hide files from Lambda's user
LIMIT = 50 * 2**20
"""Largest zip for direct upload, bytes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
UNPACKED_LIMIT = 250 * 2**20  # largest size of function and layers unpacked, bytes (same source)


def files(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder in a fixed order."""
    yield from sorted(path for path in folder.rglob("*", recurse_symlinks=True) if path.is_file())


def pack(folder: Path, prefix: str, out: Path) -> None:
    """Zip the files in `folder`, with `prefix` before each name. After a failure there is no incomplete `out`."""
    unfinished = out.with_suffix(f".{os.getpid()}")
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files(folder):
                entry = zipfile.ZipInfo(prefix + path.relative_to(folder).as_posix(), EPOCH)
                entry.external_attr = READABLE << 16
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)


def unpacked(archive: Path) -> int:
    """Return the size of a zip's files once unpacked, in bytes."""
    with zipfile.ZipFile(archive) as opened:
        return sum(entry.file_size for entry in opened.infolist())


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from building in `folder` until the end of the block. A killed process holds no lock."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        flock(lock, LOCK_EX)
        yield


def compile_into(folder: Path, deployed: str) -> None:
    """Compile every module in `folder`. `deployed`: their folder on Lambda, which tracebacks show.

    With `UNCHECKED_HASH` Python does not compare the bytecode with the source. By default it compares modification
    times, which the zip does not keep.
    """
    compileall.compile_dir(
        folder,
        quiet=2,
        force=True,
        stripdir=str(folder),
        prependdir=deployed,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )

"""Folders into zips whose bytes depend on the files alone, so that unchanged code is not uploaded as if it were new."""

import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can say."""
READABLE = stat.S_IFREG | 0o644
"""Lambda runs as a user of its own: what an umask at the desk hides from others, it could not read."""
LIMIT = 50 * 2**20
"""Largest zip that is uploaded directly, bytes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
UNPACKED_LIMIT = 250 * 2**20
"""Most bytes of function and layers once unpacked (same source)."""


def files(folder: Path) -> Iterator[Path]:
    """All files below a folder, always in the same order."""
    yield from sorted(path for path in folder.rglob("*", recurse_symlinks=True) if path.is_file())


def pack(folder: Path, prefix: str, out: Path) -> None:
    """Write a zip of what is in `folder`, each name below `prefix`; `out` is complete or not there at all."""
    unfinished = out.with_suffix(f".{os.getpid()}")
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files(folder):
                entry = zipfile.ZipInfo(prefix + path.relative_to(folder).as_posix(), EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = READABLE << 16
                archive.writestr(entry, path.read_bytes())
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)


def unpacked(archive: Path) -> int:
    """Bytes of a zip's files once unpacked."""
    with zipfile.ZipFile(archive) as opened:
        return sum(entry.file_size for entry in opened.infolist())

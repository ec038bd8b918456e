"""What is in the zips, library by library, and what the cuts are worth: the tables that `make package` prints."""

import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.package.archive import files
from infra.package.cuts import CUTS, Cut, matches

PARTS = {
    "app": "faunalens",
    "chalicelib": "faunalens",
    "_pillow_heif": "pillow-heif",
    "PIL": "pillow",
    "psycopg2": "psycopg2-binary",
}
"""What a file or folder belongs to, where its name does not say so."""


@dataclass(slots=True)
class Size:
    """Bytes in a zip, once unpacked, and how many of the latter are bytecode."""

    zipped: int = 0
    unpacked: int = 0
    bytecode: int = 0


def contents(zips: Iterable[Path]) -> dict[str, Size]:
    """The parts of zips, the largest first."""
    sizes: defaultdict[str, Size] = defaultdict(Size)
    for path in zips:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                size = sizes[part_of(entry.filename)]
                size.zipped += entry.compress_size
                size.unpacked += entry.file_size
                size.bytecode += entry.file_size if entry.filename.endswith(".pyc") else 0
    return dict(sorted(sizes.items(), key=lambda item: -item[1].zipped))


def part_of(name: str) -> str:
    """What a file in a zip belongs to.

    >>> part_of("python/lib/python3.13/site-packages/pillow.libs/libjpeg-6dc8d115.so.62")
    'pillow'
    >>> part_of("__pycache__/app.cpython-313.pyc")
    'faunalens'
    """
    _, _, below = name.rpartition("site-packages/")
    top, *_ = re.split(r"[/.-]", below.removeprefix("__pycache__/"))
    return PARTS.get(top, top.replace("_", "-"))


def worth(folder: Path) -> Iterator[tuple[Cut, Size]]:
    """What each cut takes away from what pip installed in `folder`; what two of them name counts for the first."""
    counted: set[Path] = set()
    for cut in CUTS:
        size = Size()
        for match in matches(cut, folder):
            for path in {match} if match.is_file() else {*files(match)}:
                if path not in counted:
                    counted.add(path)
                    size.unpacked += path.stat().st_size
                    size.zipped += len(zlib.compress(path.read_bytes()))
        yield cut, size

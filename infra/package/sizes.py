"""Measure the sizes of the package's parts and of the exclusions, for `make package`."""

import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from infra.package.archive import files
from infra.package.exclusions import EXCLUSIONS, Exclusion

PARTS = {
    "app": "faunalens",
    "chalicelib": "faunalens",
    "_pillow_heif": "pillow-heif",
    "PIL": "pillow",
    "psycopg2": "psycopg2-binary",
}
"""The part of each file or folder whose name differs from the part's name."""


PACK = "pack "
"""Begins the name of the part of each pack."""
_PACK = re.compile(r"model/packs/(\w+)\.onnx")


@dataclass(slots=True)
class Size:
    """Three sizes in bytes: in a zip, unpacked, and of the unpacked bytecode."""

    zipped: int = 0
    unpacked: int = 0
    bytecode: int = 0


def part_sizes(zips: Iterable[Path]) -> dict[str, Size]:
    """Return the sizes of the app and of each library in the zips, largest first."""
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
    """Return the part of the package to which a file in a zip belongs.

    >>> part_of("python/lib/python3.13/site-packages/pillow.libs/libjpeg-6dc8d115.so.62")
    'pillow'
    >>> part_of("__pycache__/app.cpython-313.pyc")
    'faunalens'
    >>> part_of("model/packs/birds.onnx")
    'pack birds'
    """
    if pack := _PACK.fullmatch(name):
        return f"{PACK}{pack[1]}"
    _, _, below = name.rpartition("site-packages/")
    top, *_ = re.split(r"[/.-]", below.removeprefix("__pycache__/"))
    return PARTS.get(top, top.replace("_", "-"))


def exclusion_sizes(folder: Path) -> dict[Exclusion, Size]:
    """Return the size of the files that each exclusion removes. A file in two exclusions counts only in the first."""
    counted, sizes = set[Path](), dict[Exclusion, Size]()
    for exclusion in EXCLUSIONS:
        found = {file for path in exclusion.matches(folder) for file in ([path] if path.is_file() else files(path))}
        new = found - counted
        zipped = sum(len(zlib.compress(path.read_bytes())) for path in new)
        sizes[exclusion] = Size(zipped, sum(path.stat().st_size for path in new))
        counted |= new
    return sizes

"""Build the package that Chalice uploads, and print the sizes of its parts."""

import argparse
import re
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError

from tabulate import tabulate

from chalicelib.config.settings import ROOT
from infra.chalice_project import stages
from infra.package import Package, archive, build

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


def main() -> None:
    """Build the package and print the tables. Exit with code 1 if the package is too large for Lambda."""
    parser = argparse.ArgumentParser(prog="python -m infra.package", description=__doc__)
    parser.add_argument("--stage", default="dev", choices=stages(), help="stage to build for (default: dev)")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "package", help="output folder (default: build/package)"
    )
    arguments = parser.parse_args()
    try:
        package = build(arguments.out, arguments.stage)
    except CalledProcessError as error:
        sys.exit(error.returncode)
    except KeyboardInterrupt:  # Chalice receives the signal too
        sys.exit(130)
    print(f"\n{table_of_zips(package)}\n\n{room_for_model(package)}\n\n{table_of_parts(package)}")
    if package.unpacked >= archive.UNPACKED_LIMIT:
        limit = f"{archive.UNPACKED_LIMIT:,}"
        sys.exit(f"the unpacked package has {package.unpacked:,} bytes, but Lambda accepts less than {limit}")


def table_of_zips(package: Package) -> str:
    """Return a table of the zips' sizes, what is left of Lambda's limits, and the limits."""
    rows = []
    for name, path in (("function", package.function), ("layer", package.layer)):
        size = path.stat().st_size
        rows.append([name, _mb(size), _mb(archive.LIMIT - size), _mb(archive.unpacked(path)), ""])
    left = _mb(archive.UNPACKED_LIMIT - package.unpacked)
    rows.append(["in all", _mb(package.zipped), "", _mb(package.unpacked), left])
    rows.append(["limit", f"{_mb(archive.LIMIT)} each", "", f"{_mb(archive.UNPACKED_LIMIT)} in all", ""])
    return _table(["zip", "MB", "left", "unpacked MB", "left unpacked"], rows)


def room_for_model(package: Package) -> str:
    """Return a sentence with the largest size of the models: what they take now, and what is left."""
    sizes = part_sizes([package.function])
    taken = [size for part, size in sizes.items() if part == "model" or part.startswith(PACK)]
    zipped, unpacked = sum(size.zipped for size in taken), sum(size.unpacked for size in taken)
    packs = sorted(part.removeprefix(PACK) for part in sizes if part.startswith(PACK))
    return (
        f"vendor/model has {_mb(zipped)} MB zipped, {_mb(unpacked)} MB unpacked, with {_listed(packs)}; it may have "
        f"{_mb(zipped + archive.LIMIT - package.function.stat().st_size)} MB and "
        f"{_mb(unpacked + archive.UNPACKED_LIMIT - package.unpacked)} MB"
    )


def table_of_parts(package: Package) -> str:
    """Return a table of the sizes of the app and of each library."""
    sizes = part_sizes([package.function, package.layer]).items()
    rows = [[part, _mb(size.zipped), _mb(size.unpacked), _mb(size.bytecode)] for part, size in sizes]
    return _table(["part", "zipped MB", "unpacked MB", "of it bytecode"], rows)


def _listed(packs: Sequence[str]) -> str:
    return f"the packs {', '.join(packs)}" if packs else "no packs"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return tabulate(rows, head, tablefmt="github", disable_numparse=True)


def _mb(size: int) -> str:
    return f"{size / 1e6:.2f}"


if __name__ == "__main__":
    main()

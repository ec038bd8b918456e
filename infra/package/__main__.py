"""Build the package that Chalice uploads, and print the sizes of its parts."""

import argparse
import re
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from subprocess import CalledProcessError

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from chalicelib.config.settings import ROOT
from infra.functions import stages
from infra.package import Package, archive, build

PARTS = {"app": "faunalens", "chalicelib": "faunalens", "PIL": "pillow", "psycopg2": "psycopg2-binary"}
PARTS |= {"_pillow_heif": "pillow-heif"}
"""The part of each file or folder whose name differs from the part's name."""
PACK = "pack "  # begins the name of the part of each pack
_PACK = re.compile(r"model/packs/(\w+)\.onnx")

type Sizes = NDArray[np.int64]
"""Sizes in bytes: in a zip, unpacked, and of the unpacked bytecode."""


def part_sizes(zips: Iterable[Path]) -> dict[str, Sizes]:
    """Return the sizes of the app and of each library in the zips, largest first."""
    sizes: defaultdict[str, Sizes] = defaultdict(lambda: np.zeros(3, dtype=np.int64))
    for path in zips:
        with zipfile.ZipFile(path) as opened:
            for entry in opened.infolist():
                bytecode = entry.file_size if entry.filename.endswith(".pyc") else 0
                sizes[part_of(entry.filename)] += (entry.compress_size, entry.file_size, bytecode)
    return dict(sorted(sizes.items(), key=lambda item: -item[1][0]))


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
    """Build the package and print its sizes. Exit with code 1 if the package is too large for Lambda."""
    parser = argparse.ArgumentParser(prog="python -m infra.package", description=__doc__)
    parser.add_argument("--stage", default="dev", choices=stages(), help="stage to build for (default: dev)")
    out = "output folder (default: build/package)"
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "package", help=out)
    arguments = parser.parse_args()
    try:
        package = build(arguments.out, arguments.stage)
    except CalledProcessError as error:
        sys.exit(error.returncode)
    except KeyboardInterrupt:  # Chalice receives the signal too
        sys.exit(130)
    print(f"\n{table_of_parts(package)}\n\n{room_for_model(package)}")
    if package.unpacked >= archive.UNPACKED_LIMIT:
        limit = f"{archive.UNPACKED_LIMIT:,}"
        sys.exit(f"the unpacked package has {package.unpacked:,} bytes, but Lambda accepts less than {limit}")


def table_of_parts(package: Package) -> str:
    """Return a table of the sizes of the app and each library, then of the two zips and of all, and Lambda's limits."""
    rows = part_sizes([package.function, package.layer])
    for name, path in (("function", package.function), ("layer", package.layer)):
        rows[f"{name}, zipped"] = np.array([path.stat().st_size, archive.unpacked(path)])
    rows["in all"] = np.array([package.zipped, package.unpacked])
    rows["limit of a zip, of all unpacked"] = np.array([archive.LIMIT, archive.UNPACKED_LIMIT])
    table = [[name, *map(_mb, sizes)] for name, sizes in rows.items()]
    return tabulate(table, ["part", "MB", "unpacked MB", "of it bytecode"], "github", disable_numparse=True)


def room_for_model(package: Package) -> str:
    """Return a sentence on the size of the models now, and on the largest size that fits into the package."""
    sizes = part_sizes([package.function])
    packs = sorted(part for part in sizes if part.startswith(PACK))
    taken = np.sum([sizes[part] for part in ("model", *packs)], axis=0)
    left = archive.LIMIT - package.function.stat().st_size, archive.UNPACKED_LIMIT - package.unpacked
    names = ", ".join(pack.removeprefix(PACK) for pack in packs) or "none"
    return (
        f"vendor/model has {_mb(taken[0])} MB zipped, {_mb(taken[1])} MB unpacked, with the packs {names}; "
        f"it may have {_mb(taken[0] + left[0])} MB and {_mb(taken[1] + left[1])} MB"
    )


def _mb(size: int) -> str:
    return f"{size / 1e6:.2f}"


if __name__ == "__main__":
    main()

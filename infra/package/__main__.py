"""Build what Chalice uploads, and say what is in it."""

import argparse
import sys
from pathlib import Path
from subprocess import CalledProcessError
from tempfile import TemporaryDirectory

from tabulate import tabulate

from infra.configuration import stages
from infra.package import ROOT, Package, archive, build, wheels
from infra.package.contents import contents, worth


def main() -> None:
    """Build, and print the tables. Ends with exit code 1 if Lambda would not take it."""
    parser = argparse.ArgumentParser(prog="python -m infra.package", description=__doc__)
    parser.add_argument("--stage", default="dev", choices=stages(), help="whose configuration is taken (default: dev)")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "package", help="folder (default: build/package)")
    parser.add_argument("--cuts", action="store_true", help="also what each cut is worth; fetches the wheels again")
    arguments = parser.parse_args()
    try:
        package = build(arguments.out, arguments.stage)
    except CalledProcessError as error:
        sys.exit(error.returncode)
    except KeyboardInterrupt:  # Chalice has it too
        sys.exit(130)
    print(f"\n{table_of_zips(package)}\n\n{table_of_parts(package)}")
    if arguments.cuts:
        print(f"\n{table_of_cuts()}")
    if package.unpacked >= archive.UNPACKED_LIMIT:
        sys.exit(f"unpacked, this is {package.unpacked:,} bytes; Lambda takes less than {archive.UNPACKED_LIMIT:,}")


def table_of_zips(package: Package) -> str:
    """Sizes of what is uploaded beside Lambda's limits."""
    rows = [
        [name, _mb(path.stat().st_size), _mb(archive.unpacked(path))]
        for name, path in (("function", package.function), ("layer", package.layer))
    ]
    limits = ["limit", f"{_mb(archive.LIMIT)} each", f"{_mb(archive.UNPACKED_LIMIT)} in all"]
    return tabulate(
        [*rows, ["in all", _mb(package.zipped), _mb(package.unpacked)], limits],
        ["zip", "MB", "unpacked MB"],
        tablefmt="github",
        disable_numparse=True,
    )


def table_of_parts(package: Package) -> str:
    """What the size is made up of."""
    rows = [
        [part, _mb(size.zipped), _mb(size.unpacked), _mb(size.bytecode)]
        for part, size in contents([package.function, package.layer]).items()
    ]
    return tabulate(
        rows, ["part", "zipped MB", "unpacked MB", "of it bytecode"], tablefmt="github", disable_numparse=True
    )


def table_of_cuts() -> str:
    """What each cut takes away, and why that is not missed."""
    with TemporaryDirectory() as folder:
        wheels.fetch(ROOT / "requirements.txt", Path(folder))
        rows = [[cut.name, _mb(size.zipped), _mb(size.unpacked), cut.why] for cut, size in worth(Path(folder))]
    return tabulate(rows, ["left out", "zipped MB", "unpacked MB", "why"], tablefmt="github", disable_numparse=True)


def _mb(size: int) -> str:
    return f"{size / 1e6:.2f}"


if __name__ == "__main__":
    main()

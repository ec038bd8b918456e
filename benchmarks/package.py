"""How large the package is, and what its bytecode is worth: `python -m benchmarks.package`.

Sizes come from the zips that `chalice deploy` uploads. Starts are measured in fresh processes that have nothing but
the unpacked zips and Python's own library, and write no bytecode, as on Lambda: until the app is ready to serve
(`app.services()`), and the bare work, `import onnxruntime` and one session of the same file.
"""

import argparse
import shutil
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.baseline import AS_OURS, session_of
from benchmarks.measure import interleaved, milliseconds, ratio, table
from infra.package import Package, build
from infra.package.__main__ import table_of_cuts, table_of_parts, table_of_zips
from infra.package.packager import SITE

HEAD = """import os, sys
sys.path[:] = [*sys.argv[1:], *(path for path in sys.path if "-packages" not in path)]
"""
END = "\nos._exit(0)"  # tearing down is no part of starting
READY = f"{HEAD}import app\napp.services(){END}"
BARE = HEAD + session_of('sys.argv[2] + "/model/faunalens.onnx"')[AS_OURS] + END

IMPORTS = {
    "nothing": "pass",
    "chalice.app": "import chalice.app",
    "numpy": "import numpy",
    "onnxruntime with numpy": "import onnxruntime",
    "Pillow with JPEG": "import PIL.Image, PIL.JpegImagePlugin",
    "pillow-heif": "import pillow_heif",
    "h3": "import h3.api.basic_int",
    "redis-py": "import redis.cluster",
    "aws-embedded-metrics": "from chalicelib.telemetry import emf\nemf.prepare()",
    "psycopg2": "import psycopg2",
}


class Place:
    """The package, unpacked into a folder of its own."""

    def __init__(self, package: Package, home: Path) -> None:
        self.task, self.site = home / "task", home / "opt" / SITE
        for path, name in ((package.function, "task"), (package.layer, "opt")):
            with zipfile.ZipFile(path) as opened:
                opened.extractall(home / name)

    def start(self, program: str) -> None:
        """A fresh process that sees only this."""
        command = [sys.executable, "-I", "-S", "-B", "-c", program, str(self.task), str(self.site)]
        subprocess.run(command, check=True, cwd="/")

    def without_bytecode(self) -> "Place":
        """As wheels come."""
        self._drop("__pycache__")
        return self

    def without_sources(self) -> "Place":
        """Bytecode in place of the sources, where Python also looks for it."""
        for top in (self.task, self.site):
            for path in [*top.rglob("*.cpython-313.pyc")]:
                path.rename(path.parents[1] / path.name.replace(".cpython-313", ""))
            for path in [*top.rglob("*.py")]:
                path.unlink()
        self._drop("__pycache__")
        return self

    def _drop(self, name: str) -> None:
        for top in (self.task, self.site):
            for path in [*top.rglob(name)]:
                shutil.rmtree(path)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=15, help="processes of each kind (default: 15)")
    rounds = parser.parse_args().rounds
    with TemporaryDirectory() as folder:
        home = Path(folder)
        package = build(home / "out", quiet=True)
        for of_sizes in (table_of_zips(package), table_of_parts(package), table_of_cuts()):
            print(of_sizes, end="\n\n", flush=True)
        places = {
            "sources alone, as wheels come": Place(package, home / "sources").without_bytecode(),
            "sources and bytecode, the package": Place(package, home / "both"),
            "bytecode alone": Place(package, home / "bytecode").without_sources(),
        }
        print(table_of_starts(places, rounds), end="\n\n", flush=True)
        sources, package_itself, _ = places.values()
        print(table_of_imports(sources, package_itself, max(3, rounds // 3)))


def table_of_starts(places: dict[str, Place], rounds: int) -> str:
    """How long each place takes to start, and how much longer than the bare work of the package."""
    base, *_ = [name for name in places if "package" in name]
    runs = {f"{name}, bare": partial(place.start, BARE) for name, place in places.items()}
    runs |= {name: partial(place.start, READY) for name, place in places.items()}
    interleaved(runs, 1)
    times = interleaved(runs, rounds)
    rows = [
        [name, milliseconds(times[f"{name}, bare"]), milliseconds(times[name]), f"{ratio(times, name, base):.2f}"]
        for name in places
    ]
    return table(["unpacked", "bare work", "ready to serve", "ratio to the package"], rows)


def table_of_imports(sources: Place, package: Place, rounds: int) -> str:
    """What each import takes by itself in a fresh process, compiled at once and with its bytecode."""
    columns = {"sources": sources, "package": package}
    runs = {
        f"{column} {name}": partial(place.start, f"{HEAD}{code}{END}")
        for name, code in IMPORTS.items()
        for column, place in columns.items()
    }
    interleaved(runs, 1)
    times = interleaved(runs, rounds)
    rows = [[name, *(milliseconds(times[f"{column} {name}"]) for column in columns)] for name in IMPORTS]
    return table(["import in a fresh process", "compiled at once", "the package"], rows)


if __name__ == "__main__":
    main()

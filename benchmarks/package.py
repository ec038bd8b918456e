"""The package's size, and what its bytecode saves: `python -m benchmarks.package`.

Sizes are those of the zips that `chalice deploy` uploads. Starts are measured in fresh processes that see nothing but
the unpacked zips and Python's own library and write no bytecode, as on Lambda: until the app can serve
(`app.application.services()`), and the bare work, `import onnxruntime` and one session of the same file.
"""

import shutil
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.baseline import session_program
from benchmarks.measure import duration, interleaved, parser, ratio, table
from infra.package import Package, build
from infra.package.__main__ import table_of_cuts, table_of_parts, table_of_zips
from infra.package.packager import SITE

HEAD = """import os, sys
sys.path[:] = [*sys.argv[1:], *(path for path in sys.path if "-packages" not in path)]
"""
END = "\nos._exit(0)"  # teardown is no part of a start
READY = "import app\napp.application.services()"
BARE = session_program('sys.argv[2] + "/model/faunalens.onnx"')

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


class UnpackedPackage:
    """The package, unpacked into a folder of its own."""

    def __init__(self, package: Package, home: Path) -> None:
        self.task, self.site = home / "task", home / "opt" / SITE
        for path, name in ((package.function, "task"), (package.layer, "opt")):
            with zipfile.ZipFile(path) as opened:
                opened.extractall(home / name)

    def run(self, program: str) -> None:
        """Run a program in a fresh process that sees only this package."""
        command = [sys.executable, "-I", "-S", "-B", "-c", HEAD + program + END, str(self.task), str(self.site)]
        subprocess.run(command, check=True, cwd="/")

    def without_bytecode(self) -> "UnpackedPackage":
        """Drop all bytecode, as in wheels."""
        for top in (self.task, self.site):
            for path in [*top.rglob("__pycache__")]:
                shutil.rmtree(path)
        return self

    def without_sources(self) -> "UnpackedPackage":
        """Put bytecode in place of the sources, where Python also looks for it."""
        for top in (self.task, self.site):
            for path in [*top.rglob("*.cpython-313.pyc")]:
                path.rename(path.parents[1] / path.name.replace(".cpython-313", ""))
            for path in [*top.rglob("*.py")]:
                path.unlink()
        return self.without_bytecode()


def main() -> None:
    """Measure and print."""
    rounds = parser(__doc__, 15, "processes of each kind").parse_args().rounds
    with TemporaryDirectory() as folder:
        home = Path(folder)
        package = build(home / "out", quiet=True)
        for sizes in (table_of_zips(package), table_of_parts(package), table_of_cuts()):
            print(sizes, end="\n\n", flush=True)
        forms = {
            "sources and bytecode, the package": UnpackedPackage(package, home / "both"),
            "sources alone, as in wheels": UnpackedPackage(package, home / "sources").without_bytecode(),
            "bytecode alone": UnpackedPackage(package, home / "bytecode").without_sources(),
        }
        print(table_of_starts(forms, rounds), end="\n\n", flush=True)
        both, sources, _ = forms.values()
        print(table_of_imports(sources, both, max(3, rounds // 3)))


def table_of_starts(forms: dict[str, UnpackedPackage], rounds: int) -> str:
    """Return how long each form of the package takes to start, and the ratio to the first."""
    runs = {f"{name}, bare": partial(form.run, BARE) for name, form in forms.items()}
    runs |= {name: partial(form.run, READY) for name, form in forms.items()}
    times = interleaved(runs, rounds, warm_up=1)
    base, *_ = forms
    rows = [
        [name, duration(times[f"{name}, bare"]), duration(times[name]), f"{ratio(times, name, base):.2f}"]
        for name in forms
    ]
    return table(rows, ["unpacked", "bare work", "ready to serve", "ratio to the package"])


def table_of_imports(sources: UnpackedPackage, package: UnpackedPackage, rounds: int) -> str:
    """Return how long each import takes in a fresh process, compiled on the spot and from bytecode."""
    columns = {"sources": sources, "package": package}
    runs = {
        f"{column} {name}": partial(form.run, code)
        for name, code in IMPORTS.items()
        for column, form in columns.items()
    }
    times = interleaved(runs, rounds, warm_up=1)
    rows = [[name, *(duration(times[f"{column} {name}"]) for column in columns)] for name in IMPORTS]
    return table(rows, ["import in a fresh process", "compiled on the spot", "the package"])


if __name__ == "__main__":
    main()

"""The size of the package, and the time that its bytecode saves: `python -m benchmarks.package`.

The sizes are those of the zips that `chalice deploy` uploads. The times are those of fresh processes that import only
from the unpacked zips and Python's standard library, and write no bytecode, as on Lambda. A process either starts the
app (`app.application.services()`) or does the bare work: it imports onnxruntime and opens one session of the model.
"""

import os
import zipfile
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.baseline import session_program
from benchmarks.measure import duration, interleaved, parser, ratio, run_fresh, table
from infra.package import Package, build
from infra.package.__main__ import table_of_cuts, table_of_parts, table_of_zips
from infra.package.packager import SITE

READY = "import app\napp.application.services()"
BARE = "import sys\n" + session_program("sys.argv[1]")

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


def unpack(package: Package, home: Path) -> Path:
    """Unpack the package in a new folder; return the folder."""
    for archive, name in ((package.function, "task"), (package.layer, "opt")):
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(home / name)
    return home


def remove_bytecode(home: Path) -> Path:
    """Delete all bytecode, so that only sources are left, as in wheels. Return the folder."""
    for path in [*home.rglob("__pycache__/*.pyc")]:
        path.unlink()
    return home


def remove_sources(home: Path) -> Path:
    """Replace each source by its bytecode, named so that Python imports it without a source; return the folder."""
    for path in [*home.rglob("*.cpython-313.pyc")]:
        path.rename(path.parents[1] / path.name.replace(".cpython-313", ""))
    for path in [*home.rglob("*.py")]:
        path.unlink()
    return home


def run(home: Path, program: str) -> None:
    """Run a program in a fresh process that imports only from the package in `home` and the standard library."""
    task, site = home / "task", home / "opt" / SITE
    path = {"PYTHONPATH": f"{task}{os.pathsep}{site}"}
    run_fresh(program, path, str(task / "model" / "faunalens.onnx"), flags=("-S", "-P", "-B"))


def main() -> None:
    """Print the sizes of the package, its start-up time in three forms, and the time of each import."""
    rounds = parser(__doc__, 15, "fresh processes of each program").parse_args().rounds
    with TemporaryDirectory() as folder:
        home = Path(folder)
        package = build(home / "out", quiet=True)
        for sizes in (table_of_zips(package), table_of_parts(package), table_of_cuts()):
            print(sizes, end="\n\n", flush=True)
        forms = {
            "sources and bytecode, the package": unpack(package, home / "both"),
            "only sources, as in wheels": remove_bytecode(unpack(package, home / "sources")),
            "only bytecode": remove_sources(unpack(package, home / "bytecode")),
        }
        print(table_of_starts(forms, rounds), end="\n\n", flush=True)
        both, sources, _ = forms.values()
        print(table_of_imports(sources, both, max(3, rounds // 3)))


def table_of_starts(forms: dict[str, Path], rounds: int) -> str:
    """Return the table of the start-up time of each form of the package, with the ratio to the first form's time."""
    runs = {f"{name}, bare": partial(run, home, BARE) for name, home in forms.items()}
    runs |= {name: partial(run, home, READY) for name, home in forms.items()}
    times = interleaved(runs, rounds, warm_up=1)
    base, *_ = forms
    rows = [
        [name, duration(times[f"{name}, bare"]), duration(times[name]), f"{ratio(times, name, base):.2f}"]
        for name in forms
    ]
    return table(rows, ["unpacked", "bare work", "ready to serve", "ratio to the package"])


def table_of_imports(sources: Path, package: Path, rounds: int) -> str:
    """Return the table of the time of each import in a fresh process, from sources and from bytecode."""
    runs = {}
    for name, code in IMPORTS.items():
        runs[f"sources {name}"] = partial(run, sources, code)
        runs[f"package {name}"] = partial(run, package, code)
    times = interleaved(runs, rounds, warm_up=1)
    rows = [[name, duration(times[f"sources {name}"]), duration(times[f"package {name}"])] for name in IMPORTS]
    return table(rows, ["import in a fresh process", "from sources", "from bytecode"])


if __name__ == "__main__":
    main()

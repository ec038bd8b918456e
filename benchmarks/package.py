"""The size of the package, and the time that its bytecode saves and its model takes: `python -m benchmarks.package`.

The sizes are those of the zips that `chalice deploy` uploads. The times are those of fresh processes that import only
from the unpacked zips and Python's standard library, and write no bytecode, as on Lambda. A process either starts the
app (`app.application.services()`) or does the bare work: it imports onnxruntime and opens one session of the model.
A made-up model of 100 MB shows what a large model of one's own would add.
"""

import os
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

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


def run(home: Path, program: str, model: Path | None = None) -> None:
    """Run a program in a fresh process that imports only from the package in `home` and the standard library.

    The program gets the path of `model` as its argument (default: the packaged one).
    """
    task, site = home / "task", home / "opt" / SITE
    path = {"PYTHONPATH": f"{task}{os.pathsep}{site}"}
    run_fresh(program, path, str(model or task / "model" / "faunalens.onnx"), flags=("-S", "-P", "-B"))


def write_large_model(path: Path) -> Path:
    """Write a model of 100 MB: one matrix of 5,000 x 5,000 weights. Return the path.

    The weights have the precision of bfloat16, so that about 47 MB are left when they are zipped.
    """
    from onnx import TensorProto, checker, helper, numpy_helper, save

    weights = np.random.default_rng(0).normal(size=(5000, 5000)).astype(np.float32)
    weights = (weights.view(np.uint32) & 0xFFFF0000).view(np.float32)
    shape = [1, len(weights)]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("input", "output")]
    node = helper.make_node("MatMul", ["input", "weights"], ["output"])
    graph = helper.make_graph([node], "large", values[:1], values[1:], [numpy_helper.from_array(weights, "weights")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    save(model, path)
    return path


def forget(path: Path) -> None:
    """Remove a file from the disk cache, as if it had just been unpacked elsewhere."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


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
        print(table_of_imports(sources, both, max(3, rounds // 3)), end="\n\n", flush=True)
        models = (both / "task" / "model" / "faunalens.onnx", write_large_model(home / "large.onnx"))
        print(table_of_models(both, models, rounds))


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


def table_of_models(package: Path, models: Sequence[Path], rounds: int) -> str:
    """Return the table of the time that opening a session takes, without the import of onnxruntime."""
    imported = "import os\nos.environ['OPENBLAS_NUM_THREADS'] = '1'\nimport onnxruntime"
    runs: dict[str, Callable[[], None]] = {"import": partial(run, package, imported)}
    for model in models:
        runs[f"cached {model.name}"] = partial(run, package, BARE, model)
        runs[f"forgotten {model.name}"] = partial(_run_after_forgetting, package, model)
    times = interleaved(runs, rounds, warm_up=1)
    base = median(times["import"])
    rows = []
    for model in models:
        data = model.read_bytes()
        sizes = [f"{size / 1e6:.1f}" for size in (len(zlib.compress(data)), len(data))]
        taken = [f"{(median(times[f'{kind} {model.name}']) - base) * 1e3:.0f} ms" for kind in ("cached", "forgotten")]
        rows.append([model.name, *sizes, *taken])
    return table(rows, ["model", "zipped MB", "unpacked MB", "session, file cached", "session, file on disk"])


def _run_after_forgetting(package: Path, model: Path) -> None:
    forget(model)
    run(package, BARE, model)


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

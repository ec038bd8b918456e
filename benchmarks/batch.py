"""Photos a second of `faunalens identify --local`, compared with the bare loop that decodes and scores photos.

The bare loop uses all processors too, one thread a photo: Pillow reads the file at the model's resolution, onnxruntime
scores it, and nothing else is done: no checks of the file, no place, no taxa, no results.
"""

import io
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from functools import partial
from pathlib import Path
from statistics import median
from time import process_time
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from benchmarks.measure import interleaved, parser, run_fresh, table, verdict
from chalicelib.config.settings import Settings
from chalicelib.model.session import REMEDY, load_session
from cli.commands.identify import identify_left
from cli.engines.local import LocalEngine
from cli.results.file import ResultsFile
from cli.results.row import FoundPhoto, Place
from cli.run import in_parallel
from testing.pictures import encoded, noise

if TYPE_CHECKING:
    import onnxruntime

SIZES = {"3 MP": (2048, 1536), "12 MP": (4000, 3000)}
PHOTOS = 120
"""Photos of each size in one round."""
TARGET = 0.95
"""Lowest share of the bare loop's photos a second."""
STATIONS = 20
WORKERS = os.process_cpu_count() or 1


@contextmanager
def photos(size: tuple[int, int], number: int) -> Iterator[Path]:
    """Write photos of one size to a folder, which is removed at the end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        some = [encoded(noise(*size, seed=seed), "JPEG", quality=85) for seed in range(4)]
        for each in range(number):
            (folder / f"{each:06}.jpg").write_bytes(some[each % len(some)])
        yield folder


def bare_loop(folder: Path, model: "onnxruntime.InferenceSession") -> None:
    """Decode and score all photos of a folder."""
    size, animals = (each.shape[1] for each in model.get_inputs())
    prior = np.ones((1, animals), np.float32)

    def one(path: Path) -> object:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            image.draft("RGB", (2 * size, 2 * size))
            pixels = np.asarray(image.resize((size, size), Image.Resampling.BICUBIC))
        return model.run(None, {"image": pixels[np.newaxis], "prior": prior})

    for _ in in_parallel(one, sorted(folder.iterdir()), WORKERS):
        pass


def identified(folder: Path, engine: LocalEngine) -> None:
    """Identify all photos of a folder, each with the place of its station."""
    with tempfile.TemporaryDirectory() as results, ResultsFile(Path(results) / "results.db", write=True) as kept:
        kept.find(
            FoundPhoto(path.name, path.stat().st_size, 0, None, Place("given", -34.0 + number % STATIONS, 151.0), 0.0)
            for number, path in enumerate(sorted(folder.iterdir()))
        )
        with redirect_stderr(io.StringIO()):
            identify_left(kept, folder, engine, WORKERS)
        assert kept.counts().done == kept.counts().total


def rate_table(rounds: int) -> str:
    """Return the table of photos a second."""
    settings = Settings.from_environment(os.environ)
    engine, model = LocalEngine.build(settings, os.environ, 5, print), load_session(settings.model_path, 1, REMEDY)
    rows = []
    for name, size in SIZES.items():
        with photos(size, PHOTOS) as folder:
            cases = {
                "bare loop": partial(bare_loop, folder, model),
                "identify": partial(identified, folder, engine),
            }
            processor: dict[str, list[float]] = {case: [] for case in cases}
            timed = {case: partial(_with_processor_time, run, processor[case]) for case, run in cases.items()}
            times = interleaved(timed, rounds, warm_up=1)
        for case, seconds in times.items():
            share = median(bare / ours for bare, ours in zip(times["bare loop"], seconds, strict=True))
            target = [f"at least {TARGET}", verdict(share >= TARGET)] if case != "bare loop" else ["", ""]
            milliseconds = median(processor[case]) / PHOTOS * 1e3
            rows.append(
                [name, case, f"{PHOTOS / median(seconds):.1f}", f"{milliseconds:.1f} ms", f"{share:.2f}", *target]
            )
    return table(rows, ["photos", "case", "photos a second", "processor time a photo", "share", "target", "result"])


def _with_processor_time(run: Callable[[], None], seconds: list[float]) -> None:
    before = process_time()
    run()
    seconds.append(process_time() - before)


def main() -> None:
    """Print the photos a second, from a fresh process with one thread for numpy."""
    rounds = parser(__doc__, 9, "rounds of each case").parse_args().rounds
    program = f"from benchmarks import batch\nprint(batch.rate_table({rounds}), flush=True)"
    run_fresh(program, {"OPENBLAS_NUM_THREADS": "1"})


if __name__ == "__main__":
    main()

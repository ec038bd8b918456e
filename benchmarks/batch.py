"""Photos a second of `faunalens identify --local`, compared with the bare loop that decodes and scores photos.

The bare loop uses all processors too, one thread a photo: Pillow reads the file at the model's resolution, onnxruntime
scores it, and nothing else is done: no checks of the file, no place, no taxa, no results. It looks once, so the command
is compared with `SECOND_LOOK=false`. By default the models look again where a photo leaves a doubt, as this one does;
that is the price of the answer, and not of the command.
"""

import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import replace
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
from cli.engines.engine import work
from cli.engines.local import LocalEngine
from cli.results.file import ResultsFile
from cli.results.row import FoundPhoto, Place
from cli.run import in_parallel
from local.stack.sample_photo import sample_photo
from testing.pictures import encoded, noise

if TYPE_CHECKING:
    import onnxruntime

SIZES = {"3 MP": (2048, 1536), "12 MP": (4000, 3000)}
PHOTOS = 40
"""Photos of each size in one round."""
TARGET = 0.95
"""Lowest share of the bare loop's photos a second."""
STATIONS = 20
WARM = 1000
"""Photos after which memory is compared."""
GROWTH_LIMIT_MB = 100
WORKERS = os.process_cpu_count() or 1


@contextmanager
def photos(size: tuple[int, int], number: int) -> Iterator[Path]:
    """Write photos of a cat to a folder, which is removed at the end.

    The bare loop runs one model, so the photos show an animal that no pack knows.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Image.open(sample_photo()) as cat:
            data = encoded(cat.resize(size, Image.Resampling.BICUBIC), "JPEG", quality=90)
        for each in range(number):
            (folder / f"{each:06}.jpg").write_bytes(data)
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
    once, twice = (
        LocalEngine.build(replace(settings, second_look=look), os.environ, 5, print) for look in (False, True)
    )
    model = load_session(settings.model_path, 1, REMEDY)
    rows = []
    for name, size in SIZES.items():
        with photos(size, PHOTOS) as folder:
            cases = {
                "bare loop": partial(bare_loop, folder, model),
                "identify, one look": partial(identified, folder, once),
                "identify": partial(identified, folder, twice),
            }
            processor: dict[str, list[float]] = {case: [] for case in cases}
            timed = {case: partial(_with_processor_time, run, processor[case]) for case, run in cases.items()}
            times = interleaved(timed, rounds, warm_up=1)
        for case, seconds in times.items():
            share = median(bare / ours for bare, ours in zip(times["bare loop"], seconds, strict=True))
            target = [f"at least {TARGET}", verdict(share >= TARGET)] if case == "identify, one look" else ["", ""]
            milliseconds = median(processor[case]) / PHOTOS * 1e3
            rows.append(
                [name, case, f"{PHOTOS / median(seconds):.1f}", f"{milliseconds:.1f} ms", f"{share:.2f}", *target]
            )
    return table(rows, ["photos", "case", "photos a second", "processor time a photo", "share", "target", "result"])


def memory_table(number: int) -> str:
    """Return the table of this process's memory while it identifies many small photos, each of a file of its own."""
    engine = LocalEngine.build(Settings.from_environment(os.environ), os.environ, 5, print)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each in range(STATIONS):
            (folder / f"{each}.jpg").write_bytes(encoded(noise(320, 240, seed=each), "JPEG"))
        for each in range(STATIONS, number):
            (folder / f"{each}.jpg").hardlink_to(folder / f"{each % STATIONS}.jpg")
        with ResultsFile(folder / "results.db", write=True) as kept:
            kept.find(
                FoundPhoto(f"{each}.jpg", 1, 1, None, Place("given", -34.0 + each % STATIONS, 151.0), 0.0)
                for each in range(number)
            )
            outcomes = in_parallel(partial(work, root=folder, engine=engine), kept.tasks(), WORKERS)
            memory, lookups = {}, 0
            for count, outcome in enumerate(outcomes, 1):
                kept.save(outcome)
                if count in (WARM, number):
                    memory[count] = resident_megabytes()
                lookups += json.loads(outcome.answer or "")["features"]["cache"] != "memory"
    grown = memory[number] - memory[WARM]
    rows = [
        [f"memory after {WARM:,} photos", f"{memory[WARM]:.0f} MB", "", ""],
        [
            f"growth to {number:,} photos",
            f"{grown:.0f} MB",
            f"at most {GROWTH_LIMIT_MB} MB",
            verdict(grown <= GROWTH_LIMIT_MB),
        ],
        [f"lookups for {STATIONS} stations", f"{lookups}", f"at most {STATIONS}", verdict(lookups <= STATIONS)],
    ]
    return table(rows, ["many small photos", "measured", "target", "result"])


def resident_megabytes() -> float:
    """Return the memory of this process, in megabytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) / 1024


def _with_processor_time(run: Callable[[], None], seconds: list[float]) -> None:
    before = process_time()
    run()
    seconds.append(process_time() - before)


def main() -> None:
    """Print the photos a second and the memory, each from a fresh process with one thread for numpy."""
    options = parser(__doc__, 11, "rounds of each case")
    options.add_argument("--photos", type=int, default=3000, help="photos for the memory (default: %(default)s)")
    arguments = options.parse_args()
    for call in (f"rate_table({arguments.rounds})", f"memory_table({arguments.photos})"):
        program = f"from benchmarks import batch\nprint(batch.{call}, end='\\n\\n', flush=True)"
        run_fresh(program, {"OPENBLAS_NUM_THREADS": "1"})


if __name__ == "__main__":
    main()

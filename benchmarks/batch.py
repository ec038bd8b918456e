"""Photos a second of `faunalens identify --local`, compared with the bare loop that decodes and scores photos.

The bare loop uses all processors too, one thread a photo: Pillow reads the file at the model's resolution, onnxruntime
scores it, and nothing else is done: no checks of the file, no place, no taxa, no results. So the command runs without
second looks, too. Machines are shared, so shares are those of the processor time; on a machine of its own, photos a
second follow from it.
"""

import io
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
from cli.engines.engine import work
from cli.engines.local import LocalEngine
from cli.identify.command import identify_left, in_parallel
from cli.place import Place
from cli.results import ListedPhoto, ResultsFile
from local import sample_photo
from testing.pictures import encoded

if TYPE_CHECKING:
    import onnxruntime

SIZES = {"3 MP": (2048, 1536), "12 MP": (4000, 3000)}
PHOTOS = 100
"""Photos of each size in one round."""
TARGET = 0.95
"""Lowest share of the bare loop's processor time."""
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

    def one(path: Path) -> None:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            image.draft("RGB", (2 * size, 2 * size))
            pixels = np.asarray(image.resize((size, size), Image.Resampling.BICUBIC))
        model.run(None, {"image": pixels[np.newaxis], "prior": prior})

    for _ in in_parallel(one, sorted(folder.iterdir()), WORKERS):
        pass


def identified(folder: Path, engine: LocalEngine) -> None:
    """Identify all photos of a folder, each with the place of its station."""
    with tempfile.TemporaryDirectory() as results, ResultsFile(Path(results) / "results.db", write=True) as kept:
        kept.find(
            ListedPhoto(path.name, path.stat().st_size, 0, None, Place("given", -34.0 + number % 20, 151.0), 0.0)
            for number, path in enumerate(sorted(folder.iterdir()))
        )
        with redirect_stderr(io.StringIO()):
            identify_left(kept, partial(work, root=folder, engine=engine), WORKERS)
        assert kept.counts().done == kept.counts().total


def rate_table(rounds: int) -> str:
    """Return the table of photos a second."""
    settings = Settings.from_environment(os.environ)
    settings = replace(settings, model=replace(settings.model, second_look=False))
    engine = LocalEngine.build(settings, os.environ, 5, print)
    model = load_session(settings.model.path, 1, REMEDY)
    rows = []
    for name, size in SIZES.items():
        processor: dict[str, list[float]] = {"bare loop": [], "identify": []}

        def timed(case: str, run: Callable[[], None], processor: dict[str, list[float]] = processor) -> None:
            before = process_time()
            run()
            processor[case].append(process_time() - before)

        with photos(size, PHOTOS) as folder:
            runs = {"bare loop": partial(bare_loop, folder, model), "identify": partial(identified, folder, engine)}
            times = interleaved({case: partial(timed, case, run) for case, run in runs.items()}, rounds, warm_up=1)
        bare, ours = (seconds[1:] for seconds in processor.values())
        share = median(one / other for one, other in zip(bare, ours, strict=True))
        for case, taken, goal in (
            ("bare loop", bare, ["1.00", "", ""]),
            ("identify", ours, [f"{share:.2f}", f"at least {TARGET}", verdict(share >= TARGET)]),
        ):
            rate = PHOTOS / median(times[case])
            rows.append([name, case, f"{rate:.1f}", f"{median(taken) / PHOTOS * 1e3:.1f} ms", *goal])
    return table(rows, ["photos", "case", "photos a second", "processor time a photo", "share", "target", "result"])


def main() -> None:
    """Print the photos a second, from a fresh process with one thread for numpy."""
    arguments = parser(__doc__, 7, "rounds of each case").parse_args()
    program = f"from benchmarks import batch\nprint(batch.rate_table({arguments.rounds}), flush=True)"
    run_fresh(program, {"OPENBLAS_NUM_THREADS": "1"})


if __name__ == "__main__":
    main()

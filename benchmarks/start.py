"""The cost of a cold start, compared with its bare work: `python -m benchmarks.start`.

The bare work imports onnxruntime and opens one session of the same model, with the app's thread settings. All times are
those of fresh processes with cached bytecode, as in the deployed package.

The first table measures the time until the app can serve. A thread is then still importing modules that a request needs
only after its photo is decoded: h3, redis-py, the metrics library. So the second table measures the time until the
first answer, for a 12 MP photo and with real Redis and PostgreSQL.
"""

import tempfile
from functools import partial

from benchmarks.backends import backends
from benchmarks.measure import comparison, interleaved, options, run_fresh
from benchmarks.request import event_of, photo_of_12_megapixels
from chalicelib.config.settings import Settings
from chalicelib.model.session import SPINNING

LIMIT = 1.5
BARE, APP = "bare work", "the app"
OPEN_SESSION = f"""import os
os.environ["OPENBLAS_NUM_THREADS"] = "1"
import onnxruntime
options = onnxruntime.SessionOptions()
for entry in {dict(SPINNING)}.items():
    options.add_session_config_entry(*entry)
session = onnxruntime.InferenceSession({str(Settings().model.path)!r}, options, providers=["CPUExecutionProvider"])"""
READY = "import app\napp.application.services()"
SCORE = """
import sys, numpy
from PIL import Image
image = Image.open(sys.argv[1])
image.draft("RGB", (584, 584))
pixels = numpy.asarray(image.resize((260, 260)))[None]
session.run(None, {"image": pixels, "prior": numpy.ones((1, 398), numpy.float32)})"""
ANSWER = f"""import sys, app
with open(sys.argv[1], "rb") as photo:
    assert app.app({event_of(b"")} | {{"body": photo.read()}}, None)["statusCode"] == 200"""
"""The event is part of the program, because the modules of benchmarks would import libraries for 45 ms of their own."""


def time_fresh(
    programs: dict[str, str], rounds: int, environment: dict[str, str], *arguments: str
) -> dict[str, list[float]]:
    """Return the seconds of each program in each round; each run is a fresh process."""
    runs = {name: partial(run_fresh, code, environment, *arguments) for name, code in programs.items()}
    return interleaved(runs, rounds, warm_up=2)


def main() -> None:
    """Print the time until the app can serve, and the time until its first answer."""
    rounds = options(__doc__, rounds=(15, "number of fresh processes of each program")).rounds
    with backends() as environment, tempfile.NamedTemporaryFile(suffix=".jpg") as photo:
        photo.write(photo_of_12_megapixels())
        photo.flush()
        times = time_fresh({BARE: OPEN_SESSION, APP: READY}, rounds, environment)
        print(comparison("from a fresh process to ready", times, {APP: LIMIT}), end="\n\n", flush=True)
        times = time_fresh({BARE: OPEN_SESSION + SCORE, APP: ANSWER}, rounds, environment, photo.name)
        print(comparison("to the first answer", times), end="\n\n", flush=True)


if __name__ == "__main__":
    main()

"""What a cold start costs over its bare work: `python -m benchmarks.start`.

Bare work is `import onnxruntime` and one session of the same file, as both come, and with threads that spin as little
as ours (`python -m benchmarks.threads`). Against it: the whole app, from a fresh process to ready to serve. What a
request needs only after decoding its photo (h3, redis-py, the metrics library) is then still being imported in a
thread; so the second table goes on to the first answer to a 12 MP photo, with Redis and PostgreSQL behind the app and
the cell in neither. All have their bytecode cached, as the deployed package does. The third table is what each import
takes by itself.
"""

import argparse
import os
import subprocess
import sys
import tempfile

from benchmarks.backends import behind
from benchmarks.baseline import AS_OURS, AS_THEY_COME, session_of
from benchmarks.measure import interleaved, milliseconds, ratio, table
from benchmarks.request import photo_of_12_megapixels
from chalicelib.config.settings import Settings

LIMIT = 1.5
END = "\nimport os; os._exit(0)"  # tearing down is no part of starting
BARE = session_of(repr(str(Settings().model_path)))
READY = "import app\napp.services()"
ONE_ANSWER = """
import sys, numpy
from PIL import Image
image = Image.open(sys.argv[1])
image.draft("RGB", (584, 584))
pixels = numpy.asarray(image.resize((260, 260)))[None]
session.run(None, {"image": pixels, "prior": numpy.ones((1, 398), numpy.float32)})"""
BARE_ANSWER = {name: program + ONE_ANSWER for name, program in BARE.items()}
ANSWER = """import sys, app
from pathlib import Path
from benchmarks.request import event_of
assert app.app(event_of(Path(sys.argv[1]).read_bytes()), None)["statusCode"] == 200"""
IMPORTS = ("numpy", "onnxruntime", "redis", "psycopg2", "PIL.Image", "h3.api.basic_int", "chalice.app", "boto3")


def fresh(code: str, environment: dict[str, str], *arguments: str) -> None:
    """Run code in a process of its own."""
    command = [sys.executable, "-c", code + END, *arguments]
    subprocess.run(command, check=True, env={**os.environ, **environment})


def compared(
    title: str, bare: dict[str, str], case: str, rounds: int, environment: dict[str, str], *arguments: str
) -> list[float]:
    """Print how long `case` takes against each bare work, all in fresh processes; returns the ratios to them."""
    cases = {**bare, "the app": case}
    runs = {name: (lambda code=code: fresh(code, environment, *arguments)) for name, code in cases.items()}
    interleaved(runs, 2)
    times = interleaved(runs, rounds)
    rows = [[name, milliseconds(taken), f"{ratio(times, name, AS_THEY_COME):.3f}"] for name, taken in times.items()]
    print(table([title, "median", "ratio"], rows), end="\n\n", flush=True)
    return [ratio(times, "the app", base) for base in (AS_THEY_COME, AS_OURS)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=15, help="processes of each kind (default: 15)")
    rounds = parser.parse_args().rounds
    with behind() as environment, tempfile.NamedTemporaryFile(suffix=".jpg") as photo:
        photo.write(photo_of_12_megapixels())
        photo.flush()
        found, strictly = compared("from a fresh process to ready", BARE, READY, rounds, environment)
        print(f"Wanted: at most {LIMIT}; found: {found:.2f}; with threads as ours on both sides: {strictly:.2f}.\n")
        compared("to the first answer", BARE_ANSWER, ANSWER, rounds, environment, photo.name)

        alone = {name: (lambda name=name: fresh(f"import {name}", environment)) for name in ("sys", *IMPORTS)}
        interleaved(alone, 1)
        times = interleaved(alone, max(5, rounds // 3))
        print(table(["import", "fresh process"], [[name, milliseconds(taken)] for name, taken in times.items()]))


if __name__ == "__main__":
    main()

"""What a cold start costs over its bare work: `python -m benchmarks.start`.

Bare work is `import onnxruntime` and one session of the same file with the same options. Against it: the whole app,
from a fresh process to ready to serve, everything that a request imports included. Both have their bytecode cached, as
the deployed package does. Below stands what each import takes by itself.
"""

import argparse
import os
import subprocess
import sys

from benchmarks.behind import behind
from benchmarks.measure import interleaved, milliseconds, ratio, table
from chalicelib.settings import Settings

LIMIT = 1.5
END = "\nimport os; os._exit(0)"  # tearing down is no part of starting
MODEL = Settings().model_path
BARE = f"import onnxruntime\nonnxruntime.InferenceSession({str(MODEL)!r}, providers=['CPUExecutionProvider'])"
READY = "import app\napp.parts()"
IMPORTS = ("numpy", "onnxruntime", "redis", "psycopg2", "PIL.Image", "h3.api.basic_int", "chalice.app", "boto3")


def fresh(code: str, environment: dict[str, str]) -> None:
    """Run code in a process of its own."""
    subprocess.run([sys.executable, "-c", code + END], check=True, env={**os.environ, **environment})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=15, help="processes of each kind (default: 15)")
    rounds = parser.parse_args().rounds
    with behind() as environment:
        cases = {"bare work": BARE, "the app, ready": READY}
        runs = {name: (lambda code=code: fresh(code, environment)) for name, code in cases.items()}
        interleaved(runs, 2)
        times = interleaved(runs, rounds)
        rows = [["bare work", milliseconds(times["bare work"]), "1", ""]]
        the_ratio = ratio(times, "the app, ready", "bare work")
        rows += [["the app, ready", milliseconds(times["the app, ready"]), f"{the_ratio:.3f}", f"at most {LIMIT:.2f}"]]
        print(table(["fresh process", "median", "ratio", "wanted"], rows), end="\n\n", flush=True)

        alone = {name: (lambda name=name: fresh(f"import {name}", environment)) for name in ("sys", *IMPORTS)}
        interleaved(alone, 1)
        times = interleaved(alone, max(5, rounds // 3))
        print(table(["import", "fresh process"], [[name, milliseconds(taken)] for name, taken in times.items()]))
    verify_nothing_heavy()


def verify_nothing_heavy() -> None:
    """boto3 and aiohttp are no part of a start."""
    code = "import app, sys\napp.parts()\nassert not {'boto3', 'botocore', 'aiohttp'} & set(sys.modules)"
    fresh(code, {})


if __name__ == "__main__":
    main()

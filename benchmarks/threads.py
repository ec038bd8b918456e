"""What threads that wait cost a start and a score: `python -m benchmarks.threads`.

A thread that waits for work can spin, which is quick to go on from and takes a processor meanwhile, or sleep. numpy's
(of OpenBLAS) spin after the import, onnxruntime's after the session is there, both while the model is being loaded, and
where a function has one processor's worth of time they take it from the loading. Each row is a choice in fresh
processes, in turn: time and processor time from the start of Python to a session, its first score, and those after it.
"""

import argparse
import json
import os
import subprocess
import sys
from statistics import median
from time import monotonic
from typing import NamedTuple

from benchmarks.measure import table
from chalicelib.scoring import SPINNING
from chalicelib.settings import Settings

PROGRAM = """
import json, sys
from time import perf_counter, process_time
import numpy, onnxruntime
path, threads, entries = json.loads(sys.argv[1])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
for key, value in entries.items():
    options.add_session_config_entry(key, value)
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
size, animals = session.get_inputs()[0].shape[1], session.get_inputs()[1].shape[1]
print("ready", process_time(), flush=True)
feed = {"image": numpy.zeros((1, size, size, 3), numpy.uint8), "prior": numpy.ones((1, animals), numpy.float32)}
taken = []
for _ in range(21):
    began = perf_counter()
    session.run(None, feed)
    taken.append(perf_counter() - began)
print(taken[0], sorted(taken[1:])[10], flush=True)
import os; os._exit(0)
"""


class Choice(NamedTuple):
    """How threads wait."""

    entries: dict[str, str]
    numpy_threads: bool = False
    threads: int = 0


CHOICES = {
    "as both libraries come": Choice({}, numpy_threads=True),
    "numpy without threads": Choice({}),
    "and onnxruntime's sleep once an answer is there": Choice({"session.force_spinning_stop": "1"}),
    "and after 2 ms in any case: what is used": Choice(SPINNING),
    "never spinning": Choice({"session.intra_op.allow_spinning": "0"}),
    "one thread": Choice({}, threads=1),
}


def measure(choice: Choice) -> list[float]:
    """Seconds of one process: to its session, processor time of that, first score, median of those after it."""
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    if not choice.numpy_threads:
        environment["OPENBLAS_NUM_THREADS"] = "1"
    told = json.dumps([str(Settings().model_path), choice.threads, choice.entries])
    began = monotonic()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, told], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout
        _, processor = process.stdout.readline().split()
        ready = monotonic() - began
        first, after = process.stdout.readline().split()
    return [ready, float(processor), float(first), float(after)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=15, help="processes of each kind (default: 15)")
    rounds = parser.parse_args().rounds
    runs: dict[str, list[list[float]]] = {name: [] for name in CHOICES}
    for _ in range(rounds + 1):
        for name, choice in CHOICES.items():
            runs[name].append(measure(choice))
    rows = []
    for name, found in runs.items():
        ready, processor, first, after = (median(column) * 1e3 for column in zip(*found[1:], strict=True))
        rows.append([name, f"{ready:.0f} ms", f"{processor:.0f} ms", f"{first:.1f} ms", f"{after:.1f} ms"])
    print(table(["threads", "to a session", "processor time", "first score", "next"], rows))


if __name__ == "__main__":
    main()

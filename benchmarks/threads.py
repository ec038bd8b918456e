"""What threads that wait cost a start and a score: `python -m benchmarks.threads`.

A thread that waits for work can spin, which is quick to go on from and takes a processor meanwhile, or sleep. numpy's
(of OpenBLAS) spin after the import, onnxruntime's after the session is there, both while the model is being loaded, and
where a function has one processor's worth of time they take it from the loading. Each row is a choice in fresh
processes, in turn: time and processor time from the start of Python to a session, its first score, and those after it.

`--one-vcpu` measures as a function of 1,769 MB has it: all processors are there, and together they may be used for as
long as one. That is a control group of Linux, which only root can make.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from statistics import median
from time import monotonic
from typing import NamedTuple

from benchmarks.measure import table
from chalicelib.config.settings import Settings
from chalicelib.model.session import SPINNING

PERIOD_US = 20_000
"""In which a processor's worth of time may be used, microseconds; 100 ms give about the same figures."""
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


@contextmanager
def one_vcpu() -> Iterator[list[str]]:
    """A command that runs another with one processor's worth of time, whichever version of control groups there is."""
    top = Path("/sys/fs/cgroup")
    first = (top / "cpu" / "cpu.cfs_quota_us").exists()
    group = (top / "cpu" if first else top) / f"faunalens-{os.getpid()}"
    try:
        group.mkdir()
        if first:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(PERIOD_US))
        else:
            (group / "cpu.max").write_text(f"{PERIOD_US} {PERIOD_US}")
    except OSError as error:
        sys.exit(f"no control group can be made here ({error}); run this as root on Linux")
    try:
        yield ["sh", "-c", f'echo $$ >{group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        group.rmdir()


def measure(choice: Choice, wrapper: Sequence[str] = ()) -> list[float]:
    """Seconds of one process: to its session, processor time of that, first score, median of those after it."""
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    if not choice.numpy_threads:
        environment["OPENBLAS_NUM_THREADS"] = "1"
    told = json.dumps([str(Settings().model_path), choice.threads, choice.entries])
    began = monotonic()
    with subprocess.Popen(
        [*wrapper, sys.executable, "-c", PROGRAM, told], stdout=subprocess.PIPE, text=True, env=environment
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
    parser.add_argument("--one-vcpu", action="store_true", help="with one processor's worth of time; needs root")
    arguments = parser.parse_args()
    runs: dict[str, list[list[float]]] = {name: [] for name in CHOICES}
    place: AbstractContextManager[list[str]] = one_vcpu() if arguments.one_vcpu else nullcontext([])
    with place as wrapper:
        for _ in range(arguments.rounds + 1):
            for name, choice in CHOICES.items():
                runs[name].append(measure(choice, wrapper))
    rows = []
    for name, found in runs.items():
        ready, processor, first, after = (median(column) * 1e3 for column in zip(*found[1:], strict=True))
        rows.append([name, f"{ready:.0f} ms", f"{processor:.0f} ms", f"{first:.1f} ms", f"{after:.1f} ms"])
    print(table(["threads", "to a session", "processor time", "first score", "next"], rows))


if __name__ == "__main__":
    main()

"""The effect of waiting threads on the time of a start and of a score: `python -m benchmarks.threads`.

A thread that waits for work can sleep or spin. A spinning thread reacts faster, but occupies a processor. The threads
of numpy (OpenBLAS) spin after the import, and those of onnxruntime spin as soon as the session exists. Both happen
while the model is loaded. In a Lambda function with the processor time of one vCPU, this slows down the loading.

Each row of the table is one choice of threads. It shows the time and the processor time from the start of Python until
the session exists, the time of the first score, and the median time of later scores. Each choice is measured in fresh
processes. The choices take turns.

`--one-vcpu` simulates a Lambda function of 1,769 MB, which sees all processors but gets the time of only one. This
needs a Linux control group (cgroup), which only root can create.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import numpy as np

from benchmarks.measure import parser, table
from chalicelib.config.settings import Settings
from chalicelib.model.session import SPINNING

PERIOD_US = 20_000
"""Period of the limit of processor time, microseconds. The figures are about the same with 100 ms."""
PROGRAM = """
import json, os, sys
from time import monotonic, perf_counter, process_time
import numpy, onnxruntime
started, path, threads, entries = json.loads(sys.argv[1])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
for key, value in entries.items():
    options.add_session_config_entry(key, value)
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
ready, processor = monotonic() - started, process_time()
size, animals = session.get_inputs()[0].shape[1], session.get_inputs()[1].shape[1]
feed = {"image": numpy.zeros((1, size, size, 3), numpy.uint8), "prior": numpy.ones((1, animals), numpy.float32)}
taken = []
for _ in range(21):
    began = perf_counter()
    session.run(None, feed)
    taken.append(perf_counter() - began)
print(ready, processor, taken[0], sorted(taken[1:])[10], flush=True)
os._exit(0)
"""


class Choice(NamedTuple):
    """A choice of threads. `entries`: configuration of onnxruntime. `threads`: number of its threads (0: default)."""

    entries: dict[str, str]
    numpy_threads: bool = False
    threads: int = 0


CHOICES = {
    "defaults of the libraries": Choice({}, numpy_threads=True),
    "numpy without threads": Choice({}),
    "… and onnxruntime sleeps after an answer": Choice({"session.force_spinning_stop": "1"}),
    "… and after 2 ms of waiting: the app": Choice(SPINNING),
    "never spinning": Choice({"session.intra_op.allow_spinning": "0"}),
    "one thread": Choice({}, threads=1),
}


@contextmanager
def processor_limit(*, one_vcpu: bool) -> Iterator[list[str]]:
    """Yield a command prefix that limits a program to one processor's time; empty without `one_vcpu`.

    Both versions of control groups are supported.
    """
    if not one_vcpu:
        yield []
        return
    top, quota = Path("/sys/fs/cgroup"), str(PERIOD_US)
    first = (top / "cpu" / "cpu.cfs_quota_us").exists()
    group = (top / "cpu" if first else top) / f"faunalens-{os.getpid()}"
    limits = {"cpu.cfs_period_us": quota, "cpu.cfs_quota_us": quota} if first else {"cpu.max": f"{quota} {quota}"}
    try:
        group.mkdir()
        for name, value in limits.items():
            (group / name).write_text(value)
    except OSError as error:
        sys.exit(f"--one-vcpu cannot create a control group ({error}); run the command as root on Linux")
    try:
        yield ["sh", "-c", f'echo $$ >{group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        group.rmdir()


def measure(choice: Choice, wrapper: Sequence[str] = ()) -> list[float]:
    """Return four durations in one process, in seconds.

    These are the time and the processor time until the session exists, the time of the first score, and the median time
    of later scores.
    """
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    if not choice.numpy_threads:
        environment["OPENBLAS_NUM_THREADS"] = "1"
    argument = json.dumps([monotonic(), str(Settings().model_path), choice.threads, choice.entries])
    output = subprocess.check_output([*wrapper, sys.executable, "-c", PROGRAM, argument], text=True, env=environment)
    return [float(seconds) for seconds in output.split()]


def main() -> None:
    """Print the times of a start and of a score for each choice of threads."""
    options = parser(__doc__, 15, "fresh processes of each choice")
    options.add_argument(
        "--one-vcpu", action="store_true", help="limit each process to the time of one processor; needs root"
    )
    arguments = options.parse_args()
    runs: dict[str, list[list[float]]] = {name: [] for name in CHOICES}
    with processor_limit(one_vcpu=arguments.one_vcpu) as wrapper:
        for _ in range(arguments.rounds + 1):
            for name, choice in CHOICES.items():
                runs[name].append(measure(choice, wrapper))
    rows = []
    for name, measured in runs.items():
        ready, processor, first, later = np.median(measured[1:], axis=0) * 1e3
        rows.append([name, f"{ready:.0f} ms", f"{processor:.0f} ms", f"{first:.1f} ms", f"{later:.1f} ms"])
    print(table(rows, ["threads", "to a session", "processor time", "first score", "later"]))


if __name__ == "__main__":
    main()

"""The cost of waiting threads for a start and a score: `python -m benchmarks.threads`.

A thread that waits for work can spin, which reacts fast and occupies a processor, or sleep. The threads of numpy
(OpenBLAS) spin after the import, those of onnxruntime once the session exists. Both happens while the model is loaded;
where a function has the time of one processor, they take it from the loading. Each row is one choice, measured in fresh
processes that take turns: time and processor time from the start of Python to a session, its first score, and the later
ones.

`--one-vcpu` measures as in a function of 1,769 MB: it sees all processors and may use as much time as one of them has.
That takes a control group of Linux, which only root can make.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import monotonic
from typing import NamedTuple

from benchmarks.measure import parser, table
from chalicelib.config.settings import Settings
from chalicelib.model.session import SPINNING

PERIOD_US = 20_000
"""Period of the quota of processor time, microseconds; 100 ms gives about the same figures."""
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
    """How threads wait: entries of onnxruntime's configuration, numpy's threads, onnxruntime's threads (0: default)."""

    entries: dict[str, str]
    numpy_threads: bool = False
    threads: int = 0


CHOICES = {
    "the libraries' defaults": Choice({}, numpy_threads=True),
    "numpy without threads": Choice({}),
    "and onnxruntime's sleep after an answer": Choice({"session.force_spinning_stop": "1"}),
    "and after 2 ms in any case: the app": Choice(SPINNING),
    "never spinning": Choice({"session.intra_op.allow_spinning": "0"}),
    "one thread": Choice({}, threads=1),
}


@contextmanager
def processor_limit(*, one_vcpu: bool) -> Iterator[list[str]]:
    """Yield a command that runs another one with the time of one processor, or an empty command.

    Works with both versions of control groups.
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
        sys.exit(f"cannot make a control group ({error}); run this as root on Linux")
    try:
        yield ["sh", "-c", f'echo $$ >{group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        group.rmdir()


def measure(choice: Choice, wrapper: Sequence[str] = ()) -> list[float]:
    """Return four times of one process, seconds.

    They are: time to a session, processor time to a session, time of the first score, median time of the later scores.
    """
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    if not choice.numpy_threads:
        environment["OPENBLAS_NUM_THREADS"] = "1"
    argument = json.dumps([monotonic(), str(Settings().model_path), choice.threads, choice.entries])
    output = subprocess.check_output([*wrapper, sys.executable, "-c", PROGRAM, argument], text=True, env=environment)
    return [float(seconds) for seconds in output.split()]


def main() -> None:
    """Measure and print."""
    options = parser(__doc__, 15, "processes of each kind")
    options.add_argument("--one-vcpu", action="store_true", help="with the time of one processor; needs root")
    arguments = options.parse_args()
    runs: dict[str, list[list[float]]] = {name: [] for name in CHOICES}
    with processor_limit(one_vcpu=arguments.one_vcpu) as wrapper:
        for _ in range(arguments.rounds + 1):
            for name, choice in CHOICES.items():
                runs[name].append(measure(choice, wrapper))
    rows = []
    for name, measured in runs.items():
        ready, processor, first, later = (median(column) * 1e3 for column in zip(*measured[1:], strict=True))
        rows.append([name, f"{ready:.0f} ms", f"{processor:.0f} ms", f"{first:.1f} ms", f"{later:.1f} ms"])
    print(table(rows, ["threads", "to a session", "processor time", "first score", "later"]))


if __name__ == "__main__":
    main()

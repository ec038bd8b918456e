"""Timing on a noisy machine: cases take turns within one run, and their medians are compared."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

from tabulate import tabulate

from chalicelib.model.session import SPINNING

table = partial(tabulate, tablefmt="github", disable_numparse=True)
"""Return a Markdown table of rows and headers; numbers in the rows are not reformatted."""


def interleaved(
    cases: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    warm_up: int = 0,
    before: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = perf_counter,
) -> dict[str, list[float]]:
    """Return the seconds of each case in each round.

    Each round runs each case once, so that noise affects all cases equally. The order of the cases rotates, because a
    case can be slower after a certain other case. `before` runs before each case and is not timed. The first `warm_up`
    rounds are not timed either. `clock`: seconds of any kind, such as those of the processor.
    """
    times: dict[str, list[float]] = {name: [] for name in cases}
    names = list(cases)
    for number in range(warm_up + rounds):
        first = number % len(names)
        for name in (*names[first:], *names[:first]):
            before()
            started = clock()
            cases[name]()
            if number >= warm_up:
                times[name].append(clock() - started)
    return times


def comparison(title: str, times: Mapping[str, Sequence[float]], limits: Mapping[str, float] | None = None) -> str:
    """Return a table of medians and of their ratios to the first case, the baseline.

    `limits`: the highest ratio that each case should have.
    """
    base, *_ = times
    rows = []
    for name, seconds in times.items():
        found = ratio(times, name, base)
        row = [name, duration(seconds), f"{found:.2f}"]
        if limits:
            row += [f"at most {limits[name]:.2f}", verdict(found <= limits[name])] if name in limits else ["", ""]
        rows.append(row)
    return table(rows, [title, "median", "ratio", *(("target", "result") if limits else ())])


def verdict(kept: bool) -> str:
    """Return `met` or `MISSED`, the result of a target in a table."""
    return "met" if kept else "MISSED"


def ratio(times: Mapping[str, Sequence[float]], case: str, base: str) -> float:
    """Return the median time of `case` divided by that of `base`."""
    return median(times[case]) / median(times[base])


def duration(times: Sequence[float]) -> str:
    """Return the median of times in seconds as text: in milliseconds, or in microseconds if shorter than 1 ms."""
    seconds = median(times)
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} µs"


def run_fresh(code: str, environment: Mapping[str, str], *arguments: str, flags: Sequence[str] = ()) -> None:
    """Run code in a new Python process, which ends without teardown, because teardown is not part of a start."""
    command = [sys.executable, *flags, "-c", f"{code}\nimport os; os._exit(0)", *arguments]
    subprocess.run(command, check=True, env={**os.environ, **environment})


def megabytes(figure: str, pid: int | str = "self") -> float:
    """Return a figure of a process's memory on Linux, MB: `VmRSS` is the resident memory, `VmHWM` its highest yet."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(figure)) * 1024 / 1e6


def forget_peak(pid: int | str = "self") -> None:
    """Make the highest memory of a process that of now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def session_program(model: str) -> str:
    """Return a program that opens a session, with the threads of numpy and onnxruntime as in the app.

    `model`: a Python expression for the model's path.
    """
    options = "".join(f"options.add_session_config_entry({key!r}, {value!r})\n" for key, value in SPINNING.items())
    return (
        "import os\nos.environ['OPENBLAS_NUM_THREADS'] = '1'\n"
        f"import onnxruntime\noptions = onnxruntime.SessionOptions()\n{options}"
        f"session = onnxruntime.InferenceSession({model}, options, providers=['CPUExecutionProvider'])\n"
    )


def parser(doc: str | None, rounds: int, of: str) -> argparse.ArgumentParser:
    """Return a parser with the option `--rounds`.

    `doc`: docstring of the benchmark. `rounds`: default of the option. `of`: the repeated thing, for its help text.
    """
    made = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    made.add_argument("--rounds", type=int, default=rounds, help=f"number of {of} (default: %(default)s)")
    return made

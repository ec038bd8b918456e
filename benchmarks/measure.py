"""Timing on a noisy machine: cases take turns within one run, and their medians are compared."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import perf_counter
from typing import Any

import psutil
from tabulate import tabulate

from local.stack.child_process import descendants

table = partial(tabulate, tablefmt="github", disable_numparse=True)
"""Return a Markdown table of rows and headers; numbers in the rows are not reformatted."""


def interleaved(
    cases: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    warm_up: int = 0,
    before: Callable[[], object] = lambda: None,
) -> dict[str, list[float]]:
    """Return the seconds of each case in each round.

    Each round runs each case once, so that noise affects all cases equally. The order of the cases rotates, because a
    case can be slower after a certain other case. `before` runs before each case and is not timed. The first `warm_up`
    rounds are not timed either.
    """
    times: dict[str, list[float]] = {name: [] for name in cases}
    names = list(cases)
    for number in range(warm_up + rounds):
        first = number % len(names)
        for name in (*names[first:], *names[:first]):
            before()
            started = perf_counter()
            cases[name]()
            if number >= warm_up:
                times[name].append(perf_counter() - started)
    return times


def comparison(title: str, times: Mapping[str, Sequence[float]], limits: Mapping[str, float] | None = None) -> str:
    """Return a table of medians and of their ratios to the first case. `limits`: the highest ratio for each case."""
    base, *_ = times
    rows = []
    for name, seconds in times.items():
        found = median(seconds) / median(times[base])
        row = [name, duration(seconds), f"{found:.2f}"]
        if limits:
            row += [f"at most {limits[name]:.2f}", verdict(found <= limits[name])] if name in limits else ["", ""]
        rows.append(row)
    return table(rows, [title, "median", "ratio", *(("target", "result") if limits else ())])


def verdict(kept: bool) -> str:
    """Return `met` or `MISSED`, the result of a target in a table."""
    return "met" if kept else "MISSED"


def targets(title: str, rows: Iterable[tuple[str, str, str, bool | None]]) -> str:
    """Return a table of figures. A row: name, figure, target, and whether it is met; None without a target."""
    lines = [[*texts, "" if met is None else verdict(met)] for *texts, met in rows]
    return table(lines, [title, "found", "target", "result"])


def duration(times: Sequence[float]) -> str:
    """Return the median of times in seconds as text: in milliseconds, or in microseconds if shorter than 1 ms."""
    seconds = median(times)
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} µs"


def run_fresh(code: str, environment: Mapping[str, str], *arguments: str) -> None:
    """Run code in a new Python process, which ends without teardown, because teardown is not part of a start.

    It caches bytecode, even if this process must not: compiling modules is not part of a start either.
    """
    command = [sys.executable, "-c", f"{code}\nimport os; os._exit(0)", *arguments]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment})


def in_new_process[T](function: Callable[..., T], *arguments: object) -> T:
    """Return what a function returns in a process of its own, whose peak memory and imports are its own too."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def megabytes(figure: str, pid: int | str = "self") -> float:
    """Return a figure of a process's memory on Linux, in MB: `VmRSS` is the resident memory, `VmHWM` its peak."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(figure)) * 1024 / 1e6


def forget_peak(pid: int | str = "self") -> None:
    """Reset the peak memory of a process to its present memory."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def cpu_seconds(pid: int) -> float:
    """Return the processor time (s) that a process and its running descendants have taken so far."""
    return _total(pid, lambda process: sum(process.cpu_times()[:2]))  # in user mode and in the kernel


@contextmanager
def peak_memory(pid: int) -> Iterator[Callable[[], float]]:
    """Yield a function that returns the peak memory (MB) of a process and its descendants since the block began.

    It is the proportional set size, which counts a page that processes share once, sampled four times per second.
    """
    ended, highest = Event(), 0.0

    def sample() -> None:
        nonlocal highest
        while True:
            highest = max(highest, _total(pid, lambda process: process.memory_full_info().pss / 1e6))
            if ended.wait(0.25):
                return

    thread = Thread(target=sample)
    thread.start()
    try:
        yield lambda: highest
    finally:
        ended.set()
        thread.join()


def _total(pid: int, figure: Callable[[psutil.Process], float]) -> float:
    """Return the sum of a figure over a process and its descendants. Processes that have just ended count as 0."""
    total = 0.0
    for each in (pid, *descendants(pid)):
        with suppress(psutil.NoSuchProcess):
            total += figure(psutil.Process(each))
    return total


def options(doc: str | None, arguments: Sequence[str] | None = None, **known: tuple[Any, str]) -> argparse.Namespace:
    """Return the options of a program, described by the first line of its docstring.

    `known`: default and help text of each option. The default gives the type: a list takes several numbers, and a class
    is the type of an option without a default.
    """
    main = sys.modules["__main__"].__spec__
    name = f"python -m {main.name.removesuffix('.__main__')}" if main else None
    parser = argparse.ArgumentParser(prog=name, description=(doc or "").partition("\n")[0])
    for each, (default, text) in known.items():
        option = f"--{each.replace('_', '-')}"
        if isinstance(default, type):
            parser.add_argument(option, type=default, help=text)
        elif isinstance(default, list):
            text = f"{text} (default: {', '.join(map(str, default))})"
            parser.add_argument(option, nargs="+", type=type(default[0]), default=default, help=text)
        else:
            parser.add_argument(option, type=type(default), default=default, help=f"{text} (default: %(default)s)")
    return parser.parse_args(arguments)

"""Measuring on a shared machine: rivals run in turn within one run, and what counts is the ratio of medians."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from time import perf_counter


def interleaved(cases: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each case in each round; within a round every case runs once, so noise meets all alike."""
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            started = perf_counter()
            case()
            times[name].append(perf_counter() - started)
    return times


def ratio(times: Mapping[str, Sequence[float]], case: str, base: str) -> float:
    """How much longer `case` takes than `base`: the ratio of their medians."""
    return median(times[case]) / median(times[base])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    top = "| " + " | ".join(cell.ljust(width) for cell, width in zip(head, widths, strict=True)) + " |"
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([top, rule, *lines])


def milliseconds(times: Sequence[float]) -> str:
    """The median as text."""
    return f"{median(times) * 1e3:.2f} ms"

"""The figures of the comparison: from the output of the clients to the rows of a table. No I/O."""

import json
from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple, Self

import numpy as np


class Load(NamedTuple):
    """The output of the clients.

    `rate`: requests that succeeded per second, after the warm-up. `seconds`: duration of each request that started
    after the warm-up and succeeded. `answered` and `failed`: numbers of requests, including those of the warm-up.
    `cpu`: seconds of processor time that the clients took.
    """

    rate: float
    seconds: Sequence[float]
    answered: int
    failed: int
    cpu: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the JSON object that the clients print."""
        return cls(**json.loads(text))


class Figures(NamedTuple):
    """The figures of one server under one load. Times are in milliseconds, `cpu` is per request, `memory` is in MB."""

    rate: float
    p50: float
    p99: float
    cpu: float
    memory: float
    failed: float

    @classmethod
    def of(cls, load: Load, server_cpu: float, memory: float) -> Self:
        """Return the figures of a load.

        `server_cpu`: processor time that the server used, seconds. `memory`: peak memory of the server, MB.
        """
        p50, p99 = np.percentile(load.seconds, [50, 99]) * 1e3 if load.seconds else (np.nan, np.nan)
        cpu = server_cpu / load.answered * 1e3 if load.answered else np.nan
        return cls(load.rate, float(p50), float(p99), cpu, memory, load.failed)


HEADERS = ("requests/s", "p50", "p99", "CPU per request", "peak memory", "failed")
_UNITS = ("{:.0f}", "{:.0f} ms", "{:.0f} ms", "{:.1f} ms", "{:.0f} MB", "{:.0f}")


def medians(runs: Sequence[Figures]) -> Figures:
    """Return the median of each figure over the rounds."""
    return Figures(*(median(column) for column in zip(*runs, strict=True)))


def ratios(ours: Figures, peers: Sequence[Figures]) -> list[float]:
    """Return our figures divided by the best peer's in each column, except that of failed requests.

    The best rate is the highest, and all other best figures are the lowest. The best peers of two columns can differ.
    """
    highest = max(peer.rate for peer in peers)
    lowest = [min(column) for column in list(zip(*peers, strict=True))[1:-1]]
    return [ours.rate / highest, *(own / best for own, best in zip(ours[1:-1], lowest, strict=True))]


def rows_of(figures: Mapping[str, Figures], ours: str) -> list[list[str]]:
    """Return a row for each server, and one with the ratios of `ours` to the best peer if both were measured."""
    rows = [
        [name, *(unit.format(value) for unit, value in zip(_UNITS, each, strict=True))]
        for name, each in figures.items()
    ]
    peers = [each for name, each in figures.items() if name != ours]
    if ours in figures and peers:
        rows.append(["ours ÷ best peer", *(f"{ratio:.2f}" for ratio in ratios(figures[ours], peers)), ""])
    return rows

"""Figures of a load test, computed from arrays of `REQUEST` and `QUERY` (container.py). No I/O."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.spike.container import LEVELS

_FROM_DATABASE = [LEVELS.index(level) for level in ("miss", "bypass", "degraded")]


def peak(queries: NDArray[np.void]) -> int:
    """Return the highest number of queries in flight at a time.

    A query that ends exactly when another one starts does not overlap it.
    """
    moments = np.concatenate([queries["start"], queries["end"]])
    steps = np.concatenate([np.ones(len(queries), int), -np.ones(len(queries), int)])
    order = np.lexsort((steps, moments))
    return int(np.cumsum(steps[order]).max(initial=0))


def peak_of_a_cell(queries: NDArray[np.void]) -> int:
    """Return the highest number of queries in flight at a time for the same cell."""
    return max((peak(queries[queries["cell"] == cell]) for cell in np.unique(queries["cell"])), default=0)


def queries_per_ttl(queries: NDArray[np.void], requests: NDArray[np.void], ttl: float) -> float:
    """Return the number of queries divided by the number that the cells need, which is one per cell and TTL.

    A cell with S seconds between its first and last request needs 1 + S / ttl queries: one for the first request, and
    one each time that its value is `ttl` seconds old.
    """
    _, cell = np.unique(requests["cell"], return_inverse=True)
    first = np.full(cell.max(initial=-1) + 1, np.inf)
    last = np.full_like(first, -np.inf)
    np.minimum.at(first, cell, requests["start"])
    np.maximum.at(last, cell, requests["start"])
    return len(queries) / float((1 + (last - first) / ttl).sum())


def shortest_gap(queries: NDArray[np.void]) -> float:
    """Return the shortest time in seconds from a query's end to the next query for its cell; inf if there is none."""
    order = np.lexsort((queries["start"], queries["cell"]))
    ordered = queries[order]
    same = ordered["cell"][1:] == ordered["cell"][:-1]
    return float((ordered["start"][1:] - ordered["end"][:-1])[same].min(initial=np.inf))


def hit_share(requests: NDArray[np.void]) -> float:
    """Return the share of requests that did not need the database."""
    return 1.0 - float(np.isin(requests["level"], _FROM_DATABASE).mean()) if len(requests) else 0.0


def p99(requests: NDArray[np.void]) -> float:
    """Return the 99th percentile of the requests' durations, milliseconds."""
    return 1e3 * float(np.percentile(requests["seconds"], 99))

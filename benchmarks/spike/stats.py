"""What containers of a load test did, as arrays of `REQUEST` and `QUERY`, and figures computed from these. No I/O."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEVELS = ("memory", "hit", "stale", "miss", "bypass", "degraded")
"""Cache levels of a request; `degraded` if it got no features."""

REQUEST = np.dtype([("start", "f8"), ("seconds", "f8"), ("late", "f8"), ("cell", "i8"), ("level", "u1")])
"""One request: its start (`time.monotonic`, which all processes share), its duration, its delay after the scheduled
moment, its cell, and the index of its cache level in `LEVELS`."""

QUERY = np.dtype([("start", "f8"), ("end", "f8"), ("cell", "i8")])
"""One query to the database, successful or not."""

_FROM_DATABASE = [LEVELS.index(level) for level in ("miss", "bypass", "degraded")]


class Events(NamedTuple):
    """The record of one or more containers: arrays of `REQUEST` and of `QUERY`."""

    requests: NDArray[np.void]
    queries: NDArray[np.void]


def merge(events: Sequence[Events]) -> Events:
    """Return the events of several containers in order of time."""
    requests = np.concatenate([each.requests for each in events])
    queries = np.concatenate([each.queries for each in events])
    return Events(requests[np.argsort(requests["start"])], queries[np.argsort(queries["start"])])


def peak(queries: NDArray[np.void]) -> int:
    """Return the most queries in flight at a time. One that starts exactly when another ends does not overlap it."""
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

"""What a load test saw, in figures. Pure: from arrays of `container.REQUEST` and `container.QUERY`."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.container import LEVELS

_FROM_DATABASE = [LEVELS.index(level) for level in ("miss", "bypass", "degraded")]


def peak(queries: NDArray[np.void]) -> int:
    """Most queries under way at one moment; one that ends as another begins is not beside it."""
    moments = np.concatenate([queries["start"], queries["end"]])
    steps = np.concatenate([np.ones(len(queries), int), -np.ones(len(queries), int)])
    order = np.lexsort((steps, moments))
    return int(np.cumsum(steps[order]).max(initial=0))


def peak_of_a_cell(queries: NDArray[np.void]) -> int:
    """Most queries under way at one moment for the same cell."""
    return max((peak(queries[queries["cell"] == cell]) for cell in np.unique(queries["cell"])), default=0)


def queries_per_ttl(queries: NDArray[np.void], requests: NDArray[np.void], ttl: float) -> float:
    """Queries per cell and TTL: 1 if each cell is asked for again the moment that its value is `ttl` seconds old.

    A cell between whose first and last request lie S seconds needs 1 + S / ttl queries at most.
    """
    _, cell = np.unique(requests["cell"], return_inverse=True)
    first = np.full(cell.max(initial=-1) + 1, np.inf)
    last = np.full_like(first, -np.inf)
    np.minimum.at(first, cell, requests["start"])
    np.maximum.at(last, cell, requests["start"])
    return len(queries) / float((1 + (last - first) / ttl).sum())


def shortest_gap(queries: NDArray[np.void]) -> float:
    """Seconds between the end of a query and the begin of the next one for the same cell, at least; inf without any."""
    order = np.lexsort((queries["start"], queries["cell"]))
    each = queries[order]
    same = each["cell"][1:] == each["cell"][:-1]
    return float((each["start"][1:] - each["end"][:-1])[same].min(initial=np.inf))


def hit_share(requests: NDArray[np.void]) -> float:
    """Share of requests that were answered without the database."""
    return 1.0 - float(np.isin(requests["level"], _FROM_DATABASE).mean()) if len(requests) else 0.0


def levels(requests: NDArray[np.void]) -> dict[str, float]:
    """Share of requests by level."""
    counts = np.bincount(requests["level"], minlength=len(LEVELS))
    return {level: float(count) / max(len(requests), 1) for level, count in zip(LEVELS, counts, strict=True)}


def by_second(moments: NDArray[np.float64], start: float, seconds: int) -> NDArray[np.int64]:
    """How many of the moments fall into each second from `start` on."""
    return np.histogram(moments, bins=seconds, range=(start, start + seconds))[0]


def percentile_by_second(
    requests: NDArray[np.void], start: float, seconds: int, percent: float, window: int = 1
) -> NDArray[np.float64]:
    """For each second a percentile of the duration, in seconds, of the requests that began in it or shortly before.

    `window`: how many seconds count, the last of them included; nan where no request came.
    """
    second = (requests["start"] - start).astype(int)
    found = np.full(seconds, np.nan)
    for number in range(seconds):
        some = requests["seconds"][(second > number - window) & (second <= number)]
        if len(some):
            found[number] = np.percentile(some, percent)
    return found


def hit_share_by_second(requests: NDArray[np.void], start: float, seconds: int) -> NDArray[np.float64]:
    """Share of the requests of each second that were answered without the database; nan where none came."""
    second = (requests["start"] - start).astype(int)
    return np.array(
        [hit_share(some) if len(some := requests[second == number]) else np.nan for number in range(seconds)]
    )


def peak_of_a_cell_by_second(queries: NDArray[np.void], start: float, seconds: int) -> NDArray[np.int64]:
    """Most queries under way at one moment for the same cell, in each second."""
    ends = [start + second for second in range(seconds + 1)]
    return np.array(
        [
            peak_of_a_cell(queries[(queries["start"] < after) & (queries["end"] > before)])
            for before, after in pairwise(ends)
        ]
    )

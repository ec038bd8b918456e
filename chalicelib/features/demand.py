"""Request counts per cell, which cache warming reads to choose cells, and counts of what photos and answers were like.

Each process counts in memory. Every few seconds, when it reads the active version from Redis, it sends its counts in
the same round trip. Counting a request thus needs a dictionary lookup but no Redis command. A container that stops
loses the counts of its last few seconds, which is acceptable.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

HOURS = 24
"""Number of hours for which Redis keeps demand."""
KEEP_SECONDS = (HOURS + 1) * 3600
"""TTL of one hour's counts in Redis, in seconds."""
SEEN_DAYS = 14
"""Number of days for which Redis keeps what photos and answers were like."""
KEEP_SEEN = (SEEN_DAYS + 1) * 86_400
"""TTL of one hour's classes in Redis, in seconds."""
HALF_LIFE = 6.0
"""Age in hours at which a request counts half as much as a new one."""


@dataclass(slots=True)
class DemandCounts:
    """Request counts since the last report to Redis.

    `cells`: requests by cell. `hits`: requests served without a database query. `warmed`: hits on values that cache
    warming wrote. `seen`: photos by each class that they belong to (telemetry/drift.py).
    """

    cells: dict[int, int] = field(default_factory=dict)
    hits: int = 0
    warmed: int = 0
    seen: Counter[str] = field(default_factory=Counter)


class Demand:
    """The request counts of this process, for at most `cells` different cells and classes between two calls of `take`.

    There is no lock, so concurrent threads may lose a count. A lock would cost more than an exact count is worth.
    """

    def __init__(self, cells: int = 512) -> None:
        self._cells = cells
        self._counts = DemandCounts()

    def note(self, cell: int, *, hit: bool, warmed: bool) -> None:
        """Count one request for a cell."""
        counts = self._counts
        count = counts.cells.get(cell)
        if count is not None:
            counts.cells[cell] = count + 1
        elif len(counts.cells) < self._cells:
            counts.cells[cell] = 1
        if hit:
            counts.hits += 1
            if warmed:
                counts.warmed += 1

    def see(self, classes: Iterable[str]) -> None:
        """Count a photo in each class that it belongs to."""
        seen = self._counts.seen
        seen.update(each for each in classes if each in seen or len(seen) < self._cells)

    def take(self) -> DemandCounts:
        """Return the counts so far and start again from zero."""
        counts, self._counts = self._counts, DemandCounts()
        return counts


def hottest(hours: Iterable[Mapping[int, float]], count: int) -> list[int]:
    """Return the `count` cells in most demand, hottest first. `hours`: requests by cell for each hour, latest first."""
    demand: dict[int, float] = {}
    for age, cells in enumerate(hours):
        weight = 0.5 ** (age / HALF_LIFE)
        for cell, requests in cells.items():
            demand[cell] = demand.get(cell, 0.0) + weight * requests
    return sorted(demand, key=lambda cell: (-demand[cell], cell))[:count]

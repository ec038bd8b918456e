"""Per-cell request counts, used by warming.

Each process counts in memory and sends its counts when it reads the active version from Redis, every few seconds. A
request thus costs a dictionary lookup and no Redis command. A container that ends loses its last seconds of counts,
which does no harm. Old demand counts less (half-life); Redis keeps a day of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

HOURS = 24
"""Hours of demand that Redis keeps."""
KEEP_SECONDS = (HOURS + 1) * 3600
"""TTL of one hour's counts in Redis."""
HALF_LIFE = 6.0
"""Hours after which a request counts half as much."""


@dataclass(slots=True)
class DemandCounts:
    """Requests since the last report to Redis.

    `cells`: requests by cell. `hits`: requests served without the database. `warmed`: hits on values that the warming
    schedule wrote.
    """

    cells: dict[int, int] = field(default_factory=dict)
    hits: int = 0
    warmed: int = 0


class Demand:
    """Request counts of this process, for at most `cells` different cells between two `take`s.

    Without a lock, threads may lose a count now and then; a lock would cost more than the count is worth.
    """

    def __init__(self, cells: int = 512) -> None:
        self._cells = cells
        self._counts = DemandCounts()

    def note(self, cell: int, *, hit: bool, warmed: bool) -> None:
        """Count one request."""
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

    def take(self) -> DemandCounts:
        """Return the counts so far and start again from zero."""
        counts, self._counts = self._counts, DemandCounts()
        return counts


def hottest(hours: Iterable[Mapping[int, float]], count: int) -> list[int]:
    """The `count` cells in most demand, hottest first. `hours`: requests by cell for each hour, latest first."""
    demand: dict[int, float] = {}
    for age, cells in enumerate(hours):
        weight = 0.5 ** (age / HALF_LIFE)
        for cell, requests in cells.items():
            demand[cell] = demand.get(cell, 0.0) + weight * requests
    return sorted(demand, key=lambda cell: (-demand[cell], cell))[:count]

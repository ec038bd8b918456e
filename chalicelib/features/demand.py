"""Which cells are asked for, counted by cell only: what warming goes by.

Counts are kept in the process and travel along when it asks Redis for the active version every few seconds, so
that a request costs a dictionary look-up and no command of its own. A container that is thrown away takes its last
seconds of counts with it, which harms nothing. Half-lives make old demand count less; keys live for a day.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

HOURS = 24
"""Hours of demand that are kept."""
KEEP_SECONDS = (HOURS + 1) * 3600
"""Life of one hour's counts in Redis."""
HALF_LIFE = 6.0
"""Hours after which a request counts half."""


@dataclass(slots=True)
class DemandCounts:
    """Requests since the last one: by cell; how many found features without the database; and on warmed values."""

    cells: dict[int, int] = field(default_factory=dict)
    hits: int = 0
    warmed: int = 0


class Demand:
    """Counts of this process, of at most `cells` different cells between two `take`s.

    Threads may lose a count to each other now and then; a lock would cost more than the count is worth.
    """

    def __init__(self, cells: int = 512) -> None:
        self._cells = cells
        self._tally = DemandCounts()

    def note(self, cell: int, *, hit: bool, warmed: bool) -> None:
        """Count one request."""
        tally = self._tally
        count = tally.cells.get(cell)
        if count is not None:
            tally.cells[cell] = count + 1
        elif len(tally.cells) < self._cells:
            tally.cells[cell] = 1
        if hit:
            tally.hits += 1
            if warmed:
                tally.warmed += 1

    def take(self) -> DemandCounts:
        """What was counted so far; counting begins anew."""
        tally, self._tally = self._tally, DemandCounts()
        return tally


def hottest(hours: Iterable[Mapping[int, float]], count: int) -> list[int]:
    """The cells in most demand, hottest first. `hours`: requests by cell, the latest hour first."""
    demand: dict[int, float] = {}
    for age, cells in enumerate(hours):
        weight = 0.5 ** (age / HALF_LIFE)
        for cell, requests in cells.items():
            demand[cell] = demand.get(cell, 0.0) + weight * requests
    return sorted(demand, key=lambda cell: (-demand[cell], cell))[:count]

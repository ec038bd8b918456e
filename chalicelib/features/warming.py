"""Cache warming: the scheduled function that fills Redis ahead of requests.

It keeps three kinds of cells warm: the cells in most demand, their neighbours (because people move) and well-known
places (because there is no demand on the first day). One query fetches all values that are missing or close to their
soft expiry, and a few commands write them to Redis. If no value is due, there is no query, so that Aurora can pause on
a quiet night.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from time import perf_counter, time

from chalicelib.config.features import TtlPolicy, WarmingPlan
from chalicelib.deadline import Deadline
from chalicelib.errors import DependencyError
from chalicelib.features.cache import HOURS, ROLLOUT, Cache, Entry, Rollout, Store, rollout_text_of, value_key
from chalicelib.features.codec import CachedValue, CellAnimals, CorruptValue, soft_expiry
from chalicelib.location import cell_of, neighbours_of, parse_cell

PLACES = Path(__file__).parents[1] / "places.csv"
"""National parks, zoos and big cities. The file links to faunalens/data/places.csv, to be in the package."""

HALF_LIFE = 6.0
"""Age in hours at which a request counts half as much as a new one."""
_HEADS_PER_READ = 500
_BYTES_PER_WRITE = 1_000_000


@dataclass(slots=True)
class WarmingReport:
    """The results of one run.

    Each of the `considered` cells was `refreshed`, `skipped` (still fresh) or `failed` (an error, or no time left).
    `hits`: requests served from the cache in the last two hours. `warmed_hits`: hits on values that warming wrote.
    `quiet`: whether demand was too low to wake the database. `faults`: fault codes. `details`: error messages of the
    dependencies.
    """

    considered: int = 0
    refreshed: int = 0
    skipped: int = 0
    failed: int = 0
    queries: int = 0
    seconds: float = 0.0
    hits: int = 0
    warmed_hits: int = 0
    quiet: bool = False
    faults: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    @property
    def useful(self) -> float | None:
        """Return the share of hits that were on warmed values; None if there were no hits."""
        return self.warmed_hits / self.hits if self.hits else None


class Warming:
    """Cache warming: write values from `store` to `cache`. `places`: cells to keep warm regardless of demand."""

    def __init__(
        self,
        cache: Cache,
        store: Store,
        ttl: TtlPolicy,
        plan: WarmingPlan,
        places: Sequence[int],
        now: Callable[[], float] = time,
    ) -> None:
        self._cache, self._store, self._ttl = cache, store, ttl
        self._plan, self._places, self._now = plan, places, now

    def run(self, deadline: Deadline) -> WarmingReport:
        """Warm the cache until the deadline. A failing dependency raises no error; the report lists its faults."""
        report, started = WarmingReport(), perf_counter()
        try:
            self._run(report, deadline)
        except DependencyError as error:
            report.faults.append(error.fault)
            report.details.append(error.summary)
        report.failed = report.considered - report.refreshed - report.skipped
        report.seconds = perf_counter() - started
        return report

    def _run(self, report: WarmingReport, deadline: Deadline) -> None:
        hour = int(self._now()) // 3600
        hours = self._cache.demand(range(hour, hour - HOURS, -1), self._plan.hottest, deadline)
        for each in (hour, hour - 1):
            hits, warmed = self._cache.hits(each, deadline)
            report.hits, report.warmed_hits = report.hits + hits, report.warmed_hits + warmed
        cells = self._candidates(hours)
        report.considered = len(cells)
        report.quiet = sum(sum(counts.values()) for counts in hours[:2]) < self._plan.quiet

        known, left = self._cache.read(ROLLOUT, deadline), dict.fromkeys(cells, 0.0)
        with suppress(ValueError):  # a rollout that is missing or corrupt: no value is known
            left |= self._time_left(cells, Rollout.from_text(known or b""), deadline)
        soonest = 0.0 if report.quiet else self._plan.margin
        if not any(seconds <= soonest for seconds in left.values()):
            report.skipped = len(cells)
            return
        due = [cell for cell in cells if left[cell] <= (0.0 if report.quiet else self._plan.ahead)]
        report.skipped = len(cells) - len(due)

        report.queries = 1
        found = self._store.features_of(due, deadline)
        if (text := rollout_text_of(found[0])) != known:
            self._cache.announce(text, self._ttl.hard, deadline, known or b"")
        for entries in self._batches(found):
            if deadline.left() <= 0:
                report.faults.append("out_of_time")
                return
            self._cache.write(entries, deadline)
            report.refreshed += len(entries)

    def _candidates(self, hours: Sequence[dict[int, float]]) -> list[int]:
        """Return the cells to keep warm, the most important first, without duplicates.

        The order is: the cells in most demand, the well-known places, the neighbours of the cells in most demand.
        """
        hot = [cell for cell in hottest(hours, self._plan.hottest) if _is_cell(cell)]
        around = (neighbour for cell in hot for neighbour in neighbours_of(cell))
        return list(dict.fromkeys((*hot, *self._places, *around)))

    def _time_left(self, cells: Sequence[int], rollout: Rollout, deadline: Deadline) -> dict[int, float]:
        """Return the seconds until each cell's value turns stale; 0 if the value is missing or corrupt."""
        left: dict[int, float] = {}
        for some in batched(cells, _HEADS_PER_READ, strict=False):
            heads = self._cache.read_headers([value_key(cell, rollout.version_of(cell)) for cell in some], deadline)
            for cell, head in zip(some, heads, strict=True):
                try:
                    left[cell] = max(soft_expiry(head, cell) - self._now(), 0.001)
                except CorruptValue:
                    left[cell] = 0.0
        return left

    def _batches(self, found: Sequence[CellAnimals]) -> Iterator[list[Entry]]:
        """Yield the values to write, in batches of about a megabyte."""
        entries: list[Entry] = []
        size = 0
        for each in found:
            entry = Entry.of(CachedValue.stamped(each, self._ttl, self._now(), warmed=True))
            entries.append(entry)
            size += len(entry.value)
            if size >= _BYTES_PER_WRITE:
                yield entries
                entries, size = [], 0
        if entries:
            yield entries


def hottest(hours: Iterable[Mapping[int, float]], count: int) -> list[int]:
    """Return the `count` cells in most demand, hottest first. `hours`: requests by cell for each hour, latest first."""
    demand: dict[int, float] = {}
    for age, cells in enumerate(hours):
        weight = 0.5 ** (age / HALF_LIFE)
        for cell, requests in cells.items():
            demand[cell] = demand.get(cell, 0.0) + weight * requests
    return sorted(demand, key=lambda cell: (-demand[cell], cell))[:count]


def _is_cell(number: int) -> bool:
    """Return whether a number read from Redis is a valid cell."""
    with suppress(ValueError):
        return parse_cell(f"{number:x}") == number
    return False


def read_places(path: Path = PLACES) -> list[int]:
    """Return the cells of the places in a CSV file with columns `latitude` and `longitude`, without duplicates."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines)
        return list(dict.fromkeys(cell_of(float(row["latitude"]), float(row["longitude"])) for row in rows))

"""Simulate feature lookups and cache warming: what Redis has of each cell, and how long the stores take.

Only what the metrics show is simulated. What a container's memory, leases and breakers do is a share of the lookups.
"""

from collections.abc import Mapping
from random import Random

import numpy as np

from chalicelib.config.settings import Settings
from chalicelib.features.codec import CellAnimals
from chalicelib.features.features import CacheLevel, Features, Trace, degraded, features_of
from chalicelib.features.warming import WarmingReport
from cloudwatch.simulation import schedule

DEFAULTS = Settings()
VERSION = "b0491d054589"
TTL = DEFAULTS.features.ttl
IN_MEMORY, WARMED, WAITED = 0.4, 0.6, 0.05
"""Shares: of lookups that find a cell in memory, of values that warming wrote, of misses that wait for a lease."""
TRIED, OPENED = 0.4, 0.5
"""Shares: of calls to a store that is down that find the breaker closed, and of these, those that open it."""
HOT = 400
"""Number of cells that warming keeps in Redis."""
_IDS, _WEIGHTS, _STATUS = np.arange(500, dtype=np.int32), np.ones(500, np.float32), np.ones(500, np.uint8)


class Lookups:
    """The lookups of all containers. `animals`: number of animals by cell, the most frequent cell first.

    `commands`, `queries`: to Redis and to the database; who counts them sets them back.
    """

    def __init__(self, random: Random, animals: Mapping[int, int]) -> None:
        self._random, self._animals = random, animals
        self._stored: dict[int, float] = {}  # when Redis got the value of each cell
        self.commands = self.queries = 0

    @property
    def keys(self) -> int:
        """The number of keys in Redis."""
        return len(self._stored)

    def fill(self, cell: int, now: float) -> None:
        """Write the features of a cell to Redis."""
        self._stored[cell] = now

    def flush(self) -> None:
        """Delete all features in Redis."""
        self._stored.clear()

    def at(self, cell: int, now: float) -> tuple[Features, float]:
        """Return the features of a cell, and the seconds that the lookup took."""
        random, age = self._random, now - self._stored.get(cell, 0.0)
        if age < TTL.soft and random.random() < IN_MEMORY:
            return features_of(self._animals_of(cell), "memory"), 0.00003
        if now in schedule.REDIS_DOWN:
            fault, opened, waited = self._failed("redis", "timeout", DEFAULTS.redis.connect)
            return self._query(cell, now, "bypass", (fault,), Trace(opened=opened), waited)
        self.commands += 1
        seconds = random.lognormvariate(-6.4, 0.35)  # median 1.7 ms
        if age < TTL.soft:
            return features_of(self._animals_of(cell), "hit", trace=Trace(warmed=random.random() < WARMED)), seconds
        return self._query(cell, now, "stale" if age < TTL.hard else "miss", (), Trace(), seconds)

    def _query(
        self, cell: int, now: float, level: CacheLevel, faults: tuple[str, ...], trace: Trace, seconds: float
    ) -> tuple[Features, float]:
        """Return what the database has of a cell. `level`: of what Redis has, with the faults and seconds so far."""
        random = self._random
        if now in schedule.DATABASE_DOWN:
            fault, opened, waited = self._failed("postgres", "unreachable", DEFAULTS.database.connect)
            faults, trace = (*faults, fault), trace._replace(opened=(*trace.opened, *opened))
            found = self._animals_of(cell)
            answer = features_of(found, "stale", faults, trace) if level == "stale" else degraded(faults, trace)
            return answer, seconds + waited
        self.queries += 1
        took = random.lognormvariate(-4.7, 0.5)  # median 9 ms
        trace = trace._replace(queries=1, query_ms=round(took * 1e3, 1))
        if level != "bypass":
            level = "miss"
            self._stored[cell] = now
        if random.random() < WAITED:
            trace = trace._replace(queries=0, query_ms=0.0, lease_waits=1, lease_wait_ms=round(took * 1e3, 1))
        return features_of(self._animals_of(cell), level, faults, trace), seconds + took

    def _failed(self, store: str, fault: str, timeout: float) -> tuple[str, tuple[str, ...], float]:
        """Return the fault, the breakers that it opens, and the seconds of a call to a store that is down."""
        random = self._random
        if random.random() >= TRIED:
            return f"{store}_breaker_open", (), 0.0
        return f"{store}_{fault}", (store,) * (random.random() < OPENED), timeout + random.uniform(0.0, 0.02)

    def warm(self, now: float) -> WarmingReport:
        """Run cache warming once."""
        random, hot = self._random, list(self._animals)[:HOT]
        report = WarmingReport(hits=1000, warmed_hits=round(1000 * random.uniform(0.5, 0.7)))
        report.seconds = random.lognormvariate(-1.4, 0.2)
        if now in schedule.REDIS_DOWN:
            report.faults.append("redis_timeout")
            return report
        due = [cell for cell in hot if now - self._stored.get(cell, 0.0) > TTL.soft * random.uniform(0.7, 0.9)]
        report.considered, report.skipped = len(hot), len(hot) - len(due)
        if due:  # none is while the database is down, two hours after the flush
            report.refreshed, report.queries = len(due), 1
            self._stored |= dict.fromkeys(due, now)
        return report

    def _animals_of(self, cell: int) -> CellAnimals:
        count = self._animals.get(cell, 0)
        return CellAnimals(cell, VERSION, ("AU",) if count else (), _IDS[:count], _WEIGHTS[:count], _STATUS[:count])

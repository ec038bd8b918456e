"""Simulate feature lookups and cache warming: what Redis has of a cell, and how long the stores take.

Only what the metrics show is simulated: what Redis, a container's memory, leases and breakers do is a share of the
lookups.
"""

from math import exp
from random import Random

import numpy as np

from chalicelib.config.settings import Settings
from chalicelib.features.codec import CellAnimals
from chalicelib.features.features import CacheLevel, Features, Trace, degraded, features_of
from chalicelib.features.warming import WarmingReport
from cloudwatch.simulation import schedule

DEFAULTS = Settings()
VERSION = "b0491d054589"
CELLS, HOT = 6000, 400
"""Number of cells that requests come from, and of those that warming keeps in Redis."""
IN_MEMORY, FRESH, STALE, WARMED = 0.4, 0.65, 0.1, 0.6
"""Shares: of lookups that find a cell in memory; of the others, fresh or stale values in Redis; of hits, values that
warming wrote."""
REFILL = 600.0
"""Seconds until two thirds of what was flushed is in Redis again."""
NO_ANIMALS, WAITED = 0.03, 0.05
"""Shares: of cells without animals, of misses that wait for a lease."""
TRIED, OPENED = 0.4, 0.5
"""Shares: of calls to a store that is down that find the breaker closed, and of these, those that open it."""
_IDS, _WEIGHTS, _STATUS = np.arange(500, dtype=np.int32), np.ones(500, np.float32), np.ones(500, np.uint8)


class Lookups:
    """The lookups of all containers. `commands`, `queries`: to Redis and to the database; who counts resets them."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.commands = self.queries = 0

    def filled(self, now: float) -> float:
        """Return the share of what Redis usually has that it has now: less for a while after the flush."""
        since = now - schedule.FLUSH.begin
        return 1 - exp(-since / REFILL) if since >= 0 else 1.0

    def at(self, now: float) -> tuple[Features, float]:
        """Return the features of a cell, and the seconds that the lookup took."""
        random, filled = self._random, self.filled(now)
        if random.random() < IN_MEMORY:
            return features_of(self._found(), "memory"), 0.00003
        if now in schedule.REDIS_DOWN:
            fault, opened, waited = self._failed("redis", "timeout", DEFAULTS.redis.connect)
            return self._query(now, "bypass", (fault,), Trace(opened=opened), waited)
        self.commands += 1
        seconds = random.lognormvariate(-6.4, 0.35)  # median 1.7 ms
        draw = random.random()
        if draw < FRESH * filled:
            return features_of(self._found(), "hit", trace=Trace(warmed=random.random() < WARMED)), seconds
        return self._query(now, "stale" if draw < (FRESH + STALE) * filled else "miss", (), Trace(), seconds)

    def _query(
        self, now: float, level: CacheLevel, faults: tuple[str, ...], trace: Trace, seconds: float
    ) -> tuple[Features, float]:
        """Return what the database has of a cell. `level`: of what Redis has, with the faults and seconds so far."""
        random = self._random
        if now in schedule.DATABASE_DOWN:
            fault, opened, waited = self._failed("postgres", "unreachable", DEFAULTS.database.connect)
            faults, trace = (*faults, fault), trace._replace(opened=(*trace.opened, *opened))
            answer = features_of(self._found(), "stale", faults, trace) if level == "stale" else degraded(faults, trace)
            return answer, seconds + waited
        self.queries += 1
        took = random.lognormvariate(-4.7, 0.5)  # median 9 ms
        trace = trace._replace(queries=1, query_ms=round(took * 1e3, 1))
        if level != "bypass":
            level = "miss"
        if random.random() < WAITED:
            trace = trace._replace(queries=0, query_ms=0.0, lease_waits=1, lease_wait_ms=round(took * 1e3, 1))
        return features_of(self._found(), level, faults, trace), seconds + took

    def _failed(self, store: str, fault: str, timeout: float) -> tuple[str, tuple[str, ...], float]:
        """Return the fault, the breakers that it opens, and the seconds of a call to a store that is down."""
        random = self._random
        if random.random() >= TRIED:
            return f"{store}_breaker_open", (), 0.0
        return f"{store}_{fault}", (store,) * (random.random() < OPENED), timeout + random.uniform(0.0, 0.02)

    def warm(self, now: float) -> WarmingReport:
        """Run cache warming once."""
        random = self._random
        report = WarmingReport(hits=1000, warmed_hits=round(1000 * random.uniform(0.5, 0.7)))
        report.seconds = random.lognormvariate(-1.4, 0.2)
        if now in schedule.REDIS_DOWN:
            report.faults.append("redis_timeout")
            return report
        due = 0 if now in schedule.DATABASE_DOWN else round(HOT * (random.uniform(0.01, 0.04) + 1 - self.filled(now)))
        report.considered, report.skipped = HOT, HOT - due
        if due:
            report.refreshed, report.queries = due, 1
        return report

    def _found(self) -> CellAnimals:
        random = self._random
        count = 0 if random.random() < NO_ANIMALS else round(random.uniform(40, 140))
        return CellAnimals(0, VERSION, ("AU",) if count else (), _IDS[:count], _WEIGHTS[:count], _STATUS[:count])

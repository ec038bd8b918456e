"""One contestant under a load that is the same for all: a spike, and many first requests at once."""

import sys
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks import load_stats as tally
from benchmarks.container import LEVELS, Contestant, Kind, Seen
from benchmarks.load_generator import Shift, run_shifts, rush
from benchmarks.slow_database import SlowDatabase
from benchmarks.zipf import arrivals, land_cells, zipf
from chalicelib.config.settings import Settings
from local.stack import valkey

RUSH_QUERY = 1.0
"""Seconds of the one query while 1,000 wait for it: longer than they take to arrive on two cores."""
RUSH_BUDGETS = Settings(
    redis_connect=5.0,
    redis_command=5.0,
    redis_total=10.0,
    database_connect=5.0,
    database_statement=5.0,
    database_total=8.0,
    features_lease=10.0,
    features_total=15.0,
)
"""The time budgets hold for a container with a processor to itself; a thousand share two here."""


@dataclass(frozen=True, slots=True)
class Load:
    """What comes when; seconds and requests a second. `ttl`: soft for ours."""

    containers: int
    rate: float
    seconds: int
    step: int
    cells: int
    exponent: float
    ttl: float
    seed: int = 3

    def asked(self) -> NDArray[np.int64]:
        """The cells, the most wanted first: the same for the same seed, as the shifts are."""
        return land_cells(self.cells, np.random.default_rng(self.seed))

    def shifts(self) -> list[Shift]:
        """What each container has to do."""
        random, land, shifts = np.random.default_rng(self.seed), self.asked(), []
        for number in range(self.containers):
            begin = 0.0 if number < max(self.containers // 10, 1) else float(self.step)
            moments = arrivals(self.rate / self.containers, begin, self.seconds, random)
            shifts.append(Shift(begin, moments, zipf(land, self.exponent, len(moments), random)))
        return shifts

    def settings(self, redis_url: str, database_url: str) -> Settings:
        return Settings(
            redis_url=redis_url,
            database_url=database_url,
            features_soft_ttl=self.ttl,
            features_hard_ttl=self.ttl * 12,  # as 72 h to 6 h
            memory_fresh=self.ttl / 10,
            version_fresh=self.ttl / 10,
        )


@dataclass(frozen=True, slots=True)
class Run:
    """What one contestant did under the load. `counted`: queries by PostgreSQL's own count."""

    contestant: Contestant
    load: Load
    start: float
    seen: Seen
    counted: int

    @property
    def late(self) -> NDArray[np.void]:
        """Requests after a minute; of a shorter run, those of its last third."""
        late = self.start + min(60.0, self.load.seconds * 2 / 3)
        return self.seen.requests[self.seen.requests["start"] >= late]

    @property
    def per_ttl(self) -> float:
        return tally.queries_per_ttl(self.seen.queries, self.seen.requests, self.load.ttl)


def run(contestant: Contestant, load: Load, database: SlowDatabase, query: float, version: str) -> Run:
    """One contestant on an empty Valkey."""
    database.settle(query)
    with valkey.serve() as cache:
        kind = Kind(contestant, load.settings(cache.url, database.url), version)

        def watch(second: float, requests: int, queries: int) -> None:
            print(
                f"\r{contestant}: {second:3.0f} of {load.seconds} s, {requests:,} requests, {queries:,} queries",
                end="",
                file=sys.stderr,
                flush=True,
            )

        start, seen = run_shifts(kind, load.shifts(), load.seconds, watch)
    print(file=sys.stderr)
    return Run(contestant, load, start, seen, database.calls())


@dataclass(frozen=True, slots=True)
class Rush:
    """What one contestant did with many first requests at once. `counted`: queries that reached PostgreSQL."""

    contestant: Contestant
    seen: Seen
    counted: int

    @property
    def answered(self) -> int:
        return len(self._answers)

    @property
    def early(self) -> int:
        """Requests that began before any of them was answered."""
        first = (self._answers["start"] + self._answers["seconds"]).min(initial=np.inf)
        return int(np.count_nonzero(self.seen.requests["start"] < first))

    @property
    def _answers(self) -> NDArray[np.void]:
        answers: NDArray[np.void] = self.seen.requests[self.seen.requests["level"] != LEVELS.index("degraded")]
        return answers


def first_requests(
    contestant: Contestant, cell: int, processes: int, each: int, database: SlowDatabase, version: str
) -> Rush:
    """As many containers as `processes` × `each` ask for the same cold cell at the same moment."""
    print(f"{contestant}: {processes * each:,} first requests for one cold cell", file=sys.stderr, flush=True)
    database.settle(RUSH_QUERY)
    with valkey.serve() as cache:
        settings = replace(RUSH_BUDGETS, redis_url=cache.url, database_url=database.url)
        _, seen = rush(Kind(contestant, settings, version), cell, processes, each)
    return Rush(contestant, seen, database.calls())

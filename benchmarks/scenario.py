"""The two scenarios of the load test: a spike in load, and a burst of first requests for one cell."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks import load_stats
from benchmarks.load_generator import Schedule, run_load
from benchmarks.simulated_container import LEVELS, ContainerConfig, Events, Strategy
from benchmarks.slow_database import SlowDatabase
from benchmarks.zipf import arrivals, land_cells, zipf
from chalicelib.config.settings import Settings
from local.stack import valkey

BURST_QUERY_SECONDS = 1.0
"""Delay of the query in a burst: longer than 1,000 requests take to start on two cores."""
BURST_SETTINGS = Settings(
    redis_connect=5.0,
    redis_command=5.0,
    redis_total=10.0,
    database_connect=5.0,
    database_statement=5.0,
    database_total=8.0,
    features_lease=10.0,
    features_total=15.0,
)
"""Longer time budgets than the defaults, because here a thousand containers share two processors."""


@dataclass(frozen=True, slots=True)
class Load:
    """The load of a spike: requests for `cells` random cells, which follow Zipf's law with an `exponent`.

    `rate`: requests a second from the time `step` on; before `step`, a tenth of this. `seconds`: duration. `ttl`: TTL
    of the naive strategy and soft TTL of ours, seconds. Equal seeds give equal loads.
    """

    containers: int
    rate: float
    seconds: int
    step: int
    cells: int
    exponent: float
    ttl: float
    seed: int = 3

    def popular_cells(self) -> NDArray[np.int64]:
        """Return the cells in descending order of popularity."""
        return land_cells(self.cells, np.random.default_rng(self.seed))

    def schedules(self) -> list[Schedule]:
        """Return the schedule of each container."""
        random, cells, schedules = np.random.default_rng(self.seed), self.popular_cells(), []
        for number in range(self.containers):
            begin = 0.0 if number < max(self.containers // 10, 1) else float(self.step)
            moments = arrivals(self.rate / self.containers, begin, self.seconds, random)
            schedules.append(Schedule(begin, moments, zipf(cells, self.exponent, len(moments), random)))
        return schedules

    def settings(self) -> Settings:
        """Return the settings of a container. Their lifetimes are scaled to the load's TTL."""
        return Settings(
            features_soft_ttl=self.ttl,
            features_hard_ttl=self.ttl * 12,  # as in the defaults, 72 h and 6 h
            memory_fresh=self.ttl / 10,
            version_fresh=self.ttl / 10,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one strategy under a load. `server_count`: number of queries that PostgreSQL counted."""

    strategy: Strategy
    start: float
    events: Events
    server_count: int

    @property
    def answers(self) -> NDArray[np.void]:
        """The requests that got features."""
        answers: NDArray[np.void] = self.events.requests[self.events.requests["level"] != LEVELS.index("degraded")]
        return answers

    @property
    def before_first_answer(self) -> int:
        """Number of requests that started before the first answer."""
        first = (self.answers["start"] + self.answers["seconds"]).min(initial=np.inf)
        return int(np.count_nonzero(self.events.requests["start"] < first))

    def later(self, load: Load) -> NDArray[np.void]:
        """Return the requests after the first minute, or in a short run the requests of the last third."""
        moment = self.start + min(60.0, load.seconds * 2 / 3)
        return self.events.requests[self.events.requests["start"] >= moment]

    def queries_per_ttl(self, load: Load) -> float:
        """Return the number of queries per cell and TTL."""
        return load_stats.queries_per_ttl(self.events.queries, self.events.requests, load.ttl)


def run_spike(strategy: Strategy, load: Load, database: SlowDatabase, delay: float, version: str) -> Result:
    """Run one strategy under a spike. `delay`: seconds added to each query."""
    database.set_delay(delay)
    return _run(strategy, load.settings(), version, database, load.schedules(), load.seconds)


def run_burst(
    strategy: Strategy, cell: int, containers: int, database: SlowDatabase, version: str, threads: int = 40
) -> Result:
    """Let all containers request the same uncached cell at the same moment. `threads`: containers in each process."""
    database.set_delay(BURST_QUERY_SECONDS)
    schedules = [Schedule(0.0, np.zeros(1), np.array([cell]))] * containers
    return _run(strategy, BURST_SETTINGS, version, database, schedules, 0, threads)


def _run(
    strategy: Strategy,
    settings: Settings,
    version: str,
    database: SlowDatabase,
    schedules: Sequence[Schedule],
    seconds: int,
    threads: int = 1,
) -> Result:
    print(f"{strategy}: {len(schedules):,} containers, {seconds} s", file=sys.stderr, flush=True)
    with valkey.serve() as cache:
        config = ContainerConfig(strategy, replace(settings, redis_url=cache.url, database_url=database.url), version)
        start, events = run_load(config, schedules, seconds, threads=threads)
    return Result(strategy, start, events, database.query_count())

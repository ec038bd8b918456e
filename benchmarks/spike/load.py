"""The load of the spike: which container requests which cell when, the processes that run it, and a slow database.

Cells follow Zipf's law, moments a Poisson process; no request waits for the answer to another one (open loop).
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import TimeoutError as PoolTimeoutError
from multiprocessing import get_context
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any

import numpy as np
import psycopg2
from numpy.typing import NDArray

from benchmarks.spike.stats import LEVELS, QUERY, REQUEST, Events, merge
from chalicelib.config.features import FeaturePolicy, TtlPolicy
from chalicelib.config.settings import Settings
from chalicelib.config.stores import DatabaseSettings, RedisSettings
from chalicelib.deadline import Deadline
from chalicelib.errors import CacheError
from chalicelib.features.cell_features import CellFeatures
from chalicelib.features.codec import CellAnimals
from chalicelib.location import parse_cell
from chalicelib.services import build_cache
from chalicelib.stores.postgres import PostgresStore
from faunalens.data.dataset import Dataset
from faunalens.data.dataset_files import read_rows
from local.stack import postgres, valkey
from tests.support.feature_rig import load_active

CELL_AREAS = Path(__file__).parents[2] / "faunalens" / "data" / "cell_areas.csv"
SEED = 3
SPAWN_SECONDS = 60.0
"""Longest time for all processes to start, and to end after the run."""
NICENESS = 5
"""Niceness of the containers. The servers get the processors first, because in production they have other machines."""
BURST_QUERY_SECONDS = 1.0
"""Delay of the query in a burst: longer than 1,000 requests take to start on two cores."""
BURST_SETTINGS = Settings(
    redis=RedisSettings(connect=5.0, command=5.0, total=10.0),
    database=DatabaseSettings(connect=5.0, command=5.0, total=8.0),
    features=FeaturePolicy(lease=10.0, total=15.0),
)
"""Longer time budgets than the defaults, because here a thousand containers share two processors."""
SLOW_QUERY = """
drop schema if exists spike cascade;
create schema spike;
grant usage on schema spike to public;
create function spike.features_of(cells bigint[], asked text default null)
returns table (
    cell bigint, version text, areas text[], animals integer[], weights real[], statuses smallint[],
    unknown integer[], relatives smallint[], rollout text
)
language plpgsql
as $$
begin
    perform pg_sleep(%(seconds)s);
    return query select * from public.features_of(cells, asked);
end
$$;
alter database faunalens set search_path = spike, public;
alter database faunalens set track_functions = 'pl';
"""
"""PostgreSQL searches the schema `spike` before `public`, so the app's query runs unchanged, and is counted."""
QUERY_COUNT = "select coalesce(sum(calls), 0) from pg_stat_user_functions where schemaname = 'spike'"

# This process may have threads and must not fork. A small server process that has all imports forks the workers.
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["benchmarks.spike.load", "redis", "redis.cluster"])
_barrier: Any
"""Shared by the processes; `_initialise` sets it in each worker."""


class SlowDatabase:
    """A real PostgreSQL whose feature query is slowed down and counted. `url`: its address for the app's user."""

    def __init__(self, server: postgres.PostgresServer) -> None:
        self.url = server.url
        self._admin_url = server.admin_url.rpartition("/")[0] + "/faunalens"

    def query_count(self) -> int:
        """Return the number of feature queries that PostgreSQL counted; open sessions report them up to 1 s late."""
        return int(self._run(QUERY_COUNT)[0][0])

    def set_delay(self, seconds: float) -> None:
        """Add `seconds` to the duration of each query from now on, and set the count to 0."""
        self._run(SLOW_QUERY, {"seconds": seconds})

    def _run(self, query: str, values: dict[str, float] | None = None) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(self._admin_url)) as admin, admin, admin.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def slow_database(dataset: Dataset) -> Iterator[SlowDatabase]:
    """Run a server with an active dataset until the end of the block."""
    with postgres.serve() as server:
        load_active(server.url, dataset)
        yield SlowDatabase(server)


def land_cells(count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return `count` different random cells on land."""
    land = [parse_cell(row["cell"]) for row in read_rows(CELL_AREAS) if row["areas"]]
    return random.choice(np.array(land, np.int64), count, replace=False)


def zipf(items: NDArray[np.int64], count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return `count` random items by Zipf's law: the k-th item has the weight 1 / k."""
    share = 1.0 / np.arange(1, len(items) + 1)
    return random.choice(items, count, p=share / share.sum())


def arrivals(rate: float, begin: float, end: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Return ascending random moments between `begin` and `end`, on average `rate` a second (a Poisson process)."""
    return np.sort(random.uniform(begin, end, random.poisson(rate * (end - begin))))


@dataclass(frozen=True, slots=True)
class Schedule:
    """The work of one container: it starts at `begin`, and requests each of `cells` at the matching time in `moments`.

    All times are seconds from the start of the run. A container with a `begin` of 0 connects to Redis before the run.
    """

    begin: float
    moments: NDArray[np.float64]
    cells: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Load:
    """The load of a spike: requests for `cells` random cells, which follow Zipf's law. Equal loads are the same.

    `rate`: requests a second from the time `step` on; before `step`, a tenth of this. `seconds`: duration. `ttl`: soft
    TTL, seconds.
    """

    containers: int
    rate: float
    seconds: int
    step: int
    cells: int
    ttl: float

    def popular_cells(self) -> NDArray[np.int64]:
        """Return the cells in descending order of popularity."""
        return land_cells(self.cells, np.random.default_rng(SEED))

    def schedules(self) -> list[Schedule]:
        """Return the schedule of each container."""
        random, cells, schedules = np.random.default_rng(SEED), self.popular_cells(), []
        for number in range(self.containers):
            begin = 0.0 if number < max(self.containers // 10, 1) else float(self.step)
            moments = arrivals(self.rate / self.containers, begin, self.seconds, random)
            schedules.append(Schedule(begin, moments, zipf(cells, len(moments), random)))
        return schedules

    def settings(self) -> Settings:
        """Return the settings of a container. Their lifetimes are scaled to the load's TTL."""
        usual = TtlPolicy()
        ttl = TtlPolicy(soft=self.ttl, hard=self.ttl * usual.hard / usual.soft)
        return Settings(features=FeaturePolicy(ttl, fresh=self.ttl / 10, version=self.ttl / 10))


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a load. `server_count`: number of queries that PostgreSQL counted."""

    start: float
    events: Events
    server_count: int

    @property
    def answered(self) -> int:
        """Number of requests that got features."""
        return int(np.count_nonzero(self.events.requests["level"] != LEVELS.index("degraded")))

    def later(self, load: Load) -> NDArray[np.void]:
        """Return the requests after the spike's first minute; in a short run, those of its last third."""
        moment = self.start + min(60.0, load.seconds * 2 / 3)
        return self.events.requests[self.events.requests["start"] >= moment]


def run_spike(load: Load, database: SlowDatabase, delay: float) -> Result:
    """Run a spike. `delay`: seconds added to each query."""
    database.set_delay(delay)
    return _run(load.settings(), database, load.schedules(), load.seconds)


def run_burst(cell: int, containers: int, database: SlowDatabase, threads: int = 40) -> Result:
    """Let all containers request the same uncached cell at the same moment. `threads`: containers in each process."""
    database.set_delay(BURST_QUERY_SECONDS)
    schedules = [Schedule(0.0, np.zeros(1), np.array([cell]))] * containers
    return _run(BURST_SETTINGS, database, schedules, 0, threads)


def _run(
    settings: Settings, database: SlowDatabase, schedules: Sequence[Schedule], seconds: int, threads: int = 1
) -> Result:
    print(f"{len(schedules):,} containers, {seconds} s", file=sys.stderr, flush=True)
    with valkey.serve() as cache:
        redis = replace(settings.redis, url=cache.url)
        settings = replace(settings, redis=redis, database=replace(settings.database, url=database.url))
        start, events = run_load(settings, schedules, seconds, threads=threads)
    return Result(start, events, database.query_count())


class RecordingStore(PostgresStore):
    """A `Store` that records its queries."""

    def __init__(self, settings: DatabaseSettings) -> None:
        super().__init__(settings)
        self.queries: list[tuple[float, float, int]] = []

    def features_of(self, cells: Sequence[int], deadline: Deadline, version: str | None = None) -> list[CellAnimals]:
        start = time.monotonic()
        try:
            return super().features_of(cells, deadline, version)
        finally:
            self.queries += [(start, time.monotonic(), cell) for cell in cells]


class SimulatedContainer:
    """One container with its own connections and memory. `connect` is a part of its initialisation."""

    def __init__(self, settings: Settings) -> None:
        self._cache, self._store = build_cache(settings), RecordingStore(settings.database)
        self._features = CellFeatures(self._cache, self._store, settings.features)
        self._requests: list[tuple[float, float, float, int, int]] = []

    def connect(self) -> None:
        """Connect to Redis. If this fails, the first request tries again."""
        with suppress(CacheError):
            self._cache.ping(Deadline.after(5.0))

    def serve(self, cell: int, scheduled: float) -> None:
        """Serve one request. `scheduled`: the time at which it should start (`time.monotonic`)."""
        start = time.monotonic()
        found = self._features.at(cell)
        level = "degraded" if found.mode == "degraded" else found.cache
        self._requests.append((start, time.monotonic() - start, start - scheduled, cell, LEVELS.index(level)))

    def close(self) -> Events:
        """Close all connections; return the events."""
        self._cache.close()
        self._store.close()
        return Events(np.array(self._requests, REQUEST), np.array(self._store.queries, QUERY))


class LoadGeneratorError(Exception):
    """The containers did not start or end in time."""


def run_load(
    settings: Settings, schedules: Sequence[Schedule], seconds: float, *, threads: int = 1
) -> tuple[float, Events]:
    """Run a container for each schedule, `threads` containers in each process; return the start time and the events."""
    groups = [schedules[first : first + threads] for first in range(0, len(schedules), threads)]
    barrier = _CONTEXT.Barrier(len(groups) + 1)
    with _CONTEXT.Pool(len(groups), _initialise, (barrier,)) as pool:
        # Each process gets one group, because it waits at the barrier for the other processes.
        results = [pool.apply_async(_serve_group, (settings, group)) for group in groups]
        try:
            barrier.wait(SPAWN_SECONDS)
            start = time.monotonic()
            deadline = start + seconds + SPAWN_SECONDS
            return start, merge([result.get(max(0.0, deadline - time.monotonic())) for result in results])
        except (BrokenBarrierError, PoolTimeoutError) as error:
            raise LoadGeneratorError(
                f"the containers did not start or end in {SPAWN_SECONDS:.0f} s; use fewer containers or a lower rate"
            ) from error


def _initialise(barrier: Any) -> None:
    """Lower the priority of a worker process and store the shared barrier."""
    global _barrier
    os.nice(NICENESS)
    _barrier = barrier


def _serve_group(settings: Settings, schedules: Sequence[Schedule]) -> Events:
    """Run a container for each schedule, each in a new thread; return their events."""
    containers = [SimulatedContainer(settings) for _ in schedules]
    for container, schedule in zip(containers, schedules, strict=True):
        if not schedule.begin:
            container.connect()
    _barrier.wait(SPAWN_SECONDS)
    start = time.monotonic()

    def serve(container: SimulatedContainer, schedule: Schedule) -> Events:
        if schedule.begin:
            _sleep_until(start + schedule.begin)
            container.connect()
        for moment, cell in zip((start + schedule.moments).tolist(), schedule.cells.tolist(), strict=True):
            _sleep_until(moment)
            container.serve(cell, moment)
        return container.close()

    with ThreadPoolExecutor(len(schedules)) as pool:
        return merge([*pool.map(serve, containers, schedules)])


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))

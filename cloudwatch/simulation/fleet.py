# ruff: noqa: ARG002 — the protocols pass deadlines and tokens that a simulation does not need
"""Simulate the service: containers, Redis, the database and cache warming.

The simulation runs the product's own code for lookups, breakers, TTLs and warming, with its default settings. Only
latencies and outages are simulated: each call to Redis or PostgreSQL advances a simulated clock.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from random import Random

import numpy as np

from chalicelib.config.settings import Settings
from chalicelib.errors import CacheError, StoreError
from chalicelib.features.cell_features import CellFeatures
from chalicelib.features.codec import HEADER, CachedValue, CellAnimals, pack
from chalicelib.features.deadline import Clock, Deadline
from chalicelib.features.demand import DemandCounts
from chalicelib.features.features import Features
from chalicelib.features.protocols import Entry, Publication
from chalicelib.features.redis_keys import ROLLOUT, value_key
from chalicelib.features.warming import Warming, WarmingReport
from chalicelib.stores.breaker import Breaker
from cloudwatch.simulation import schedule

DEFAULTS = Settings()
IDLE = 420.0
"""Seconds after which Lambda removes an idle container."""
VERSION = "b0491d054589"
_IDS, _WEIGHTS, _STATUS = np.arange(500, dtype=np.int32), np.ones(500, np.float32), np.ones(500, np.uint8)


class SimulatedClock(Clock):
    """The clock of the request that is being simulated. `now`: seconds since 1970."""

    def __init__(self) -> None:
        self.now = schedule.START

    def time(self) -> float:
        """Return the simulated time."""
        return self.now

    monotonic = time

    def sleep(self, seconds: float) -> None:  # type: ignore[override]  # the base takes SupportsIndex too
        """Let simulated time pass."""
        self.now += seconds


class Servers:
    """Redis and the database, shared by all containers. `animals`: number of animals by cell; other cells are open sea.

    Requests that overlap in simulated time run one after another, so a request could read a value from its future. To
    prevent this, each key of Redis keeps its latest values with their times. A request reads the latest value that was
    set before its own time.
    """

    def __init__(self, random: Random, animals: Mapping[int, int]) -> None:
        self.random, self.clock = random, SimulatedClock()
        self.commands = self.queries = 0
        self.demand: defaultdict[int, Counter[int]] = defaultdict(Counter)
        self.hits: dict[int, tuple[int, int]] = {}
        self._animals = animals
        self._values: dict[bytes, list[tuple[float, bytes | None, float]]] = {}

    @property
    def keys(self) -> int:
        """The number of keys in Redis."""
        return len(self._values)

    def get(self, key: bytes) -> bytes | None:
        """Return the value that a key of Redis has at the simulated time."""
        for begin, value, end in reversed(self._values.get(key, ())):
            if begin <= self.clock.now:
                return value if self.clock.now < end else None
        return None

    def set(self, key: bytes, value: bytes | None, seconds: float) -> None:
        """Set the value of a key of Redis from the simulated time on. The value None deletes the key."""
        values = self._values.setdefault(key, [])
        values.append((self.clock.now, value, self.clock.now + seconds))
        del values[:-3]

    def flush(self) -> None:
        """Delete all features in Redis. The demand counts stay, so the next warming knows which cells to restore."""
        self._values.clear()

    def animals_of(self, cell: int) -> CellAnimals:
        """Return the animals of a cell, as the database has them."""
        count = self._animals.get(cell, 0)
        areas = ("AU",) if count else ()
        return CellAnimals(cell, VERSION, areas, _IDS[:count], _WEIGHTS[:count], _STATUS[:count])


class _Connection:
    """A container's connection to one of the servers, behind a breaker."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        limits = DEFAULTS.redis
        self._breaker = Breaker(limits.breaker_failures, limits.breaker_reset_timeout, servers.clock.monotonic)


class SimulatedCache(_Connection):
    """A connection to Redis: a `Cache`."""

    def read(self, key: bytes, deadline: Deadline) -> bytes | None:
        return self._call().get(key)

    def check_in(self, key: bytes, counts: DemandCounts, deadline: Deadline) -> bytes | None:
        servers = self._call()
        hour = int(servers.clock.now) // 3600
        servers.demand[hour].update(counts.cells)
        hits, warmed = servers.hits.get(hour, (0, 0))
        servers.hits[hour] = hits + counts.hits, warmed + counts.warmed
        return servers.get(key)

    def claim(
        self, lease: bytes, token: bytes, seconds: float, key: bytes | None, deadline: Deadline
    ) -> tuple[bytes | None, bytes | None]:
        servers = self._call()
        holder = servers.get(lease)
        if holder is None:
            servers.set(lease, token, seconds)
        return holder, servers.get(key) if key else None

    def publish(self, value: Publication, lease: bytes, token: bytes, deadline: Deadline) -> None:
        servers = self._call()
        servers.set(*value.entry)
        servers.set(ROLLOUT, value.rollout, value.entry.seconds)
        servers.set(lease, None, 0.0)

    def release(self, lease: bytes, token: bytes, deadline: Deadline, note: bytes = b"", seconds: float = 0.0) -> None:
        self._call().set(lease, note or None, seconds)

    def read_headers(self, keys: Sequence[bytes], deadline: Deadline) -> list[bytes]:
        servers = self._call()
        return [(servers.get(key) or b"")[: HEADER.size] for key in keys]

    def write(self, entries: Sequence[Entry], deadline: Deadline) -> None:
        servers = self._call()
        for entry in entries:
            servers.set(entry.key, entry.value, entry.seconds)

    def announce(self, rollout: bytes, seconds: float, deadline: Deadline, known: bytes | None = None) -> None:
        self._call().set(ROLLOUT, rollout, seconds)

    def demand(self, hours: Sequence[int], count: int, deadline: Deadline) -> list[dict[int, float]]:
        servers = self._call()
        return [dict(servers.demand[hour]) for hour in hours]

    def hits(self, hour: int, deadline: Deadline) -> tuple[int, int]:
        return self._call().hits.get(hour, (0, 0))

    def _call(self) -> Servers:
        servers = self._servers
        if not self._breaker.allows():
            raise CacheError("redis_breaker_open")
        if servers.clock.now in schedule.REDIS_DOWN:
            servers.clock.sleep(DEFAULTS.redis.connect + servers.random.uniform(0.0, 0.02))
            raise CacheError("redis_timeout", opened=self._breaker.record_failure())
        servers.clock.sleep(servers.random.lognormvariate(-6.4, 0.35))  # median 1.7 ms
        self._breaker.record_success()
        servers.commands += 1
        return servers


class SimulatedStore(_Connection):
    """A connection to the database."""

    @property
    def breaker_is_open(self) -> bool:
        return self._breaker.is_open

    def features_of(self, cells: Sequence[int], deadline: Deadline, version: str | None = None) -> list[CellAnimals]:
        servers = self._servers
        if not self._breaker.allows():
            raise StoreError("postgres_breaker_open")
        servers.queries += 1
        if servers.clock.now in schedule.DATABASE_DOWN:
            servers.clock.sleep(DEFAULTS.database.connect + servers.random.uniform(0.0, 0.02))
            raise StoreError("postgres_unreachable", opened=self._breaker.record_failure())
        servers.clock.sleep(servers.random.lognormvariate(-4.7, 0.5) + 0.0012 * (len(cells) - 1))  # median 9 ms for one
        self._breaker.record_success()
        return [servers.animals_of(cell) for cell in cells]


class FleetContainer:
    """A container of the function. It serves one request at a time. `free`: the time at which its last request ends."""

    def __init__(self, servers: Servers) -> None:
        cache, store = SimulatedCache(servers), SimulatedStore(servers)
        self.features = CellFeatures(cache, store, DEFAULTS.features, servers.clock)
        self.free = 0.0


class Fleet:
    """All containers of the stage, and cache warming."""

    def __init__(self, servers: Servers) -> None:
        self.servers, self.clock = servers, servers.clock
        self._containers: list[FleetContainer] = []
        cache, store = SimulatedCache(servers), SimulatedStore(servers)
        self._warming = Warming(cache, store, DEFAULTS.features.ttl, DEFAULTS.warming, [], self.clock.time)

    def container(self, now: float) -> tuple[FleetContainer, bool]:
        """Return the container for a request, and whether the container is new."""
        self._containers = [each for each in self._containers if now - each.free < IDLE]
        idle = [each for each in self._containers if each.free <= now]
        if not idle:
            self._containers.append(FleetContainer(self.servers))
            return self._containers[-1], True
        return max(idle, key=lambda each: each.free), False

    def busy(self, now: float) -> int:
        """Return the number of containers that are serving a request."""
        return sum(each.free > now for each in self._containers)

    def look_up(self, cell: int, now: float, container: FleetContainer) -> tuple[Features, float]:
        """Return the features of a cell, and the seconds that the lookup took."""
        self.clock.now = now
        features = container.features.at(cell)
        return features, self.clock.now - now or 0.00003

    def warm(self, now: float) -> WarmingReport:
        """Run cache warming once."""
        self.clock.now = now
        report = self._warming.run(Deadline.after(60.0, self.clock.monotonic))
        report.seconds = self.clock.now - now + self.servers.random.lognormvariate(-1.4, 0.2)
        return report

    def fill(self, cell: int, now: float, *, warmed: bool) -> None:
        """Write the features of a cell to Redis."""
        self.clock.now = now
        value = CachedValue.stamped(self.servers.animals_of(cell), DEFAULTS.features.ttl, now, warmed=warmed)
        self.servers.set(value_key(cell, VERSION), pack(value), value.hard - now)
        self.servers.set(ROLLOUT, value.cell_animals.rollout_text, value.hard - now)

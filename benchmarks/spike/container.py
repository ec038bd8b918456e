"""One container of the spike, with our feature lookup or with naive cache-aside, and the record of what it did.

Naive cache-aside sends GET; on a miss, it queries the database and sends SET … EX. All values have the same TTL. There
are no leases, no jitter, no process memory and no stale values. Everything else is as in the app: clients of Redis and
PostgreSQL, time budgets, breakers and packing. It also queries the database if Redis fails. The dataset version is a
constant.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic, time
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.config.settings import Settings
from chalicelib.errors import CacheError, StoreError
from chalicelib.features.cell_features import CellFeatures
from chalicelib.features.codec import CachedValue, CellAnimals, CorruptValue, pack, unpack
from chalicelib.features.deadline import Deadline
from chalicelib.features.features import CacheLevel
from chalicelib.features.protocols import Cache, Entry, Store
from chalicelib.features.redis_keys import value_key
from chalicelib.services import build_cache, build_store
from chalicelib.stores.postgres import PostgresStore

Strategy = Literal["naive", "ours"]

LEVELS = ("memory", "hit", "stale", "miss", "bypass", "degraded")
"""Cache levels of a request; `degraded` if it got no features."""

REQUEST = np.dtype([("start", "f8"), ("seconds", "f8"), ("late", "f8"), ("cell", "i8"), ("level", "u1")])
"""One request: its start (`time.monotonic`, which all processes share), its duration, its delay after the scheduled
moment, its cell, and the index of its cache level in `LEVELS`."""

QUERY = np.dtype([("start", "f8"), ("end", "f8"), ("cell", "i8")])
"""One query to the database, successful or not."""


class Events(NamedTuple):
    """The record of one or more containers: arrays of `REQUEST` and of `QUERY`."""

    requests: NDArray[np.void]
    queries: NDArray[np.void]


def merge(events: Sequence[Events]) -> Events:
    """Return the events of several containers in order of time."""
    requests = np.concatenate([each.requests for each in events])
    queries = np.concatenate([each.queries for each in events])
    return Events(requests[np.argsort(requests["start"])], queries[np.argsort(queries["start"])])


class NaiveFeatures:
    """Feature lookup by naive cache-aside. `ttl`: lifetime of a value. `total`: limit of a lookup. Both in seconds."""

    def __init__(self, cache: Cache, store: Store, version: str, ttl: float, total: float) -> None:
        self._cache, self._store = cache, store
        self._version, self._ttl, self._total = version, ttl, total

    def at(self, cell: int) -> CacheLevel | None:
        """Look up a cell; return the cache level of its features, or None if the lookup failed."""
        deadline, key = Deadline.after(self._total), value_key(cell, self._version)
        level: CacheLevel = "miss"
        try:
            data = self._cache.read(key, deadline)
            if data is not None:
                unpack(data, cell, self._version)
                return "hit"
        except CorruptValue:
            pass
        except CacheError:
            level = "bypass"
        try:
            (animals,) = self._store.features_of((cell,), deadline)
        except StoreError:
            return None
        now = time()
        if level == "miss":
            value = CachedValue(animals, now, now + self._ttl, now + self._ttl)
            try:
                self._cache.write([Entry(key, pack(value), self._ttl)], deadline)
            except CacheError:
                level = "bypass"
        return level


@dataclass(frozen=True, slots=True)
class ContainerConfig:
    """A strategy and its settings. The naive strategy uses only one TTL, `settings.features.ttl.soft`."""

    strategy: Strategy
    settings: Settings
    version: str


class RecordingStore:
    """A `Store` that passes queries on and records them."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store
        self.queries: list[tuple[float, float, int]] = []

    @property
    def breaker_is_open(self) -> bool:
        return self._store.breaker_is_open

    def features_of(self, cells: Sequence[int], deadline: Deadline, version: str | None = None) -> list[CellAnimals]:
        start = monotonic()
        try:
            return self._store.features_of(cells, deadline, version)
        finally:
            self.queries += [(start, monotonic(), cell) for cell in cells]


class SimulatedContainer:
    """One container with its own connections and memory. `connect` is a part of its initialisation."""

    def __init__(self, config: ContainerConfig) -> None:
        settings = config.settings
        self._cache = build_cache(settings)
        self._postgres = build_store(settings)
        self._store = RecordingStore(self._postgres)
        self._requests: list[tuple[float, float, float, int, int]] = []
        self._level_of: Callable[[int], str | None]
        if config.strategy == "naive":
            ttl, total = settings.features.ttl.soft, settings.features.total
            self._level_of = NaiveFeatures(self._cache, self._store, config.version, ttl, total).at
        else:
            features = CellFeatures(self._cache, self._store, settings.features)
            self._level_of = lambda cell: None if (found := features.at(cell)).mode == "degraded" else found.cache

    def connect(self) -> None:
        """Connect to Redis. If this fails, the first request tries again."""
        with suppress(CacheError):
            self._cache.ping(Deadline.after(5.0))

    def serve(self, cell: int, scheduled: float) -> None:
        """Serve one request. `scheduled`: the time at which it should start (`time.monotonic`)."""
        start = monotonic()
        level = self._level_of(cell) or "degraded"
        self._requests.append((start, monotonic() - start, start - scheduled, cell, LEVELS.index(level)))

    def close(self) -> Events:
        """Close all connections; return the events."""
        self._cache.close()
        self._postgres.close()
        return Events(np.array(self._requests, REQUEST), np.array(self._store.queries, QUERY))

"""What stands for one Lambda container in a load test: connections and a memory of its own, and what it did."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.naive import NaiveFeatures
from chalicelib.config.settings import Settings
from chalicelib.errors import CacheError
from chalicelib.features.cell_features import CellFeatures
from chalicelib.features.codec import CellAnimals
from chalicelib.features.deadline import Deadline
from chalicelib.services import build_cache, build_features, build_store
from chalicelib.stores.postgres import PostgresStore

CONNECT_SECONDS = 5.0

Contestant = Literal["naive", "ours"]

LEVELS = ("memory", "hit", "stale", "miss", "bypass", "degraded")
"""How a request came by its features; `degraded`: not at all."""

REQUEST = np.dtype([("start", "f8"), ("seconds", "f8"), ("late", "f8"), ("cell", "i8"), ("level", "u1")])
"""One request: when it began (`time.monotonic`, one clock for all processes), how long it took, how long after its
time it began, and its place in `LEVELS`."""

QUERY = np.dtype([("start", "f8"), ("end", "f8"), ("cell", "i8")])
"""One question to the database, failed ones included."""


class Seen(NamedTuple):
    """What containers did: arrays of `REQUEST` and of `QUERY`."""

    requests: NDArray[np.void]
    queries: NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Kind:
    """Which contestant, and how it is set. `settings.features_soft_ttl` is the only TTL of the naive one."""

    contestant: Contestant
    settings: Settings
    version: str


class CountingStore:
    """A `Store` that writes down each query that it passes on."""

    def __init__(self, store: PostgresStore) -> None:
        self._store, self._lock = store, Lock()
        self.queries: list[tuple[float, float, int]] = []

    @property
    def breaker_is_open(self) -> bool:
        return self._store.breaker_is_open

    def features_of(self, cells: Sequence[int], deadline: Deadline) -> list[CellAnimals]:
        start = monotonic()
        try:
            return self._store.features_of(cells, deadline)
        finally:
            end = monotonic()
            with self._lock:
                self.queries += ((start, end, cell) for cell in cells)


class Container:
    """One container of a kind. As on Lambda, whoever starts it opens Redis before the first request comes."""

    def __init__(self, kind: Kind) -> None:
        settings = kind.settings
        self._cache = build_cache(settings)
        self._postgres = build_store(settings)
        self._store = CountingStore(self._postgres)
        self._requests: list[tuple[float, float, float, int, int]] = []
        self._of: Callable[[int], str | None]
        if kind.contestant == "naive":
            self._of = NaiveFeatures(
                self._cache, self._store, kind.version, settings.features_soft_ttl, settings.features_total
            ).at
        else:
            self._of = _levels_of(build_features(settings, self._cache, self._store))

    def prepare(self) -> None:
        """Connect to Redis; one that does not answer is left to the requests."""
        with suppress(CacheError):
            self._cache.ping(Deadline.after(CONNECT_SECONDS))

    def serve(self, cell: int, due: float) -> str:
        """One request that was due at a moment; returns its level."""
        start = monotonic()
        level = self._of(cell) or "degraded"
        self._requests.append((start, monotonic() - start, start - due, cell, LEVELS.index(level)))
        return level

    @property
    def asked(self) -> int:
        """Queries so far."""
        return len(self._store.queries)

    def close(self) -> Seen:
        """Close all connections; what it did."""
        self._cache.close()
        self._postgres.close()
        return Seen(np.array(self._requests, REQUEST), np.array(self._store.queries, QUERY))


def _levels_of(features: CellFeatures) -> Callable[[int], str | None]:
    """As `NaiveFeatures.at`: where features came from; None if they could not be had."""

    def of(cell: int) -> str | None:
        found = features.at(cell)
        return None if found.mode == "degraded" else found.cache

    return of


def together(seen: Sequence[Seen]) -> Seen:
    """What several containers did, in order of time."""
    requests = np.concatenate([each.requests for each in seen])
    queries = np.concatenate([each.queries for each in seen])
    return Seen(requests[np.argsort(requests["start"])], queries[np.argsort(queries["start"])])

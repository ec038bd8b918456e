"""One container of the spike, with the app's feature lookup, and the record of what it did."""

from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.config.settings import Settings
from chalicelib.errors import CacheError
from chalicelib.features.cell_features import CellFeatures
from chalicelib.features.codec import CellAnimals
from chalicelib.features.deadline import Deadline
from chalicelib.services import build_cache, build_store
from chalicelib.stores.postgres import PostgresStore

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

    def __init__(self, settings: Settings) -> None:
        self._cache, self._postgres = build_cache(settings), build_store(settings)
        self._store = RecordingStore(self._postgres)
        self._features = CellFeatures(self._cache, self._store, settings.features)
        self._requests: list[tuple[float, float, float, int, int]] = []

    def connect(self) -> None:
        """Connect to Redis. If this fails, the first request tries again."""
        with suppress(CacheError):
            self._cache.ping(Deadline.after(5.0))

    def serve(self, cell: int, scheduled: float) -> None:
        """Serve one request. `scheduled`: the time at which it should start (`time.monotonic`)."""
        start = monotonic()
        found = self._features.at(cell)
        level = "degraded" if found.mode == "degraded" else found.cache
        self._requests.append((start, monotonic() - start, start - scheduled, cell, LEVELS.index(level)))

    def close(self) -> Events:
        """Close all connections; return the events."""
        self._cache.close()
        self._postgres.close()
        return Events(np.array(self._requests, REQUEST), np.array(self._store.queries, QUERY))

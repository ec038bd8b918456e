# ruff: noqa: ARG002 — an in-memory cache needs no deadline
"""An in-memory cache and store for fast tests of feature lookups. Tests can make both fail."""

import time
from collections.abc import Sequence
from threading import Lock

import numpy as np

from chalicelib.errors import CacheError, StoreError
from chalicelib.features.codec import HEADER, CellAnimals
from chalicelib.features.deadline import Deadline
from chalicelib.features.demand import DemandCounts
from chalicelib.features.keys import ROLLOUT
from chalicelib.features.protocols import Entry, Publication
from chalicelib.features.rollout import Rollout


def cell_animals(
    cell: int, version: str = "v1", animals: int = 5, areas: tuple[str, ...] = ("AU", "NZ")
) -> CellAnimals:
    """Return the features of a cell with some animals."""
    return CellAnimals(
        cell,
        version,
        areas,
        np.arange(animals, dtype=np.int32) * 3,
        np.linspace(0.1, 1.0, animals, dtype=np.float32),
        np.ones(animals, dtype=np.uint8),
    )


def rollout(version: str) -> bytes:
    """Return the text in Redis of an active dataset without a trial."""
    return Rollout(0, version).to_text().encode()


class InMemoryCache:
    """A `Cache` over a dictionary. `fault` makes the methods in `deny` fail, or all methods if `deny` is empty."""

    def __init__(self) -> None:
        self.values: dict[bytes, tuple[bytes, float]] = {}
        self.demand_counts: list[DemandCounts] = []
        self.calls: list[str] = []
        self.fault: str | None = None
        self.deny: set[str] = set()
        self.hours: dict[int, dict[int, float]] = {}
        self.hits_by_hour: dict[int, tuple[int, int]] = {}
        self._lock = Lock()

    def _enter(self, name: str) -> None:
        self.calls.append(name)
        if self.fault and (not self.deny or name in self.deny):
            raise CacheError(self.fault, "requested by the test", opened=self.fault == "redis_opened")

    def get(self, key: bytes) -> bytes | None:
        value, expiry = self.values.get(key, (b"", 0.0))
        return value if expiry > time.monotonic() else None

    def put(self, key: bytes, value: bytes, seconds: float = 3600.0) -> None:
        self.values[key] = value, time.monotonic() + seconds

    def read(self, key: bytes, deadline: Deadline) -> bytes | None:
        self._enter("read")
        return self.get(key)

    def check_in(self, key: bytes, counts: DemandCounts, deadline: Deadline) -> bytes | None:
        self._enter("check_in")
        self.demand_counts.append(counts)
        return self.get(key)

    def claim(
        self, lease: bytes, token: bytes, seconds: float, key: bytes | None, deadline: Deadline
    ) -> tuple[bytes | None, bytes | None]:
        self._enter("claim")
        with self._lock:
            holder = self.get(lease)
            if holder is None:
                self.put(lease, token, seconds)
            return holder, self.get(key) if key else None

    def publish(self, value: Publication, lease: bytes, token: bytes, deadline: Deadline) -> None:
        self._enter("publish")
        with self._lock:
            self.put(*value.entry)
            if self.get(ROLLOUT) in {None, value.known}:
                self.put(ROLLOUT, value.rollout, value.entry.seconds)
            if self.get(lease) == token:
                del self.values[lease]

    def release(self, lease: bytes, token: bytes, deadline: Deadline, note: bytes = b"", seconds: float = 0.0) -> None:
        self._enter("release")
        with self._lock:
            if self.get(lease) == token:
                del self.values[lease]
                if note:
                    self.put(lease, note, seconds)

    # For warming

    def read_headers(self, keys: Sequence[bytes], deadline: Deadline) -> list[bytes]:
        self._enter("read_headers")
        return [(self.get(key) or b"")[: HEADER.size] for key in keys]

    def write(self, entries: Sequence[Entry], deadline: Deadline) -> None:
        self._enter("write")
        for entry in entries:
            self.put(entry.key, entry.value, entry.seconds)

    def announce(self, rollout: bytes, seconds: float, deadline: Deadline, known: bytes | None = None) -> None:
        self._enter("announce")
        if known is None or self.get(ROLLOUT) in {None, known}:
            self.put(ROLLOUT, rollout, seconds)

    def demand(self, hours: Sequence[int], count: int, deadline: Deadline) -> list[dict[int, float]]:
        self._enter("demand")
        return [self.hours.get(hour, {}) for hour in hours]

    def hits(self, hour: int, deadline: Deadline) -> tuple[int, int]:
        self._enter("hits")
        return self.hits_by_hour.get(hour, (0, 0))


class InMemoryStore:
    """A `Store` that records queries.

    `fault`: the error that every query raises, if any. `delay`: how long each query takes. `version`: active dataset.
    """

    def __init__(self, version: str = "v1") -> None:
        self.version = version
        self.fault: str | None = None
        self.delay = 0.0
        self.queries: list[int] = []
        self.running: dict[int, int] = {}
        self.most_at_once = 0
        self.empty: set[int] = set()
        self.breaker_is_open = False
        self._lock = Lock()

    def features_of(self, cells: Sequence[int], deadline: Deadline, version: str | None = None) -> list[CellAnimals]:
        with self._lock:
            self.queries.extend(cells)
            for cell in cells:
                self.running[cell] = self.running.get(cell, 0) + 1
                self.most_at_once = max(self.most_at_once, self.running[cell])
        try:
            time.sleep(min(self.delay, max(deadline.left(), 0)))
            if deadline.left() <= 0:
                raise StoreError("postgres_timeout")
            if self.fault:
                raise StoreError(self.fault, "requested by the test", opened=self.fault == "postgres_opened")
            return [
                cell_animals(cell, version or self.version, *((0, ()) if cell in self.empty else ())) for cell in cells
            ]
        finally:
            with self._lock:
                for cell in cells:
                    self.running[cell] -= 1

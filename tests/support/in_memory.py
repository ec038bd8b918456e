# ruff: noqa: ARG002 — an in-memory cache needs no deadline
"""In-memory stand-ins for Redis, PostgreSQL and S3, which tests can make fail, and a clock that tests set by hand."""

from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import md5
from threading import Lock

import numpy as np

from chalicelib.deadline import Clock, Deadline
from chalicelib.errors import CacheError, StoreError, Unavailable
from chalicelib.features.cache import ROLLOUT, DemandCounts, Entry, Publication, Rollout
from chalicelib.features.codec import HEADER, CellAnimals
from chalicelib.stores.objects import Object, Objects


def cell_animals(
    cell: int, version: str = "v1", animals: int = 5, areas: tuple[str, ...] = ("AU", "NZ")
) -> CellAnimals:
    numbers, weights = np.arange(animals, dtype=np.int32) * 3, np.linspace(0.1, 1.0, animals, dtype=np.float32)
    return CellAnimals(cell, version, areas, numbers, weights, np.ones(animals, dtype=np.uint8))


def rollout(version: str) -> bytes:
    """Return the text in Redis of an active dataset without a trial."""
    return Rollout(0, version).to_text().encode()


class InMemoryCache:
    """A `Cache` over a dictionary. `fault` makes the methods in `deny` fail, or all methods if `deny` is empty."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self.values: dict[bytes, tuple[bytes, float]] = {}
        self.demand_counts: list[DemandCounts] = []
        self.calls: list[str] = []
        self.fault: str | None = None
        self.deny: set[str] = set()
        self.hours: dict[int, dict[int, float]] = {}
        self.hits_by_hour: dict[int, tuple[int, int]] = {}
        self.seen_by_hour: dict[int, Counter[str]] = {}
        self._lock = Lock()

    def _enter(self, name: str) -> None:
        self.calls.append(name)
        if self.fault and (not self.deny or name in self.deny):
            raise CacheError(self.fault, "requested by the test", opened=self.fault == "redis_opened")

    def get(self, key: bytes) -> bytes | None:
        value, expiry = self.values.get(key, (b"", 0.0))
        return value if expiry > self._clock.monotonic() else None

    def put(self, key: bytes, value: bytes, seconds: float = 3600.0) -> None:
        self.values[key] = value, self._clock.monotonic() + seconds

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

    def seen(self, hours: Sequence[int], deadline: Deadline) -> list[Counter[str]]:
        self._enter("seen")
        return [self.seen_by_hour.get(hour, Counter()) for hour in hours]


class InMemoryStore:
    """A `Store` that records queries.

    `fault`: the error that every query raises, if any. `delay`: how long each query takes. `version`: active dataset.
    """

    def __init__(self, version: str = "v1", clock: Clock | None = None) -> None:
        self.version, self._clock = version, clock or Clock()
        self.fault: str | None = None
        self.delay = 0.0
        self.queries: list[int] = []
        self.running = Counter[int]()
        self.most_at_once = 0
        self.empty: set[int] = set()
        self.breaker_is_open = False
        self._lock = Lock()

    def features_of(self, cells: Sequence[int], deadline: Deadline, version: str | None = None) -> list[CellAnimals]:
        with self._lock:
            self.queries.extend(cells)
            self.running.update(cells)
            self.most_at_once = max([self.most_at_once, *(self.running[cell] for cell in cells)])
        try:
            self._clock.sleep(min(self.delay, max(deadline.left(), 0)))
            if deadline.left() <= 0:
                raise StoreError("postgres_timeout")
            if self.fault:
                raise StoreError(self.fault, "requested by the test", opened=self.fault == "postgres_opened")
            active = version or self.version
            return [cell_animals(each, active, *((0, ()) if each in self.empty else ())) for each in cells]
        finally:
            with self._lock:
                self.running.subtract(cells)


class InMemoryObjects(Objects):
    """`Objects` over a dictionary. `calls`: each call with its key. `failing`: names of methods that fail."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self.calls: list[tuple[str, str]] = []
        self.failing: set[str] = set()

    def put(self, bucket: str, key: str, data: bytes, **metadata: str) -> Object:
        """Put an object, as its owner does."""
        etag = md5(data, usedforsecurity=False).hexdigest()
        self.objects[bucket, key] = made = Object(data, len(data), etag, metadata)
        return made

    def lines(self, bucket: str = "photos") -> dict[str, str]:
        """Return the text of each JSON object of a bucket, by key."""
        found = self.objects.items()
        return {key: (each.data or b"").decode() for (of, key), each in found if of == bucket and key.endswith(".json")}

    def _enter(self, name: str, key: str) -> None:
        self.calls.append((name, key))
        if name in self.failing:
            raise Unavailable("S3 fails because the test asked for it")

    def read(self, bucket: str, key: str, most: int) -> Object | None:
        self._enter("read", key)
        found = self.objects.get((bucket, key))
        if found is None or found.size <= most:
            return found
        return Object(None, found.size, found.etag, found.metadata)

    def exists(self, bucket: str, key: str) -> bool:
        self._enter("exists", key)
        return (bucket, key) in self.objects

    def write(self, bucket: str, key: str, text: str, *, replace: bool) -> None:
        self._enter("write", key)
        if replace or (bucket, key) not in self.objects:
            self.put(bucket, key, text.encode())

    def delete(self, bucket: str, key: str) -> None:
        self._enter("delete", key)
        self.objects.pop((bucket, key), None)


class VirtualClock(Clock):
    """A clock that stands still until a test moves it, or something sleeps. Only for tests with a single thread."""

    def __init__(self, seconds: float = 1_000_000.0) -> None:
        self.seconds = seconds

    def time(self) -> float:
        return self.seconds

    monotonic = time

    def sleep(self, seconds: float) -> None:  # type: ignore[override]
        self.seconds += seconds


class WallClock(Clock):
    """The clocks of this machine, except that `now` replaces `time` (seconds since 1970)."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.time = now

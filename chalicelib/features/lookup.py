"""The lookup of one cell's features (cache-aside): in process memory, then in Redis, then in PostgreSQL.

    fresh in process memory ─────────────────────────────────► memory
    fresh in Redis ──────────────────────────────────────────► hit
    stale or missing in Redis: claim the cell's lease
      won:  query the database ─ success ── write, release ──► miss
                               └ failure ── write a note ────► stale, or degraded if there is no stale value
      lost: a stale value exists ────────────────────────────► stale
            none exists: poll for the winner's value ────────► hit, or take over the lease
    Redis unusable: memory until stale, then the database ───► memory, bypass, stale or degraded

docs/explanation/features.md explains the algorithm, and docs/reference/faults.md the result of each fault.
"""

import os
import random
from dataclasses import dataclass, replace
from threading import Lock
from typing import NamedTuple

from chalicelib.config.features import FeaturePolicy
from chalicelib.deadline import Clock, Deadline
from chalicelib.errors import CacheError, DependencyError, StoreError
from chalicelib.features.cache import (
    ROLLOUT,
    ActiveRollout,
    Cache,
    Demand,
    Entry,
    Publication,
    Store,
    lease_key,
    rollout_text_of,
    value_key,
)
from chalicelib.features.codec import CachedValue, CorruptValue, unpack
from chalicelib.features.features import NO_TRACE, WARMED, CacheLevel, Features, degraded, features_of

FAILED = b"failed"
"""A note that replaces a lease after the query failed. Until it expires, other processes neither wait nor query."""
READABLE = frozenset({"redis_oom", "redis_readonly"})
"""Fault codes of a Redis server that rejects writes but still serves reads."""
NOT_QUERIED = frozenset({"postgres_breaker_open", "postgres_signing_in"})
"""Fault codes of a process that could not query the database. Others may be able to, so it leaves them no note."""
CLOCK_SKEW = 60.0
"""Maximum lead of another container's clock, in seconds; a larger lead counts as a fault."""
FIRST_POLL, LONGEST_POLL = 0.004, 0.1
"""First and longest pause between polls for another process's value, in seconds; each poll doubles the pause."""


class MemoryEntry(NamedTuple):
    """The features of a cell in process memory. `soft`, `hard`: their expiry dates, in seconds since 1970.

    `fresh`: time on the monotonic clock until which the features are served without checking Redis.
    """

    features: Features
    fresh: float
    soft: float
    hard: float

    def is_current(self, moment: float, version: str | None) -> bool:
        """Return whether the features are fresh and of the dataset `version`. If so, Redis need not be checked."""
        return moment < self.fresh and self.features.version == version


class Memory:
    """The first and fastest level: at most `size` entries, by cell. It evicts the entry that was written first.

    A read takes no lock and reorders no entries, so a hit costs one dictionary lookup. Eviction in order of writing is
    close to eviction by last use, because popular entries are rewritten each time they turn stale.
    Stale entries are kept until their hard expiry, since they are served while Redis and PostgreSQL are down.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: dict[int, MemoryEntry] = {}
        self._lock = Lock()

    def get(self, cell: int) -> MemoryEntry | None:
        """Return the entry of a cell, even if it is stale or expired. None if the cell has no entry."""
        return self._entries.get(cell)

    def usable(self, cell: int, now: float) -> MemoryEntry | None:
        """Return the entry of a cell, or None. An entry that is past its hard expiry at `now` is deleted."""
        entry = self._entries.get(cell)
        if entry is not None and entry.hard <= now:
            with self._lock:
                self._entries.pop(cell, None)
            return None
        return entry

    def put(self, cell: int, entry: MemoryEntry) -> None:
        """Store an entry. If the cache is then too large, evict the oldest entry."""
        if not self._size:
            return
        with self._lock:
            self._entries.pop(cell, None)
            self._entries[cell] = entry
            if len(self._entries) > self._size:
                del self._entries[next(iter(self._entries))]


@dataclass(slots=True)
class Shared:
    """What all lookups of a process share. `cache_is_cold`: whether the last lookup queried the database."""

    cache: Cache
    store: Store
    policy: FeaturePolicy
    clock: Clock
    memory: Memory
    demand: Demand
    rollout: ActiveRollout
    cache_is_cold: bool = False


class Lookup:
    """A single lookup of one cell. Create an instance and call `run` once."""

    __slots__ = ("_cell", "_clock", "_deadline", "_faults", "_shared", "_trace")

    def __init__(self, cell: int, deadline: Deadline, shared: Shared) -> None:
        self._cell, self._deadline, self._shared, self._clock = cell, deadline, shared, shared.clock
        self._faults: tuple[str, ...] = ()  # in order, without repetition
        self._trace = NO_TRACE

    def run(self) -> Features:
        """Return the features. Never raises if a store fails; `mode`, `cache` and `faults` describe the failure."""
        shared = self._shared
        try:
            version = self._version()
            entry = shared.memory.get(self._cell)
            if entry is not None and entry.is_current(self._clock.monotonic(), version):
                return entry.features  # only the rollout had to be read again
            # After a miss the cache is likely cold. The claim reads the value too, so skip the separate read.
            unread = shared.cache_is_cold
            value = None if version is None or unread else self._read(version)
        except CacheError as error:
            self._add_error(error)
            return self._without_cache()
        if value is not None and self._clock.time() < value.soft:
            return self._keep(value, "hit")
        if shared.store.breaker_is_open:
            self._add_fault("postgres_breaker_open")
            return self._read_after_all() if unread else self._stale(value)
        try:
            return self._recompute(version, value)
        except CacheError as error:
            self._add_error(error)
            if unread and error.fault in READABLE:
                return self._read_after_all()
            shared.cache_is_cold = False
            return self._stale(value) if value is not None else self._without_cache()

    def _read_after_all(self) -> Features:
        """Run the lookup again with a read of Redis, which the first run skipped because claiming a lease reads too."""
        self._shared.cache_is_cold = False
        return self.run()

    def _recompute(self, version: str | None, stale: CachedValue | None) -> Features:
        """Query the database. If another process does so for this cell, use a stale value, or wait for the new one."""
        cache, lease, token = self._shared.cache, lease_key(self._cell), os.urandom(8)
        pause = FIRST_POLL
        while True:
            key = value_key(self._cell, version) if version is not None else None
            holder, data = cache.claim(lease, token, self._shared.policy.lease, key, self._deadline)
            won = holder is None or holder == token
            value = self._unpacked(data, version) if version is not None else None
            if version is None:  # the lease's previous holder may have written the rollout meanwhile
                version = self._version()
                value = self._read(version) if version is not None else None
            if value is not None and self._clock.time() < value.soft:
                self._shared.cache_is_cold = False
                return self._keep(value, "hit")  # a lease that was won may expire by itself
            stale = value or stale
            if won:
                return self._from_store(lease, token, stale)
            if stale is not None or self._usable_entry() is not None:
                return self._stale(stale)
            if holder == FAILED or self._deadline.left() < pause:
                self._add_fault("lease_failed" if holder == FAILED else "lease_timeout")
                return self._stale(None)
            pause = self._wait(pause)

    def _from_store(self, lease: bytes, token: bytes, stale: CachedValue | None) -> Features:
        """Query the database, write the value to Redis and release the lease that this lookup has won."""
        shared, known = self._shared, self._shared.rollout.text
        try:
            value = self._query()
        except StoreError as error:
            self._add_error(error)
            self._release(lease, token, b"" if error.fault in NOT_QUERIED else FAILED)
            return self._stale(stale)
        shared.cache_is_cold = True
        publication = Publication(Entry.of(value), rollout_text_of(value.cell_animals), known)
        try:
            shared.cache.publish(publication, lease, token, self._deadline)
        except CacheError as error:
            self._add_error(error)
        return self._keep(value, "miss")

    def _without_cache(self) -> Features:
        """Return features without Redis: from process memory until they are stale, otherwise from the database."""
        entry, version = self._usable_entry(), self._shared.rollout.version_of(self._cell)
        if entry is not None and self._clock.time() < entry.soft and entry.features.version == version:
            return self._served_from(entry, "memory")
        try:
            return self._keep(self._query(), "bypass")
        except StoreError as error:
            self._add_error(error)
            return self._stale(None)

    def _stale(self, value: CachedValue | None) -> Features:
        """Return stale features: of `value` from Redis, or of process memory. Without any, return degraded features."""
        if value is not None:
            return self._keep(value, "stale")
        entry = self._usable_entry()
        return degraded(self._faults, self._trace) if entry is None else self._served_from(entry, "stale")

    # Steps that the methods above share

    def _add_fault(self, fault: str) -> None:
        if fault not in self._faults:
            self._faults = (*self._faults, fault)

    def _add_error(self, error: DependencyError) -> None:
        """Add a dependency's error: its fault code, its message, and whether it opened the circuit breaker."""
        trace = self._trace
        if error.fault not in self._faults:
            trace = trace._replace(details=(*trace.details, error.summary))
        if error.opened:
            trace = trace._replace(opened=(*trace.opened, "redis" if isinstance(error, CacheError) else "postgres"))
        self._trace = trace
        self._add_fault(error.fault)

    def _version(self) -> str | None:
        """Return the version that answers for the cell, if it is known. Read the rollout again if it is old."""
        rollout, moment = self._shared.rollout, self._clock.monotonic()
        if not rollout.is_trusted(moment):
            # Demand is reported in the same round trip.
            data = self._shared.cache.check_in(ROLLOUT, self._shared.demand.take(), self._deadline)
            try:
                rollout.keep(moment) if data is None else rollout.set(data, moment)
            except ValueError:
                self._add_fault("version_corrupt")
        return rollout.version_of(self._cell)

    def _read(self, version: str) -> CachedValue | None:
        return self._unpacked(self._shared.cache.read(value_key(self._cell, version), self._deadline), version)

    def _unpacked(self, data: bytes | None, version: str) -> CachedValue | None:
        """Return the value in the bytes, or None if it is corrupt or past its hard expiry."""
        if data is None:
            return None
        try:
            value = unpack(data, self._cell, version)
        except CorruptValue:
            self._add_fault("value_corrupt")
            return None
        now = self._clock.time()
        ahead = value.created - now
        if ahead > CLOCK_SKEW:  # the writer's clock was ahead: keep both lifetimes, but count them from now
            self._add_fault("clock_skew")
            value = value._replace(created=now, soft=value.soft - ahead, hard=value.hard - ahead)
        return value if now < value.hard else None

    def _usable_entry(self) -> MemoryEntry | None:
        return self._shared.memory.usable(self._cell, self._clock.time())

    def _query(self) -> CachedValue:
        """Query the database for the cell. Raises `StoreError`."""
        started, trace = self._clock.monotonic(), self._trace
        try:
            (found,) = self._shared.store.features_of((self._cell,), self._deadline)
        finally:
            milliseconds = trace.query_ms + (self._clock.monotonic() - started) * 1e3
            self._trace = trace._replace(queries=trace.queries + 1, query_ms=milliseconds)
        self._shared.rollout.set(rollout_text_of(found), started)
        return CachedValue.stamped(found, self._shared.policy.ttl, self._clock.time())

    def _release(self, lease: bytes, token: bytes, note: bytes = b"") -> None:
        try:
            self._shared.cache.release(lease, token, self._deadline, note, self._shared.policy.retry_pause)
        except CacheError as error:  # the lease soon expires anyway
            self._add_error(error)

    def _wait(self, pause: float) -> float:
        """Wait about `pause` seconds for another process's value. Return the next pause."""
        started, trace = self._clock.monotonic(), self._trace
        self._clock.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 — jitter, not a secret
        milliseconds = trace.lease_wait_ms + (self._clock.monotonic() - started) * 1e3
        self._trace = trace._replace(lease_waits=trace.lease_waits + 1, lease_wait_ms=milliseconds)
        return min(pause * 2, LONGEST_POLL)

    def _served_from(self, entry: MemoryEntry, level: CacheLevel) -> Features:
        """Return the features of an entry of process memory, with the faults and the trace of this lookup."""
        trace = self._trace._replace(warmed=entry.features.trace.warmed)
        return replace(entry.features, cache=level, faults=self._faults, trace=trace)

    def _keep(self, value: CachedValue, level: CacheLevel) -> Features:
        """Store a value in process memory and return its features. `level`: the source of the value."""
        found = value.cell_animals
        in_memory = features_of(found, "memory", trace=WARMED if value.warmed else NO_TRACE)
        fresh = self._clock.monotonic() + min(self._shared.policy.fresh, value.soft - self._clock.time())
        self._shared.memory.put(self._cell, MemoryEntry(in_memory, fresh, value.soft, value.hard))
        trace = in_memory.trace if self._trace is NO_TRACE else self._trace._replace(warmed=value.warmed)
        return features_of(found, level, self._faults, trace)

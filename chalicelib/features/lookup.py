"""The animals of a cell, cache-aside: process memory → Redis → PostgreSQL. The algorithm alone.

`CellFeatures.of` never raises for what a dependency does: what went wrong is in what it returns. It takes at most
`Policy.total` seconds, whatever breaks. docs/explanation/features.md draws it and lists what each fault leads to.

    memory fresh ────────────────────────────────────────────► memory
    value in Redis fresh ────────────────────────────────────► hit
    value stale or none: claim the cell's lease
      won:  ask the database ─ answered ─ write, give back ──► miss
                             └ failed ─── leave a note ──────► stale, or degraded if there is nothing to serve
      lost: something to serve ──────────────────────────────► stale
            nothing: wait for the winner's value ────────────► hit, or take the lease over
    Redis unusable: memory not stale, else the database ─────► memory, bypass, stale or degraded
"""

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import CacheError, StoreError
from chalicelib.features import keys
from chalicelib.features.codec import Corrupt, Packed, pack, unpack
from chalicelib.features.deadline import Deadline
from chalicelib.features.demand import Demand
from chalicelib.features.memory import Memory
from chalicelib.features.protocols import Cache, Publication, Store
from chalicelib.features.single_flight import SingleFlight
from chalicelib.features.trace import NO_TRACE, Trace, Visit
from chalicelib.features.ttl import Lifetimes

Mode = Literal["narrowed", "no_location", "unknown_area", "degraded"]
CacheLevel = Literal["memory", "hit", "stale", "miss", "bypass"]

FAILED = b"failed"
"""Note in place of a lease: the database just failed for this cell, so neither wait nor try for a moment."""
READABLE = frozenset({"redis_oom", "redis_readonly"})
"""Faults of a Redis that takes nothing more, and still gives what it has."""
SKEW = 60.0
"""Seconds by which another container's clock may be ahead before it is noted."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """The animals of a cell, and how they were come by.

    `animals` (int32 ids, ascending), `weights` (float32 in (0, 1]) and `status` (uint8: 1 native, 2 introduced) have
    one length and cannot be written to. `version`: of the dataset; None if none was reached. `faults`: codes of what
    went wrong on the way, in order, also where features could be had all the same.
    """

    mode: Mode
    cache: CacheLevel
    version: str | None
    areas: tuple[str, ...]
    animals: NDArray[np.int32]
    weights: NDArray[np.float32]
    status: NDArray[np.uint8]
    faults: tuple[str, ...] = ()
    trace: Trace = NO_TRACE


_NOTHING: tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.uint8]] = (
    np.frombuffer(b"", np.int32),
    np.frombuffer(b"", np.float32),
    np.frombuffer(b"", np.uint8),
)
NO_LOCATION = Features("no_location", "bypass", None, (), *_NOTHING)
"""Features of a request that asked not to be narrowed."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How `CellFeatures` goes about it; seconds.

    `total`: longest look-up. `lease`: life of a lease; longer than a query may take, so that there is never a second
    one for the cell. `rest`: how long after a failed query nobody asks for the same cell. `fresh`: how long memory
    serves a value without asking Redis. `version`: how long the active version is believed; a switch of datasets is
    seen everywhere by then.
    """

    lifetimes: Lifetimes
    total: float = 1.5
    lease: float = 1.2
    rest: float = 1.0
    fresh: float = 60.0
    version: float = 10.0


class MemoryEntry(NamedTuple):
    """An entry of memory: features as they are served from it, and until when (`fresh`: monotonic; others: 1970)."""

    features: Features
    fresh: float
    soft: float
    hard: float


class CellFeatures:
    """Features by cell for one process. Safe for threads.

    `now` gives seconds since 1970.
    """

    def __init__(
        self,
        cache: Cache,
        store: Store,
        policy: Policy,
        memory: Memory[MemoryEntry],
        demand: Demand,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._cache, self._store = cache, store
        self._policy, self._memory, self._demand, self._now = policy, memory, demand, now
        self._flights = SingleFlight[Features]()
        self._version: str | None = None
        self._version_until = 0.0
        self._cold = False  # whether the last look into Redis was a miss

    def of(self, cell: int) -> Features:
        """The animals of a cell."""
        moment = time.monotonic()
        held = self._memory.get(cell)
        if held is not None and moment < self._version_until and self._is_current(held, moment):
            self._demand.note(cell, hit=True, warmed=held.features.trace.warmed)
            return held.features
        deadline = Deadline.after(self._policy.total)
        features, own = self._flights.join(cell, lambda: self._look_up(Visit(cell, deadline)), deadline)
        if features is None:
            features = Features("degraded", "bypass", None, (), *_NOTHING, faults=("flight_timeout",))
        elif not own:
            level: CacheLevel = "memory" if features.mode != "degraded" else features.cache
            features = replace(features, cache=level, trace=Trace(warmed=features.trace.warmed))
        self._demand.note(cell, hit=features.cache in {"memory", "hit", "stale"}, warmed=features.trace.warmed)
        return features

    # The path

    def _look_up(self, visit: Visit) -> Features:
        try:
            version = self._active_version(visit)
            held = self._memory.get(visit.cell)
            if held is not None and self._is_current(held, time.monotonic()):
                return held.features  # only the version had to be asked for
            # After a miss the cache is likely cold: then the claim, which reads as well, saves a round trip.
            unread = self._cold
            value = None if version is None or unread else self._read(version, visit)
        except CacheError as error:
            visit.met(error)
            return self._without_cache(visit)
        if value is not None and self._is_fresh(value):
            return self._keep(value, "hit", visit)
        if self._store.is_resting:
            visit.note("postgres_breaker_open")
            return self._read_after_all(visit) if unread else self._stale(value, visit)
        try:
            return self._recompute(version, value, visit)
        except CacheError as error:
            visit.met(error)
            if unread and error.fault in READABLE:
                return self._read_after_all(visit)
            self._cold = False
            return self._stale(value, visit) if value is not None else self._without_cache(visit)

    def _read_after_all(self, visit: Visit) -> Features:
        """Nothing was read, since the claim would have, and there is to be none: look again, and read first."""
        self._cold = False
        return self._look_up(visit)

    def _recompute(self, version: str | None, stale: Packed | None, visit: Visit) -> Features:
        """Ask the database if nobody else is about to; else take their value, or what there is."""
        lease, token = keys.lease_key(visit.cell), os.urandom(8)
        pause = 0.004
        while True:
            key = keys.value_key(visit.cell, version) if version is not None else None
            holder, data = self._cache.claim(lease, token, self._policy.lease, key, visit.deadline)
            won = holder is None or holder == token
            value = self._unpacked(data, version, visit) if version is not None else None
            if version is None:  # nobody knew the version; whoever held the lease before may have told it by now
                version = self._active_version(visit)
                value = self._read(version, visit) if version is not None else None
            if value is not None and self._is_fresh(value):
                self._cold = False
                return self._keep(value, "hit", visit)  # if we hold the lease: nobody needs it before it ends
            stale = value or stale
            if won:
                return self._from_store(lease, token, stale, visit)
            if stale is not None or self._memory.usable(visit.cell, self._now()) is not None:
                return self._stale(stale, visit)
            if holder == FAILED or visit.deadline.left() < pause:
                visit.note("lease_failed" if holder == FAILED else "lease_timeout")
                return self._stale(None, visit)
            pause = self._wait(pause, visit)

    def _from_store(self, lease: bytes, token: bytes, stale: Packed | None, visit: Visit) -> Features:
        """Ask the database, holding the lease."""
        believed = self._version
        try:
            value = self._query(visit)
        except StoreError as error:
            visit.met(error)
            self._release(lease, token, visit, FAILED if error.fault != "postgres_breaker_open" else b"")
            return self._stale(stale, visit)
        self._cold = True
        version = value.cell_animals.version
        publication = Publication(
            keys.value_key(visit.cell, version),
            pack(value),
            value.hard - value.created,
            version,
            news="version_corrupt" in visit.faults or believed not in {None, version},
        )
        try:
            self._cache.publish(publication, lease, token, visit.deadline)
        except CacheError as error:
            visit.met(error)
        return self._keep(value, "miss", visit)

    def _without_cache(self, visit: Visit) -> Features:
        """Redis cannot be used: what memory holds is good until it is stale; then the database, one a process."""
        held = self._memory.usable(visit.cell, self._now())
        if held is not None and self._now() < held.soft and held.features.version == self._version:
            return replace(
                held.features, faults=tuple(visit.faults), trace=visit.trace(warmed=held.features.trace.warmed)
            )
        try:
            return self._keep(self._query(visit), "bypass", visit)
        except StoreError as error:
            visit.met(error)
            return self._stale(None, visit)

    def _stale(self, value: Packed | None, visit: Visit) -> Features:
        """The best that is left: a stale value of Redis, one of memory, or none."""
        if value is not None:
            return self._keep(value, "stale", visit)
        held = self._memory.usable(visit.cell, self._now())
        if held is not None:
            trace = visit.trace(warmed=held.features.trace.warmed)
            return replace(held.features, cache="stale", faults=tuple(visit.faults), trace=trace)
        return Features(
            "degraded", "bypass", None, (), *_NOTHING, faults=tuple(visit.faults), trace=visit.trace(warmed=False)
        )

    # Its steps

    def _active_version(self, visit: Visit) -> str | None:
        """Version of the active dataset: believed for a while, then asked of Redis; None if nobody told it yet."""
        moment = time.monotonic()
        if moment < self._version_until and self._version is not None:
            return self._version
        data = self._cache.check_in(keys.VERSION, self._demand.take(), visit.deadline)
        if data is not None:
            try:
                self._believe(data.decode(), moment)
            except UnicodeDecodeError:
                visit.note("version_corrupt")
        elif self._version is not None:
            self._believe(self._version, moment)  # forgotten by Redis; whoever asks the database next writes it anew
        return self._version

    def _believe(self, version: str, since: float) -> None:
        """Counted from when it was asked for: a switch while the answer was under way is then seen in time."""
        self._version = version
        self._version_until = since + self._policy.version

    def _read(self, version: str, visit: Visit) -> Packed | None:
        data = self._cache.read(keys.value_key(visit.cell, version), visit.deadline)
        return self._unpacked(data, version, visit)

    def _unpacked(self, data: bytes | None, version: str, visit: Visit) -> Packed | None:
        """A value that may be served; one that does not parse, or is past its hard expiry, is none."""
        if data is None:
            return None
        try:
            value = unpack(data, visit.cell, version)
        except Corrupt:
            visit.note("value_corrupt")
            return None
        ahead = value.created - self._now()
        if ahead > SKEW:  # written by a clock ahead of ours: take its lifetimes as from now, not its dates
            visit.note("clock_skew")
            value = value._replace(created=self._now(), soft=value.soft - ahead, hard=value.hard - ahead)
        return value if self._now() < value.hard else None

    def _is_current(self, held: MemoryEntry, moment: float) -> bool:
        return moment < held.fresh and held.features.version == self._version

    def _is_fresh(self, value: Packed) -> bool:
        return self._now() < value.soft

    def _query(self, visit: Visit) -> Packed:
        """Ask the database. Raises `StoreError`."""
        started = time.monotonic()
        visit.queries += 1
        try:
            known = self._store.features_of((visit.cell,), visit.deadline)
        finally:
            visit.query_ms += (time.monotonic() - started) * 1e3
        self._believe(known[0].version, started)
        return self._policy.lifetimes.of(known[0], self._now())

    def _release(self, lease: bytes, token: bytes, visit: Visit, note: bytes = b"") -> None:
        try:
            self._cache.release(lease, token, visit.deadline, note, self._policy.rest)
        except CacheError as error:  # it ends by itself soon
            visit.met(error)

    def _wait(self, pause: float, visit: Visit) -> float:
        """Wait about `pause` seconds for another's value; returns the next pause."""
        started = time.perf_counter()
        time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 — spread, not a secret
        visit.waits += 1
        visit.wait_ms += (time.perf_counter() - started) * 1e3
        return min(pause * 2, 0.1)

    def _keep(self, value: Packed, level: CacheLevel, visit: Visit) -> Features:
        """Features of a value; memory holds them as well."""
        known = value.cell_animals
        mode: Mode = "unknown_area" if known.is_empty else "narrowed"
        arrays = (known.areas, known.animals, known.weights, known.status)
        held = Features(mode, "memory", known.version, *arrays, trace=_WARMED if value.warmed else NO_TRACE)
        fresh = time.monotonic() + min(self._policy.fresh, value.soft - self._now())
        self._memory.put(visit.cell, MemoryEntry(held, fresh, value.soft, value.hard))
        trace = (
            held.trace if not visit.faults and level == "hit" and not visit.waits else visit.trace(warmed=value.warmed)
        )
        return Features(mode, level, known.version, *arrays, tuple(visit.faults), trace)


_WARMED = Trace(warmed=True)

"""Features by cell, from process memory or from a lookup. A process runs at most one lookup per cell at a time."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from threading import Lock

from chalicelib.config.features import FeaturePolicy
from chalicelib.deadline import Clock, Deadline
from chalicelib.errors import DependencyError
from chalicelib.features.cache import (
    ActiveRollout,
    Cache,
    Demand,
    Entry,
    Publication,
    Store,
    rollout_text_of,
    shadow_lease_key,
    value_key,
)
from chalicelib.features.codec import CachedValue, CorruptValue, unpack
from chalicelib.features.features import CacheLevel, Features, Trace, degraded, features_of
from chalicelib.features.lookup import Lookup, Memory, Shared

SHORTEST = 0.2
"""Minimum number of seconds for a lookup, even if its request has already waited in a queue."""
SHADOW_SECONDS = 0.3
"""Time limit of a lookup in shadow, in seconds: about as long as a photo takes. Later features are not compared."""


class CellFeatures:
    """The features of all cells, for the requests of one process. Thread-safe.

    `clock`: the machine's clocks by default; a simulation passes its own. `at` takes at most `FeaturePolicy.total`
    seconds, or less if the request has already waited, and never raises an error of Redis or PostgreSQL.
    """

    def __init__(self, cache: Cache, store: Store, policy: FeaturePolicy, clock: Clock | None = None) -> None:
        clock = clock or Clock()
        self._memory, self._demand, self._rollout = Memory(policy.memory_cells), Demand(), ActiveRollout(policy.version)
        self._shared = Shared(cache, store, policy, clock, self._memory, self._demand, self._rollout)
        self._monotonic, self._total = clock.monotonic, policy.total
        self._flights = SingleFlight[Features]()

    def at(self, cell: int, waited: float = 0.0) -> Features:
        """Return the features of a cell. `waited`: seconds that the request has already spent in a queue.

        This time counts towards `FeaturePolicy.total`, so that a store that does not reply does not delay a request
        twice, in the queue and in its own lookup. At least `SHORTEST` seconds remain, enough if the stores are healthy.
        """
        moment = self._monotonic()
        entry, rollout = self._memory.get(cell), self._rollout
        if entry is not None and rollout.is_trusted(moment) and entry.is_current(moment, rollout.version_of(cell)):
            self._demand.note(cell, hit=True, warmed=entry.features.trace.warmed)
            return entry.features
        deadline = Deadline.after(max(self._total - waited, min(SHORTEST, self._total)), self._monotonic)
        features, is_own = self._flights.join(cell, Lookup(cell, deadline, self._shared).run, deadline)
        if features is None:
            features = degraded(("flight_timeout",))
        elif not is_own:
            level: CacheLevel = "memory" if features.mode != "degraded" else features.cache
            features = replace(features, cache=level, trace=Trace(warmed=features.trace.warmed))
        self._demand.note(cell, hit=features.cache in {"memory", "hit", "stale"}, warmed=features.trace.warmed)
        return features

    def see(self, classes: Iterable[str]) -> None:
        """Count an identified photo in each class that it belongs to. Redis gets the counts at a later lookup."""
        self._demand.see(classes)

    def version_in_shadow(self, cell: int) -> str | None:
        """Return the version of the dataset in shadow for a cell, or None if there is none."""
        return self._rollout.shadow_of(cell)

    def in_shadow(self, cell: int, version: str) -> Features | None:
        """Look up a cell in a dataset in shadow, only to compare answers.

        A short deadline and no retries leave the connections to requests. Returns None if that takes too long, or if
        another process is querying the database for this cell.
        """
        shared, deadline = self._shared, Deadline.after(SHADOW_SECONDS, self._monotonic)
        with suppress(DependencyError, CorruptValue):  # the request's own lookup reports what is wrong
            if (data := shared.cache.read(value_key(cell, version), deadline)) is not None:
                return features_of(unpack(data, cell, version).cell_animals, "hit")
            lease, token = shadow_lease_key(cell), os.urandom(8)
            if shared.store.breaker_is_open:
                return None
            if shared.cache.claim(lease, token, shared.policy.lease, None, deadline)[0] is None:
                known = shared.rollout.text
                (found,) = shared.store.features_of((cell,), deadline, version)
                value = CachedValue.stamped(found, shared.policy.ttl, shared.clock.time())
                shared.cache.publish(
                    Publication(Entry.of(value), rollout_text_of(found), known), lease, token, deadline
                )
                return features_of(found, "hit")
        return None


class _Flight[T]:
    """A running lookup. The lock `landed` is held until the lookup ends."""

    __slots__ = ("landed", "result")

    def __init__(self) -> None:
        self.result: T | None = None
        self.landed = Lock()
        self.landed.acquire()


class SingleFlight[T]:
    """The running lookups by cell. Concurrent requests for a cell share one lookup."""

    def __init__(self) -> None:
        self._under_way: dict[int, _Flight[T]] = {}

    def join(self, cell: int, look_up: Callable[[], T], deadline: Deadline) -> tuple[T | None, bool]:
        """Run `look_up`, or wait if another thread is running the lookup of the same cell.

        Returns the result, and whether this thread ran the lookup. The result is None if the other thread's lookup
        failed or did not end by the deadline. Only the thread that runs a lookup sees its exception.
        """
        flight: _Flight[T] = _Flight()
        leading = self._under_way.setdefault(cell, flight)
        if leading is not flight:
            if leading.landed.acquire(timeout=max(deadline.left(), 0.0)):
                leading.landed.release()
            return leading.result, False
        try:
            flight.result = look_up()
            return flight.result, True
        finally:
            del self._under_way[cell]
            flight.landed.release()

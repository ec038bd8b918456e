"""The dataset in shadow: looked up beside a request's own lookup, only to compare the answers.

A lookup in shadow runs in a thread while the model scores the photo, and nobody waits for it. One at a time per
process, with a short deadline and without retries, it takes little from the connections that requests need.
"""

import os
from contextlib import suppress
from threading import Lock, Thread

from chalicelib.config.features import TtlPolicy
from chalicelib.errors import DependencyError
from chalicelib.features.active_rollout import ActiveRollout
from chalicelib.features.clock import Clock
from chalicelib.features.codec import CachedValue, CellAnimals, CorruptValue, unpack
from chalicelib.features.deadline import Deadline
from chalicelib.features.features import Features, features_of
from chalicelib.features.keys import shadow_lease_key, value_key
from chalicelib.features.protocols import Cache, Entry, Publication, Store

SECONDS = 0.3
"""Time limit of a lookup in shadow. Photos take about as long; what is later cannot be compared."""


class ShadowLookup:
    """A lookup in shadow. `version`: that of the dataset. `features`: what was found, or None so far or for good."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.features: Features | None = None


class Shadow:
    """The features of the dataset in shadow. `lease`: lifetime of a lease in seconds. Thread-safe.

    `rollout`: what the process knows of the datasets.
    """

    def __init__(
        self, cache: Cache, store: Store, ttl: TtlPolicy, lease: float, rollout: ActiveRollout, clock: Clock
    ) -> None:
        self._cache, self._store, self._ttl, self._lease = cache, store, ttl, lease
        self._rollout, self._clock = rollout, clock
        self._busy = Lock()

    def start(self, cell: int) -> ShadowLookup | None:
        """Begin to look up a cell, and return at once; None if no dataset is in shadow for the cell."""
        version = self._rollout.shadow_of(cell)
        if version is None:
            return None
        lookup = ShadowLookup(version)
        if self._busy.acquire(blocking=False):
            Thread(target=self._run, args=(cell, lookup), daemon=True).start()
        return lookup

    def _run(self, cell: int, lookup: ShadowLookup) -> None:
        try:
            with suppress(DependencyError, CorruptValue):  # the request's own lookup reports what is wrong
                found = self._find(cell, lookup.version, Deadline.after(SECONDS, self._clock.monotonic))
                lookup.features = features_of(found, "hit") if found is not None else None
        finally:
            self._busy.release()

    def _find(self, cell: int, version: str, deadline: Deadline) -> CellAnimals | None:
        """Return the animals from Redis, or from the database unless another process is querying it for this cell."""
        if (data := self._cache.read(value_key(cell, version), deadline)) is not None:
            return unpack(data, cell, version).cell_animals
        if self._store.breaker_is_open:
            return None
        lease, token = shadow_lease_key(cell), os.urandom(8)
        holder, _ = self._cache.claim(lease, token, self._lease, None, deadline)
        if holder is not None:
            return None
        known = self._rollout.text
        (found,) = self._store.features_of((cell,), deadline, version)
        value = CachedValue.stamped(found, self._ttl, self._clock.time())
        self._cache.publish(Publication(Entry.of(value), found.rollout_text, known), lease, token, deadline)
        return found

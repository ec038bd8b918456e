"""Naive cache-aside, the baseline of the load test.

    GET; on a miss the query, then SET … EX. One TTL for all, no lease, no jitter, no memory, no stale values.

The rest equals ours: the same Redis and PostgreSQL clients, connections, time budgets, breakers and packing. It also
queries the database if Redis fails. Its dataset version is a constant.
"""

from time import time

from chalicelib.errors import CacheError, StoreError
from chalicelib.features.codec import CachedValue, CorruptValue, pack, unpack
from chalicelib.features.deadline import Deadline
from chalicelib.features.features import CacheLevel
from chalicelib.features.keys import value_key
from chalicelib.features.protocols import Entry, Store
from chalicelib.features.warming import WarmCache


class NaiveFeatures:
    """Feature lookup by naive cache-aside. `ttl`: seconds; `total`: longest lookup, seconds."""

    def __init__(self, cache: WarmCache, store: Store, version: str, ttl: float, total: float) -> None:
        self._cache, self._store = cache, store
        self._version, self._ttl, self._total = version, ttl, total

    def at(self, cell: int) -> CacheLevel | None:
        """Look a cell up; return the level that answered, or None if the lookup failed."""
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

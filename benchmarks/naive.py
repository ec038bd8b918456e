"""Naive cache-aside, the baseline of the load test.

A lookup sends GET. On a miss, it queries the database and sends SET … EX. All values have the same TTL. There are no
leases, no jitter, no process memory and no stale values.

Everything else is as in the app: clients of Redis and PostgreSQL, time budgets, breakers and packing. A lookup also
queries the database if Redis fails. The dataset version is a constant.
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
    """Feature lookup by naive cache-aside. `ttl`: lifetime of a value. `total`: limit of a lookup. Both in seconds."""

    def __init__(self, cache: WarmCache, store: Store, version: str, ttl: float, total: float) -> None:
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

"""Cache-aside as everybody writes it first: what the feature stage is compared with.

    GET; on a miss the query, then SET … EX. One time to live for all, no lease, no jitter, no memory, nothing stale.

It is otherwise given what ours has: the same Redis and PostgreSQL clients, connections, time budgets and breakers, the
same packing, and it too asks the database if Redis cannot be had. Its dataset version is a constant.
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
    """Features by cell, naively. `ttl`: seconds; `total`: longest look-up, as in `features.Policy`."""

    def __init__(self, cache: WarmCache, store: Store, version: str, ttl: float, total: float) -> None:
        self._cache, self._store = cache, store
        self._version, self._ttl, self._total = version, ttl, total

    def at(self, cell: int) -> CacheLevel | None:
        """Where the animals of a cell came from; None if they could not be had."""
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
            (known,) = self._store.features_of((cell,), deadline)
        except StoreError:
            return None
        now = time()
        if level == "miss":
            value = CachedValue(known, now, now + self._ttl, now + self._ttl)
            try:
                self._cache.write([Entry(key, pack(value), self._ttl)], deadline)
            except CacheError:
                level = "bypass"
        return level

"""Feature lookups at a chosen cache level, with one Redis and one database."""

from dataclasses import replace

import redis

from chalicelib.config.settings import Settings
from chalicelib.features.features import CacheLevel, Features
from chalicelib.features.keys import lease_key, value_key
from chalicelib.services import build_cache, build_features, build_store


class Lookups:
    """Feature lookups with and without process memory, on the same connections. Without it, they always read Redis."""

    def __init__(self, redis_url: str, database_url: str, version: str) -> None:
        settings = Settings(redis_url=redis_url, database_url=database_url)
        self._version = version
        self.cache, self.store = build_cache(settings), build_store(settings)
        self._with_memory = build_features(settings, self.cache, self.store)
        self._without_memory = build_features(replace(settings, memory_cells=0), self.cache, self.store)
        # One node has all slots, so a client without cluster support reaches every key.
        self.redis: redis.Redis = redis.Redis.from_url(redis_url)

    def close(self) -> None:
        self.cache.close()
        self.store.close()
        self.redis.close()

    def key(self, cell: int) -> bytes:
        """Return the key of a cell's value in Redis."""
        return value_key(cell, self._version)

    def forget(self, cell: int) -> None:
        """Delete a cell from Redis, so that the next lookup misses."""
        self.redis.delete(self.key(cell), lease_key(cell))

    def from_memory(self, cell: int) -> Features:
        """Look up a cell with process memory, which contains the cell after the first call."""
        return self._with_memory.at(cell)

    def expect(self, level: CacheLevel, cell: int) -> Features:
        """Look up a cell without process memory; fail if the features do not come from `level`."""
        found = self._without_memory.at(cell)
        assert found.cache == level, f"expected a {level}, got a {found.cache}; faults: {found.faults}"
        return found

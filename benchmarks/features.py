"""The cost of a feature lookup, compared with bare calls to the stores: `python -m benchmarks.features`.

Real PostgreSQL and Valkey run on this machine. A Redis hit is compared with one GET, a miss with one query and one
SET.
"""

import gc
from contextlib import closing
from dataclasses import replace
from statistics import median

import psycopg2
import redis

from benchmarks.measure import comparison, duration, interleaved, parser, verdict
from chalicelib.config.settings import Settings
from chalicelib.config.stores import DatabaseSettings, RedisSettings
from chalicelib.features.cell_features import CellFeatures
from chalicelib.features.codec import lease_key, value_key
from chalicelib.features.features import CacheLevel, Features
from chalicelib.services import build_cache, build_store
from chalicelib.stores.postgres import FEATURES_OF
from local.stack import postgres, valkey
from testing.feature_rig import FIRST, database

VERSION = "v1"
MEMORY_LIMIT_US = 20
HIT, MISS = "feature lookup, Redis hit", "feature lookup, miss"
LIMITS = {HIT: 1.40, MISS: 1.30}


class Lookups:
    """Feature lookups with and without process memory, on the same connections. Without it, they always read Redis."""

    def __init__(self, redis_url: str, database_url: str, version: str) -> None:
        settings = Settings(redis=RedisSettings(url=redis_url), database=DatabaseSettings(url=database_url))
        self._version = version
        self.cache, self.store = build_cache(settings), build_store(settings)
        self._with_memory = CellFeatures(self.cache, self.store, settings.features)
        self._without_memory = CellFeatures(self.cache, self.store, replace(settings.features, memory_cells=0))
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


def measure(lookups: Lookups, database_url: str, rounds: int) -> list[str]:
    """Return three texts: the table of a Redis hit, the table of a miss, and a sentence about a memory hit."""
    client, key = lookups.redis, lookups.key(FIRST)
    lookups.from_memory(FIRST)
    value = client.get(key)
    assert value is not None
    memory = interleaved({"memory hit": lambda: lookups.from_memory(FIRST)}, rounds)["memory hit"]
    get_and_hit = {"raw GET": lambda: client.get(key), HIT: lambda: lookups.expect("hit", FIRST)}
    hits = interleaved(get_and_hit, rounds, warm_up=9)

    with closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True

        def query_and_set() -> None:
            with connection.cursor() as cursor:
                cursor.execute(FEATURES_OF, ([FIRST],))
                cursor.fetchall()
            client.set(key, value, px=600_000)

        cases = {"raw query and SET": query_and_set, MISS: lambda: lookups.expect("miss", FIRST)}
        misses = interleaved(cases, rounds // 3, warm_up=9, before=lambda: lookups.forget(FIRST))
    kept = verdict(median(memory) * 1e6 < MEMORY_LIMIT_US)
    return [
        comparison("74 animals, in Redis", hits, LIMITS),
        comparison("74 animals, only in PostgreSQL", misses, LIMITS),
        f"A memory hit takes {duration(memory)}; target: under {MEMORY_LIMIT_US} µs ({kept}).",
    ]


def main() -> None:
    """Print the times of a Redis hit, a miss and a memory hit."""
    rounds = parser(__doc__, 3000, "lookups of each kind").parse_args().rounds
    gc.disable()  # a garbage collection would slow down one case by chance
    with (
        postgres.serve() as store,
        valkey.serve() as cache,
        database(store, (VERSION,)) as url,
        closing(Lookups(cache.url, url, VERSION)) as lookups,
    ):
        print("\n\n".join(measure(lookups, url, rounds)))


if __name__ == "__main__":
    main()

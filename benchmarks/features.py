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

from benchmarks.measure import comparison, duration, interleaved, options, verdict
from chalicelib.config.settings import Settings
from chalicelib.config.stores import DatabaseSettings, RedisSettings
from chalicelib.features.cache import lease_key, value_key
from chalicelib.features.cell_features import CellFeatures
from chalicelib.features.features import CacheLevel
from chalicelib.services import build_cache, build_store
from chalicelib.stores.postgres import FEATURES_OF
from local.stack import postgres, valkey
from tests.support.feature_rig import FIRST, database

VERSION = "v1"
MEMORY_LIMIT_US = 20
HIT, MISS = "feature lookup, Redis hit", "feature lookup, miss"
LIMITS = {HIT: 1.40, MISS: 1.30}


def measure(redis_url: str, database_url: str, rounds: int) -> list[str]:
    """Return three texts: the table of a Redis hit, the table of a miss, and a sentence about a memory hit."""
    settings = Settings(redis=RedisSettings(url=redis_url), database=DatabaseSettings(url=database_url))
    key, lease = (settings.redis.prefix.encode() + each for each in (value_key(FIRST, VERSION), lease_key(FIRST)))
    with (
        closing(build_cache(settings)) as cache,
        closing(build_store(settings)) as store,
        # One node has all slots, so a client without cluster support reaches every key.
        closing(redis.Redis.from_url(redis_url)) as client,
        closing(psycopg2.connect(database_url)) as connection,
    ):
        connection.autocommit = True
        with_memory = CellFeatures(cache, store, settings.features)
        without_memory = CellFeatures(cache, store, replace(settings.features, memory_cells=0))

        def expect(level: CacheLevel) -> None:
            found = without_memory.at(FIRST)
            assert found.cache == level, f"expected a {level}, got a {found.cache}; faults: {found.faults}"

        def query_and_set() -> None:
            with connection.cursor() as cursor:
                cursor.execute(FEATURES_OF, ([FIRST],))
                cursor.fetchall()
            client.set(key, value or b"", px=600_000)

        with_memory.at(FIRST)
        value = client.get(key)
        assert value is not None
        memory = interleaved({"memory hit": lambda: with_memory.at(FIRST)}, rounds)["memory hit"]
        hits = interleaved({"raw GET": lambda: client.get(key), HIT: lambda: expect("hit")}, rounds, warm_up=9)
        cases = {"raw query and SET": query_and_set, MISS: lambda: expect("miss")}
        misses = interleaved(cases, rounds // 3, warm_up=9, before=lambda: client.delete(key, lease))
    kept = verdict(median(memory) * 1e6 < MEMORY_LIMIT_US)
    return [
        comparison("74 animals, in Redis", hits, LIMITS),
        comparison("74 animals, only in PostgreSQL", misses, LIMITS),
        f"A memory hit takes {duration(memory)}; target: under {MEMORY_LIMIT_US} µs ({kept}).",
    ]


def main() -> None:
    """Print the times of a Redis hit, a miss and a memory hit."""
    rounds = options(__doc__, rounds=(3000, "number of lookups of each kind")).rounds
    gc.disable()  # a garbage collection would slow down one case by chance
    with postgres.serve() as store, valkey.serve() as cache, database(store, (VERSION,)) as url:
        print("\n\n".join(measure(cache.url, url, rounds)))


if __name__ == "__main__":
    main()

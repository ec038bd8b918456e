"""The cost of a feature lookup, compared with bare calls to the stores: `python -m benchmarks.features`.

Real PostgreSQL and Valkey run on this machine. A Redis hit is compared with one GET, a miss with one query and one
SET.
"""

import gc
from contextlib import closing
from statistics import median

import psycopg2

from benchmarks.lookups import Lookups
from benchmarks.measure import comparison, duration, interleaved, parser, verdict
from chalicelib.stores.postgres import FEATURES_OF
from local.stack import postgres, valkey
from testing.feature_rig import FIRST, database

VERSION = "v1"
MEMORY_LIMIT_US = 20
HIT, MISS = "feature lookup, Redis hit", "feature lookup, miss"
LIMITS = {HIT: 1.40, MISS: 1.30}


def measure(lookups: Lookups, database_url: str, rounds: int) -> list[str]:
    """Return three texts: the table of a Redis hit, the table of a miss, and a sentence about a memory hit."""
    redis, key = lookups.redis, lookups.key(FIRST)
    lookups.from_memory(FIRST)
    value = redis.get(key)
    assert value is not None
    memory = interleaved({"memory hit": lambda: lookups.from_memory(FIRST)}, rounds)["memory hit"]
    get_and_hit = {"raw GET": lambda: redis.get(key), HIT: lambda: lookups.expect("hit", FIRST)}
    hits = interleaved(get_and_hit, rounds, warm_up=9)

    with closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True

        def query_and_set() -> None:
            with connection.cursor() as cursor:
                cursor.execute(FEATURES_OF, ([FIRST],))
                cursor.fetchall()
            redis.set(key, value, px=600_000)

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

"""What the feature stage costs beside the bare work it stands on: `python -m benchmarks.features`.

Real PostgreSQL and Valkey on this machine. Each row compares our way with the raw calls that it cannot do without, on
the same client and connection. Both are timed in turn, many times over, and the medians compared, so that what else
the machine does falls on both alike.
"""

import argparse
import gc
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from statistics import median
from time import monotonic, perf_counter

import psycopg2

from benchmarks.measure import table
from chalicelib.features import keys
from chalicelib.features.deadline import Deadline
from chalicelib.stores.postgres import FEATURES_OF
from local.stack import postgres, valkey
from testing.feature_rig import FIRST, Container, database

Step = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Row:
    """`ours` and `raw` in microseconds; `most`: what the ratio, or ours where there is no raw, should stay below."""

    name: str
    ours: float
    raw: float | None
    most: str
    ok: bool


def interleaved(ours: Step, raw: Step, prepare: Step, rounds: int) -> tuple[float, float]:
    """Median seconds of both, each after `prepare`, which is not timed."""
    times: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    gc.disable()
    for round_ in range(rounds):
        for which in (0, 1) if round_ % 2 else (1, 0):
            prepare()
            step = (ours, raw)[which]
            started = perf_counter()
            step()
            times[which].append(perf_counter() - started)
    gc.enable()
    return median(times[0]), median(times[1])


def measure(container: Container, database_url: str, rounds: int) -> list[Row]:
    """Memory hit, Redis hit and miss of one cell."""
    features, redis = container.features, container.cache._get_client()._plain
    key = keys.value_key(FIRST, "v1")
    features.at(FIRST)
    value = container.cache.read(key, Deadline.after(1))
    assert value is not None

    def forget() -> None:
        features._memory._entries.clear()
        features._version.set("v1", monotonic())

    def forget_all() -> None:
        forget()
        redis.delete(key)

    def expect(level: str) -> None:
        assert features.at(FIRST).cache == level

    memory, _ = interleaved(lambda: features.at(FIRST), lambda: None, lambda: None, rounds)
    hit, raw_hit = interleaved(lambda: expect("hit"), lambda: redis.get(key), forget, rounds)

    with closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True

        def query_and_set() -> None:
            with connection.cursor() as cursor:
                cursor.execute(FEATURES_OF, ([FIRST],))
                cursor.fetchall()
            redis.set(key, value, px=600_000)

        miss, raw_miss = interleaved(lambda: expect("miss"), query_and_set, forget_all, rounds // 3)
    return [
        Row("memory hit", memory * 1e6, None, "20 µs", memory < 20e-6),
        Row("Redis hit / raw GET", hit * 1e6, raw_hit * 1e6, "1.40", hit < 1.4 * raw_hit),
        Row("miss / raw query + SET", miss * 1e6, raw_miss * 1e6, "1.30", miss < 1.3 * raw_miss),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3000, help="how often each is timed (default: 3000)")
    rounds = parser.parse_args().rounds
    with (
        postgres.serve() as store,
        valkey.serve() as cache,
        database(store) as url,
        closing(Container(cache.url, url)) as container,
    ):
        rows = measure(container, url, rounds)
    lines = [
        (
            row.name,
            f"{row.ours:.1f} µs",
            f"{row.raw:.1f} µs" if row.raw else "",
            f"{row.ours / row.raw:.2f}" if row.raw else "",
            row.most,
            "ok" if row.ok else "over",
        )
        for row in rows
    ]
    print(table(("feature stage, warm", "ours", "raw", "ratio", "at most", ""), lines))


if __name__ == "__main__":
    main()

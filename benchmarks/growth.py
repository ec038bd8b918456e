"""How the cost of features grows: with a cell's animals, with cells, with all animals: `python -m benchmarks.growth`.

Synthetic datasets (synthetic.py) through the project's own COPY, on real PostgreSQL and Valkey: as many cells as land
has at H3 resolution 3 (13,700) and as Earth has at resolution 4 (288,122); 50,000 animals in all, and a million. In
each, usual cells and cells with 400, 5,000 and 50,000 animals. All datasets lie on one PostgreSQL and are asked in
turn, so that what else the machine does falls on all alike. docs/explanation/growth.md reads the tables.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import psycopg2
import redis

from benchmarks.measure import table
from benchmarks.synthetic import Synthetic, cells_of
from chalicelib.config.settings import Settings
from chalicelib.features.deadline import Deadline
from chalicelib.features.keys import lease_key, value_key
from chalicelib.services import build_cache, build_features, build_store
from chalicelib.stores.postgres import FEATURES_OF
from database.load import activate, load
from local.stack import postgres, valkey

CROWDED = (400, 5_000, 50_000)
USUAL = 20

SIZES = """
select pg_total_relation_size('cell_animal_1'), pg_total_relation_size('cell_1'), pg_total_relation_size('animal')
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A dataset in a database of its own. `seconds`: of the load; `bytes`: of its large tables and of all animals."""

    synthetic: Synthetic
    url: str
    seconds: float
    bytes: tuple[int, int, int]


@dataclass(slots=True)
class Cost:
    """What features of a cell cost: bytes and buffers, and seconds of each round by what was measured."""

    dataset: Synthetic
    animals: int
    bytes: int = 0
    buffers: int = 0
    executing: float = 0.0
    times: dict[str, list[float]] = field(default_factory=dict)

    def timed(self, what: str, step: Callable[[], object]) -> None:
        started = perf_counter()
        step()
        self.times.setdefault(what, []).append(perf_counter() - started)

    def microseconds(self, what: str) -> float:
        return median(self.times[what]) * 1e6


class Stage:
    """The feature stage over one dataset: once with a memory, and once without, which always looks into Redis."""

    def __init__(self, loaded: Loaded, redis_url: str) -> None:
        settings = Settings(redis_url=redis_url, database_url=loaded.url)
        self.version = loaded.synthetic.name
        self.cache, self.store = build_cache(settings), build_store(settings)
        self.remembering = build_features(settings, self.cache, self.store)
        self.forgetful = build_features(
            Settings(redis_url=redis_url, database_url=loaded.url, memory_cells=0), self.cache, self.store
        )

        # One node has all slots, so a plain client reaches every key.
        self.redis: redis.Redis = redis.Redis.from_url(redis_url)

    def close(self) -> None:
        self.cache.close()
        self.store.close()
        self.redis.close()

    def size_of(self, cell: int) -> int:
        """Bytes of a cell's value in Redis."""
        return int(self.redis.strlen(value_key(cell, self.version)))

    def measure(self, cell: int, cost: Cost) -> None:
        """One round: the bare query, a miss, a Redis hit and a memory hit."""

        def expect(level: str) -> None:
            found = self.forgetful.at(cell)
            assert (found.cache, len(found.animals)) == (level, cost.animals), (found.cache, found.faults)

        cost.timed("query", lambda: self.store.features_of((cell,), Deadline.after(5)))
        self.redis.delete(value_key(cell, self.version), lease_key(cell))
        cost.timed("miss", lambda: expect("miss"))
        expect("hit")
        cost.timed("hit", lambda: expect("hit"))
        self.remembering.at(cell)
        cost.timed("memory", lambda: self.remembering.at(cell))


def load_all(server: postgres.PostgresServer, kinds: Sequence[Synthetic]) -> Iterator[Loaded]:
    """Load each dataset into a new database of its own."""
    for kind in kinds:
        name = f"growth_{kind.name}"
        with closing(psycopg2.connect(server.admin_url)) as admin:
            admin.autocommit = True
            admin.cursor().execute(f'create database "{name}" owner faunalens')
        url = server.url.rpartition("/")[0] + f"/{name}"
        with closing(psycopg2.connect(url)) as connection:
            _say(f"loading {kind.name}: {kind.rows:,} rows")
            started = perf_counter()
            version = load(connection, kind.dataset(), report=_say).version
            seconds = perf_counter() - started
            activate(connection, version)
            with connection.cursor() as cursor:
                cursor.execute(SIZES)
                rows = cursor.fetchall()
        yield Loaded(kind, url, seconds, rows[0])


def explain(loaded: Loaded, cell: int) -> tuple[int, float]:
    """Buffers that PostgreSQL reads for the app's query, and microseconds that it takes; once its plans are made."""
    with closing(psycopg2.connect(loaded.url)) as connection, connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(f"explain (analyze, buffers, format json) {FEATURES_OF}", ([cell],))
            plan: dict[str, Any] = cursor.fetchall()[0][0][0]
    return plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"], float(plan["Execution Time"]) * 1e3


@contextmanager
def stages(all_loaded: Sequence[Loaded]) -> Iterator[list[Stage]]:
    """A stage for each dataset, with a Valkey of its own: two deployments never share one."""
    with ExitStack() as stack:
        caches = [stack.enter_context(valkey.prepared()) for _ in all_loaded]
        for cache in caches:
            cache.launch()
        for cache in caches:
            cache.wait_until_ready()
        yield [
            stack.enter_context(closing(Stage(loaded, cache.url)))
            for loaded, cache in zip(all_loaded, caches, strict=True)
        ]


def measure(all_loaded: Sequence[Loaded], rounds: int) -> list[Cost]:
    """Costs of usual and of crowded cells in each dataset, in turn."""
    random = np.random.default_rng(4)
    costs = {
        (number, which): Cost(loaded.synthetic, animals)
        for number, loaded in enumerate(all_loaded)
        for which, animals in enumerate((*loaded.synthetic.crowded, loaded.synthetic.usual))
    }
    with stages(all_loaded) as opened:
        for round_ in range(rounds):
            _say(f"\rmeasuring: round {round_ + 1} of {rounds}", end="")
            for (number, which), cost in costs.items():
                kind, stage = all_loaded[number].synthetic, opened[number]
                usual = which == len(kind.crowded)
                cell = kind.cells[int(random.integers(which, len(kind.cells))) if usual else which]
                stage.measure(cell, cost)
                if not cost.bytes:
                    cost.bytes = stage.size_of(cell)
                    cost.buffers, cost.executing = explain(all_loaded[number], cell)
    _say("")
    return list(costs.values())


def table_of_costs(costs: Sequence[Cost]) -> str:
    """One line a kind of cell and dataset; the same kind of cell in all datasets side by side."""
    ordered = sorted(costs, key=lambda cost: cost.animals)
    lines = [
        (
            f"{cost.animals:,}",
            f"{len(cost.dataset.cells):,}",
            f"{cost.dataset.animals:,}",
            f"{cost.bytes:,}",
            f"{cost.buffers:,}",
            f"{cost.executing:,.0f} µs",
            *(f"{cost.microseconds(what):,.0f} µs" for what in ("query", "miss", "hit")),
            f"{cost.microseconds('memory'):.1f} µs",
        )
        for cost in ordered
    ]
    head = ("animals here", "cells", "all animals", "bytes in Redis", "buffers", "in PostgreSQL", "query", "miss")
    return table((*head, "Redis hit", "memory hit"), lines)


def table_of_loads(all_loaded: Sequence[Loaded]) -> str:
    lines = [
        (
            f"{len(each.synthetic.cells):,}",
            f"{each.synthetic.animals:,}",
            f"{each.synthetic.rows:,}",
            f"{each.seconds:.1f} s",
            f"{each.seconds / each.synthetic.rows * 1e6:.1f} µs",
            f"{sum(each.bytes) / 1e6:,.0f} MB",
            f"{sum(each.bytes) / each.synthetic.rows:.0f} B",
        )
        for each in all_loaded
    ]
    return table(("cells", "all animals", "rows", "load", "a row", "in PostgreSQL", "a row"), lines)


def slopes(costs: Sequence[Cost]) -> str:
    """What each further animal of a cell costs, from 5,000 to 50,000, and how much more in the largest dataset."""
    last = max(costs, key=lambda cost: (len(cost.dataset.cells), cost.dataset.animals)).dataset
    many, few = (next(c for c in costs if c.dataset is last and c.animals == n) for n in sorted(last.crowded)[:-3:-1])
    more = many.animals - few.animals
    lines = [
        ("bytes in Redis", f"{(many.bytes - few.bytes) / more:.2f} B"),
        *(
            (what, f"{(many.microseconds(key) - few.microseconds(key)) / more * 1e3:,.1f} ns")
            for what, key in (("query", "query"), ("miss", "miss"), ("Redis hit", "hit"), ("memory hit", "memory"))
        ),
    ]
    return table(("each further animal of a cell", "costs"), lines)


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Load, measure, print three tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=100, help="how often each is timed (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="a tenth of cells and rounds: seconds instead of minutes")
    options = parser.parse_args(arguments)
    shrink = 10 if options.quick else 1
    land, earth = cells_of(3, 13_700 // shrink), cells_of(4, 300_000 // shrink)
    kinds = [
        Synthetic("land", land, CROWDED, USUAL, max(CROWDED)),
        Synthetic("earth", earth, CROWDED, USUAL, max(CROWDED)),
        Synthetic("many-animals", land, CROWDED, USUAL, 20 * max(CROWDED) // shrink),
    ]
    with postgres.serve() as store:
        loaded = list(load_all(store, kinds))
        costs = measure(loaded, max(options.rounds // shrink, 3))
    for each in (table_of_costs(costs), slopes(costs), table_of_loads(loaded)):
        print(each, end="\n\n")


if __name__ == "__main__":
    main()

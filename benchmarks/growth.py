"""How the cost of a feature lookup grows with the size of the dataset and of a cell: `python -m benchmarks.growth`.

The project's loader copies three synthetic datasets (synthetic.py) into real PostgreSQL. A dataset has 13,700 cells,
the number on land at H3 resolution 3, or 288,122 cells, the number on Earth at resolution 4. It has 50,000 or a million
animals. Three cells of each dataset have 400, 5,000 and 50,000 animals, and all other cells have 20.
The datasets are on one server and are measured in turns, so that noise affects all of them equally.
docs/explanation/growth.md explains the tables.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import psycopg2

from benchmarks.lookups import Lookups
from benchmarks.measure import parser, table
from benchmarks.synthetic import Synthetic, cells_of
from chalicelib.features.deadline import Deadline
from chalicelib.stores.postgres import FEATURES_OF
from database.load import load
from database.switch import activate
from local.stack import postgres, valkey

CROWDED = (400, 5_000, 50_000)
USUAL = 20
"""Numbers of animals in the crowded cells, one cell each, and in every other cell."""

SIZES = """
select pg_total_relation_size('cell_animal_1'), pg_total_relation_size('cell_1'), pg_total_relation_size('animal')
"""


@dataclass(frozen=True, slots=True)
class MeasuredDataset:
    """A dataset in its own database. `seconds`: duration of the load. `bytes`: the sizes that `SIZES` selects."""

    synthetic: Synthetic
    url: str
    seconds: float
    bytes: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class LookupCost:
    """The cost of a lookup in cells with `animals` animals.

    `bytes`: size of the value in Redis. `buffers`, `executing_us`: see `explain`. `times`: seconds of each round, by
    cache level.
    """

    synthetic: Synthetic
    animals: int
    bytes: int
    buffers: int
    executing_us: float
    times: dict[str, list[float]]

    def microseconds(self, level: str) -> float:
        """Return the median time at a cache level."""
        return median(self.times[level]) * 1e6


def load_all(server: postgres.PostgresServer, kinds: Sequence[Synthetic]) -> Iterator[MeasuredDataset]:
    """Load each dataset into a new database."""
    for kind in kinds:
        name = f"growth_{kind.name}"
        with closing(psycopg2.connect(server.admin_url)) as admin:
            admin.autocommit = True
            admin.cursor().execute(f'create database "{name}" owner faunalens')
        url = server.url.rpartition("/")[0] + f"/{name}"
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            print(f"loading {kind.name}: {kind.rows:,} rows", file=sys.stderr, flush=True)
            started = perf_counter()
            version = load(connection, kind.dataset(), report=lambda _: None).version
            seconds = perf_counter() - started
            activate(connection, version)
            cursor.execute(SIZES)
            yield MeasuredDataset(kind, url, seconds, cursor.fetchall()[0])


def explain(url: str, cell: int) -> tuple[int, float]:
    """Return the number of buffers that the app's query reads, and its execution time in microseconds."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(f"explain (analyze, buffers, format json) {FEATURES_OF}", ([cell],))
            plan: dict[str, Any] = cursor.fetchall()[0][0][0]
    return plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"], float(plan["Execution Time"]) * 1e3


def measure(all_loaded: Sequence[MeasuredDataset], rounds: int) -> list[LookupCost]:
    """Return the costs of lookups in usual and in crowded cells.

    The measurements alternate between the datasets, so that a slow moment of the machine affects all of them.
    """
    random, cases = np.random.default_rng(4), []
    with ExitStack() as stack:
        for loaded in all_loaded:  # each has its own Valkey, as different deployments have
            kind, cache = loaded.synthetic, stack.enter_context(valkey.serve())
            lookups = stack.enter_context(closing(Lookups(cache.url, loaded.url, kind.name)))
            crowded = len(kind.crowded)
            choices = [*([cell] for cell in kind.cells[:crowded]), kind.cells[crowded:]]
            for animals, cells in zip((*kind.crowded, kind.usual), choices, strict=True):
                assert len(lookups.expect("miss", cells[0]).animals) == animals
                size = int(lookups.redis.strlen(lookups.key(cells[0])))
                cost = LookupCost(kind, animals, size, *explain(loaded.url, cells[0]), {})
                cases.append((lookups, cells, cost))
        print(f"measuring {rounds} rounds", file=sys.stderr, flush=True)
        for _ in range(rounds):
            for lookups, cells, cost in cases:
                measure_once(lookups, cells[int(random.integers(len(cells)))], cost.times)
    return [cost for _, _, cost in cases]


def measure_once(lookups: Lookups, cell: int, times: dict[str, list[float]]) -> None:
    """Time the bare query, a miss, a Redis hit and a memory hit; append the seconds to `times`."""

    def timed(level: str, step: Callable[[], object]) -> None:
        started = perf_counter()
        step()
        times.setdefault(level, []).append(perf_counter() - started)

    timed("query", lambda: lookups.store.features_of((cell,), Deadline.after(5)))
    lookups.forget(cell)
    timed("miss", lambda: lookups.expect("miss", cell))
    lookups.expect("hit", cell)
    timed("hit", lambda: lookups.expect("hit", cell))
    lookups.from_memory(cell)
    timed("memory", lambda: lookups.from_memory(cell))


def cost_table(costs: Sequence[LookupCost]) -> str:
    """Return the table of lookups, ordered by the number of animals in the cell."""
    rows = [
        [
            f"{cost.animals:,}",
            f"{len(cost.synthetic.cells):,}",
            f"{cost.synthetic.animals:,}",
            f"{cost.bytes:,}",
            f"{cost.buffers:,}",
            f"{cost.executing_us:,.0f} µs",
            *(f"{cost.microseconds(level):,.0f} µs" for level in ("query", "miss", "hit")),
            f"{cost.microseconds('memory'):.1f} µs",
        ]
        for cost in sorted(costs, key=lambda cost: cost.animals)
    ]
    head = ["animals here", "cells", "all animals", "bytes in Redis", "buffers", "in PostgreSQL", "query", "miss"]
    return table(rows, [*head, "Redis hit", "memory hit"])


def load_table(all_loaded: Sequence[MeasuredDataset]) -> str:
    """Return the table of the duration and the size of each load."""
    rows = []
    for loaded in all_loaded:
        kind, size = loaded.synthetic, sum(loaded.bytes)
        counts = [f"{count:,}" for count in (len(kind.cells), kind.animals, kind.rows)]
        times = [f"{loaded.seconds:.1f} s", f"{loaded.seconds / kind.rows * 1e6:.1f} µs"]
        rows.append([*counts, *times, f"{size / 1e6:,.0f} MB", f"{size / kind.rows:.0f} B"])
    return table(rows, ["cells", "all animals", "rows", "load", "a row", "in PostgreSQL", "a row"])


def slope_table(costs: Sequence[LookupCost]) -> str:
    """Return the table of the costs of one more animal in a cell.

    It compares the two most crowded cells of the largest dataset.
    """
    last = max(costs, key=lambda cost: (len(cost.synthetic.cells), cost.synthetic.animals)).synthetic
    few, many = sorted((cost for cost in costs if cost.synthetic is last), key=lambda cost: cost.animals)[-2:]
    more = many.animals - few.animals
    levels = {"query": "query", "miss": "miss", "Redis hit": "hit", "memory hit": "memory"}
    rows = [["bytes in Redis", f"{(many.bytes - few.bytes) / more:.2f} B"]]
    for name, level in levels.items():
        rows.append([name, f"{(many.microseconds(level) - few.microseconds(level)) / more * 1e3:,.1f} ns"])
    return table(rows, ["each further animal of a cell", "costs"])


def main(arguments: list[str] | None = None) -> None:
    """Print the tables of the costs of lookups, of one more animal in a cell, and of loads."""
    options = parser(__doc__, 100, "lookups of each kind")
    options.add_argument(
        "--quick",
        action="store_true",
        help="use a tenth of the cells and rounds, which takes seconds instead of minutes",
    )
    given = options.parse_args(arguments)
    shrink = 10 if given.quick else 1
    land, earth = cells_of(3, 13_700 // shrink), cells_of(4, 300_000 // shrink)
    kinds = [
        Synthetic("land", land, CROWDED, USUAL, max(CROWDED)),
        Synthetic("earth", earth, CROWDED, USUAL, max(CROWDED)),
        Synthetic("many-animals", land, CROWDED, USUAL, 20 * max(CROWDED) // shrink),
    ]
    with postgres.serve() as server:
        loaded = list(load_all(server, kinds))
        costs = measure(loaded, max(given.rounds // shrink, 3))
    print(cost_table(costs), slope_table(costs), load_table(loaded), sep="\n\n")


if __name__ == "__main__":
    main()

"""How the cost of features grows with a cell's animals, and with the number of cells: `python -m benchmarks.growth`.

Synthetic datasets on a real PostgreSQL and a real Valkey: as many cells as land has at H3 resolution 3 (13,700) and 4
(290,000), each with 10 animals, and three cells more with 400, 5,000 and 50,000.
"""

import argparse
from collections.abc import Callable, Iterator
from contextlib import closing
from statistics import median
from time import perf_counter

import numpy as np
import psycopg2
from numpy.typing import NDArray

from benchmarks.measure import table
from chalicelib import keys
from chalicelib.deadline import Deadline
from chalicelib.packing import pack
from database.dataset import Dataset
from database.load import activate, load
from database.seed import ROW, Cell
from local import postgres, valkey
from tests.stage import FIRST, Container

CELLS = (13_700, 290_000)
ANIMALS = (400, 5_000, 50_000)
EVERYWHERE = 10
BLOCK = 50_000


def dataset(cells: int) -> Dataset:
    """The first cells have as many animals as `ANIMALS` says, all others `EVERYWHERE`."""

    def rows() -> Iterator[NDArray[np.void]]:
        for number, animals in enumerate(ANIMALS):
            yield block(np.full(animals, FIRST + number), np.arange(animals))
        for start in range(len(ANIMALS), cells, BLOCK):
            some = np.arange(start, min(start + BLOCK, cells)) + FIRST
            yield block(np.repeat(some, EVERYWHERE), np.tile(np.arange(EVERYWHERE), len(some)))

    def block(cell: NDArray[np.int64], animal: NDArray[np.int64]) -> NDArray[np.void]:
        block = np.zeros(len(cell), ROW)
        block["cell"], block["animal"], block["weight"], block["status"] = cell, animal, 1.0, 1
        return block

    return Dataset(f"cells-{cells}", (Cell(FIRST + number, False, ("AU",)) for number in range(cells)), rows())


def milliseconds(step: Callable[[], object], rounds: int) -> float:
    """Median time of one step."""
    times = []
    for _ in range(rounds):
        started = perf_counter()
        step()
        times.append(perf_counter() - started)
    return median(times) * 1e3


def measure(container: Container, cell: int, rounds: int) -> tuple[int, int, float, float, float]:
    """Animals, bytes in Redis, and milliseconds of the database, of a Redis hit and of a memory hit."""
    features = container.features
    found = features.of(cell)
    (known,) = container.store.features_of((cell,), Deadline.after(5))
    data = container.cache.read(keys.value_key(cell, known.version), Deadline.after(5))
    assert data is not None
    assert len(data) == len(pack(container.policy.lifetimes.of(known, 0.0)))

    def hit() -> None:
        features._memory._entries.clear()
        features._believe(known.version)
        assert features.of(cell).cache == "hit"

    query = milliseconds(lambda: container.store.features_of((cell,), Deadline.after(5)), rounds)
    from_redis = milliseconds(hit, rounds)
    return len(found.animals), len(data), query, from_redis, milliseconds(lambda: features.of(cell), rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=100, help="how often each is timed (default: 100)")
    rounds = parser.parse_args().rounds
    lines = []
    for cells in CELLS:
        with postgres.serve() as store, valkey.serve() as cache:
            with closing(psycopg2.connect(store.url)) as connection:
                loaded = load(connection, dataset(cells), report=lambda _: None)
                activate(connection, loaded.version)
            with closing(Container(cache.url, store.url)) as container:
                for number in (len(ANIMALS), *range(len(ANIMALS))):
                    animals, size, *times = measure(container, FIRST + number, rounds)
                    query, from_redis, from_memory = (f"{each * 1e3:,.1f} µs" for each in times)
                    lines.append((f"{cells:,}", f"{animals:,}", f"{size:,}", query, from_redis, from_memory))
    print(table(("cells", "animals", "bytes in Redis", "database", "Redis hit", "memory hit"), lines))


if __name__ == "__main__":
    main()

"""Which cells people ask for: few of them most of the time, as Zipf's law has it."""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.features.cells import parse_cell

CELL_AREAS = Path(__file__).parent.parent / "database" / "cell_areas.csv"


def land_cells(count: int, random: np.random.Generator, path: Path = CELL_AREAS) -> NDArray[np.int64]:
    """As many different cells on land, at random, from the dataset's own list. Raises `ValueError` if it has fewer."""
    with path.open(encoding="utf-8", newline="") as lines:
        land = [parse_cell(row["cell"]) for row in csv.DictReader(lines) if row["areas"]]
    if count > len(land):
        raise ValueError(f"{count} cells are wanted, {path.name} has {len(land)} on land")
    return random.choice(np.array(land, np.int64), count, replace=False)


def zipf(things: NDArray[np.int64], exponent: float, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """`count` draws: the k-th thing comes in proportion to 1 / k^exponent."""
    share = 1.0 / np.arange(1, len(things) + 1) ** exponent
    return random.choice(things, count, p=share / share.sum())


def arrivals(rate: float, begin: float, end: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Moments of a Poisson process of `rate` a second, ascending: nobody waits for anybody's answer (open loop)."""
    return np.sort(random.uniform(begin, end, random.poisson(rate * (end - begin))))

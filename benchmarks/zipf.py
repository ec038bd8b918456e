"""Random cells and times of simulated requests, by Zipf's law and a Poisson process."""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.features.cells import parse_cell

CELL_AREAS = Path(__file__).parent.parent / "database" / "cell_areas.csv"


def land_cells(count: int, random: np.random.Generator, path: Path = CELL_AREAS) -> NDArray[np.int64]:
    """Return `count` different random cells on land. Raises `ValueError` if the list in `path` has fewer."""
    with path.open(encoding="utf-8", newline="") as lines:
        land = [parse_cell(row["cell"]) for row in csv.DictReader(lines) if row["areas"]]
    if count > len(land):
        raise ValueError(f"{path.name} has {len(land)} cells on land, fewer than the {count} requested; request fewer")
    return random.choice(np.array(land, np.int64), count, replace=False)


def zipf(items: NDArray[np.int64], exponent: float, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return `count` random items by Zipf's law: the k-th item has the weight 1 / k^exponent."""
    share = 1.0 / np.arange(1, len(items) + 1) ** exponent
    return random.choice(items, count, p=share / share.sum())


def arrivals(rate: float, begin: float, end: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Return ascending random moments between `begin` and `end`, on average `rate` a second (a Poisson process)."""
    return np.sort(random.uniform(begin, end, random.poisson(rate * (end - begin))))

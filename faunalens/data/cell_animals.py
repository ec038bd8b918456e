"""Compute which animals live in each cell, with weight and status, and which of their relatives do. No I/O.

An animal lives where the statements about its range (`ranges/`) and its range map say. An animal without statements
lives where its kind says (`KINDS` in chalicelib/model/taxonomy.py).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faunalens.data.areas.area_cells import LAND, SEA, AreaCells, Earth
from faunalens.data.ranges.language import Statement
from faunalens.data.taxa import AnimalRow

NATIVE: Final = 1
INTRODUCED: Final = 2
STATUS_NAMES: Final = {NATIVE: "native", INTRODUCED: "introduced"}


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights that a taxon can have in a cell: above 0, and at most 1.

    `beside`: in the cells next to its range. `near`: up to three cells away from its range map, whose edges are less
    certain than the edges of areas. A range map does not spill over into areas that no statement names.
    docs/reference/database.md explains the values.
    """

    native: float = 1.0
    beside: float = 0.5
    near: float = 0.15
    doubt: float = 0.5
    introduced: float = 0.5


WEIGHTS: Final = Weights()
LISTED: Final = 0.1
"""A taxon counts as listed in a cell from this weight on."""
_NEAR_RINGS = 3


class CellWeights(NamedTuple):
    """The cells where a taxon lives. `weights`: shape (cells,), float32, 0 where it does not live.

    `status`: shape (cells,), uint8, `NATIVE` or `INTRODUCED`, and 0 where the weight is 0.
    """

    weights: NDArray[np.float32]
    status: NDArray[np.uint8]


def cell_weights(statements: Iterable[Statement], areas: AreaCells, mapped: Iterable[int] | None = None) -> CellWeights:
    """Return the weight and status of a taxon in every cell. Raise `UnknownArea` if a statement names one.

    `mapped`: the H3 cells on the taxon's range map. The map counts only where a statement says that the taxon lives
    `within` an area; without a map, such an area counts as a whole.
    """
    earth = areas.earth
    kinds = ("native", "within", "doubt", "introduced", "absent")
    found = {name: np.zeros((2, len(earth.cells)), bool) for name in kinds}
    for each in statements:
        if each.status in ("introduced", "absent"):
            name = each.status
        elif each.certainty == "doubt":
            name = "doubt"
        else:
            name = "within" if each.extent == "within" else "native"
        if each.status != "vagrant":
            found[name] |= areas.of(each.range)
    whole, result = found["native"], np.zeros(len(earth.cells), np.float32)
    on_map = np.zeros_like(whole)
    if mapped is None:
        whole = whole | found["within"]
    else:
        on_map[:, earth.positions(mapped)] = True
        on_map &= earth.realm & found["within"]
    core = whole | on_map

    elsewhere = ~found["absent"]
    near = earth.grown(on_map, _NEAR_RINGS) & found["within"] & elsewhere
    beside = (earth.grown(whole) | earth.grown(on_map) & found["within"]) & elsewhere
    tiers = (
        (near, WEIGHTS.near),
        (found["introduced"], WEIGHTS.introduced),
        (found["doubt"] & elsewhere, WEIGHTS.doubt),
        (beside, WEIGHTS.beside),
        (core, WEIGHTS.native),
    )
    for cells, weight in tiers:
        np.maximum(result, np.float32(weight), out=result, where=cells.any(axis=0))
    introduced = found["introduced"].any(axis=0) & ~(core | found["doubt"]).any(axis=0)
    status = np.where(introduced, INTRODUCED, NATIVE).astype(np.uint8)
    return CellWeights(result, np.where(result > 0, status, 0).astype(np.uint8))


ROW: Final = np.dtype([("cell", np.int64), ("animal", np.int32), ("weight", np.float32), ("status", np.int16)])
"""One row of the table `cell_animal`, without its dataset."""

type Rows = NDArray[np.void]  # shape (rows,), dtype `ROW`

SHIFT: Final = 36
"""Number of lowest bits that are the same in the ids of all cells of resolution 3."""

SEASON: Final = np.dtype([("cell", np.int64), ("animal", np.int32), ("months", "V12")])
"""One row of the table `cell_season`, without its dataset. `months`: 12 bytes, 255 in the best month."""

type Seasons = NDArray[np.void]  # shape (rows,), dtype `SEASON`

CHUNK: Final = 500_000  # rows in a chunk: 9 MB


class Cell(NamedTuple):
    """A cell. `coast`: whether it is on a coast. `areas`: ISO 3166-1 alpha-2 codes of the countries that touch it.

    `relatives`: numbers of the relatives of the model's animals that live there, the most widespread first.
    """

    cell: int
    coast: bool
    areas: tuple[str, ...]
    relatives: tuple[int, ...] = ()


class WithEvidence(NamedTuple):
    """Ranges combined with evidence. `known`: numbers of the animals whose range comes from the evidence alone.

    `digest`: hash of the evidence, a part of the dataset's version. `seasons`: the animals' seasons, from the evidence.
    """

    ranges: Iterable[Rows]
    known: Set[int]
    digest: str
    seasons: Sequence[Seasons] = ()


type Combiner = Callable[[Sequence[AnimalRow], Sequence[Cell], Earth, Iterable[Rows]], WithEvidence]
"""Combines the written ranges of animals with evidence. Each range has the rows of one animal."""


def ranges_of(
    animals: Mapping[str, int],
    statements: Mapping[str, Sequence[Statement]],
    maps: Mapping[str, Sequence[int]],
    areas: AreaCells,
) -> Iterator[Rows]:
    """Yield the range of each animal: its rows of the table `cell_animal`, sorted by cell.

    `animals`: the number of each taxon's animal. `statements`: the statements about each taxon's range. `maps`: the H3
    cells on each taxon's range map. A taxon without statements has no rows.
    """
    for taxon in sorted(animals.keys() & statements.keys()):
        yield rows_of(animals[taxon], *cell_weights(statements[taxon], areas, maps.get(taxon)), areas.earth)


def rows_of(animal: int, weights: NDArray[Any], status: NDArray[Any], earth: Earth) -> Rows:
    """Return the rows of an animal. `weights`, `status`: for each cell; the weight is 0 where it does not live."""
    lives = np.flatnonzero(weights)
    rows = np.empty(len(lives), ROW)
    rows["cell"], rows["animal"] = earth.cells[lives], animal
    rows["weight"], rows["status"] = weights[lives], status[lives]
    return rows


def in_chunks(ranges: Iterable[Rows]) -> Iterator[Rows]:
    """Sort the rows of all ranges together by cell and animal, and yield them in chunks."""
    every = np.concatenate([np.empty(0, ROW), *ranges])
    # Sorting by one combined key takes a quarter of the time. Cells of one resolution differ only in the upper 28 bits.
    every = every[np.argsort(every["cell"] >> SHIFT << 32 | every["animal"])]
    for start in range(0, len(every), CHUNK):
        yield every[start : start + CHUNK]


def cell_relatives(
    numbers: Mapping[str, int], statements: Mapping[str, Sequence[Statement]], areas: AreaCells
) -> dict[int, tuple[int, ...]]:
    """Return the numbers of the relatives in each cell that has any, the most widespread relative first.

    `numbers`: the number of each taxon. `statements`: the statements about each taxon's range; a taxon without any is
    in no cell. Unlike the model's animals, relatives have no weights: they live where a statement says so.
    """
    found = {}
    for taxon in numbers.keys() & statements.keys():
        cells = np.zeros((2, len(areas.earth.cells)), bool)
        for each in statements[taxon]:
            if each.status in ("native", "introduced"):
                cells |= areas.of(each.range)
        found[numbers[taxon]] = np.flatnonzero(cells[LAND] | cells[SEA])
    widest = sorted(found, key=lambda number: (-len(found[number]), number))
    positions = np.concatenate([np.empty(0, np.intp), *(found[number] for number in widest)])
    relatives = np.repeat(np.array(widest, np.intp), [len(found[number]) for number in widest])
    order = np.argsort(positions, kind="stable")  # by cell, and in each cell the most widespread first
    lived_in, starts = np.unique(positions[order], return_index=True)
    parts = np.split(relatives[order], starts)[1:]
    return {cell: tuple(part.tolist()) for cell, part in zip(areas.earth.cells[lived_in].tolist(), parts, strict=True)}

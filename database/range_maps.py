"""Compute the cells of each mammal from range maps; write database/mammal_cells.csv.gz.

    python -m database.range_maps CELLS

CELLS is a CSV (or .csv.gz) with the columns `animal` (or `label`) and `cell`: every H3 cell of resolution 3 that
overlaps the animal's present range in PHYLACINE 1.2 (CC0). The result contains only cells in countries that
animal_areas.csv lists for the animal; docs/how-to/data.md gives the reasons.
"""

import argparse
import csv
import gzip
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from chalicelib.features.cells import center_of, parse_cell
from database.dataset import DatasetError, read_text

HERE = Path(__file__).parent
LABELS = HERE.parent / "model" / "labels.csv"

# Class 270, the Arctic wolf, has the map of the grey wolf; MIN_LATITUDE limits it to the tundra. Class 271, the red and
# the maned wolf, has the grey wolf's map, which is wrong for both. Three other classes have maps without some of their
# animals: gazelles (without springboks), polecats (with one species only) and marmosets (without tamarins).
MIN_LATITUDE = {270: 67.0}
WITHOUT_RANGE = frozenset({271, 353, 358, 377})

type Cells = Mapping[int, Iterable[str]]


def _rows(path: Path) -> Iterator[dict[str, str]]:
    yield from csv.DictReader(io.StringIO(read_text(path), newline=""))


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[int, set[str]]:
    groups: dict[int, set[str]] = defaultdict(set)
    for animal, value in pairs:
        groups[int(animal)].add(value)
    return dict(groups)


def read_cells(path: Path) -> dict[int, set[str]]:
    """Read the cells of each animal from the file CELLS."""
    return _grouped((row.get("animal") or row["label"], row["cell"]) for row in _rows(path))


def consistent_cells(
    cells: Cells, animal_areas: Mapping[int, set[str]], cell_areas: Mapping[str, set[str]], wild: set[int]
) -> list[tuple[int, str]]:
    """Return the sorted pairs of animal and cell whose cell is in a country that is listed for the animal.

    Leave out animals that are not wild or are in `WITHOUT_RANGE`, cells outside the animal's countries (such as open
    sea), and cells south of the animal's `MIN_LATITUDE`.
    """
    return sorted(
        (animal, cell)
        for animal, its_cells in cells.items()
        if animal in wild and animal not in WITHOUT_RANGE
        for cell in its_cells
        if cell_areas.get(cell, set()) & animal_areas.get(animal, set())
        and (animal not in MIN_LATITUDE or center_of(parse_cell(cell))[0] >= MIN_LATITUDE[animal])
    )


def to_gzipped_csv(pairs: Iterable[tuple[int, str]]) -> bytes:
    """Return the pairs as gzipped CSV. The same pairs always give the same bytes: the header has no name and time."""
    text = "animal,cell\n" + "".join(f"{animal},{cell}\n" for animal, cell in pairs)
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def main(arguments: list[str] | None = None) -> None:
    """Write mammal_cells.csv.gz and print the number of cells in it."""
    description = "Compute mammal_cells.csv.gz from range maps."
    parser = argparse.ArgumentParser(prog="python -m database.range_maps", description=description)
    text = "CSV with the columns `animal` (or `label`) and `cell`: all cells of each range map"
    parser.add_argument("cells", type=Path, metavar="CELLS", help=text)
    text = "CSV with the columns `cell` and `areas` (default: %(default)s)"
    parser.add_argument("--cell-areas", type=Path, default=HERE / "cell_areas.csv", metavar="FILE", help=text)
    text = "file to write (default: %(default)s)"
    parser.add_argument("--output", type=Path, default=HERE / "mammal_cells.csv.gz", metavar="FILE", help=text)
    options = parser.parse_args(arguments)

    try:
        cells = read_cells(options.cells)
        cell_areas = {row["cell"]: set(row["areas"].split()) for row in _rows(options.cell_areas)}
    except DatasetError as error:
        parser.exit(1, f"error: {error}\n")
    except KeyError as error:
        parser.exit(1, f"error: an input CSV has no column {error}; see python -m database.range_maps --help\n")
    animal_areas = _grouped((row["animal"], row["area"]) for row in _rows(HERE / "animal_areas.csv"))
    wild = {int(row["id"]) for row in _rows(LABELS) if row["kind"] == "wild"}
    pairs = consistent_cells(cells, animal_areas, cell_areas, wild)
    options.output.write_bytes(to_gzipped_csv(pairs))
    given = sum(len(its_cells) for its_cells in cells.values())
    print(f"kept {len(pairs):,} of {given:,} cells, for {len({animal for animal, _ in pairs})} animals")


if __name__ == "__main__":
    main()

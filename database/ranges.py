"""Where in its countries a mammal lives: from cells of whole range maps to database/mammal_cells.csv.gz.

    python -m database.ranges CELLS

CELLS is a CSV (or .csv.gz) with the columns `animal` (or `label`) and `cell`: every H3 cell of resolution 3 that
meets the animal's present range in PHYLACINE 1.2 (CC0). Kept is what agrees with database/animal_areas.csv, so
that a range map and a list of countries never contradict each other; docs/how-to/data.md gives the reasons.
"""

import argparse
import csv
import gzip
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TextIO

from chalicelib.features.cells import center_of, parse_cell

HERE = Path(__file__).parent
LABELS = HERE.parent / "model" / "labels.csv"

# The range map behind these cells is the grey wolf's, also for its Arctic subspecies and for the class that holds
# the red and the maned wolf. The first is cut to the tundra. The second goes without, as do classes whose map lacks
# a good part of them: gazelles (springboks), polecats (all but one species), marmosets (tamarins).
LEAST_LATITUDE = {270: 67.0}
WITHOUT_RANGE = frozenset({271, 353, 358, 377})

type Cells = Mapping[int, Iterable[str]]


def open_text(path: Path) -> TextIO:
    """A CSV file for reading, unpacked if its name ends in .gz. A spreadsheet's mark before it is left out."""
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def read_cells(path: Path) -> dict[int, set[str]]:
    """Cells of each animal."""
    cells: dict[int, set[str]] = {}
    with open_text(path) as file:
        for row in csv.DictReader(file):
            cells.setdefault(int(row.get("animal") or row["label"]), set()).add(row["cell"])
    return cells


def read_animal_areas(path: Path) -> dict[int, set[str]]:
    """Countries and territories of each animal, native and introduced."""
    areas: dict[int, set[str]] = {}
    with open_text(path) as file:
        for row in csv.DictReader(file):
            areas.setdefault(int(row["animal"]), set()).add(row["area"])
    return areas


def read_cell_areas(path: Path) -> dict[str, set[str]]:
    """Countries and territories that touch each cell; none for open sea."""
    with open_text(path) as file:
        return {row["cell"]: set(row["areas"].split()) for row in csv.DictReader(file)}


def read_wild(path: Path) -> set[int]:
    """Animals whose range means something: wild ones, by their label's kind."""
    with open_text(path) as file:
        return {int(row["id"]) for row in csv.DictReader(file) if row["kind"] == "wild"}


def agreed(
    cells: Cells, animal_areas: Mapping[int, set[str]], cell_areas: Mapping[str, set[str]], wild: set[int]
) -> list[tuple[int, str]]:
    """Pairs of animal and cell that both the range map and the list of countries allow, sorted.

    Left out: animals that are not wild or have no range map of their own, cells that touch no country of the animal
    (open sea among them), and cells south of where a subspecies begins.
    """
    return sorted(
        (animal, cell)
        for animal, its_cells in cells.items()
        if animal in wild and animal not in WITHOUT_RANGE
        for cell in its_cells
        if cell_areas.get(cell, set()) & animal_areas.get(animal, set())
        and (animal not in LEAST_LATITUDE or center_of(parse_cell(cell))[0] >= LEAST_LATITUDE[animal])
    )


def packed(pairs: Iterable[tuple[int, str]]) -> bytes:
    """The pairs as gzipped CSV; the same bytes each time: no name, no time of day."""
    text = "animal,cell\n" + "".join(f"{animal},{cell}\n" for animal, cell in pairs)
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def main(arguments: list[str] | None = None) -> None:
    """Write mammal_cells.csv.gz and say how much was kept."""
    parser = argparse.ArgumentParser(prog="python -m database.ranges", description="Write mammal_cells.csv.gz.")
    parser.add_argument("cells", type=Path, help="CSV of animal (or label) and cell, from whole range maps")
    parser.add_argument("--cell-areas", type=Path, default=HERE / "cell_areas.csv", help="CSV of cell and areas")
    parser.add_argument("--output", type=Path, default=HERE / "mammal_cells.csv.gz")
    options = parser.parse_args(arguments)

    cells = read_cells(options.cells)
    areas = read_animal_areas(HERE / "animal_areas.csv")
    pairs = agreed(cells, areas, read_cell_areas(options.cell_areas), read_wild(LABELS))
    options.output.write_bytes(packed(pairs))
    given = sum(len(its_cells) for its_cells in cells.values())
    print(f"kept {len(pairs):,} of {given:,} cells, of {len({animal for animal, _ in pairs})} animals")


if __name__ == "__main__":
    main()

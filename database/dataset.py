"""A dataset: everything that one load puts into the database, and how it is read from the files of this project."""

import csv
import gzip
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chalicelib.cells import parse_cell
from database import seed
from database.seed import Animal, AnimalArea, Cell, Rows

HERE = Path(__file__).parent
MODEL = HERE.parent / "model"

RANKS_BELOW_KINGDOM: Final = ("phylum", "class", "order", "family", "genus", "species")

FILES: Final = {
    "labels": MODEL / "labels.csv",
    "taxa": MODEL / "taxa.csv",
    "sources": HERE / "sources.csv",
    "animal_areas": HERE / "animal_areas.csv",
    "mammal_cells": HERE / "mammal_cells.csv.gz",
    "cell_areas": HERE / "cell_areas.csv",
}
"""What a dataset is made of."""


class DatasetError(Exception):
    """A file of the dataset is missing or says something impossible."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a load writes, in the order of the schema's columns.

    `cells` and `cell_animals` may be generators: they are read once, and only if the version is not in the database
    yet, so a generator can stand for more rows than memory holds.
    """

    version: str
    cells: Iterable[Cell]
    cell_animals: Iterable[Rows]
    animals: Sequence[Animal] = ()
    animal_areas: Sequence[AnimalArea] = ()
    sources: Sequence[tuple[str, str, str, str]] = ()
    taxa: Sequence[tuple[str, str, str]] = ()


def read_dataset(files: dict[str, Path] | None = None) -> Dataset:
    """The dataset of this checkout. Raises `DatasetError` that names the file and what is wrong in it.

    The version is the start of a SHA-256 over the files' contents and the weights of `seed`, so that the same data
    have the same version everywhere.
    """
    texts = {name: _text(path) for name, path in (FILES | (files or {})).items()}
    digest = hashlib.sha256(repr(seed.WEIGHTS).encode())
    for name, text in sorted(texts.items()):
        digest.update(f"\0{name}\0{text}".encode())

    try:
        animals = [
            Animal(
                int(row["id"]),
                row["name"],
                row["scientific_name"],
                row["rank"],
                row["kind"],
                tuple(row[rank] for rank in RANKS_BELOW_KINGDOM if row[rank]),
            )
            for row in _rows(texts["labels"])
        ]
        areas = [
            AnimalArea(int(row["animal"]), row["area"], row["status"], row["source"])
            for row in _rows(texts["animal_areas"])
        ]
        ranges = [(int(row["animal"]), parse_cell(row["cell"])) for row in _rows(texts["mammal_cells"])]
        cells = [
            Cell(parse_cell(row["cell"]), row["coast"] == "1", tuple(row["areas"].split()))
            for row in _rows(texts["cell_areas"])
        ]
        taxa = [(row["scientific_name"], row["rank"], row["name"]) for row in _rows(texts["taxa"])]
        sources = [(row["source"], row["title"], row["citation"], row["licence"]) for row in _rows(texts["sources"])]
    except (KeyError, ValueError) as error:
        raise DatasetError(f"a file of the dataset is not of its documented form: {error!r}") from error
    _check(animals, areas, ranges, {source for source, *_ in sources})
    return Dataset(
        version=digest.hexdigest()[:12],
        cells=cells,
        cell_animals=seed.cell_animals(cells, animals, areas, ranges),
        animals=animals,
        animal_areas=areas,
        sources=sources,
        taxa=taxa,
    )


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}); it belongs to the dataset") from error
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")


def _rows(text: str) -> Iterator[dict[str, str]]:
    return csv.DictReader(text.splitlines())


def _check(
    animals: Sequence[Animal], areas: Sequence[AnimalArea], ranges: Sequence[tuple[int, int]], sources: set[str]
) -> None:
    """What no constraint of the schema would catch, or only with a message that names no file."""
    wild = {animal.animal for animal in animals if animal.kind == "wild"}
    if strangers := sorted({area.animal for area in areas} - wild):
        raise DatasetError(f"animal_areas.csv places animals that are not wild in labels.csv: {strangers}")
    if strangers := sorted({animal for animal, _ in ranges} - wild):
        raise DatasetError(f"mammal_cells.csv.gz places animals that are not wild in labels.csv: {strangers}")
    if odd := sorted({area.status for area in areas} - seed.STATUSES.keys()):
        raise DatasetError(f"animal_areas.csv has a status other than {' or '.join(seed.STATUSES)}: {', '.join(odd)}")
    if unknown := sorted({area.source for area in areas} - sources):
        raise DatasetError(f"animal_areas.csv names sources that sources.csv lacks: {', '.join(unknown)}")

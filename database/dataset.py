"""A dataset: everything that one load puts into the database, and how it is read from the files of this project."""

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chalicelib.features.cells import parse_cell
from chalicelib.model.taxonomy import KINDS, id_of
from database import seed
from database.areas import instead_of, read_areas
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

UNIQUE: Final = {
    "labels": ("id",),
    "taxa": ("scientific_name",),
    "sources": ("source",),
    "animal_areas": ("animal", "area"),
    "cell_areas": ("cell",),
}
"""Columns that together tell a file's rows apart, as the schema demands; what is made of a row begins with them."""


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
    placeless: Sequence[str] = ()
    """Names of wild animals that live in no cell."""


def read_dataset(files: dict[str, Path] | None = None) -> Dataset:
    """The dataset of this checkout. Raises `DatasetError` that names the file and what is wrong in it.

    The version is the start of a SHA-256 over the files' contents and the weights of `seed`, so that the same data
    have the same version everywhere.
    """
    texts = {name: _text(path) for name, path in (FILES | (files or {})).items()}
    digest = hashlib.sha256(repr(seed.WEIGHTS).encode())
    for name, text in sorted(texts.items()):
        digest.update(f"\0{name}\0{text}".encode())

    animals = _parsed("labels", texts, _animal)
    areas = _parsed(
        "animal_areas", texts, lambda row: AnimalArea(int(row["animal"]), row["area"], row["status"], row["source"])
    )
    ranges = _parsed("mammal_cells", texts, lambda row: (int(row["animal"]), parse_cell(row["cell"])))
    cells = _parsed(
        "cell_areas",
        texts,
        lambda row: Cell(parse_cell(row["cell"]), row["coast"] == "1", tuple(row["areas"].split())),
    )
    taxa = _parsed("taxa", texts, lambda row: (row["scientific_name"], row["rank"], row["name"]))
    sources = _parsed("sources", texts, lambda row: (row["source"], row["title"], row["citation"], row["licence"]))
    _check(animals, areas, ranges, {source for source, *_ in sources})
    touched = {area for cell in cells for area in cell.areas}
    _check_areas(areas, touched)
    return Dataset(
        version=digest.hexdigest()[:12],
        cells=cells,
        cell_animals=seed.cell_animals(cells, animals, areas, ranges),
        animals=animals,
        animal_areas=areas,
        sources=sources,
        taxa=taxa,
        placeless=_placeless(animals, areas, ranges, touched, {cell.cell for cell in cells}),
    )


def some_of(names: Sequence[str], most: int = 5) -> str:
    """The first of many names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _text(path: Path) -> str:
    """What is in a file, unpacked, without the mark that spreadsheets put before UTF-8. Raises `DatasetError`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}); it belongs to the dataset") from error
    try:
        data = gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} is not gzip or not whole ({error}); pack it anew with gzip") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise DatasetError(f"{path}: line {line} is not UTF-8; save the file as UTF-8") from error


def _animal(row: dict[str, str]) -> Animal:
    lineage = tuple(row[rank] for rank in RANKS_BELOW_KINGDOM if row[rank])
    try:
        identity = id_of(row["id"])
    except ValueError as error:
        raise ValueError(f"id {error}") from None
    return Animal(identity, row["name"], row["scientific_name"], row["rank"], row["kind"], lineage)


def files_in(folder: Path) -> dict[str, Path]:
    """Those files of a dataset that are in a folder. Raises `DatasetError` if there are none."""
    found = {name: folder / path.name for name, path in FILES.items() if (folder / path.name).is_file()}
    if not found:
        raise DatasetError(f"{folder} has none of {', '.join(path.name for path in FILES.values())}")
    return found


def files_beside(model: Path) -> dict[str, Path]:
    """Those files of a dataset that lie beside a model: its labels, and where its animals live.

    Raises `DatasetError` without labels, and if it knows other animals than the checkout's and does not say where they
    live: their ids would stand for the checkout's animals.
    """
    if not model.with_name("labels.csv").is_file():
        raise DatasetError(f"no labels.csv lies beside the model {model}; MODEL_PATH says where it is")
    found = files_in(model.parent)
    lacking = [FILES[name].name for name in ("taxa", "animal_areas", "mammal_cells") if name not in found]
    if lacking and _text(found["labels"]) != _text(FILES["labels"]):
        raise DatasetError(
            f"{model.parent} has a labels.csv of its own, but no {' and no '.join(lacking)}; "
            "put there what belongs to these animals (docs/how-to/model.md shows each file)"
        )
    return found


def _parsed[T: tuple[object, ...]](name: str, texts: dict[str, str], parse: Callable[[dict[str, str]], T]) -> list[T]:
    """All lines of a file. Raises `DatasetError` with the file and the line that is wrong."""
    reader = csv.DictReader(io.StringIO(texts[name], newline=""), strict=True)
    columns = UNIQUE.get(name, ())
    parsed: list[T] = []
    line_of: dict[tuple[object, ...], int] = {}
    try:
        for row in reader:
            if None in row or None in row.values():
                raise ValueError(f"expected {len(reader.fieldnames or ())} fields")
            parsed.append(parse(row))
            key = parsed[-1][: len(columns)]
            if columns and line_of.setdefault(key, reader.line_num) != reader.line_num:
                values = ", ".join(row[column] for column in columns)
                raise ValueError(
                    f"the same {' and '.join(columns)} as in line {line_of[key]} ({values}); keep one of the two"
                )
    except KeyError as error:
        raise DatasetError(f"{FILES[name].name} has no column {error}") from error
    except (ValueError, csv.Error) as error:
        raise DatasetError(f"{FILES[name].name}, line {reader.line_num}: {error}") from error
    return parsed


def _check(
    animals: Sequence[Animal], areas: Sequence[AnimalArea], ranges: Sequence[tuple[int, int]], sources: set[str]
) -> None:
    """What no constraint of the schema would catch, or only with a message that names no file."""
    if odd := sorted({animal.kind for animal in animals} - {*KINDS}):
        expected = f"{', '.join(KINDS[:-1])} or {KINDS[-1]}"
        raise DatasetError(f"labels.csv has a kind other than {expected}: {', '.join(odd)}")
    wild = {animal.animal for animal in animals if animal.kind == "wild"}
    if strangers := sorted({area.animal for area in areas} - wild):
        raise DatasetError(f"animal_areas.csv places animals that are not wild in labels.csv: {strangers}")
    if strangers := sorted({animal for animal, _ in ranges} - wild):
        raise DatasetError(f"mammal_cells.csv.gz places animals that are not wild in labels.csv: {strangers}")
    if odd := sorted({area.status for area in areas} - seed.STATUSES.keys()):
        raise DatasetError(f"animal_areas.csv has a status other than {' or '.join(seed.STATUSES)}: {', '.join(odd)}")
    if unknown := sorted({area.source for area in areas} - sources):
        raise DatasetError(f"animal_areas.csv names sources that sources.csv lacks: {', '.join(unknown)}")


def _check_areas(areas: Sequence[AnimalArea], touched: set[str]) -> None:
    """No code is a slip: each is in areas.csv, or touches a cell of a cell_areas.csv that was brought along."""
    known = read_areas()
    if unknown := sorted({area.area for area in areas} - known.keys() - touched):
        told = some_of([f"{code} ({instead_of(code, known)})" for code in unknown])
        raise DatasetError(f"animal_areas.csv has codes that areas.csv lacks: {told}")


def _placeless(
    animals: Sequence[Animal],
    areas: Sequence[AnimalArea],
    ranges: Sequence[tuple[int, int]],
    touched: set[str],
    cells: set[int],
) -> list[str]:
    """Names of wild animals for which `seed.cell_animals` has no row, in the order of labels.csv."""
    lives = {row.animal for row in areas if row.area in touched} | {animal for animal, cell in ranges if cell in cells}
    return [animal.name for animal in animals if animal.kind == "wild" and animal.animal not in lives]

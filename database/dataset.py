"""Read a dataset from CSV files, and check it. A dataset is everything that one load writes into the database."""

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
from chalicelib.model.taxonomy import KINDS, RANKS, parse_id
from database.areas.codes import read_areas, suggest_code
from database.cell_animals import STATUSES, WEIGHTS, AnimalArea, AnimalRow, Cell, Rows, compute_cell_animals

HERE = Path(__file__).parent
MODEL = HERE.parent / "model"

FILES: Final = {
    "labels": MODEL / "labels.csv",
    "taxa": MODEL / "taxa.csv",
    "sources": HERE / "sources.csv",
    "animal_areas": HERE / "animal_areas.csv",
    "mammal_cells": HERE / "mammal_cells.csv.gz",
    "cell_areas": HERE / "cell_areas.csv",
}
"""The files that make up a dataset."""

UNIQUE: Final = {
    "labels": ("id",),
    "taxa": ("scientific_name",),
    "sources": ("source",),
    "animal_areas": ("animal", "area"),
    "cell_areas": ("cell",),
}
"""Columns that identify a row of each file, as in the schema. The parsed row starts with these values."""


class DatasetError(Exception):
    """A file of the dataset is missing, malformed or inconsistent with the others."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """The rows of each table, in the order of the schema's columns.

    `cells` and `cell_animals` may be generators of more rows than fit in memory, so a load reads each only once.
    """

    version: str
    cells: Iterable[Cell]
    cell_animals: Iterable[Rows]
    animals: Sequence[AnimalRow] = ()
    animal_areas: Sequence[AnimalArea] = ()
    sources: Sequence[tuple[str, str, str, str]] = ()
    taxa: Sequence[tuple[str, str, str]] = ()
    animals_without_cells: Sequence[str] = ()
    """Names of the wild animals that live in no cell."""


def read_dataset(files: dict[str, Path] | None = None) -> Dataset:
    """Read the dataset of this checkout. `files`: paths that replace those in `FILES`, keyed by name.

    The version is the start of a SHA-256 of all files and `WEIGHTS`, so the same data always have the same version.
    Raise `DatasetError` for a faulty file. Its message names the file and the fault.
    """
    texts = {name: read_text(path) for name, path in (FILES | (files or {})).items()}
    digest = hashlib.sha256(repr(WEIGHTS).encode())
    for name, text in sorted(texts.items()):
        digest.update(f"\0{name}\0{text}".encode())

    animals = _parse("labels", texts, _animal)
    areas = _parse(
        "animal_areas", texts, lambda row: AnimalArea(int(row["animal"]), row["area"], row["status"], row["source"])
    )
    ranges = _parse("mammal_cells", texts, lambda row: (int(row["animal"]), parse_cell(row["cell"])))
    cells = _parse(
        "cell_areas", texts, lambda row: Cell(parse_cell(row["cell"]), row["coast"] == "1", tuple(row["areas"].split()))
    )
    taxa = _parse("taxa", texts, lambda row: (row["scientific_name"], row["rank"], row["name"]))
    sources = _parse("sources", texts, lambda row: (row["source"], row["title"], row["citation"], row["licence"]))
    areas_with_cells = {area for cell in cells for area in cell.areas}
    _check(animals, areas, ranges, {source for source, *_ in sources}, areas_with_cells)

    known_cells = {cell.cell for cell in cells}
    lives = {row.animal for row in areas if row.area in areas_with_cells}
    lives |= {animal for animal, cell in ranges if cell in known_cells}
    return Dataset(
        version=digest.hexdigest()[:12],
        cells=cells,
        cell_animals=compute_cell_animals(cells, animals, areas, ranges),
        animals=animals,
        animal_areas=areas,
        sources=sources,
        taxa=taxa,
        animals_without_cells=[each.name for each in animals if each.kind == "wild" and each.animal not in lives],
    )


def files_in(folder: Path) -> dict[str, Path]:
    """Return the files of `FILES` that a folder contains, keyed by name. Raise `DatasetError` if there are none."""
    found = {name: folder / path.name for name, path in FILES.items() if (folder / path.name).is_file()}
    if not found:
        expected = ", ".join(path.name for path in FILES.values())
        raise DatasetError(f"{folder} contains no file of a dataset; put at least one of {expected} there")
    return found


def files_beside(model: Path) -> dict[str, Path]:
    """Return the files of `FILES` that are in the folder of a model, keyed by name.

    Raise `DatasetError` if labels.csv is missing. If labels.csv differs from the checkout's, raise it too if taxa.csv,
    animal_areas.csv or mammal_cells.csv.gz is missing, because the checkout's files are for other animals.
    """
    if not model.with_name("labels.csv").is_file():
        raise DatasetError(f"there is no labels.csv in the folder of {model}; add the file, or correct MODEL_PATH")
    found = files_in(model.parent)
    missing = [FILES[name].name for name in ("taxa", "animal_areas", "mammal_cells") if name not in found]
    if missing and read_text(found["labels"]) != read_text(FILES["labels"]):
        raise DatasetError(
            f"{model.parent} has its own labels.csv, but no {' and no '.join(missing)}; "
            "add them for the animals in labels.csv (docs/how-to/model.md shows each file)"
        )
    return found


def read_text(path: Path) -> str:
    """Return a file's text, decompressed and without a byte order mark. Raise `DatasetError` if it is unreadable."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot read {path} ({error.strerror}); restore the file or correct its path") from error
    try:
        data = gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} is not a complete gzip file ({error}); compress it again with gzip") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise DatasetError(f"{path}: line {line} is not UTF-8; save the file as UTF-8") from error


def join_some(items: Sequence[str], most: int = 5) -> str:
    """Join the first `most` items with commas, and add the number of items left out."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def _parse[T: tuple[object, ...]](name: str, texts: dict[str, str], parse: Callable[[dict[str, str]], T]) -> list[T]:
    """Parse all rows of a file. Raise `DatasetError` for a faulty row, with the file and the line."""
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
                    f"has the same {' and '.join(columns)} as line {line_of[key]} ({values}); remove one line"
                )
    except KeyError as error:
        raise DatasetError(f"{FILES[name].name} has no column {error}") from error
    except (ValueError, csv.Error) as error:
        raise DatasetError(f"{FILES[name].name}, line {reader.line_num}: {error}") from error
    return parsed


def _animal(row: dict[str, str]) -> AnimalRow:
    lineage = tuple(row[rank] for rank in RANKS if row[rank])
    return AnimalRow(parse_id(row["id"]), row["name"], row["scientific_name"], row["rank"], row["kind"], lineage)


def _check(
    animals: Sequence[AnimalRow],
    areas: Sequence[AnimalArea],
    ranges: Sequence[tuple[int, int]],
    sources: set[str],
    areas_with_cells: set[str],
) -> None:
    """Raise `DatasetError` for faults that PostgreSQL would accept, or would reject without naming the file."""
    wild = {animal.animal for animal in animals if animal.kind == "wild"}
    kinds = {animal.kind for animal in animals} - {*KINDS}
    statuses = {area.status for area in areas} - STATUSES.keys()
    known_areas = read_areas()
    codes = {area.area for area in areas} - known_areas.keys() - areas_with_cells
    advice = {f"{code} ({suggest_code(code, known_areas)})" for code in codes}
    problems: dict[str, set[int] | set[str]] = {
        f"labels.csv has a kind other than {', '.join(KINDS[:-1])} or {KINDS[-1]}": kinds,
        "animal_areas.csv lists animals that are not wild in labels.csv": {area.animal for area in areas} - wild,
        "mammal_cells.csv.gz lists animals that are not wild in labels.csv": {animal for animal, _ in ranges} - wild,
        f"animal_areas.csv has a status other than {' or '.join(STATUSES)}": statuses,
        "animal_areas.csv names sources that sources.csv lacks": {area.source for area in areas} - sources,
        "animal_areas.csv has codes that areas.csv lacks": advice,
    }
    for problem, wrong in problems.items():
        if wrong:
            raise DatasetError(f"{problem}: {join_some([str(each) for each in sorted(wrong)])}")

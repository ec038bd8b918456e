"""The files that make up a dataset: where they are, and how they are read."""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from chalicelib.config.settings import ROOT
from chalicelib.errors import FaunalensError, ModelError
from chalicelib.model.manifest import CLASSIFIER, Manifest

HERE: Final = Path(__file__).parent
AREAS: Final = HERE / "areas"
MODEL: Final = ROOT / "model"

FILES: Final = {
    "labels": MODEL / "labels.csv",
    "taxa": MODEL / "taxa.csv",
    "taxon_facts": HERE / "taxa.csv",
    "other_names": HERE / "other_names.csv",
    "sources": HERE / "sources.csv",
    "ranges": HERE / "ranges",
    "range_maps": HERE / "range_maps.csv.gz",
    "cell_areas": HERE / "cell_areas.csv",
    "groups": AREAS / "groups.csv",
    "remote_islands": AREAS / "remote_islands.csv",
    "relative_ranges": HERE / "ranges" / "relatives",
}
"""The files of a dataset, besides the relatives beside `labels`. Each of `RANGE_FILES` may be a file or a folder."""

RANGE_FILES: Final = ("ranges", "relative_ranges")

RELATIVES: Final = "relatives.csv"
"""Name of the file of relatives, which is optional, in the folder of `labels`."""

OWN_RANGES: Final = "ranges.csv"
"""Name of the file of ranges in a user's own folder."""

OWN_NAMES: Final = {"ranges": OWN_RANGES, "taxon_facts": "taxon_facts.csv"}
"""Names of files in a user's own folder, where they differ from those in the checkout."""

UNIQUE: Final = {
    "labels": ("id",),
    "taxa": ("scientific_name",),
    "taxon_facts": ("taxon",),
    "other_names": ("taxon", "name"),
    "sources": ("source",),
    "cell_areas": ("cell",),
}
"""Columns that identify a row of each file, as in the schema. The parsed row starts with these values."""


class DatasetError(FaunalensError):
    """A file of the dataset is missing, malformed or inconsistent with the others."""


@contextmanager
def faults_of_model() -> Iterator[None]:
    """Turn a `ModelError` that the block raises into a `DatasetError`."""
    try:
        yield
    except ModelError as error:
        raise DatasetError(str(error)) from error


def pack_labels(labels: Path) -> list[Path]:
    """Return the label files of the enabled packs, built or not, of the model with these `labels`."""
    with faults_of_model():
        manifests = [Manifest.read(file) for file in sorted(labels.parent.glob("packs/*.toml"))]
    return [each.labels for each in manifests if each.kind == CLASSIFIER and each.enabled]


def range_files(path: Path) -> list[Path]:
    """Return the CSV files in a folder, sorted by name, or `path` itself if it is a file."""
    return sorted(path.glob("*.csv")) if path.is_dir() else [path]


def files_in(folder: Path) -> dict[str, Path]:
    """Return the files of `FILES` that a folder contains, keyed by name. Raise `DatasetError` if there are none."""
    names = {name: path.name for name, path in FILES.items() if name != "relative_ranges"} | OWN_NAMES
    found = {name: folder / file for name, file in names.items() if (folder / file).is_file()}
    if not found:
        expected = ", ".join(names.values())
        raise DatasetError(f"{folder} contains no file of a dataset; put at least one of {expected} there")
    return found


def files_beside(model: Path) -> dict[str, Path]:
    """Return the files of `FILES` that are in the folder of a model, keyed by name.

    Raise `DatasetError` if labels.csv is missing. If labels.csv differs from the checkout's, raise it too if taxa.csv
    or ranges.csv is missing, because the checkout's files are for other animals.
    """
    if not model.with_name("labels.csv").is_file():
        raise DatasetError(f"there is no labels.csv in the folder of {model}; add the file, or correct MODEL_PATH")
    found = files_in(model.parent)
    missing = [file for name, file in (("taxa", FILES["taxa"].name), ("ranges", OWN_RANGES)) if name not in found]
    if missing and read_text(found["labels"]) != read_text(FILES["labels"]):
        advice = "add them for the animals in labels.csv (docs/how-to/model.md shows each file)"
        raise DatasetError(f"{model.parent} has its own labels.csv, but no {' and no '.join(missing)}; {advice}")
    return found


def read_text(path: Path) -> str:
    """Return a file's text, decompressed and without a byte order mark. Raise `DatasetError` if it cannot be read."""
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


def parse_rows[T: tuple[object, ...]](name: str, text: str, parse: Callable[[dict[str, str]], T]) -> list[T]:
    """Parse all rows of a file (`name` in `FILES`). Raise `DatasetError` for a faulty row, with file and line."""
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
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
                same = f"has the same {' and '.join(columns)} as line {line_of[key]} ({values})"
                raise ValueError(f"{same}; remove one line")
    except KeyError as error:
        raise DatasetError(f"{FILES[name].name} has no column {error}") from error
    except (ValueError, csv.Error) as error:
        raise DatasetError(f"{FILES[name].name}, line {reader.line_num}: {error}") from error
    return parsed


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file of this checkout, without checks."""
    return list(csv.DictReader(io.StringIO(read_text(path), newline="")))


def join_some(items: Sequence[str], most: int = 5) -> str:
    """Join the first `most` items with commas, and add the number of items left out."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more

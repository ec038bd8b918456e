"""The animals of a model, and their places in the tree of life.

The relatives of these animals are species that live somewhere, and that no output of the model stands for.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError

RANKS = ("phylum", "class", "order", "family", "genus", "species")
KINDS: Mapping[str, float | None] = {
    "wild": None,
    "marine": None,
    "extinct": None,
    "dog": 0.05,
    "cat": 0.3,
    "farm": 0.2,
    "caged": 0.02,
    "cosmopolitan": 0.1,
}
"""Kinds of animals, with the weight of one at places where the dataset does not list it; None: the prior's floor.

A breed of dog is one of 118. A farm animal is kept outdoors everywhere; a caged one in cages, tanks and homes, where
few photos are taken. A cosmopolitan group is so wide that it lives on all land.
"""
DOMESTIC = frozenset({"dog", "cat", "farm", "caged"})
EVERYWHERE = frozenset({"dog", "cat", "farm", "cosmopolitan"})
FIELDS = ("id", "taxon", "name", "scientific_name", "rank", "kind")
"""Columns of labels that describe an animal, in the general model and in packs."""
LABEL_COLUMNS = ("id", "taxon", "output_index", "wnid", "name", "scientific_name", "rank", "kind", *RANKS)
TAXON_COLUMNS = ("scientific_name", "rank", "name")
RELATIVE_COLUMNS = ("number", "taxon", "scientific_name", "name", "genus", "family", "order", "class")
LARGEST_NUMBER = 2**15 - 1
"""Largest number of a relative: the database stores it as `smallint`."""
_TAXON_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LARGEST_ID = 2**31 - 1
"""Largest id of an animal: the database and the values in Redis store it in four bytes."""


class Taxon(NamedTuple):
    """A taxon. `name`: its common name in the singular, such as 'arthropod' for Arthropoda."""

    name: str
    scientific_name: str
    rank: str


class Animal(NamedTuple):
    """One output of the model.

    `id`: number in tables and in the cache. `taxon_id`: stable id in responses, the scientific name in lower case with
    hyphens. `output_index`: index in the model's output. `lineage`: taxa from the phylum down to the animal's own
    taxon, which has the animal's name.
    """

    id: int
    taxon_id: str
    output_index: int
    name: str
    scientific_name: str
    rank: str
    kind: str
    lineage: tuple[Taxon, ...]

    @property
    def taxon(self) -> Taxon:
        """Return the animal's own taxon, the last one of its lineage."""
        return self.lineage[-1]


class Prediction(NamedTuple):
    """A taxon that a photo shows.

    `score`: how certain that is, 0 to 1. `lineage`: taxa down to the predicted one.
    `is_domestic`: whether the taxon is a domestic animal, or a species of domestic breeds. `is_one`: whether the models
    know it as one animal, such as a scorpion, which stands for its order.
    """

    taxon: Taxon
    score: float
    lineage: tuple[Taxon, ...] = ()
    is_domestic: bool = False
    is_one: bool = False

    @property
    def is_wide(self) -> bool:
        """Return whether the taxon is wider than a family, and not what the models know as one animal."""
        return not self.is_one and all(taxon.rank not in ("family", "genus", "species") for taxon in self.lineage)


@dataclass(frozen=True, slots=True, eq=False)
class Taxonomy:
    """All animals of a model, or of several. Immutable; `Taxonomy.read` builds it. One object is equal only to itself.

    `order`: output indices in the order of the tree of life: the animals of a taxon are contiguous in it, so the
    probability of a taxon is the sum of a slice. `elsewhere`: for each animal, its weight at places where the dataset
    does not list it, from `KINDS`; 0: the prior's floor. `index_of`: output indices by id.
    """

    animals: tuple[Animal, ...]
    elsewhere: NDArray[np.float32]
    order: NDArray[np.intp]
    index_of: dict[int, int]
    taxon_ids: frozenset[str]

    @classmethod
    def read(cls, labels: Path, taxa: Path) -> "Taxonomy":
        """Read animals from `labels` and names of taxa from `taxa` (CSV). Raises `ModelError` with file and fault."""
        named = {(row[0], row[1]): Taxon(row[2], row[0], row[1]) for row in read_rows(taxa, TAXON_COLUMNS)}
        animals = sorted(
            (_animal(row, named, labels.name, taxa.name) for row in read_rows(labels, LABEL_COLUMNS)),
            key=lambda animal: animal.output_index,
        )
        if not animals or [animal.output_index for animal in animals] != list(range(len(animals))):
            raise ModelError(f"output_index in {labels.name} must count from 0 without gaps, one row per output")
        counts = Counter[int | str](value for each in animals for value in (each.id, each.taxon_id))
        if twice := [str(value) for value, count in counts.items() if count > 1]:
            raise ModelError(f"{labels.name} uses {', '.join(twice)} more than once; each id and taxon must be unique")
        return cls.of(animals)

    @classmethod
    def of(cls, animals: Sequence[Animal]) -> "Taxonomy":
        """Arrange `animals`, which are in the order of their output indices."""
        order = np.array(_tree_order(animals), dtype=np.intp)
        elsewhere = np.array([KINDS[animal.kind] or 0 for animal in animals], dtype=np.float32)
        order.flags.writeable = elsewhere.flags.writeable = False
        index_of = {animal.id: animal.output_index for animal in animals}
        return cls(tuple(animals), elsewhere, order, index_of, frozenset(animal.taxon_id for animal in animals))


def down_to(lineage: Sequence[Taxon], rank: str) -> tuple[Taxon, ...]:
    """Return the taxa of a lineage down to a rank; none if it has no taxon of this rank."""
    ranks = [taxon.rank for taxon in lineage]
    return tuple(lineage[: ranks.index(rank) + 1]) if rank in ranks else ()


def parse_id(text: str, name: str = "id") -> int:
    """Parse an animal's id. Raises `ValueError` if it is invalid. `name`: name of the id in the error message."""
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not 0 <= number <= LARGEST_ID:
        raise ValueError(f"{name} is '{text}'; expected a whole number from 0 to {LARGEST_ID}")
    return number


def read_rows(path: Path, columns: Sequence[str]) -> list[list[str]]:
    """Return the rows of a CSV file with the header `columns`. Ignores the byte order mark that spreadsheets write."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = csv.reader(file)
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read ({error.strerror}); put it in the model's folder") from error
    except (ValueError, csv.Error) as error:
        raise ModelError(f"{path.name} is not a CSV file with a header: {error}") from error
    if header != list(columns):
        raise ModelError(f"{path.name} has the columns {','.join(header)}; expected {','.join(columns)}")
    for number, row in enumerate(rows, 2):
        if len(row) != len(columns):
            raise ModelError(f"line {number} of {path.name} has {len(row)} fields; expected {len(columns)}")
    return rows


def build_animal(fields: Sequence[str], lineage: list[Taxon], output_index: int, labels: str) -> Animal:
    """Build an animal from the `FIELDS` of a row of labels. Raises `ModelError`, which names the file `labels`.

    `lineage`: the taxa of the row's further fields.
    """
    number, taxon_id, name, scientific_name, rank, kind = fields
    if kind not in KINDS:
        raise ModelError(f"kind of '{name}' in {labels} is '{kind}'; expected one of {', '.join(KINDS)}")
    if not _TAXON_ID.fullmatch(taxon_id):
        raise ModelError(
            f"taxon of '{name}' in {labels} is '{taxon_id}'; expected its scientific name in lower case, with hyphens"
        )
    try:
        identity = parse_id(number, f"id of '{name}' in {labels}")
    except ValueError as error:
        raise ModelError(str(error)) from None
    if not (name and scientific_name and rank):
        raise ModelError(f"{taxon_id} in {labels} has no name, scientific name or rank; add it")
    own = Taxon(name, scientific_name, rank)
    if lineage and (lineage[-1].scientific_name, lineage[-1].rank) == (scientific_name, rank):
        lineage = lineage[:-1]
    return Animal(identity, taxon_id, output_index, name, scientific_name, rank, kind, (*lineage, own))


def _animal(row: list[str], named: dict[tuple[str, str], Taxon], labels: str, taxa: str) -> Animal:
    """Build an animal from a row of labels.csv. `named`: the taxa in taxa.csv by scientific name and rank."""
    number, taxon_id, output, _, name, *rest = row
    try:
        lineage = [named[each] for each in zip(rest[3:], RANKS, strict=True) if each[0]]
    except KeyError as error:
        ((cell, column),) = error.args
        raise ModelError(
            f"{taxa} has no row for '{cell}' of rank {column}, which '{name}' has in {labels}; add one"
        ) from None
    try:
        output_index = int(output)
    except ValueError:
        raise ModelError(f"output_index of '{name}' in {labels} is '{output}'; expected a whole number") from None
    return build_animal((number, taxon_id, name, *rest[:3]), lineage, output_index, labels)


def _tree_order(animals: Iterable[Animal]) -> list[int]:
    """Return output indices so that the animals of each taxon are together, in the order in which taxa first occur.

    An animal that stands for a whole taxon, such as 'snail' for the class Gastropoda, comes before its other animals.
    """
    numbers: dict[tuple[int, str, str], int] = {}
    paths: list[tuple[tuple[int, ...], int]] = []
    for animal in animals:
        above, path = -1, []
        for taxon in animal.lineage:
            above = numbers.setdefault((above, taxon.scientific_name, taxon.rank), len(numbers))
            path.append(above)
        paths.append((tuple(path), animal.output_index))
    return [output_index for _, output_index in sorted(paths)]


class Relative(NamedTuple):
    """A species that the model does not know. `taxon`: its stable id; all ranks are scientific names."""

    taxon: str
    scientific_name: str
    name: str
    genus: str
    family: str
    order: str
    class_: str


def read_relatives(path: Path) -> dict[int, Relative]:
    """Return the relatives in relatives.csv by number; none without it. Raises `ModelError` with line and fault."""
    relatives: dict[int, Relative] = {}
    for line, text in enumerate(_lines_of(path), 2):
        first, *names = _fields_of(text, "line", line, path)
        number = int(first) if first.isdecimal() else -1
        if not 0 <= number <= LARGEST_NUMBER or number in relatives:
            raise ModelError(
                f"number in line {line} of {path.name} is '{first}'; "
                f"expected a unique whole number from 0 to {LARGEST_NUMBER}"
            )
        relatives[number] = Relative(*names)
    return relatives


class Relatives:
    """The relatives in relatives.csv, which the first use reads. Thread-safe. Without the file there are none.

    A process parses only the rows that it needs: all of them would take 10 ms of its start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parsed: dict[int, Relative | None] = {}

    @cached_property
    def rows(self) -> dict[str, str]:
        """Return the lines of the file by the number in their first column, as text. Raises `ModelError`."""
        return {line.partition(",")[0]: line for line in _lines_of(self._path)}

    @cached_property
    def numbers(self) -> list[int]:
        """Return the numbers of all relatives. Raises `ModelError`."""
        return [int(number) for number in self.rows]

    def close_to(self, prediction: Prediction, here: Sequence[int], known: Set[str] = frozenset()) -> list[Relative]:
        """Return the relatives of the predicted taxon among those `here`: same genus first, then same family.

        `here`: numbers of the relatives in a cell; their order is kept within genus and family. Numbers without a
        relative, as from a dataset newer than the model, are left out, and so are species in `known`, the taxon ids
        that the models in use know. A taxon above a family has no close relatives. A domestic animal has only those of
        its genus: a dog is not taken for a fox. Raises `ModelError`.
        """
        named = {taxon.rank: taxon.scientific_name for taxon in prediction.lineage}
        genus, family = named.get("genus"), None if prediction.is_domestic else named.get("family")
        if not here or (genus is None and family is None):
            return []
        found = self.unknown(here, known)
        same_genus = [each for each in found if each.genus == genus]
        return same_genus + [each for each in found if each.family == family and each.genus != genus]

    def unknown(self, here: Sequence[int], known: Set[str]) -> list[Relative]:
        """Return the relatives with the numbers `here` whose taxon id is not in `known`. Skips numbers without one."""
        return [each for each in map(self._relative, here) if each is not None and each.taxon not in known]

    def _relative(self, number: int) -> Relative | None:
        try:
            return self._parsed[number]
        except KeyError:
            line = self.rows.get(str(number))
            relative = None if line is None else Relative(*_fields_of(line, "row", number, self._path)[1:])
            self._parsed[number] = relative
            return relative


def _lines_of(path: Path) -> list[str]:
    """Return the lines below the header, or none if there is no such file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise ModelError(f"{path.name} is not a readable CSV file: {error}") from error
    header, _, rest = text.partition("\n")
    if header.rstrip("\r") != ",".join(RELATIVE_COLUMNS):
        raise ModelError(f"{path.name} has the columns {header.rstrip()}; expected {','.join(RELATIVE_COLUMNS)}")
    return rest.splitlines()


def _fields_of(line: str, kind: str, number: int, path: Path) -> list[str]:
    """Return the fields of a row. `kind`, `number`, `path`: for the message of a `ModelError`."""
    fields = next(csv.reader([line])) if '"' in line else line.split(",")  # csv takes three times as long
    if len(fields) != len(RELATIVE_COLUMNS):
        raise ModelError(f"{kind} {number} of {path.name} has {len(fields)} fields; expected {len(RELATIVE_COLUMNS)}")
    return fields

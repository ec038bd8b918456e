"""Relatives of the model's animals: species that live somewhere, and that no output of the model stands for."""

import csv
from collections.abc import Sequence, Set
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from chalicelib.errors import ModelError
from chalicelib.model.taxonomy import Prediction

COLUMNS = ("number", "taxon", "scientific_name", "name", "genus", "family", "order", "class")
LARGEST_NUMBER = 2**15 - 1
"""The database stores numbers as `smallint`."""


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
    """Return the relatives in relatives.csv by number, or none if there is no such file.

    Raises `ModelError`, which names the line and the fault.
    """
    relatives: dict[int, Relative] = {}
    for line, text in enumerate(_lines(path), 2):
        first, *names = _fields(text, "line", line, path)
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
        """Return the lines of the file by the text of their number. Raises `ModelError`."""
        return {line.partition(",")[0]: line for line in _lines(self._path)}

    @cached_property
    def numbers(self) -> list[int]:
        """Return the numbers of all relatives. Raises `ModelError`."""
        return [int(number) for number in self.rows]

    def close_to(self, prediction: Prediction, here: Sequence[int], known: Set[str] = frozenset()) -> list[Relative]:
        """Return the relatives of the predicted taxon among those `here`: same genus first, then same family.

        `here`: numbers of the relatives in a cell; their order is kept within genus and family. Numbers without a
        relative, as from a dataset newer than the model, are left out, and so are species in `known`, the taxon ids
        that the models in use know. A taxon above a family has no close relatives. A domestic animal has those of its
        genus: a dog is not taken for a fox. Raises `ModelError`.
        """
        named = {taxon.rank: taxon.scientific_name for taxon in prediction.lineage}
        genus, family = named.get("genus"), None if prediction.is_domestic else named.get("family")
        if not here or (genus is None and family is None):
            return []
        found = self.unknown(here, known)
        same_genus = [each for each in found if each.genus == genus]
        return same_genus + [each for each in found if each.family == family and each.genus != genus]

    def unknown(self, here: Sequence[int], known: Set[str]) -> list[Relative]:
        """Return the relatives with these numbers, without those in `known`, and without numbers of none."""
        return [each for each in map(self._relative, here) if each is not None and each.taxon not in known]

    def _relative(self, number: int) -> Relative | None:
        try:
            return self._parsed[number]
        except KeyError:
            line = self.rows.get(str(number))
            relative = None if line is None else Relative(*_fields(line, "row", number, self._path)[1:])
            self._parsed[number] = relative
            return relative


def _lines(path: Path) -> list[str]:
    """Return the lines below the header, or none if there is no such file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise ModelError(f"{path.name} is not a readable CSV file: {error}") from error
    header, _, rest = text.partition("\n")
    if header.rstrip("\r") != ",".join(COLUMNS):
        raise ModelError(f"{path.name} has the columns {header.rstrip()}; expected {','.join(COLUMNS)}")
    return rest.splitlines()


def _fields(line: str, kind: str, number: int, path: Path) -> list[str]:
    """Return the fields of a row. `kind`, `number`, `path`: for the message of a `ModelError`."""
    fields = next(csv.reader([line])) if '"' in line else line.split(",")  # csv takes three times as long
    if len(fields) != len(COLUMNS):
        raise ModelError(f"{kind} {number} of {path.name} has {len(fields)} fields; expected {len(COLUMNS)}")
    return fields

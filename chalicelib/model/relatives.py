"""Relatives of the model's animals: species that live somewhere, and that no output of the model stands for."""

import csv
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from chalicelib.errors import ModelError
from chalicelib.model.taxonomy import Prediction

COLUMNS = ("number", "taxon", "scientific_name", "name", "genus", "family")
LARGEST_NUMBER = 2**15 - 1
"""The database stores numbers as `smallint`."""


class Relative(NamedTuple):
    """A species that the model does not know. `taxon`: its stable id; `genus`, `family`: scientific names."""

    taxon: str
    scientific_name: str
    name: str
    genus: str
    family: str


def read_relatives(path: Path) -> dict[int, Relative]:
    """Return the relatives in relatives.csv by number, or none if there is no such file.

    Raises `ModelError`, which names the line and the fault.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = csv.reader(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, csv.Error) as error:
        raise ModelError(f"{path.name} is not a CSV file with a header: {error}") from error
    if tuple(header) != COLUMNS:
        raise ModelError(f"{path.name} has the columns {','.join(header)}; expected {','.join(COLUMNS)}")
    relatives: dict[int, Relative] = {}
    for line, row in enumerate(rows, 2):
        if len(row) != len(COLUMNS):
            raise ModelError(f"line {line} of {path.name} has {len(row)} fields; expected {len(COLUMNS)}")
        number = int(row[0]) if row[0].isdecimal() else -1
        if not 0 <= number <= LARGEST_NUMBER or number in relatives:
            raise ModelError(
                f"number in line {line} of {path.name} is '{row[0]}'; "
                f"expected a unique whole number from 0 to {LARGEST_NUMBER}"
            )
        relatives[number] = Relative(*row[1:])
    return relatives


class Relatives:
    """The relatives in relatives.csv, which the first use reads. Thread-safe. Without the file there are none."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def by_number(self) -> Mapping[int, Relative]:
        """Return all relatives by number. Raises `ModelError`."""
        return read_relatives(self._path)

    def close_to(self, prediction: Prediction, here: Sequence[int]) -> list[Relative]:
        """Return the relatives of the predicted taxon among those `here`: same genus first, then same family.

        `here`: numbers of the relatives in a cell; their order is kept within genus and family. Numbers without a
        relative, as from a dataset newer than the model, are left out. A taxon above a family has no close relatives. A
        domestic animal has those of its genus: nobody takes a dog for a fox. Raises `ModelError`.
        """
        named = {taxon.rank: taxon.scientific_name for taxon in prediction.lineage}
        genus, family = named.get("genus"), None if prediction.is_domestic else named.get("family")
        if not here or (genus is None and family is None):
            return []
        found = [self.by_number[number] for number in here if number in self.by_number]
        same_genus = [each for each in found if each.genus == genus]
        return same_genus + [each for each in found if each.family == family and each.genus != genus]

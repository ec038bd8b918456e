"""The labels of a pack: which animal each output stands for. Several outputs may stand for one species."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError
from chalicelib.model.taxonomy import KINDS, RANKS, TAXON_COLUMNS, Animal, Taxon, parse_id, read_rows

COLUMNS = ("output_index", "label", "id", "taxon", "name", "scientific_name", "rank", "kind", *RANKS)


@dataclass(frozen=True, slots=True, eq=False)
class PackLabels:
    """The animals of a pack, in the order of their first outputs.

    `animals`: `output_index` of each is its position here. `animal_of`: shape (outputs,), the position of the animal
    that each output stands for.
    """

    animals: tuple[Animal, ...]
    animal_of: NDArray[np.intp]

    @classmethod
    def read(cls, labels: Path) -> "PackLabels":
        """Read the labels of a pack.

        The names of the taxa above the animals are in `taxa.csv` of the pack's folder and of the folder above it, the
        general model's. A taxon without a row there has its scientific name. Raise `ModelError` if a file is malformed.
        """
        named: dict[tuple[str, str], str] = {}
        for file in (labels.with_name("taxa.csv"), labels.parent.parent / "taxa.csv"):
            if file.is_file():
                named |= {(row[0], row[1]): row[2] for row in read_rows(file, TAXON_COLUMNS)}
        positions: dict[str, int] = {}
        animals: list[Animal] = []
        rows: dict[str, list[str]] = {}
        animal_of = []
        for index, (output, _, *row) in enumerate(read_rows(labels, COLUMNS)):
            if output != str(index):
                raise ModelError(f"output_index in {labels.name} is '{output}'; expected {index}, one row per output")
            taxon = row[1]
            if taxon not in positions:
                positions[taxon], rows[taxon] = len(animals), row
                animals.append(_animal(row, len(animals), named, labels.name))
            elif rows[taxon] != row:
                raise ModelError(f"{labels.name} describes {taxon} in two ways; expected the same from its id on")
            animal_of.append(positions[taxon])
        if not animals or len({animal.id for animal in animals}) != len(animals):
            raise ModelError(f"{labels.name} has no rows, or one id for two taxa; expected a row for each output")
        order = np.array(animal_of, dtype=np.intp)
        order.flags.writeable = False
        return cls(tuple(animals), order)


def _animal(row: list[str], position: int, named: Mapping[tuple[str, str], str], labels: str) -> Animal:
    """Build an animal from a row of a pack's labels, without its first two cells."""
    number, taxon_id, name, scientific_name, rank, kind, *cells = row
    if kind not in KINDS:
        raise ModelError(f"kind of '{name}' in {labels} is '{kind}'; expected one of {', '.join(KINDS)}")
    try:
        identity = parse_id(number, f"id of '{name}' in {labels}")
    except ValueError as error:
        raise ModelError(str(error)) from None
    lineage = [Taxon(named.get((cell, at), cell), cell, at) for at, cell in zip(RANKS, cells, strict=True) if cell]
    own = Taxon(name, scientific_name, rank)
    if lineage and (lineage[-1].scientific_name, lineage[-1].rank) == (scientific_name, rank):
        lineage.pop()
    return Animal(identity, taxon_id, position, "", name, scientific_name, rank, kind, (*lineage, own))

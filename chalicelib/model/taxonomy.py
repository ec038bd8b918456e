"""The animals that the model knows, in the tree of life, and the roll-up of a doubtful answer to a sure one."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError

RANKS = ("phylum", "class", "order", "family", "genus", "species")
KINDS = ("wild", "domestic", "cosmopolitan", "marine", "extinct")
EVERYWHERE = frozenset({"domestic", "cosmopolitan"})
LABEL_COLUMNS = ("id", "output_index", "wnid", "name", "scientific_name", "rank", "kind", *RANKS)
TAXON_COLUMNS = ("scientific_name", "rank", "name")


LARGEST_ID = 2**31 - 1
"""The database and what is packed for Redis hold ids in four bytes."""


@dataclass(frozen=True, slots=True)
class Taxon:
    """A group of the tree of life, with what people call one of its members."""

    name: str
    scientific_name: str
    rank: str


@dataclass(frozen=True, slots=True)
class Animal:
    """One output of the model.

    `id` is what tables and answers call it, `output_index` its place in the model's output. `lineage` runs from the
    phylum down to the animal's own taxon, which bears the animal's own name.
    """

    id: int
    output_index: int
    wnid: str
    name: str
    scientific_name: str
    rank: str
    kind: str
    lineage: tuple[Taxon, ...]

    @property
    def taxon(self) -> Taxon:
        """The animal's own taxon, the last of its lineage."""
        return self.lineage[-1]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The most specific taxon that holds enough of the probability, and how much it holds."""

    taxon: Taxon
    score: float


@dataclass(frozen=True, slots=True)
class Node:
    """A taxon in the tree: the animals below it are `start` to `stop` in tree order."""

    taxon: Taxon
    start: int
    stop: int
    children: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All animals and the tree above them. Immutable; built once by `Taxonomy.read`.

    `order` holds output indices in tree order, so that the animals of any taxon lie side by side and the probability
    of a taxon is the difference of two cumulative sums.
    """

    animals: tuple[Animal, ...]
    everywhere: NDArray[np.bool_]
    root: Node
    order: NDArray[np.intp]
    index_of: dict[int, int]

    @classmethod
    def read(cls, labels: Path, taxa: Path) -> "Taxonomy":
        """The animals of `labels` (labels.csv) under the taxa named in `taxa` (taxa.csv).

        Raises `ModelError` that names the file and what does not fit.
        """
        named = {row[0]: Taxon(row[2], row[0], row[1]) for row in _rows(taxa, TAXON_COLUMNS)}
        top = named.get("Animalia")
        if top is None:
            raise ModelError(f"{taxa.name} has no row for Animalia, the root of the tree; add one")
        animals = sorted(
            (_animal(row, named, labels.name, taxa.name) for row in _rows(labels, LABEL_COLUMNS)),
            key=lambda animal: animal.output_index,
        )
        if not animals or [animal.output_index for animal in animals] != list(range(len(animals))):
            raise ModelError(f"output_index in {labels.name} must count from 0 without gaps, one row an output")
        index_of = {animal.id: animal.output_index for animal in animals}
        if len(index_of) != len(animals):
            raise ModelError(f"{labels.name} uses an id twice; ids must be unique")

        order: list[int] = []
        root = _tree(top, animals, 0, order)
        tree_order = np.array(order, dtype=np.intp)
        everywhere = np.array([animal.kind in EVERYWHERE for animal in animals], dtype=np.bool_)
        tree_order.flags.writeable = everywhere.flags.writeable = False
        return cls(tuple(animals), everywhere, root, tree_order, index_of)

    def roll_up(self, probabilities: NDArray[np.floating], threshold: float) -> Prediction | None:
        """The most specific taxon that holds at least the share `threshold` of all probability.

        Goes down from 'animal', at each step to the child that holds most (of equals the first in labels.csv), for
        as long as that child holds enough. Breeds, colours and sexes are one step below their species.

        Parameters: probabilities, shape (animals,), in output order; negative or not finite counts as zero. threshold,
        from 0 to 1. Returns: None if there is no probability at all. Takes about 20 µs.
        """
        if not (probabilities.min() >= 0.0 and probabilities.max() < np.inf):  # so that NaN, too, is cleaned away
            probabilities = np.where(np.isfinite(probabilities), probabilities, 0.0).clip(0.0)
        mass = [0.0, *np.cumsum(probabilities[self.order], dtype=np.float64).tolist()]
        total = mass[-1]
        if not total > 0.0:
            return None
        node, held = self.root, total
        while node.children:
            most, heaviest = -1.0, node
            for child in node.children:
                its = mass[child.stop] - mass[child.start]
                if its > most:
                    most, heaviest = its, child
            if most < threshold * total:
                break
            node, held = heaviest, most
        return Prediction(node.taxon, min(held / total, 1.0))


def id_of(text: str) -> int:
    """An animal's id, as it is written in labels.csv. Raises `ValueError` that says what was expected."""
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not 0 <= number <= LARGEST_ID:
        raise ValueError(f"is '{text}'; expected a whole number from 0 to {LARGEST_ID}")
    return number


def _rows(path: Path, columns: Sequence[str]) -> list[list[str]]:
    """Rows of a CSV file whose header must be `columns`. A spreadsheet's mark before it is left out."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = csv.reader(file)
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read ({error.strerror}); it lies beside the model") from error
    except (ValueError, csv.Error) as error:
        raise ModelError(f"{path.name} is no CSV file with a header: {error}") from error
    if header != list(columns):
        raise ModelError(f"{path.name} has the columns {','.join(header)}; expected {','.join(columns)}")
    for number, row in enumerate(rows, 2):
        if len(row) != len(columns):
            raise ModelError(f"line {number} of {path.name} has {len(row)} fields; expected {len(columns)}")
    return rows


def _animal(row: list[str], named: dict[str, Taxon], labels: str, taxa: str) -> Animal:
    """One row of labels.csv, its lineage looked up in taxa.csv."""
    _, _, wnid, name, scientific_name, rank, kind, *cells = row
    try:
        lineage = [named[cell] for cell in cells if cell]
    except KeyError as error:
        raise ModelError(f"{taxa} has no row for {error}, which {labels} names for '{name}'; add one") from None
    if kind not in KINDS:
        expected = f"{', '.join(KINDS[:-1])} or {KINDS[-1]}"
        raise ModelError(f"kind of '{name}' in {labels} is '{kind}'; expected {expected}")
    own = Taxon(name, scientific_name, rank)
    if lineage and lineage[-1].scientific_name == scientific_name and lineage[-1].rank == rank:
        lineage.pop()
    try:
        identity = id_of(row[0])
    except ValueError as error:
        raise ModelError(f"id of '{name}' in {labels} {error}") from None
    try:
        output_index = int(row[1])
    except ValueError:
        raise ModelError(f"output_index of '{name}' in {labels} is '{row[1]}'; expected a whole number") from None
    return Animal(identity, output_index, wnid, name, scientific_name, rank, kind, (*lineage, own))


def _tree(taxon: Taxon, animals: Iterable[Animal], depth: int, order: list[int]) -> Node:
    """The node of `taxon` over `animals`, which share their lineage down to `depth`; their places go to `order`.

    A taxon above one animal only, or with a single child, is left out: what is below it holds just as much. An
    animal that is a whole taxon, such as the class 'snail' (Gastropoda) among slugs and conchs, is a leaf in it.
    """
    start = len(order)
    groups: dict[tuple[str, ...] | int, list[Animal]] = {}
    for animal in animals:
        inside = len(animal.lineage) > depth
        taxon_or_itself = (animal.lineage[depth].scientific_name, animal.lineage[depth].rank) if inside else animal.id
        groups.setdefault(taxon_or_itself, []).append(animal)

    children: list[Node] = []
    for members in groups.values():
        shared = next((each.lineage[depth] for each in members if len(each.lineage) > depth + 1), None)
        if shared is not None and len(members) > 1:
            children.append(_tree(shared, members, depth + 1, order))
            continue
        for animal in members:
            order.append(animal.output_index)
            children.append(Node(animal.taxon, len(order) - 1, len(order), ()))
    return children[0] if len(children) == 1 else Node(taxon, start, len(order), tuple(children))

"""The model's animals in the tree of life, and the roll-up of their probabilities to a taxon."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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
    "farm": 0.1,
    "caged": 0.005,
    "cosmopolitan": 0.1,
}
"""Kinds of animals, with the weight of one where the dataset does not say that it lives; None: the prior's floor.

A breed of dog is one of 118. A farm animal is kept outdoors everywhere; a caged one in cages, tanks and homes, where
few photos are taken. A cosmopolitan group is so wide that it lives on all land.
"""
DOMESTIC = frozenset({"dog", "cat", "farm", "caged"})
EVERYWHERE = frozenset({"dog", "cat", "farm", "cosmopolitan"})
FIELDS = ("id", "taxon", "name", "scientific_name", "rank", "kind")
"""Columns of labels that describe an animal, in the general model and in packs."""
LABEL_COLUMNS = ("id", "taxon", "output_index", "wnid", "name", "scientific_name", "rank", "kind", *RANKS)
TAXON_COLUMNS = ("scientific_name", "rank", "name")
_TAXON_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LARGEST_ID = 2**31 - 1
"""The database and the values in Redis store ids in four bytes."""

type TaxonKey = tuple[str, str]
"""A rank and a scientific name."""


@dataclass(frozen=True, slots=True)
class Taxon:
    """A taxon. `name`: its common name in the singular, such as 'arthropod' for Arthropoda."""

    name: str
    scientific_name: str
    rank: str


@dataclass(frozen=True, slots=True)
class Animal:
    """One output of the model.

    `id`: number in tables and in the cache. `taxon_id`: stable id in responses, the scientific name in lower case with
    hyphens. `output_index`: index in the model's output. `lineage`: taxa from the phylum down to the animal's own
    taxon, which has the animal's name.
    """

    id: int
    taxon_id: str
    output_index: int
    wnid: str
    name: str
    scientific_name: str
    rank: str
    kind: str
    lineage: tuple[Taxon, ...]

    @property
    def taxon(self) -> Taxon:
        """Return the animal's own taxon, the last one of its lineage."""
        return self.lineage[-1]

    def at(self, output_index: int) -> "Animal":
        """Return this animal with another output index."""
        return replace(self, output_index=output_index)


@dataclass(frozen=True, slots=True)
class Prediction:
    """The most specific taxon with a sufficient share of the probability.

    `score`: that share. `lineage`: taxa from the phylum down to the predicted taxon; empty for the root of the tree.
    `is_domestic`: whether the taxon is a domestic animal, or a species of domestic breeds.
    """

    taxon: Taxon
    score: float
    lineage: tuple[Taxon, ...] = ()
    is_domestic: bool = False

    @property
    def is_wide(self) -> bool:
        """Return whether the taxon is wider than a family."""
        return all(taxon.rank != "family" for taxon in self.lineage)


@dataclass(frozen=True, slots=True)
class Node:
    """A taxon in the tree. In tree order, its animals have the positions `start` to `stop` (excluded).

    `depth`: number of taxa above it.
    """

    taxon: Taxon
    depth: int
    start: int
    stop: int
    children: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Rival:
    """Animals of a taxon that the model does not know. `share`: their probability."""

    node: Node
    share: float

    def is_in(self, node: Node) -> bool:
        """Return whether their taxon is that of `node`, or below it."""
        own = self.node
        return node.depth <= own.depth and node.start <= own.start and own.stop <= node.stop


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All animals and the tree above them. Immutable; `Taxonomy.read` builds it.

    `order`: output indices in tree order. The animals of a taxon are contiguous in it, so the probability of a taxon
    is the difference of two cumulative sums. `elsewhere`: for each animal, its weight where the dataset does not say
    that it lives, from `KINDS`; 0 for the prior's floor. `groups`: the taxa that have animals below them, by rank and
    scientific name; `taxa`: their keys.
    """

    animals: tuple[Animal, ...]
    elsewhere: NDArray[np.float32]
    root: Node
    order: NDArray[np.intp]
    index_of: dict[int, int]
    taxon_ids: frozenset[str]
    groups: dict[TaxonKey, Node]
    taxa: frozenset[TaxonKey]

    @classmethod
    def read(cls, labels: Path, taxa: Path) -> "Taxonomy":
        """Read the animals of `labels` (labels.csv) and the names of their taxa from `taxa` (taxa.csv).

        Raises `ModelError`, which names the file and the fault.
        """
        named = {row[0]: Taxon(row[2], row[0], row[1]) for row in read_rows(taxa, TAXON_COLUMNS)}
        top = named.get("Animalia")
        if top is None:
            raise ModelError(f"{taxa.name} has no row for Animalia, the root of the tree; add one")
        animals = sorted(
            (_animal(row, named, labels.name, taxa.name) for row in read_rows(labels, LABEL_COLUMNS)),
            key=lambda animal: animal.output_index,
        )
        if not animals or [animal.output_index for animal in animals] != list(range(len(animals))):
            raise ModelError(f"output_index in {labels.name} must count from 0 without gaps, one row per output")
        if any(len({getattr(each, key) for each in animals}) != len(animals) for key in ("id", "taxon_id")):
            raise ModelError(f"{labels.name} uses an id or a taxon twice; both must be unique")
        return cls.of(top, animals)

    @classmethod
    def of(cls, top: Taxon, animals: Sequence[Animal]) -> "Taxonomy":
        """Build the tree from `animals`, in the order of their output indices. `top`: the taxon of all animals."""
        order: list[int] = []
        groups: dict[TaxonKey, Node] = {}
        root = _tree(top, animals, 0, order, groups)
        tree_order = np.array(order, dtype=np.intp)
        elsewhere = np.array([KINDS[animal.kind] or 0 for animal in animals], dtype=np.float32)
        tree_order.flags.writeable = elsewhere.flags.writeable = False
        index_of = {animal.id: animal.output_index for animal in animals}
        taxon_ids = frozenset(animal.taxon_id for animal in animals)
        return cls(tuple(animals), elsewhere, root, tree_order, index_of, taxon_ids, groups, frozenset(groups))

    @property
    def top(self) -> Taxon:
        """Return the taxon of all animals."""
        return self.root.taxon

    def roll_up(
        self,
        probabilities: NDArray[np.floating],
        threshold: float,
        rivals: Sequence[Rival] = (),
        group_threshold: float | None = None,
    ) -> Prediction | None:
        """Return the most specific taxon whose share of the total probability is at least `threshold`.

        Starts at the root and moves to the child with the largest share, as long as that share is sufficient. If two
        shares are equal, the first in labels.csv wins. Breeds, colours and sexes are one level below their species.

        `probabilities`: shape (animals,), in output order; negative and non-finite values count as 0. `threshold`: from
        0 to 1. `group_threshold`: the same for a genus and wider taxa, by default `threshold`. `rivals`: animals that
        the model does not know (`chalicelib.model.naming`), with shares on the scale of `probabilities`; they count for
        their taxon and those above it, and for no animal. Returns None if all probabilities are 0. Takes about 20 µs,
        and 10 µs more for each rival.
        """
        if not (probabilities.min() >= 0.0 and probabilities.max() < np.inf):  # true for NaN too
            probabilities = np.where(np.isfinite(probabilities), probabilities, 0.0).clip(0.0)
        mass = [0.0, *np.cumsum(probabilities[self.order], dtype=np.float64).tolist()]
        if not mass[-1] > 0.0:
            return None
        total = mass[-1] + sum(rival.share for rival in rivals)
        group_threshold = threshold if group_threshold is None else group_threshold
        node, share = self.root, total
        while node.children:
            largest, heaviest = -1.0, node
            for child in node.children:
                unknown = sum(rival.share for rival in rivals if rival.is_in(child))
                child_share = mass[child.stop] - mass[child.start] + unknown
                if child_share > largest:
                    largest, heaviest = child_share, child
            least = group_threshold if heaviest.taxon.rank in RANKS[:-1] else threshold
            if largest < least * total:
                break
            node, share = heaviest, largest
        first = next(
            (animal for animal in self.members(node) if node.taxon in animal.lineage),
            self.animals[self.order[node.start]],
        )
        lineage = first.lineage[: first.lineage.index(node.taxon) + 1] if node.taxon in first.lineage else ()
        is_domestic = first.kind in DOMESTIC and node.taxon.rank not in RANKS[:-1]
        return Prediction(node.taxon, min(share / total, 1.0), lineage, is_domestic)

    def members(self, node: Node) -> Iterator[Animal]:
        """Yield the animals of a taxon in tree order."""
        return (self.animals[index] for index in self.order[node.start : node.stop].tolist())


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


def build_animal(fields: Sequence[str], lineage: list[Taxon], output_index: int, labels: str, wnid: str = "") -> Animal:
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
    own = Taxon(name, scientific_name, rank)
    if lineage and (lineage[-1].scientific_name, lineage[-1].rank) == (scientific_name, rank):
        lineage = lineage[:-1]
    return Animal(identity, taxon_id, output_index, wnid, name, scientific_name, rank, kind, (*lineage, own))


def _animal(row: list[str], named: dict[str, Taxon], labels: str, taxa: str) -> Animal:
    """Build an animal from a row of labels.csv. `named`: the taxa in taxa.csv by scientific name, for the lineage."""
    number, taxon_id, output, wnid, name, *rest = row
    try:
        lineage = [named[cell] for cell in rest[3:] if cell]
    except KeyError as error:
        raise ModelError(f"{taxa} has no row for {error}, the taxon of '{name}' in {labels}; add one") from None
    try:
        output_index = int(output)
    except ValueError:
        raise ModelError(f"output_index of '{name}' in {labels} is '{output}'; expected a whole number") from None
    return build_animal((number, taxon_id, name, *rest[:3]), lineage, output_index, labels, wnid)


def _tree(taxon: Taxon, animals: Iterable[Animal], depth: int, order: list[int], groups: dict[TaxonKey, Node]) -> Node:
    """Build the node of `taxon` from its animals. Append their output indices to `order`, and add nodes to `groups`.

    `depth`: number of taxa, from the top of the lineages, that all of these animals have in common.

    An animal that stands for a whole taxon, such as 'snail' for the class Gastropoda, is a leaf next to the other
    animals of that taxon.
    """
    start = len(order)
    parts: dict[tuple[str, ...] | int, list[Animal]] = {}
    for animal in animals:
        below = len(animal.lineage) > depth
        key = (animal.lineage[depth].scientific_name, animal.lineage[depth].rank) if below else animal.id
        parts.setdefault(key, []).append(animal)

    children: list[Node] = []
    for members in parts.values():
        shared = next((each.lineage[depth] for each in members if len(each.lineage) > depth + 1), None)
        if shared is not None:
            children.append(_tree(shared, members, depth + 1, order, groups))
            continue
        for animal in members:
            order.append(animal.output_index)
            children.append(Node(animal.taxon, depth + 1, len(order) - 1, len(order), ()))
    node = groups[taxon.rank, taxon.scientific_name] = Node(taxon, depth, start, len(order), tuple(children))
    return node

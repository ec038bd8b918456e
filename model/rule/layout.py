"""The tables behind the graphs of the rule: taxa as rows, and a taxonomy's groups as arrays of numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.features.codec import NO_ANIMALS
from chalicelib.features.features import NO_LOCATION, Features
from chalicelib.model.families import SPECIES_POWER, UNCOUNTED, WORLD, Candidates, Families, Tree
from chalicelib.model.fusion import read_members
from chalicelib.model.naming import WIDEST
from chalicelib.model.taxonomy import Taxon, Taxonomy, down_to, read_relatives

NONE: Final = -1
"""Stands for the row of a taxon where there is none."""

type Numbers = NDArray[np.intp]
type Floats = NDArray[np.float64]
type Lineage = tuple[Taxon, ...]


class RuleTable:
    """The taxa of all graphs, one row each, and the numbers that animals and relatives have in the graphs' inputs.

    `everything`: the animals of all models. `families`: the families of these models. `position`: number of each animal
    in `everything`, by taxon id.
    """

    def __init__(self, everything: Taxonomy, families: Families) -> None:
        self.everything, self.families, self.size = everything, families, len(everything.animals)
        self.rows: dict[Lineage, int] = {}
        self.relatives = read_relatives(families.folder / "relatives.csv")
        self.number_of = {each.taxon: number for number, each in self.relatives.items()}
        self.numbers = max(self.relatives) + 1
        self.classes = read_members(families.folder / "members.csv")
        self.position = {animal.taxon_id: animal.output_index for animal in everything.animals}

    def row(self, lineage: Sequence[Taxon]) -> int:
        """Return the row of the last taxon of a lineage; -1 for an empty one. The rows of wider taxa come first."""
        if not lineage:
            return NONE
        if (key := tuple(lineage)) not in self.rows:
            self.row(key[:-1])
            self.rows[key] = len(self.rows)
        return self.rows[key]

    def said(self, lineage: Sequence[Taxon]) -> int:
        """Return the row of the last taxon of a lineage; -1 for a taxon that is too wide to be named."""
        return NONE if not lineage or lineage[-1].rank in WIDEST else self.row(lineage)

    def candidates(self, taxonomy: Taxonomy, family: str | None = None) -> Candidates:
        """Return the candidates of a place where only one family has relatives; without a family, of all places."""
        if family is None:
            return self.families.at(NO_LOCATION, taxonomy)
        here = [number for number, each in self.relatives.items() if each.family == family]
        found = NO_ANIMALS._replace(relatives=np.array(here, np.uint16))
        return self.families.at(Features("narrowed", "bypass", found), taxonomy)


class Strangers(NamedTuple):
    """The families with species that no model of a graph knows.

    `relatives`: the number of each such species. `family_of`: the position of its family in `factors`. `factors`: for
    each family, its weight without the factor for its number of species. `stands`: the animals that stand for several
    of these families: each with its slot, its families' positions in `factors`, and its lineage in each family. If only
    one of its families lives at a place, the animal is of that family there. `targets`: pairs of a family and a slot
    that the family counts for. `gates`: at which places each pair counts. 0: at all places; s: where animal s of
    `stands`, counted from 1, is of just one family; -s: at all other places.
    """

    relatives: Numbers
    family_of: Numbers
    factors: Floats
    stands: Sequence[tuple[int, Numbers, Sequence[Lineage]]]
    targets: tuple[Numbers, Numbers]
    gates: Numbers


@dataclass(frozen=True, eq=False)
class RuleLayout:
    """A taxonomy's groups. A *slot* is a family of the whole world's `Candidates`, whether models know it or not.

    `floor`: weight of an animal that does not live at the place.
    """

    table: RuleTable
    taxonomy: Taxonomy
    floor: float

    @cached_property
    def world(self) -> Candidates:
        """Return the candidates of the whole world."""
        return self.table.candidates(self.taxonomy)

    @cached_property
    def tree(self) -> Tree:
        """Return the tree of the slots, in which the orders are marked that are uncounted at a place."""
        return Tree.of(self.world.tree.lineages, UNCOUNTED)

    @cached_property
    def positions(self) -> Numbers:
        """Return the number of each animal of the taxonomy among all animals."""
        return np.array([self.table.position[animal.taxon_id] for animal in self.taxonomy.animals])

    @cached_property
    def species_of(self) -> Numbers:
        """Return the species of each animal, in output order."""
        species = np.empty(len(self.taxonomy.animals), np.intp)
        species[self.taxonomy.order] = self.world.layout.animals.number
        return species

    @cached_property
    def strangers(self) -> Strangers:
        """Return the families with species that no model knows."""
        layout, unknown = self.world.layout, self.world.unknown
        found = {family: (self.world, number) for number, family in enumerate(unknown.species)}
        slot_of = dict(zip(unknown.species, unknown.numbers.tolist(), strict=True))
        stands, moved = list[tuple[int, Numbers, Sequence[Lineage]]](), dict[str, tuple[int, int]]()
        for slot, first in enumerate(layout.families.starts.tolist()):
            animal = layout.species[first]
            families = [name for name, rank in self.table.classes.get(animal.taxon_id, ()) if rank == "family"]
            alone = {each: self.table.candidates(self.taxonomy, each) for each in sorted(families)}
            alone = {each: at for each, at in alone.items() if each in at.unknown.species}
            if down_to(animal.lineage, "family") or not alone:
                continue
            for family, at in alone.items():
                found.setdefault(family, (at, 0))
                moved[family] = int(at.unknown.numbers[0]), len(stands) + 1
            lineages = [at.tree.lineages[slot] for at in alone.values()]
            stands.append((slot, np.array([[*found].index(each) for each in alone]), lineages))
        targets = list[tuple[int, int, int]]()
        for number, family in enumerate(found):
            own, (slot, stand) = slot_of.get(family, NONE), moved.get(family, (NONE, 0))
            if own != NONE:
                targets.append((number, own, 0 if slot in (NONE, own) else -stand))
            if slot not in (NONE, own):
                targets.append((number, slot, stand))
        species = [at.unknown.species[family] for family, (at, _) in found.items()]
        counts = np.array([len(each) for each in species])
        factors = np.array([at.unknown.weights[number] for at, number in found.values()])
        of_world = np.array([at is self.world for at, _ in found.values()])
        columns = np.array(targets).reshape(-1, 3).T
        return Strangers(
            np.array([self.table.number_of[each.taxon] for group in species for each in group]),
            np.repeat(np.arange(len(counts)), counts),
            factors / np.where(of_world, counts * WORLD, counts**SPECIES_POWER),
            stands,
            (columns[0], columns[1]),
            columns[2],
        )

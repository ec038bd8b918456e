"""Build the graph of the rule in models.py, fusion.py and shares.py of chalicelib/model, from its tables.

The tables have taxa as rows, and a taxonomy's groups as arrays of numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.features.codec import NO_ANIMALS
from chalicelib.features.features import NO_LOCATION, Features
from chalicelib.model import fusion, models, shares
from chalicelib.model.families import SPECIES_POWER, UNCOUNTED, WORLD, Candidates, Families, Tree
from chalicelib.model.fusion import Fusion, read_members
from chalicelib.model.naming import WIDEST
from chalicelib.model.taxonomy import EVERYWHERE, Taxon, Taxonomy, down_to, read_relatives
from model.rule.formula import Array, Rule

NONE: Final = -1
"""Takes the place of a taxon's row where there is no taxon."""

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


class Place(NamedTuple):
    """What a graph knows of the place. `narrowed`: 1 if the place is known, else 0.

    `prior`: weight of each animal. `lives`: which species live there, as far as that is known. `relatives`: which
    relatives live there; without a place, all of them.
    """

    narrowed: Array
    prior: Array
    lives: Array
    relatives: Array


class Parts(NamedTuple):
    """The arrays of `chalicelib.model.shares.Shares`. `animals`: the part of each animal in its species.

    `stands`: for each animal in `Strangers.stands`, its slot, which of its families is the only one that lives at the
    place (if there is one), and its lineage in each family.
    """

    layout: RuleLayout
    photo: Array
    species: Array
    genera: Array
    families: Array
    orders: Array
    classes: Array
    unseen: Array
    animals: Array
    stands: "list[Stand]"


type Stand = tuple[int, Array, Sequence[Lineage]]


def mean_of(rule: Rule, looks: Array, animal_of: NDArray[np.intp] | None = None, animals: int = 0) -> Array:
    """Add the nodes that compute `models.mean_of`: the scores of one look, or the geometric mean of the scores of two.

    `looks`: shape (looks, outputs). `animal_of`: the number of the animal that each output stands for; None if the
    outputs are the animals. `animals`: number of animals, for `animal_of`.
    """
    first, last = (looks[[look]].apply("Reshape", rule.array(-1, np.int64)) for look in (0, -1))
    if animal_of is not None:
        first, last = (each.sums(animal_of, animals) for each in (first, last))
    mean = ((first.largest(models.LEAST).apply("Log") + last.largest(models.LEAST).apply("Log")) / 2.0).apply("Exp")
    is_one = rule.add_node("Shape", [looks], np.int64)[[0]].equals(1)
    return rule.where(is_one, first, mean / mean.sum())


def joined(rule: Rule, own: Fusion, vision: Array, scores: Array) -> Array:
    """Add the nodes that compute `chalicelib.model.fusion.Fusion.join`, and return its result. `own`: the fusion."""
    (rows, columns), (kin, classes) = own.pairs, own.kin
    before, after = len(own.members), len(own.taxonomy.animals)
    divided = scores * (vision[columns].sums(rows, len(own.positions)) + fusion.WEIGHT)
    agreed = scores[kin].sums(classes, before)
    kept = vision**fusion.SURE * (own.wide * fusion.KEPT) * (1.0 - agreed).largest(0.0) * (1.0 - scores.max())
    share = (vision * own.members.astype(float)).sum() / (divided.sum() + kept.sum())
    left = rule.where(rule.array(own.members.astype(float)), share * kept, vision)
    return left.sums(np.arange(before), after) + (share * divided).sums(own.positions, after)


def place_of(rule: Rule, layout: RuleLayout) -> Place:
    table, taxonomy = layout.table, layout.taxonomy
    narrowed = rule.input("narrowed", (1,))
    weights = rule.input("weights", (table.size,))[layout.positions]
    elsewhere = np.where(taxonomy.elsewhere > 0, taxonomy.elsewhere, np.float32(layout.floor))
    prior = rule.where(narrowed, weights.largest(elsewhere), np.ones(len(elsewhere)))
    everywhere = np.array([float(animal.kind in EVERYWHERE) for animal in taxonomy.animals])
    here = (weights > 0.0).largest(everywhere).largest(1.0 - narrowed)
    relatives = rule.input("relatives", (table.numbers,)).largest(1.0 - narrowed)
    lives = here.largest_of(layout.species_of, len(layout.world.layout.species))
    return Place(narrowed, prior, lives, relatives)


def shares_of(rule: Rule, layout: RuleLayout, vision: Array, place: Place) -> Parts:
    """Add the nodes that compute `chalicelib.model.shares.shares_of`, and return the arrays of its result."""
    world, tree, slots = layout.world.layout, layout.tree, len(layout.tree.lineages)
    family, genus, count = world.families.number, world.genera.number, len(world.species)
    photo, weighed, weights = seen_of(rule, layout, vision, place.prior)
    sizes = np.maximum(np.bincount(family, minlength=slots), 1)
    order, class_ = tree.order[family], tree.class_[tree.order[family]]
    orders, classes = len(tree.class_), int(tree.class_.max()) + 1

    def clarity(groups: NDArray[np.intp], size: int) -> tuple[Array, Array]:
        sums, best = photo.sums(groups, size), photo.largest_of(groups, size)
        others = rule.where(sums > 0.0, (sums - best) / sums, np.zeros(size))
        return sums, others.largest(0.0) ** shares.CLEAR

    def means(groups: NDArray[np.intp], size: int) -> Array:
        return photo.sums(groups, size) / np.maximum(np.bincount(groups, minlength=size), 1)

    known = weighed.sums(family, slots) * (1 - shares.SMOOTHING) + (
        photo.sums(family, slots) * shares.SMOOTHING / sizes * weights.sums(family, slots)
    )
    of_strangers, rivals, stands = strangers_of(rule, layout, place)
    looks = layout.world.unknown.looks
    starts = np.repeat(looks.families, np.diff([*looks.starts, len(looks.animals)]))
    a, b, c = shares.LIKENESS
    own_class = tree.class_[tree.order]
    likeness = photo.sums(family, slots) / sizes + (vision[looks.animals] * looks.shares).sums(
        layout.world.unknown.numbers[starts], slots
    )
    likeness = likeness * a + means(order, orders)[tree.order] * b + means(class_, classes)[own_class] * c
    unseen = of_strangers * likeness * clarity(class_, classes)[1][own_class]
    of_order, unclear = clarity(order, orders)
    others = of_order * unclear * place.narrowed * (tree.uncounted * shares.OTHERS)
    families = known + unseen
    total = families.sum() + others.sum()
    total = rule.where(total > 0.0, total, 1.0)
    families, unseen, others = families / total, unseen / total, others / total
    of_orders = families.sums(tree.order, orders) + others

    totals, sums = weighed.sums(family, slots), photo.sums(family, slots)
    apart = (sums * (sums - photo.largest_of(family, slots)).largest(0.0) / sizes).apply("Sqrt")
    parts = (families / (totals + rivals * apart * shares.RIVAL)).least((families - unseen) / totals)
    species = weighed * rule.where(totals > 0.0, parts, np.zeros(slots))[family]

    ordered = vision * place.prior
    of_species = ordered.sums(layout.species_of, count)[layout.species_of]
    alone = (world.animals.sizes == 1)[layout.species_of].astype(float)
    animals = rule.where(of_species > 0.0, ordered / of_species, alone)
    genera = species.sums(genus, len(world.genera.starts))
    of_classes = of_orders.sums(tree.class_, classes)
    return Parts(layout, photo, species, genera, families, of_orders, of_classes, unseen, animals, stands)


def seen_of(rule: Rule, layout: RuleLayout, vision: Array, prior: Array) -> tuple[Array, Array, Array]:
    """Return the arrays of `SpeciesShares`. Their elements are each species' share, weighed share and weight."""
    world, count = layout.world.layout, len(layout.world.layout.species)
    photo, weighed, weights = (each.sums(layout.species_of, count) for each in (vision, vision * prior, prior))
    weights = weights / world.animals.sizes
    for wide, members in world.covers:
        one, some = np.arange(count) == wide, np.isin(np.arange(count), members)
        of_members, covered = weighed[members], photo[np.array([wide])]
        parts = rule.where(of_members.sum() > 0.0, of_members, np.ones(len(members)))
        photo = (photo + (covered * parts / parts.sum()).sums(members, count)) * (1.0 - one)
        moved = rule.where((covered > 0.0) * some.astype(float), photo * weights, weighed)
        weighed = moved * (1.0 - one)
    return photo, weighed, weights


def strangers_of(rule: Rule, layout: RuleLayout, place: Place) -> tuple[Array, Array, list[Stand]]:
    """Return the `weights` and `rivals` of `Unknown` for each slot, and which family each animal of `stands` is of."""
    found, slots = layout.strangers, len(layout.tree.lineages)
    counts = place.relatives[found.relatives].sums(found.family_of, len(found.factors))
    power = rule.where(place.narrowed, counts**SPECIES_POWER, counts * WORLD)
    roots = counts.apply("Sqrt") * (place.narrowed * (1.0 - WORLD) + WORLD)
    living, gates, stands = counts > 0.0, [rule.array([1.0])], []
    for slot, families, lineages in found.stands:
        live = living[families]
        alone = live.sum().equals(1.0) * place.narrowed
        gates.append(alone)
        stands.append((slot, live * alone, lineages))
    gates += [1.0 - alone for alone in reversed(gates[1:])]  # so that index -s is the opposite of gate s
    families, targets = found.targets
    is_open = rule.join(gates)[found.gates % len(gates)]
    weights = (power[families] * found.factors[families] * is_open).sums(targets, slots)
    return weights, (roots[families] * is_open).sums(targets, slots), stands

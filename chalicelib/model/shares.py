"""What a place says about the animals (`Prior`), and how likely a photo's scores then make each animal and each family.

The probability is first divided among families, and orders with species that the dataset does not count. Each has a
part in proportion to its rows. v is the photo's share of a species, and p the species' weight at the place (`Prior`):

    family F, its known species:    Σ p · ((1 - SMOOTHING) · v + SMOOTHING · mean of v in F)
    family F, its unknown species:  weight of F (`families.Unknown`) · likeness(F) · (1 - b / m) ** CLEAR
    order with uncounted species:   OTHERS · m · (1 - b / m) ** CLEAR

m is the photo's share of F's class, or of the order in the last row, and b that of its likeliest species. A photo that
looks like only one animal hardly shows an unknown species, but one that looks like several may. The likeness is a mean,
weighted by LIKENESS, of three shares: the mean share of what the family's animals look like (families.csv, or its known
animals), and those of its order and its class.

A family's part is then divided among its species. Each known species has v · p. The unknown species together have
RIVAL · rivals · √(f · (f - c) / known), or what they add to the family if that is more. f is the photo's share of the
family, c that of its likeliest species, known its number of known species, and rivals is that of `families.Unknown`.

A head has learned how likely its species are where it is used. So its share of a species is not smoothed, only
multiplied by p. Its last output, the probability of any other animal, is divided among all animals as above.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.features.features import Features
from chalicelib.model.families import Candidates, Layout
from chalicelib.model.taxonomy import EVERYWHERE, Animal, Taxonomy

SMOOTHING: Final = 0.4
"""Weight of a family's mean share in the share of each of its species: an animal also looks like others of its family.

docs/explanation/field.md says what other values of all constants change."""
LIKENESS: Final = (0.85, 0.10, 0.05)
"""Weights, in how much a photo looks like an unknown species, of the species' family, order and class."""
CLEAR: Final = 0.7
RIVAL: Final = 0.5
OTHERS: Final = 0.5
"""Weight of the unknown animals of an order of which the dataset lists no unknown species."""

type Floats = NDArray[np.float64]


class Shares(NamedTuple):
    """Probabilities of groups of animals, provided that the photo shows an animal: those of all classes add up to 1.

    `photo`: of each species, by the photo alone. `species`, `genera`, `families`, `orders`, `classes`: with the place,
    by number in the tree or the layout of `candidates`. `unseen`: the part of each family that its unknown species
    have. `parts`: share of each animal in its species, in output order.
    """

    candidates: Candidates
    photo: Floats
    species: Floats
    genera: Floats
    families: Floats
    orders: Floats
    classes: Floats
    unseen: Floats
    parts: NDArray[np.float32]

    def animals(self, species: Floats) -> NDArray[np.float32]:
        """Return the probabilities of all animals of the taxonomy, from those of the species."""
        layout = self.candidates.layout
        shares = np.empty(len(self.parts), np.float32)
        shares[layout.taxonomy.order] = species[layout.animals.number]
        return shares * self.parts


class SpeciesShares(NamedTuple):
    """The shares of each species. `photo`: its share by the photo alone. `weights`: its weight at the place.

    `weighed`: the sum of its animals' shares, each times the animal's own weight.
    """

    photo: Floats
    weighed: Floats
    weights: Floats


def shares_of(candidates: Candidates, vision: NDArray[np.floating], prior: NDArray[np.floating]) -> Shares:
    """Return the probability of each group of animals at a place. Takes about 0.2 ms.

    `vision`: shape (animals,), probabilities by the photo alone. `prior`: of the same shape, weights at the place.
    """
    layout, tree = candidates.layout, candidates.tree
    of_species, known = _of_species(layout, vision, prior), layout.families
    families, unseen = np.zeros((2, len(tree.lineages)))
    families[: len(known.sizes)] = (1 - SMOOTHING) * known.sums(of_species.weighed) + (
        SMOOTHING * known.sums(of_species.photo) / known.sizes * known.sums(of_species.weights)
    )
    unseen[candidates.unknown.numbers] = _unknown(candidates, vision, of_species.photo)
    of_order, unclear = _clarity(tree.order[known.number], of_species.photo, len(tree.class_))
    others = np.where(tree.uncounted, OTHERS * of_order * unclear, 0.0)
    families += unseen
    total = families.sum() + others.sum() or 1.0  # nothing that the photo shows has a weight
    families, unseen, others = families / total, unseen / total, others / total
    orders = np.bincount(tree.order, families) + others
    species = _within(candidates, of_species, families, unseen)
    return Shares(
        candidates,
        of_species.photo,
        species,
        layout.genera.sums(species),
        families,
        orders,
        np.bincount(tree.class_, orders),
        unseen,
        _parts(layout, vision * prior),
    )


def with_head(
    shares: Shares, positions: NDArray[np.intp], scores: NDArray[np.floating], prior: NDArray[np.floating]
) -> Shares:
    """Return `shares` with a head's scores added.

    `positions`: of the head's animals in the taxonomy. `scores`: their probabilities, and as the last element that of
    any other animal. `prior`: weights at the place, shape (animals,).
    """
    layout, tree = shares.candidates.layout, shares.candidates.tree
    number = np.empty(len(prior), np.intp)
    number[layout.taxonomy.order] = layout.animals.number
    own, weighed = (
        np.bincount(number[positions], scores[:-1] * weights, len(shares.species))
        for weights in (1.0, prior[positions])
    )
    rest = scores[-1] / (weighed.sum() + scores[-1] or 1.0)
    weighed /= weighed.sum() + scores[-1] or 1.0
    families = np.zeros(len(shares.families))
    families[: len(layout.families.sizes)] = layout.families.sums(weighed)
    orders = np.bincount(tree.order, families, len(shares.orders))
    species = weighed + rest * shares.species
    return shares._replace(
        photo=own + (1.0 - own.sum()) * shares.photo,
        species=species,
        genera=layout.genera.sums(species),
        families=families + rest * shares.families,
        orders=orders + rest * shares.orders,
        classes=np.bincount(tree.class_, orders, len(shares.classes)) + rest * shares.classes,
        unseen=rest * shares.unseen,
    )


def _of_species(layout: Layout, vision: NDArray[np.floating], prior: NDArray[np.floating]) -> SpeciesShares:
    shares, weights = (each[layout.taxonomy.order].astype(np.float64) for each in (vision, prior))
    photo, weighed, weight = (layout.animals.sums(each) for each in (shares, shares * weights, weights))
    weight /= layout.animals.sizes
    for wide, members in layout.covers:
        if photo[wide] > 0.0:
            parts = weighed[members] if weighed[members].any() else np.ones(len(members))
            photo[members] += photo[wide] * parts / parts.sum()
            weighed[members] = photo[members] * weight[members]
            photo[wide] = weighed[wide] = 0.0
    return SpeciesShares(photo, weighed, weight)


def _unknown(candidates: Candidates, vision: NDArray[np.floating], photo: Floats) -> Floats:
    """Return the weighed shares of the families with unknown species. `photo`: shares of the known species."""
    known, tree, unknown = candidates.layout.families, candidates.tree, candidates.unknown
    means, numbers, looks = known.sums(photo) / known.sizes, unknown.numbers, unknown.looks
    likeness = np.where(numbers < len(means), means[np.minimum(numbers, len(means) - 1)], 0.0)
    if len(looks.families):
        likeness[looks.families] = np.add.reduceat(vision[looks.animals] * looks.shares, looks.starts)
    order, own_order = tree.order[known.number], tree.order[numbers]
    classes, own_class = tree.class_[order], tree.class_[own_order]
    count = len(tree.class_)  # there are at least as many orders as classes
    of_order, of_class = _means(order, photo, count), _means(classes, photo, count)
    a, b, c = LIKENESS
    likeness = a * likeness + b * of_order[own_order] + c * of_class[own_class]
    _, unclear = _clarity(classes, photo, count)
    return unknown.weights * likeness * unclear[own_class]


def _within(candidates: Candidates, of_species: SpeciesShares, families: Floats, unseen: Floats) -> Floats:
    """Return the share of each species.

    Unknown species take at least as much of their family's share as they added to it: they never raise a known species.
    """
    known, unknown = candidates.layout.families, candidates.unknown
    count, sums, totals = len(known.sizes), known.sums(of_species.photo), known.sums(of_species.weighed)
    rivals, here = np.zeros(count), unknown.numbers < count
    rivals[unknown.numbers[here]] = unknown.rivals[here]
    others = sums * np.maximum(sums - np.maximum.reduceat(of_species.photo, known.starts), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = np.minimum(
            families[:count] / (totals + RIVAL * rivals * np.sqrt(others / known.sizes)),
            (families[:count] - unseen[:count]) / totals,
        )
    return of_species.weighed * np.where(totals > 0.0, parts, 0.0)[known.number]


def _means(groups: NDArray[np.intp], photo: Floats, count: int) -> Floats:
    """Return the mean share of each group's species; 0 if it has none. `groups`: the group of each species."""
    sums, numbers = np.bincount(groups, photo, count), np.bincount(groups, minlength=count)
    return sums / np.maximum(numbers, 1)


def _clarity(groups: NDArray[np.intp], photo: Floats, count: int) -> tuple[Floats, Floats]:
    """Return the share m of each group, and (1 - b / m) ** CLEAR, where b is the share of its likeliest species."""
    sums, best = np.bincount(groups, photo, count), np.zeros(count)
    np.maximum.at(best, groups, photo)
    others = np.divide(sums - best, sums, out=np.zeros(count), where=sums > 0.0)
    return sums, np.maximum(others, 0.0) ** CLEAR


def _parts(layout: Layout, weighed: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the part that each animal has of its species, in output order."""
    order, species, parts = layout.taxonomy.order, layout.animals, np.zeros(len(weighed), np.float32)
    ordered = weighed[order]
    sums = species.sums(ordered)[species.number]
    is_alone = (species.sizes == 1)[species.number]
    parts[order] = np.divide(ordered, sums, out=is_alone.astype(sums.dtype), where=sums > 0.0)
    return parts


Here = Literal["native", "introduced", "everywhere", "unexpected", "unknown"]
TAXONOMIES: Final = 64
"""Maximum number of taxonomies whose arrays a process remembers; a model with its packs and heads has a few."""
HERE_OF_STATUS: Mapping[int, Here] = {1: "native", 2: "introduced"}
"""How an animal lives in a cell, by its number in `CellAnimals.status`."""


class Prior:
    """The weights of all animals at one place, for one request.

    They are computed once for each taxonomy: the general model's, and the larger ones that packs add animals to.
    `features`: the animals of the cell. `floor`: weight of an animal that does not live there.
    """

    def __init__(self, features: Features, floor: float) -> None:
        self.features, self.floor = features, floor
        self._weights: dict[int, NDArray[np.float32]] = {}

    def over(self, taxonomy: Taxonomy) -> NDArray[np.float32]:
        """Return the weights of a taxonomy's animals (`features_to_prior`). The taxonomy must outlive this object."""
        weights = self._weights.get(id(taxonomy))
        if weights is None:
            weights = self._weights[id(taxonomy)] = features_to_prior(self.features, taxonomy, self.floor)
        return weights

    def here(self, animal: Animal) -> Here | None:
        """Return how an animal lives at the place, such as `native`; None if there are no features that say so."""
        mode, found = self.features.mode, self.features.found
        if mode == "narrowed" and len(status := found.status[found.animals == animal.id]):
            return HERE_OF_STATUS[int(status[0])]
        if animal.kind in EVERYWHERE:
            return "everywhere"
        if mode == "unknown_area" or (mode == "narrowed" and animal.id in found.unknown):
            return "unknown"
        return "unexpected" if mode == "narrowed" else None

    def living(self, taxonomy: Taxonomy) -> NDArray[np.bool_]:
        """Return which animals of a taxonomy live at the place as far as that is known: all but the unexpected."""
        if self.features.mode != "narrowed":
            return np.ones(len(taxonomy.animals), np.bool_)
        living = _arrays(taxonomy).everywhere.copy()
        for ids in (self.features.found.animals, self.features.found.unknown):
            living[_positions(ids, taxonomy)[1]] = True
        return living


def features_to_prior(features: Features, taxonomy: Taxonomy, floor: float) -> NDArray[np.float32]:
    """Return the weights of all animals for one cell.

    `features`: the animals of the cell, with weights in (0, 1]. `taxonomy`: the model's animals. `floor`: weight of a
    wild animal that does not live in the cell (docs/explanation/narrowing.md explains the value); `KINDS` has the
    weights of other kinds. A wild animal for which the dataset has no range gets 1, like an animal that lives there: a
    lower weight would put it at a disadvantage. The result has shape (animals,) and float32. Without features, all
    weights are 1.

    >>> from chalicelib.features.features import NO_LOCATION
    >>> from chalicelib.config.settings import ROOT
    >>> taxonomy = Taxonomy.read(ROOT / "model" / "labels.csv", ROOT / "model" / "taxa.csv")
    >>> features_to_prior(NO_LOCATION, taxonomy, 0.02).min().item()
    1.0
    """
    if features.mode != "narrowed":
        return np.ones(len(taxonomy.animals), np.float32)
    prior = np.where(taxonomy.elsewhere > 0, taxonomy.elsewhere, np.float32(floor))
    is_known, indices = _positions(features.found.animals, taxonomy)
    prior[indices] = np.maximum(prior[indices], features.found.weights[is_known])
    prior[_positions(features.found.unknown, taxonomy)[1]] = 1
    return prior


class _Arrays(NamedTuple):
    """A taxonomy as arrays: ids of the animals, ascending; the output index of each; which outputs live everywhere."""

    ids: NDArray[np.int64]
    indices: NDArray[np.intp]
    everywhere: NDArray[np.bool_]


@lru_cache(TAXONOMIES)
def _arrays(taxonomy: Taxonomy) -> _Arrays:
    ids, indices = np.array(sorted(taxonomy.index_of.items())).reshape(-1, 2).T
    return _Arrays(ids, indices, np.array([animal.kind in EVERYWHERE for animal in taxonomy.animals]))


def _positions(ids: NDArray[np.integer], taxonomy: Taxonomy) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Return which ids a taxonomy has, and the output indices of these: the dataset may contain other animals."""
    known = _arrays(taxonomy)
    at = np.minimum(known.ids.searchsorted(ids), len(known.ids) - 1)
    is_known = known.ids[at] == ids
    return is_known, known.indices[at[is_known]]

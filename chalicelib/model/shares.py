"""How likely each animal and each family is, from a photo's scores and from what lives at its place. Pure arithmetic.

With the photo's share v of a species, and its weight p at the place (`Prior`):

    known species of a family F:      Σ p · ((1 - SMOOTHING) · v + SMOOTHING · mean of v in F)
    its n unknown species:            weight(F) · likeness(F) · (1 - b / m) ** CLEAR

m is the photo's share of the class, b that of its likeliest species: a photo that looks like one animal alone shows
hardly an unknown one, and a photo that looks like several may. The likeness is the mean share of what a family's
animals look like (families.csv, or its known animals), of its order and of its class. Within a family, species have
v · p, and its unknown ones RIVAL · √(f · (f - b) · n / known), with the share f of the family and b of its likeliest
species. All is then divided by the sum.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chalicelib.model.families import Candidates, Layout

SMOOTHING: Final = 0.4
"""Photos of an animal look like its family's others too. `python -m benchmarks.field --fit` compares all constants."""
LIKENESS: Final = (0.85, 0.10, 0.05)
"""Weights of what a family's animals look like, of its order, and of its class."""
CLEAR: Final = 0.7
RIVAL: Final = 0.5
OTHERS: Final = 0.5
"""Weight of the unknown animals of an order whose species the dataset does not count."""

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """Probabilities that a photo shows an animal of each group, if it shows one. They add up to 1 over the classes.

    `photo`: of each species, by the photo alone. `species`, `genera`, `families`, `orders`, `classes`: with the place,
    by number in `candidates` or its layout. `unseen`: the part of each family that is of species that no model knows.
    `parts`: of each animal in its species, in output order.
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
        shares[layout.taxonomy.order] = np.repeat(species, layout.sizes)
        return shares * self.parts


def shares_of(candidates: Candidates, vision: NDArray[np.floating], prior: NDArray[np.floating]) -> Shares:
    """Return how likely each group is. Takes about 0.2 ms.

    `vision`: shape (animals,), probabilities by the photo alone. `prior`: of the same shape, weights at the place.
    """
    layout = candidates.layout
    photo, weighed, weights = _species(layout, vision, prior)
    sums, known = np.add.reduceat(photo, layout.families), np.diff([*layout.families, len(photo)])
    families = np.zeros(len(candidates.lineages))
    families[: len(known)] = (1 - SMOOTHING) * np.add.reduceat(weighed, layout.families) + (
        SMOOTHING * sums / known * np.add.reduceat(weights, layout.families)
    )
    unseen = np.zeros(len(families))
    unseen[candidates.numbers] = _unknown(candidates, vision, photo, sums / known)
    of_order, unclear = _clarity(candidates.order[layout.family], photo, len(candidates.class_))
    others = np.where(candidates.uncounted, OTHERS * of_order * unclear, 0.0)
    families += unseen
    total = families.sum() + others.sum() or 1.0  # nothing that the photo shows has a weight
    families, unseen, others = families / total, unseen / total, others / total
    orders = np.bincount(candidates.order, families) + others
    species = _within(candidates, photo, weighed, families, unseen, sums, known)
    genera = np.add.reduceat(species, layout.genera)
    return Shares(
        candidates,
        photo,
        species,
        genera,
        families,
        orders,
        np.bincount(candidates.class_, orders),
        unseen,
        _parts(layout, vision * prior),
    )


def _species(
    layout: Layout, vision: NDArray[np.floating], prior: NDArray[np.floating]
) -> tuple[Floats, Floats, Floats]:
    """Return, for each species, its share by the photo, the same times its weight, and the weight."""
    shares, weights = (each[layout.taxonomy.order].astype(np.float64) for each in (vision, prior))
    photo, weighed, weight = (np.add.reduceat(each, layout.starts) for each in (shares, shares * weights, weights))
    weight /= layout.sizes
    for wide, members in layout.covers:
        if photo[wide] > 0.0:
            parts = weighed[members] if weighed[members].any() else np.ones(len(members))
            photo[members] += photo[wide] * parts / parts.sum()
            weighed[members] = photo[members] * weight[members]
            photo[wide] = weighed[wide] = 0.0
    return photo, weighed, weight


def _unknown(candidates: Candidates, vision: NDArray[np.floating], photo: Floats, means: Floats) -> Floats:
    """Return the weighed shares of the families with unknown species. `means`: of the species of known families."""
    order = candidates.order[candidates.layout.family]
    numbers, own_order = candidates.numbers, candidates.order[candidates.numbers]
    likeness = np.where(numbers < len(means), means[np.minimum(numbers, len(means) - 1)], 0.0)
    if len(candidates.alike):
        looks = vision[candidates.looks] * candidates.shares
        likeness[candidates.alike] = np.add.reduceat(looks, candidates.look_starts)
    classes = candidates.class_[order]
    own_class = candidates.class_[own_order]
    count = len(candidates.class_)  # there are at least as many orders as classes
    of_order, of_class = _means(order, photo, count), _means(classes, photo, count)
    a, b, c = LIKENESS
    likeness = a * likeness + b * of_order[own_order] + c * of_class[own_class]
    _, unclear = _clarity(classes, photo, count)
    return candidates.weights * likeness * unclear[own_class]


def _within(
    candidates: Candidates,
    photo: Floats,
    weighed: Floats,
    families: Floats,
    unseen: Floats,
    sums: Floats,
    known: NDArray[np.intp],
) -> Floats:
    """Return the share of each species: its part of its family, or of what the family has without unknown species."""
    layout, rivals, count = candidates.layout, np.zeros(len(sums)), len(sums)
    here = candidates.numbers < count
    rivals[candidates.numbers[here]] = candidates.rivals[here]
    others = sums * np.maximum(sums - np.maximum.reduceat(photo, layout.families), 0.0)
    totals = np.add.reduceat(weighed, layout.families)
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = np.minimum(
            families[:count] / (totals + RIVAL * rivals * np.sqrt(others / known)),
            (families[:count] - unseen[:count]) / totals,
        )
    return weighed * np.where(totals > 0.0, parts, 0.0)[layout.family]


def _means(groups: NDArray[np.intp], photo: Floats, count: int) -> Floats:
    """Return the mean share of each group's species; 0 if it has none. `groups`: of each species."""
    sums, numbers = np.bincount(groups, photo, count), np.bincount(groups, minlength=count)
    return sums / np.maximum(numbers, 1)


def _clarity(groups: NDArray[np.intp], photo: Floats, count: int) -> tuple[Floats, Floats]:
    """Return the share m of each group, and (1 - b / m) ** CLEAR, with its likeliest species' share b."""
    sums, best = np.bincount(groups, photo, count), np.zeros(count)
    np.maximum.at(best, groups, photo)
    others = np.divide(sums - best, sums, out=np.zeros(count), where=sums > 0.0)
    return sums, np.maximum(others, 0.0) ** CLEAR


def _parts(layout: Layout, weighed: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the part that each animal has of its species, in output order."""
    order, parts = layout.taxonomy.order, np.zeros(len(weighed), np.float32)
    sums = np.repeat(np.add.reduceat(weighed[order], layout.starts), layout.sizes)
    parts[order] = np.divide(
        weighed[order], sums, out=(layout.sizes.repeat(layout.sizes) == 1).astype(sums.dtype), where=sums > 0.0
    )
    return parts

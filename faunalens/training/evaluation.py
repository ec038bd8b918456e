"""Measure how often a trained head is right, on photos of cameras that it has not seen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.model.detector import Box
from chalicelib.model.taxonomy import Animal

OTHER = "other"
"""The head's last output, and the taxon of a photo that shows none of the head's: no taxon id is this word."""
BINS = 10
"""Number of ranges of certainty in which the share right is measured."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A photo, scored by a head that has not seen its camera.

    `taxon`: id of the animal that people see in it, or `OTHER`. `probabilities`: of the head's K taxa, then of `OTHER`,
    shape (K + 1,). `box`: around the animal, or None.
    """

    photo: Path
    camera: str
    taxon: str
    probabilities: NDArray[np.float32]
    box: Box | None


class Point(NamedTuple):
    """A point of the learning curve: the share of names that are right after training on so many photos and cameras."""

    photos: int
    cameras: int
    right: float


class Row(NamedTuple):
    """How the photos of a taxon were named. `taxon`: the animal; None for `OTHER`, and for all taxa together.

    `right`: share of photos whose most probable output is right. `named`: share of photos that got a name, right or
    wrong, because one was certain enough. `right_of_named`: of all photos that got this name, the share that show the
    taxon; None if no photo got it.
    """

    taxon: Animal | None
    photos: int
    cameras: int
    right: float
    named: float
    right_of_named: float | None


class Bin(NamedTuple):
    """Photos whose most probable taxon has a probability from `low` to `high`.

    `stated`: mean of these probabilities. `right`: share of the photos that show their most probable taxon.
    """

    low: float
    high: float
    photos: int
    stated: float
    right: float


@dataclass(frozen=True)
class About:
    """What is known of a pack before its head is trained.

    `taxa`: the head's outputs in order, without `OTHER`. `precision`: share of the pack's names that should be
    right. `general`: version of the general model. `unfound`: number of labelled photos in which no animal was found;
    outcomes do not include them. `cells`, `areas` (codes of countries): where the pack is used; everywhere if both are
    empty. `places`: names of these areas. `night`: whether the pack is for infrared photos alone. `licence`, `author`:
    empty if not stated.
    """

    name: str
    taxa: tuple[Animal, ...]
    precision: float
    general: str
    unfound: int = 0
    cells: frozenset[int] = frozenset()
    areas: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    night: bool = False
    licence: str = ""
    author: str = ""


@dataclass(frozen=True)
class Evaluation:
    """How often a head is right on photos of cameras that it has not seen.

    `outcomes`: the photos; those that show `OTHER` count only where a property says so. `thresholds`: by taxon id, the
    least probability at which a photo gets the name. `curve`: the learning curve, from few photos to many.
    """

    about: About
    outcomes: tuple[Outcome, ...]
    thresholds: Mapping[str, float]
    curve: tuple[Point, ...]

    @cached_property
    def known(self) -> tuple[Outcome, ...]:
        """Return the outcomes of photos that show one of the head's taxa."""
        return tuple(each for each in self.outcomes if each.taxon != OTHER)

    @cached_property
    def strangers(self) -> tuple[Outcome, ...]:
        """Return the outcomes of photos of strangers: animals that are not among the head's taxa."""
        return tuple(each for each in self.outcomes if each.taxon == OTHER)

    def guess(self, outcome: Outcome) -> str:
        """Return the id of the most probable output: a taxon, or `OTHER`."""
        return self._ids[int(outcome.probabilities.argmax())]

    def name_of(self, outcome: Outcome) -> str | None:
        """Return the id of the taxon that a photo is named as; None if nothing is certain enough."""
        taxon = self.guess(outcome)
        is_certain = taxon != OTHER and float(outcome.probabilities.max()) >= self.thresholds.get(taxon, 1.0)
        return taxon if is_certain else None

    @cached_property
    def total(self) -> Row:
        """Return the row of all taxa together, without strangers."""
        return self._row(None, self.known, [each for each in self.known if self.name_of(each)])

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Return the row of each taxon, in the order of the outputs. If there are strangers, their row is last."""
        rows = []
        for taxon in self.about.taxa:
            shown = [each for each in self.outcomes if each.taxon == taxon.taxon_id]
            named_so = [each for each in self.outcomes if self.name_of(each) == taxon.taxon_id]
            rows.append(self._row(taxon, shown, named_so))
        return (*rows, self._row(None, self.strangers, ())) if self.strangers else tuple(rows)

    def _row(self, taxon: Animal | None, mine: Sequence[Outcome], named_so: Sequence[Outcome]) -> Row:
        return Row(
            taxon,
            len(mine),
            len({each.camera for each in mine}),
            _share(self.guess(each) == each.taxon for each in mine),
            _share(self.name_of(each) is not None for each in mine),
            _share(self.name_of(each) == each.taxon for each in named_so) if named_so else None,
        )

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Return the confusion matrix, shape (K + 1, K + 1): photos by what they show and by most probable output."""
        at = {taxon: index for index, taxon in enumerate(self._ids)}
        counts = np.zeros((len(at), len(at)), np.int64)
        for each in self.outcomes:
            counts[at[each.taxon], at[self.guess(each)]] += 1
        return counts

    @property
    def reliability(self) -> tuple[Bin, ...]:
        """Return the bins with photos, from low to high certainty. A photo of a stranger always counts as wrong."""
        known = [(each.probabilities[:-1], each.taxon) for each in self.outcomes]
        said = sorted((float(each.max()), self._ids[int(each.argmax())] == taxon) for each, taxon in known)
        bins = []
        for number, some in groupby(said, key=lambda pair: min(int(pair[0] * BINS), BINS - 1)):
            stated, right = zip(*some, strict=True)
            bins.append(Bin(number / BINS, (number + 1) / BINS, len(stated), fmean(stated), fmean(right)))
        return tuple(bins)

    def worst(self, most: int = 20) -> Sequence[Outcome]:
        """Return at most `most` photos whose most probable taxon is wrong, the surest first."""
        wrong = [each for each in self.outcomes if self.guess(each) not in (each.taxon, OTHER)]
        return sorted(wrong, key=lambda each: (-float(each.probabilities.max()), str(each.photo)))[:most]

    @cached_property
    def _ids(self) -> tuple[str, ...]:
        return *(taxon.taxon_id for taxon in self.about.taxa), OTHER


def _share(truths: Iterable[bool]) -> float:
    values = list(truths)
    return sum(values) / len(values) if values else 0.0


LEAST_POINTS = 3
"""Fewest points of a learning curve for which `outlook` says anything: a line through two points shows no error."""


class Outlook(NamedTuple):
    """How much the share of right names would grow with twice the photos and cameras: a guess, and its range."""

    gain: float
    low: float
    high: float


def outlook(curve: Sequence[Point]) -> Outlook | None:
    """Return how much twice as many photos would help; None if the curve has fewer than `LEAST_POINTS` points.

    The share of wrong names is assumed to shrink by the same factor at each doubling, as it mostly does (Hestness et
    al. 2017, arXiv:1712.00409), so a line is fitted to its logarithms. Fits without one of the points give the range.
    """
    if len({each.photos for each in curve}) < LEAST_POINTS:
        return None
    photos, wrong = np.log2([(each.photos, max(1 - each.right, 1e-3)) for each in curve]).T
    every = np.arange(len(curve))
    slopes = [np.polyfit(photos[kept], wrong[kept], 1)[0] for kept in (every, *(np.delete(every, at) for at in every))]
    gain, *without = [float((1 - curve[-1].right) * (1 - 2**slope)) for slope in slopes]
    return Outlook(gain, min(without), max(without))

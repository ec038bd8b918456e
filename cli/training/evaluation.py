"""What a trained head was right about, on photos of cameras that it had not seen."""

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

    `taxon`: id of the animal that people see in it, or `OTHER`. `probabilities`: shape (K + 1,), of the head's K taxa
    and of `OTHER`. `box`: around the animal, or None.
    """

    photo: Path
    camera: str
    taxon: str
    probabilities: NDArray[np.float32]
    box: Box | None


class Point(NamedTuple):
    """A point of the learning curve: the share right after training on so many photos and cameras."""

    photos: int
    cameras: int
    right: float


class Row(NamedTuple):
    """How the photos of a taxon were named. `taxon`: None for `OTHER`, and for all taxa together.

    `right`: share whose most probable output is right. `named`: share with a name that was certain enough, right or
    wrong. `right_of_named`: of all photos that were named as this taxon, the share that show it; None if none was.
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

    `taxa`: of the head's outputs, in their order, without `OTHER`. `precision`: share of the names that should be
    right. `general`: version of the general model. `unfound`: number of labelled photos in which no animal was found;
    they are no outcomes. `cells`, `areas` (codes of countries): where the head is used; everywhere without any.
    `places`: names of these areas. `night`: the head is for infrared photos alone. `licence`, `author`: empty if not
    stated.
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

    `outcomes`: those that show `OTHER` count only where a property says so. `thresholds`: least probability for a name
    by taxon id. `curve`: from few photos to many.
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
        """Return the outcomes of photos that show another animal than the head's."""
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
        """Return the row of each taxon, in the order of the outputs; that of strangers, if there are any, is last."""
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
        """Return numbers of photos, shape (K + 1, K + 1): by what they show, and by the most probable output."""
        at = {taxon: index for index, taxon in enumerate(self._ids)}
        counts = np.zeros((len(at), len(at)), np.int64)
        for each in self.outcomes:
            counts[at[each.taxon], at[self.guess(each)]] += 1
        return counts

    @property
    def reliability(self) -> tuple[Bin, ...]:
        """Return the bins that have photos, from low to high certainty. A photo of a stranger is always wrong."""
        known = [(each.probabilities[:-1], each.taxon) for each in self.outcomes]
        said = sorted((float(each.max()), self._ids[int(each.argmax())] == taxon) for each, taxon in known)
        bins = []
        for number, some in groupby(said, key=lambda pair: min(int(pair[0] * BINS), BINS - 1)):
            stated, right = zip(*some, strict=True)
            bins.append(Bin(number / BINS, (number + 1) / BINS, len(stated), fmean(stated), fmean(right)))
        return tuple(bins)

    def worst(self, most: int = 20) -> Sequence[Outcome]:
        """Return the photos whose most probable taxon is wrong, the surest first, at most `most`."""
        wrong = [each for each in self.outcomes if self.guess(each) not in (each.taxon, OTHER)]
        return sorted(wrong, key=lambda each: (-float(each.probabilities.max()), str(each.photo)))[:most]

    @cached_property
    def _ids(self) -> tuple[str, ...]:
        return *(taxon.taxon_id for taxon in self.about.taxa), OTHER


def _share(truths: Iterable[bool]) -> float:
    values = list(truths)
    return sum(values) / len(values) if values else 0.0


LEAST_POINTS = 3
"""Points of a learning curve from which `outlook` says anything: the error of a line through two cannot be seen."""


class Outlook(NamedTuple):
    """How much the share right would grow with twice the photos and cameras, and the range of this guess."""

    gain: float
    low: float
    high: float


def outlook(curve: Sequence[Point]) -> Outlook | None:
    """Return how much twice the photos would help; None if the curve has less than `LEAST_POINTS`.

    The share wrong is assumed to shrink by the same factor at each doubling, as it mostly does (Hestness et al. 2017,
    arXiv:1712.00409), so a line is fitted to its logarithms. Lines fitted without one of the points give the range.
    """
    if len({each.photos for each in curve}) < LEAST_POINTS:
        return None
    photos, wrong = np.log2([(each.photos, max(1 - each.right, 1e-3)) for each in curve]).T
    every = np.arange(len(curve))
    slopes = [np.polyfit(photos[kept], wrong[kept], 1)[0] for kept in (every, *(np.delete(every, at) for at in every))]
    gain, *without = [float((1 - curve[-1].right) * (1 - 2**slope)) for slope in slopes]
    return Outlook(gain, min(without), max(without))

"""What a photo may be called: whether it shows an animal, and the narrowest taxon that is certain enough.

Whether there is an animal, and which one, are two questions. The first decides whether anything is said; the number
that is shown is the probability of both, after its calibration (certainty.json). If nothing as narrow as a family is
certain, up to three families that live at the place say what it perhaps is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.model.certainty import NO_BOXES, Basis, Curve, Level, SurestBoxes, read_certainty
from chalicelib.model.families import Families
from chalicelib.model.shares import Shares, shares_of, with_head
from chalicelib.model.taxonomy import DOMESTIC, RANKS, Animal, Prediction, Taxon

if TYPE_CHECKING:
    from chalicelib.model.models import FusedScores, Headed
    from chalicelib.model.shares import Prior

WITH_BOX: Final = 0.9
"""Least probability of an animal where the detector has found one."""
LISTED: Final = 3
"""Maximum number of families in a list, and of members of a taxon."""
LEAST_LISTED: Final = 0.04
"""Least probability of a family in a list."""
LIKELY_MEMBER: Final = 0.1
"""Least share of a taxon's probability that a named member has."""
CLEAR_MEMBER: Final = 0.8
"""Share of a taxon's probability, by the photo alone, from which its likeliest animal is named wherever it lives."""
LIKELY_BREED: Final = 0.5
"""Share of a species' probability that a named breed must exceed."""
WIDEST: Final = frozenset({"kingdom", "phylum"})
"""Ranks that say nothing to people: nothing so wide is named."""
MOST_DEGRADED: Final = 0.94
"""Highest score of an answer whose features could not be read: it never gets the surest word."""
EXPLAINS: Final = 0.2
"""Share of unknown species in a wide answer from which the answer names them as its reason."""


class Member(NamedTuple):
    """An animal that a taxon includes. `taxon`: its stable id."""

    taxon: str
    name: str
    scientific_name: str


class Possible(NamedTuple):
    """A family that a photo perhaps shows, or an animal that stands for several. `members`: its likeliest animals."""

    taxon: str
    name: str
    scientific_name: str
    rank: str
    score: float
    members: tuple[Member, ...]


class Decision(NamedTuple):
    """What is said about a photo, as far as that is certain.

    `perhaps`: families that it may show, if the prediction is wide or missing. `members`: the likeliest animals of the
    prediction. `is_widened`: whether the prediction is wide or missing because of species that no model knows.
    `is_unexpected`: whether no animal of the prediction is known to live at the place. `is_animal`: whether the photo
    shows an animal, named or not. `looks_like`: an animal from elsewhere that the photo alone shows clearly, if the
    place is why the prediction is wide or missing.
    """

    prediction: Prediction | None = None
    perhaps: tuple[Possible, ...] = ()
    members: tuple[Member, ...] = ()
    is_widened: bool = False
    is_unexpected: bool = False
    is_animal: bool = False
    looks_like: Member | None = None


@dataclass(frozen=True)
class Naming:
    """Decides what photos are called. Thread-safe.

    `families`: the candidates at each place. `certainty`: the file with the calibration curves. `animal`: the
    probability from which a photo is said to show an animal.
    """

    families: Families
    certainty: Path
    animal: float

    @cached_property
    def curves(self) -> Mapping[Level, Curve]:
        """Return the calibration curve of each level. The first use reads the file, and may raise `ModelError`."""
        return read_certainty(self.certainty)

    def name(
        self, scores: "FusedScores", prior: "Prior", surest: SurestBoxes = NO_BOXES
    ) -> tuple["FusedScores", Decision]:
        """Return a photo's scores, weighed by the place, and what to call the photo. Takes about 0.5 ms.

        `surest`: the surest boxes in the photo. Raises `ModelError`.
        """
        names = self.names(scores, prior, surest)
        named, decision = None, Decision()
        if surest.subject(scores.animal_probability, self.animal) == "animal":
            named = next(names.certain(), None)
            decision = names.decision(named)
        return replace(scores, probabilities=names.shares.animals(names.consistent(named))), decision

    def names(self, scores: "FusedScores", prior: "Prior", surest: SurestBoxes = NO_BOXES) -> "Names":
        """Return all that a photo may be called, whether or not it is certain enough. Parameters as for `name`."""
        candidates = self.families.at(prior.features, scores.taxonomy)
        weights, headed = prior.over(scores.taxonomy), scores.headed
        shares = shares_of(candidates, scores.vision, weights)
        if headed:
            shares = with_head(shares, headed.positions, headed.scores, weights)
        animal = scores.animal_probability
        animal = max(animal, WITH_BOX if surest.is_animal(animal) else 0.0)
        place: Basis = "place" if prior.features.mode == "narrowed" else "alone"
        return Names(shares, self.curves, prior, animal, "pack" if scores.packs else place, headed)


class Name(NamedTuple):
    """A taxon that is certain enough.

    `level`: the level whose curve gives its score. `share`: its probability, provided that the photo shows an animal.
    `species`, `families`: which species of the layout and which families of the candidates it includes.
    """

    level: Level
    prediction: Prediction
    share: float
    species: NDArray[np.bool_]
    families: NDArray[np.bool_]


class Names:
    """All that one photo may be called. `animal`: probability that it shows an animal. `basis`: which curves apply.

    `headed`: the scores of a head, if one has run: they need no curve, and have their own thresholds.
    """

    def __init__(
        self,
        shares: Shares,
        curves: Mapping[Level, Curve],
        prior: "Prior",
        animal: float,
        basis: Basis,
        headed: "Headed | None" = None,
    ) -> None:
        self.shares, self.curves, self.prior, self.animal, self.basis = shares, curves, prior, animal, basis
        self.candidates, self.layout, self.headed = shares.candidates, shares.candidates.layout, headed
        self._list_of: tuple[Name | None, tuple[list[int], float]] | None = None

    def certain(self) -> Iterator[Name]:
        """Yield the taxa that are certain enough, the narrowest first; none is wider than a class."""
        shares, layout, tree = self.shares, self.layout, self.candidates.tree
        none = np.zeros(len(tree.lineages), np.bool_)
        best, genus = int(shares.species.argmax()), int(shares.genera.argmax())
        family = tree.lineages[int(layout.families.number[best])][-1].scientific_name
        if any(taxon.scientific_name == family for taxon in layout.species[best].lineage):
            # else it stands for several families, of which this one lives here
            is_best = np.arange(len(layout.species)) == best
            yield from self._said("animal", layout.lineage(best), shares.species[best], is_best, none)
        lineage = self.candidates.named_down_to(layout.species[int(layout.genera.starts[genus])].lineage, "genus")
        if lineage and lineage[-1].name != lineage[-1].scientific_name:  # people do not say "a Setophaga"
            yield from self._said("family", lineage, shares.genera[genus], layout.genera.number == genus, none)
        groups: tuple[tuple[Level, str, NDArray[np.float64], NDArray[np.intp]], ...] = (
            ("family", "", shares.families, np.arange(len(none))),
            ("group", "order", shares.orders, tree.order),
            ("group", "class", shares.classes, tree.class_[tree.order]),
        )
        for level, rank, probabilities, numbers in groups:
            likeliest = int(probabilities.argmax())
            families = numbers == likeliest
            lineage = tree.lineages[int(families.argmax())]
            lineage = self.candidates.named_down_to(lineage, rank) if rank else lineage
            yield from self._said(level, lineage, probabilities[likeliest], families[layout.families.number], families)

    def _said(
        self,
        level: Level,
        lineage: tuple[Taxon, ...],
        share: float,
        species: NDArray[np.bool_],
        families: NDArray[np.bool_],
    ) -> Iterator[Name]:
        """Yield a lineage's last taxon if it is certain enough. `species`, `families`: which ones it includes."""
        number = self._number(level, share)
        if not self._is_enough(level, share, number, species) or not lineage or lineage[-1].rank in WIDEST:
            return
        first = self.layout.species[int(species.argmax())]
        is_domestic = first.kind in DOMESTIC and lineage[-1].rank not in RANKS[:-1]
        prediction = Prediction(lineage[-1], number, lineage, is_domestic, is_one=level != "group")
        yield Name(level, prediction, share, species, families)

    def _is_enough(self, level: Level, share: float, number: float, species: NDArray[np.bool_]) -> bool:
        """Return whether a name is certain enough: by the head's threshold, if it includes just one of the head's taxa.

        A name that includes all the head's taxa never is: the head cannot tell it from others. `number`: the score.
        """
        if self.headed:
            names = (self.layout.species[each].taxon_id for each in np.flatnonzero(species).tolist())
            leasts = [self.headed.thresholds[name] for name in names if name in self.headed.thresholds]
            if len(leasts) == len(self.headed.thresholds):
                return False
            return share >= (leasts[0] if len(leasts) == 1 else self.curves[level].least)
        return number >= self.curves[level].least

    def _number(self, level: Level, share: float) -> float:
        probability = self.animal * float(share)
        number = probability if self.headed else self.curves[level].number(probability, self.basis)
        return min(number, MOST_DEGRADED) if self.prior.features.mode == "degraded" else number

    def decision(self, name: Name | None) -> Decision:
        """Return what to say of a photo that shows an animal. `name`: its narrowest name, if there is one."""
        if name is not None and not name.prediction.is_wide:
            members = self._members(name.species, name.prediction.lineage, is_named=True)
            is_unexpected = not (self._living[name.species].any() or self.shares.unseen[name.families].any())
            return Decision(name.prediction, (), members, is_unexpected=is_unexpected, is_animal=True)
        unseen = float(self.shares.unseen[self._among(name)].sum())
        is_widened = self.prior.features.mode == "narrowed" and unseen >= EXPLAINS
        perhaps = self._perhaps(name)
        if name is not None and [each.scientific_name for each in perhaps] == [name.prediction.taxon.scientific_name]:
            perhaps = ()  # not "an armadillo; perhaps an armadillo"
        return Decision(
            name and name.prediction,
            perhaps,
            is_widened=is_widened,
            is_animal=True,
            looks_like=self._from_elsewhere(),
        )

    def _among(self, name: Name | None) -> NDArray[np.bool_]:
        """Return which families a name includes; without a name, all."""
        return np.full(len(self.shares.families), fill_value=True) if name is None else name.families

    def _perhaps(self, name: Name | None) -> tuple[Possible, ...]:
        """Return the likeliest families that live at the place; none if together they are not likely enough."""
        candidates, (listed, scale) = self.candidates, self._listed(name)
        return tuple(
            Possible(
                *_member(candidates.tree.lineages[each][-1], candidates.animal_of(each)),
                candidates.tree.lineages[each][-1].rank,
                scale * float(self.shares.families[each]),
                self._members(self.layout.families.number == each, candidates.tree.lineages[each]),
            )
            for each in listed
        )

    def _listed(self, name: Name | None) -> tuple[list[int], float]:
        """Return the numbers of the families to list, and the factor from their shares to scores; computed once."""
        if self._list_of is None or self._list_of[0] is not name:
            self._list_of = name, self._list(self._among(name))
        return self._list_of[1]

    def _list(self, among: NDArray[np.bool_]) -> tuple[list[int], float]:
        shares = self.shares
        likely = np.flatnonzero(among & (self.animal * shares.families >= LEAST_LISTED))
        likeliest = likely[np.argsort(-shares.families[likely], kind="stable")].tolist()
        of_family = self.layout.families.number
        living = [each for each in likeliest if shares.unseen[each] or self._living[of_family == each].any()]
        names = [self.candidates.tree.lineages[each][-1].name for each in living]
        listed = [each for number, each in enumerate(living) if names[number] not in names[:number]][:LISTED]
        total = float(shares.families[listed].sum())
        number = self._number("list", total)
        return (listed, number / total) if listed and number >= self.curves["list"].least else ([], np.inf)

    def _members(
        self, species: NDArray[np.bool_], lineage: tuple[Taxon, ...], *, is_named: bool = False
    ) -> tuple[Member, ...]:
        """Return the likeliest animals of a taxon, and those that live at the place and that no model knows.

        `species`: which species the taxon includes. A species has its likely breed as member. `is_named`: whether the
        taxon is the prediction; its likeliest animal need not live there if the photo shows it clearly.
        """
        layout, numbers = self.layout, np.flatnonzero(species)
        taxon, shares = lineage[-1], self.shares.species[numbers]
        likeliest = numbers[np.argsort(-shares, kind="stable")][:LISTED].tolist()
        least = LIKELY_MEMBER * shares.sum()
        clear = [each for each in likeliest[:1] if is_named and self._is_clear(each, numbers)]
        known = [
            _member(layout.lineage(each)[-1], layout.species[each])
            for each in likeliest
            if self.shares.species[each] > least and (each in clear or self._living[each])
        ]
        if taxon.rank == "species":
            known = [_member(breed.taxon, breed) for breed in self._breeds(likeliest[0])]
        named = [each for each in known if each.name != taxon.name]
        if self.prior.features.mode == "narrowed" and taxon.rank in ("family", "genus"):
            family = next((each.scientific_name for each in lineage if each.rank == "family"), "")
            named += [
                Member(each.taxon, each.name, each.scientific_name)
                for each in self.candidates.unknown.species.get(family, ())
                if each.name != each.scientific_name and (taxon.rank == "family" or each.genus == taxon.scientific_name)
            ]
        return tuple(named[:LISTED])

    def _is_clear(self, species: int, among: NDArray[np.intp]) -> bool:
        """Return whether the photo alone shows a species clearly, compared with all species in `among`."""
        photo = self.shares.photo
        return bool(photo[species] >= CLEAR_MEMBER * photo[among].sum())

    def _from_elsewhere(self) -> Member | None:
        """Return the animal that the photo alone shows clearly, if it is not known to live at the place."""
        best = int(self.shares.photo.argmax())
        if self._living[best] or not self._is_clear(best, np.arange(len(self.shares.photo))):
            return None
        return _member(self.layout.lineage(best)[-1], self.layout.species[best])

    def _breeds(self, species: int) -> list[Animal]:
        """Return the likeliest breed of a species, if there is one with more than half of its probability."""
        animals = self.layout.animals_of(species)
        parts = self.shares.parts[[each.output_index for each in animals]]
        best = int(parts.argmax())
        return [animals[best]] if len(animals) > 1 and parts[best] > LIKELY_BREED else []

    def consistent(self, name: Name | None) -> NDArray[np.float64]:
        """Return each species' share, scaled by the factor from the named taxon's share to the score that is shown.

        No species has more than its family has in the list.
        """
        shares, is_narrow = self.shares.species, name is not None and not name.prediction.is_wide
        most = np.inf if is_narrow else self._listed(name)[1]
        if name is None:
            return shares * min(self.animal, most)
        rest = (1.0 - name.prediction.score) / (1.0 - name.share) if name.share < 1.0 else 0.0
        return shares * np.where(name.species, min(name.prediction.score / name.share, most), min(rest, 1.0, most))

    @cached_property
    def _living(self) -> NDArray[np.bool_]:
        """Return which species live at the place, as far as that is known."""
        layout = self.layout
        living = self.prior.living(layout.taxonomy)[layout.taxonomy.order]
        return np.logical_or.reduceat(living, layout.animals.starts)


def _member(taxon: Taxon, animal: Animal | None = None) -> Member:
    """Return a taxon with its stable id: that of the animal that stands for it, or else its scientific name."""
    name = taxon.scientific_name
    own = animal.taxon_id if animal is not None and animal.taxon == taxon else name.lower().replace(" ", "-")
    return Member(own, taxon.name, name)

"""Build the part of the ONNX graph that names an answer: the rule in chalicelib/model/certainty.py and naming.py."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chalicelib.model import certainty, naming
from chalicelib.model.certainty import Basis, Curve, Level
from model.rule.formula import Array, Rule
from model.rule.shares import NONE, Lineage, Parts, Place

LEVELS: Final[tuple[Level, ...]] = ("animal", "family", "family", "group", "group")
"""The levels of a species, genus, family, order and class, in the order in which names are tried."""
WIDE: Final = 3
"""The position in `LEVELS` of the first level whose names are wide: the order."""
MOST_OF_ONE_NAME: Final = 3
"""Maximum number of families with the same common name, such as the three that are called mantises."""

type Pick = Callable[[Array], Array]


def subject_of(rule: Rule, animal: Array, least: float) -> tuple[Array, Array]:
    """Add the nodes that compute `SurestBoxes.subject`.

    Return its position in `Subject`, and the probability of an animal. `animal`: the general model's probability of an
    animal. `least`: lowest probability that needs no box. The result is higher than `animal` if a box of an animal is
    believed.
    """
    boxes, by_night = rule.input("boxes", (3,)), rule.input("by_night", (1,))
    box, person, vehicle = (boxes[np.array([each])] for each in range(3))
    may_be = animal >= certainty.MOST_EMPTY
    believed = (box >= certainty.LEAST_BOX) * by_night.largest(may_be)
    unseen = by_night * (1.0 - (box >= certainty.UNSEEN))
    is_animal = (animal >= rule.where(unseen, max(least, certainty.ALONE_BY_NIGHT), least)).largest(believed)
    shown = may_be + 3.0
    for number, seen in ((2.0, vehicle >= certainty.LEAST_BOX), (1.0, person >= certainty.LEAST_BOX), (0.0, is_animal)):
        shown = rule.where(seen, number, shown)
    return shown, animal.largest(believed * naming.WITH_BOX)


class Names:
    """The nodes that compute what `naming.Names` does: all that a photo may be called.

    `basis`: which curves apply. None: those for `place`, or, if the place is unknown, those for `alone`. `animal`:
    probability of an animal.
    """

    def __init__(
        self, parts: Parts, place: Place, curves: Mapping[Level, Curve], basis: Basis | None, animal: Array
    ) -> None:
        self.parts, self.place, self.curves, self.basis, self.animal = parts, place, curves, basis, animal
        self.rule, self.layout, self.table = animal.rule, parts.layout, parts.layout.table
        self.tree, self.world = self.layout.tree, self.layout.world.layout
        self.family = self.world.families.number
        self.lineages = [self.world.lineage(each) for each in range(len(self.world.species))]
        self.species_rows = self.rule.array([self.table.row(each) for each in self.lineages])
        self.rows = self._by_slot(self.table.row)

    def _by_slot(self, value: Callable[[Lineage], float]) -> Array:
        """Return for each slot the number that `value` gives for its lineage at the place."""
        values = self.rule.array([value(each) for each in self.tree.lineages])
        for slot, live, lineages in self.parts.stands:
            own = np.arange(len(self.tree.lineages)) == slot
            values = self.rule.where(live.sum() * own, (live * [value(each) for each in lineages]).sum(), values)
        return values

    def _number(self, level: Level, share: Array) -> Array:
        """Return `Curve.number` for the probability that the photo shows an animal, times a share."""
        probability = (share * self.animal).largest(certainty.LEAST).least(1.0 - certainty.LEAST)
        logit = (probability / (1.0 - probability)).apply("Log")
        fits = self.curves[level].fits
        (a, b), (c, d) = (fits[self.basis or each] for each in ("place", "alone"))
        exponent = self.rule.where(self.place.narrowed, logit * b + a, logit * d + c)
        return self.rule.array(1.0) / ((exponent * -1.0).apply("Exp") + 1.0)

    def _levels(self) -> Iterator[tuple[Array, Array, NDArray[np.intp], NDArray[np.intp]]]:
        """Yield for each of `LEVELS` the shares and rows of its taxa, and the taxon of each species and each slot."""
        species, slots = np.arange(len(self.lineages)), np.arange(len(self.tree.lineages))
        nowhere = np.full(len(slots), -1)  # a species or genus covers no whole family
        rows = self.rule.array([self.table.said(each) for each in self.lineages])
        for slot, live, _ in self.parts.stands:  # it stands for several families, one of which lives here
            rows = self.rule.where(live.sum() * (self.family == slot), NONE, rows)
        yield self.parts.species, rows, species, nowhere
        firsts = [self.lineages[each] for each in self.world.genera.starts.tolist()]
        genera = [self.layout.world.named_down_to(each, "genus") for each in firsts]
        common = [each if each and each[-1].name != each[-1].scientific_name else () for each in genera]
        rows = self.rule.array([self.table.said(each) for each in common])  # people do not say "a Setophaga"
        yield self.parts.genera, rows, self.world.genera.number, nowhere
        yield self.parts.families, self._by_slot(self.table.said), self.family, slots
        class_ = self.tree.class_[self.tree.order]
        wider = ("order", self.parts.orders, self.tree.order), ("class", self.parts.classes, class_)
        for rank, shares, groups in wider:
            rows = self._by_slot(partial(self._down_to, rank))
            yield shares, rows[np.unique(groups, return_index=True)[1]], groups[self.family], groups

    def _down_to(self, rank: str, lineage: Lineage) -> int:
        return self.table.said(self.layout.world.named_down_to(lineage, rank))

    def decide(self, is_animal: Array) -> Array:
        """Add the outputs of `naming.Names.decision`. Return the shares that `naming.Names.consistent` would return.

        `is_animal`: 1 if the photo shows an animal, else 0.
        """
        rule, parts = self.rule, self.parts
        left, level, row, score, share = is_animal, *map(rule.array, (NONE, NONE, 0.0, 0.0))
        species, families = rule.array(np.zeros(len(self.family))), rule.array(np.zeros(len(self.tree.lineages)))
        for at, (shares, rows, of_species, of_slots) in enumerate(self._levels()):
            best = shares.argmax()
            number, named = self._number(LEVELS[at], shares[best]), rows[best]
            said = left * (number >= self.curves[LEVELS[at]].least) * (named >= 0.0)
            level, row, score, share = (
                rule.where(said, new, old)
                for new, old in ((at, level), (named, row), (number, score), (shares[best], share))
            )
            species += said * rule.array(of_species, np.int64).equals(best)
            families += said * rule.array(of_slots, np.int64).equals(best)
            left -= said
        is_none = 1.0 - (level >= 0.0)
        is_wide, among = is_none.largest(level >= float(WIDE)), families.largest(is_none)
        listed, pick, scores, scale = self._listed(among)
        perhaps = rule.where(is_wide * is_animal * (1.0 - self._is_all(listed, pick, level)), listed, NONE)
        slots = [perhaps[[each]] for each in range(naming.LISTED)]
        members = [self._members(species, 1.0 - is_wide, level)]
        members += [self._members(rule.array(self.family).equals(slot), slot >= 0.0) for slot in slots]
        lives = (species * self.place.lives).sum() + (families * (parts.unseen > 0.0)).sum()
        is_widened = ((among * parts.unseen).sum() >= naming.EXPLAINS) * self.place.narrowed
        rule.output("level", level, 1)
        rule.output("taxon", row, 1)
        rule.output("score", score, 1)
        rule.output("perhaps", rule.where(perhaps >= 0.0, pick(self.rows), NONE), naming.LISTED)
        rule.output("perhaps_scores", scores, naming.LISTED)
        rule.output("members", rule.join(members), naming.LISTED * len(members))
        rule.output("looks_like", rule.where(is_wide * is_animal, self._from_elsewhere(), NONE), 1)
        rule.output("unexpected", (1.0 - is_wide) * (1.0 - (lives > 0.0)), 1)
        rule.output("widened", is_wide * is_animal * is_widened, 1)
        most = rule.where(is_wide, scale, np.inf)
        rest = rule.where(share >= 1.0, 0.0, (1.0 - score) / (1.0 - share)).least(1.0).least(most)
        factors = rule.where(species, (score / share).least(most), rest)
        return parts.species * rule.where(is_none, self.animal.least(most), factors)

    def _listed(self, among: Array) -> tuple[Array, Pick, Array, Array]:
        """Return the numbers of the families to list, a function, their scores, and the ratio of scores to shares.

        After the last family, the numbers are -1. The function takes an array with a value for each family, and returns
        the values of the listed families.
        """
        rule, families, most = self.rule, self.parts.families, MOST_OF_ONE_NAME * naming.LISTED
        lives = self.place.lives.largest_of(self.family, len(self.tree.lineages)).largest(self.parts.unseen > 0.0)
        likely = among * lives * ((families * self.animal) >= naming.LEAST_LISTED)
        top = (families * likely).top(most)
        names = dict[str, int]()
        named = self._by_slot(lambda each: names.setdefault(each[-1].name, len(names)))[top]
        same = named.rows().equals(named) * likely[top] * np.tri(most, k=-1)
        kept = likely[top] * (1.0 - same.row_maxima())
        places = (kept * np.tri(most)).row_sums()  # 1 for the first family that is kept
        chosen = rule.array(np.arange(1.0, naming.LISTED + 1)[:, None]).equals(places) * kept
        found = (chosen * families[top]).row_sums()

        def pick(values: Array) -> Array:
            return (chosen * (values[top] + 1.0)).row_sums() - 1.0

        listed = pick(rule.array(np.arange(len(self.tree.lineages))))
        number = self._number("list", found.sum())
        is_said = (found.sum() > 0.0) * (number >= self.curves["list"].least)
        scale = rule.where(is_said, number / found.sum(), np.inf)
        scores = rule.where(is_said, found * number / found.sum(), 0.0)
        return rule.where(is_said, listed, NONE), pick, scores, scale

    def _is_all(self, listed: Array, pick: Pick, level: Array) -> Array:
        """Return whether a list has only the taxon that is named: not "an armadillo; perhaps an armadillo"."""
        order = pick(self._by_slot(lambda each: each[-1].rank == "order"))[[0]] * level.equals(3.0)
        class_ = pick(self._by_slot(lambda each: each[-1].rank == "class"))[[0]] * level.equals(4.0)
        return (listed >= 0.0).sum().equals(1.0) * (order + class_)

    def _members(self, among: Array, is_said: Array, level: Array | None = None) -> Array:
        """Return the rows of the likeliest animals of a taxon. `among`: the taxon's species.

        `is_said`: if it is 0, return no rows. `level`: level of the taxon if it is the prediction.
        """
        rule, parts = self.rule, self.parts
        top = rule.where(among, parts.species, -1.0).top(naming.LISTED)
        lives, first = self.place.lives[top], top[[0]]
        if level is not None:
            is_clear = parts.photo[first] >= (parts.photo * among).sum() * naming.CLEAR_MEMBER
            lives = lives.largest(is_clear * (np.arange(naming.LISTED) == 0))
        is_likely = parts.species[top] > (parts.species * among).sum() * naming.LIKELY_MEMBER
        rows = rule.where(is_likely * lives * among[top] * is_said, self.species_rows[top], NONE)
        if level is None:
            return rows
        breeds = rule.array(self.layout.species_of, np.int64).equals(first)
        best = (parts.animals * breeds).argmax()
        of_one = rule.array(self.world.animals.sizes == 1)[first]
        is_breed = (parts.animals[best] > naming.LIKELY_BREED) * (1.0 - of_one) * (np.arange(naming.LISTED) == 0)
        own = rule.array([self.table.row(each.lineage) for each in self.layout.taxonomy.animals])[best]
        is_species = rule.array([each[-1].rank == "species" for each in self.lineages])[first] * level.equals(0.0)
        return rule.where(is_species, rule.where(is_breed, own, NONE), rows)

    def _from_elsewhere(self) -> Array:
        """Return the row of the animal that the photo alone shows clearly, if it is not known to live at the place."""
        photo = self.parts.photo
        best = photo.argmax()
        is_other = (photo[best] >= photo.sum() * naming.CLEAR_MEMBER) * (1.0 - self.place.lives[best])
        return self.rule.where(is_other, self.species_rows[best], NONE)

"""How a pack's scores are combined with the general model's: into one probability for each animal, with a sum of 1.

The pack divides the probability that the general model gives to the pack's taxa, such as birds. Each animal of the pack
has a weight, and so has each class: an output of the general model that may stand for several species, such as
hornbill. The probability is divided in proportion to these weights:

    animal of the pack:      C · (WEIGHT + G)
    class, such as hornbill: KEPT · g ** SURE · (1 - A) · (1 - max C)

C is the pack's score of the animal, and G the general model's probability of the class that includes it. g is the
general model's probability of the class, and A the sum of the pack's scores in the class's order. So the answer is a
species of the pack, unless the general model is sure of a class while the pack sees another order and is not certain
itself. docs/explanation/packs.md has the measurements.
"""

from collections.abc import Mapping, Set
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError
from chalicelib.model.taxonomy import RANKS, Animal, Taxonomy, read_rows

type Clade = tuple[str, str]
"""A taxon by its scientific name and rank."""

WEIGHT = 0.1
"""Weight of a pack's animal whose class the general model does not see. docs/explanation/packs.md compares values."""
KEPT, SURE = 0.5, 10
"""Weight of a class of the general model that the pack contradicts, and how steeply it falls where the model is less
sure of the class. docs/explanation/packs.md compares values."""
FORMS = frozenset({"breed", "subspecies"})
"""Ranks of animals that are a part of their species."""
MEMBER_COLUMNS = ("taxon", "member", "rank")


class Fusion(NamedTuple):
    """The animals of a taxonomy and of a pack together. Immutable.

    `taxonomy`: all these animals, first those of the given taxonomy. `positions`: indices of the pack's animals in
    `taxonomy`. `members`: which animals of the given taxonomy belong to the pack's taxa. `wide`: which of the members
    the pack lacks. `pairs`: two arrays, the numbers of an animal of the pack and of a member that includes it. `kin`:
    two arrays, the numbers of an animal of the pack and of a member of the same order.
    """

    taxonomy: Taxonomy
    positions: NDArray[np.intp]
    members: NDArray[np.bool_]
    wide: NDArray[np.bool_]
    pairs: tuple[NDArray[np.intp], NDArray[np.intp]]
    kin: tuple[NDArray[np.intp], NDArray[np.intp]]

    @classmethod
    def of(
        cls, taxonomy: Taxonomy, taxa: Set[str], animals: tuple[Animal, ...], classes: Mapping[str, Set[Clade]]
    ) -> "Fusion":
        """Join a taxonomy and a pack.

        `taxa`: scientific names of the taxa that the pack covers. `animals`: those that it knows. `classes`: the taxa
        that an output of the general model stands for, by its taxon id (`read_members`).
        """
        known = {animal.taxon_id: animal.output_index for animal in taxonomy.animals}
        together, positions = list(taxonomy.animals), []
        for animal in animals:
            if animal.taxon_id not in known:
                known[animal.taxon_id] = len(together)
                together.append(animal._replace(output_index=len(together)))
            positions.append(known[animal.taxon_id])
        members = members_of(taxonomy, taxa)
        under: dict[Clade, list[int]] = {}
        for number, animal in enumerate(animals):
            for taxon in animal.lineage:
                under.setdefault((taxon.scientific_name, taxon.rank), []).append(number)
        inside = [each for each in taxonomy.animals if members[each.output_index]]
        pairs = [
            (number, animal.output_index)
            for animal in inside
            for clade in sorted(classes.get(animal.taxon_id, {(animal.taxon.scientific_name, animal.taxon.rank)}))
            for number in under.get(clade, ())
        ]
        kin = [
            (number, animal.output_index)
            for animal in inside
            for taxon in animal.lineage
            if taxon.rank == "order"
            for number in under.get((taxon.scientific_name, taxon.rank), ())
        ]
        wide = members.copy()
        wide[[position for position in positions if position < len(members)]] = False
        return cls(Taxonomy.of(together), np.array(positions), members, wide, _columns(pairs), _columns(kin))

    def join(self, vision: NDArray[np.floating], scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the probabilities of all animals, shape (animals of `taxonomy`,).

        `vision`: probabilities of the given taxonomy's animals. `scores`: the pack's, of its animals. Both add up to 1.
        """
        (rows, columns), (kin, classes) = self.pairs, self.kin
        divided = scores * (WEIGHT + np.bincount(rows, vision[columns], len(scores)))
        agreed = np.bincount(classes, scores[kin], len(vision))
        wide = np.flatnonzero(self.wide)  # of the others, most powers would be too small for a fast float
        kept = KEPT * vision[wide] ** SURE * np.maximum(1.0 - agreed[wide], 0.0) * (1.0 - scores.max())
        share = vision[self.members].sum() / (divided.sum() + kept.sum())
        joined = np.zeros(len(self.taxonomy.animals))
        joined[: len(vision)] = np.where(self.members, 0.0, vision)
        joined[wide] = share * kept
        joined[self.positions] += share * divided
        return joined


def _columns(pairs: list[tuple[int, int]]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    first, second = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    return first, second


def members_of(taxonomy: Taxonomy, taxa: Set[str]) -> NDArray[np.bool_]:
    """Return, for each animal of a taxonomy, whether it belongs to one of some taxa, given by scientific name.

    A farm animal that is a form of its species, such as the rooster, does not belong to them: a pack would take it for
    a wild pheasant.
    """
    return np.array(
        [
            (each.kind != "farm" or each.rank not in FORMS)
            and any(taxon.scientific_name in taxa for taxon in each.lineage)
            for each in taxonomy.animals
        ]
    )


def read_members(path: Path) -> dict[str, set[Clade]]:
    """Return the taxa that each animal in a file stands for, by its taxon id; empty if there is no such file.

    The lineages of animals have only the ranks of `RANKS`, so the file lists the parts of other taxa, such as the tribe
    of the lorikeets. Raises `ModelError`.
    """
    if not path.is_file():
        return {}
    members: dict[str, set[Clade]] = {}
    for taxon, member, rank in read_rows(path, MEMBER_COLUMNS):
        if rank not in RANKS:
            raise ModelError(f"rank of {member} in {path.name} is '{rank}'; expected one of {', '.join(RANKS)}")
        members.setdefault(taxon, set()).add((member, rank))
    return members

"""How a pack's scores join those of the general model: one list of animals, one probability each, and a sum of 1.

The pack divides the probability that the general model gives to the pack's taxa, such as birds:

    P(animal | photo) = share · C(animal) · (WEIGHT + G(animal)) / normalisation

C is the pack's score, and G the general model's probability of the animal's class, such as 'toucan'. The share is what
the general model gives to all birds, without the birds that the pack does not know: of those, each keeps its own
probability as far as the pack is unsure, times 1 - max(C). docs/explanation/packs.md has the measurements.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError
from chalicelib.model.taxonomy import RANKS, Animal, Taxonomy, read_rows

type Clade = tuple[str, str]
"""A taxon by its scientific name and rank."""

WEIGHT = 0.1
"""Weight of a pack's animal whose class the general model does not see. docs/explanation/packs.md compares values."""
MEMBER_COLUMNS = ("taxon", "member", "rank")


@dataclass(frozen=True, slots=True, eq=False)
class Fusion:
    """The animals of a taxonomy and of a pack together. Immutable.

    `taxonomy`: that of all of them; the first ones are those of the given taxonomy. `positions`: of the pack's animals.
    `members`: for each animal of the given taxonomy, whether it belongs to the pack's taxa. `foreign`: whether it does,
    but the pack does not know it. `pairs`: an animal of the pack (its number there), and a class that includes it.
    """

    taxonomy: Taxonomy
    positions: NDArray[np.intp]
    members: NDArray[np.bool_]
    foreign: NDArray[np.bool_]
    pairs: tuple[NDArray[np.intp], NDArray[np.intp]]

    @classmethod
    def of(
        cls, taxonomy: Taxonomy, taxa: Set[str], animals: tuple[Animal, ...], classes: Mapping[str, Set[Clade]]
    ) -> "Fusion":
        """Join a taxonomy and a pack.

        `taxa`: scientific names of the pack's taxa. `animals`: of the pack. `classes`: what `read_members` returns.
        """
        known = {animal.taxon_id: animal.output_index for animal in taxonomy.animals}
        together, positions = list(taxonomy.animals), []
        for animal in animals:
            if animal.taxon_id not in known:
                known[animal.taxon_id] = len(together)
                together.append(animal.at(len(together)))
            positions.append(known[animal.taxon_id])
        members = members_of(taxonomy, taxa)
        under: dict[Clade, list[int]] = {}
        for number, animal in enumerate(animals):
            for taxon in animal.lineage:
                under.setdefault((taxon.scientific_name, taxon.rank), []).append(number)
        pairs = [
            (number, animal.output_index)
            for animal in taxonomy.animals
            if members[animal.output_index]
            for clade in classes.get(animal.taxon_id, {(animal.taxon.scientific_name, animal.taxon.rank)})
            for number in under.get(clade, ())
        ]
        rows, columns = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
        foreign = members.copy()
        foreign[columns] = False
        return cls(Taxonomy.of(taxonomy.top, together), np.array(positions), members, foreign, (rows, columns))

    def join(self, vision: NDArray[np.floating], scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the probabilities of all animals, shape (animals of `taxonomy`,).

        `vision`: probabilities of the given taxonomy's animals. `scores`: the pack's; both add up to 1.
        """
        rows, columns = self.pairs
        weights = WEIGHT + np.bincount(rows, vision[columns], len(scores))
        divided = scores * weights
        kept = np.where(self.foreign, vision * (1.0 - scores.max()), 0.0)
        joined = np.zeros(len(self.taxonomy.animals))
        joined[: len(vision)] = np.where(self.members, kept, vision)
        joined[self.positions] += (vision[self.members].sum() - kept.sum()) * divided / divided.sum()
        return joined


def members_of(taxonomy: Taxonomy, taxa: Set[str]) -> NDArray[np.bool_]:
    """Return, for each animal of a taxonomy, whether it belongs to one of some taxa, given by scientific name."""
    return np.array([any(taxon.scientific_name in taxa for taxon in each.lineage) for each in taxonomy.animals])


def read_members(path: Path) -> dict[str, set[Clade]]:
    """Return the clades that make up a class, by the class's taxon id, or none if there is no such file.

    The lineages of animals have only the ranks of `RANKS`, so the file lists the classes of other ranks, such as the
    tribe of the lorikeets. Raises `ModelError`.
    """
    if not path.is_file():
        return {}
    members: dict[str, set[Clade]] = {}
    for taxon, member, rank in read_rows(path, MEMBER_COLUMNS):
        if rank not in RANKS:
            raise ModelError(f"rank of {member} in {path.name} is '{rank}'; expected one of {', '.join(RANKS)}")
        members.setdefault(taxon, set()).add((member, rank))
    return members

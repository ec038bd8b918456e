"""Match the names in files of occurrences to the animals of a dataset. No I/O.

A record counts for each animal whose taxon includes it: one of *Vulpes vulpes* for the species, its genus and its
family, if the dataset has them. An animal is matched by its key at GBIF if it has one and the file has keys of its
rank, otherwise by its scientific name. If a file calls our name a synonym, all records of the accepted name count.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from faunalens.data.taxa import AnimalRow

_LATIN: Final = re.compile(r"([A-Z][a-zë-]+)\b(?!:)(?: \([A-Z][a-z]+\))?(?: ([a-zë-]{3,})\b(?!['’.]| ?[/×]| x ))?")
"""Matches a genus with its species, or only the genus of a hybrid (`×`, `x`) or of one of two species (`/`)."""
_KEYED: Final = ("genus", "family", "order", "class")
_PARTICLES: Final = frozenset({"auct", "del", "den", "der", "des", "van", "von"})
"""Words in lower case with which the name of an author may begin."""


class Name(NamedTuple):
    """A name in a file. `number` stands for it in the counts. Fields that the file lacks are None."""

    number: int
    scientific_name: str | None
    key: str | None
    species: str | None
    genus: str | None
    family: str | None
    order: str | None
    class_: str | None
    phylum: str | None
    accepted_key: str | None = None
    species_key: str | None = None
    genus_key: str | None = None
    family_key: str | None = None
    order_key: str | None = None
    class_key: str | None = None

    @property
    def keys(self) -> dict[str, str | None]:
        """Return GBIF's key of the taxon at each rank, or None where the file has none."""
        species = next((key for key in (self.species_key, self.accepted_key, self.key) if key is not None), None)
        return {"species": species} | {rank: getattr(self, f"{rank}_key") for rank in _KEYED}


@dataclass(frozen=True, slots=True)
class Matches:
    """Which names stand for which animals.

    `animals`: pairs of a name's number and an animal's number. `groups`: pairs of a name's number and its group, such
    as `birds`. `synonyms`: accepted names, by our scientific name, which a file calls a synonym.
    """

    animals: list[tuple[int, int]] = field(default_factory=list)
    groups: list[tuple[int, str]] = field(default_factory=list)
    synonyms: dict[str, str] = field(default_factory=dict)


def match(names: Sequence[Name], animals: Iterable[AnimalRow], keys: Mapping[str, str]) -> Matches:
    """Return which names stand for which animals. `keys`: the key at GBIF of each taxon that has one."""
    every = list(animals)
    by_key = {keys[each.taxon]: each for each in every if each.taxon in keys}
    by_name = {each.scientific_name: each for each in every}
    group_of = _groups(every)
    found = Matches(synonyms=_synonyms(names, by_name))
    of_accepted = {accepted: by_name[ours] for ours, accepted in found.synonyms.items()}
    for each in names:
        own, accepted = latin_name(each.scientific_name or ""), latin_name(each.species or "")
        above = each.phylum, each.class_, each.order, each.family, each.genus
        phylum, class_, order, family, genus = map(_in_small_letters, above)
        species = by_name.get(own) or by_name.get(accepted) or of_accepted.get(accepted)
        ranks = (by_name.get(name) for name in (genus, family, order, class_, phylum))
        of_ranks = each.keys
        matched = {by_key.get(key or "") for key in (each.key, each.accepted_key, *of_ranks.values())}
        for animal in (species, *ranks):
            if animal is not None and (animal.taxon not in keys or of_ranks.get(animal.rank) is None):
                matched.add(animal)
        found.animals.extend(
            (each.number, animal.animal)
            for animal in matched
            # *Prunella* is a genus of birds, and of plants
            if animal is not None and (not phylum or not animal.lineage or phylum == animal.lineage[0])
        )
        own_genus = "" if class_ or phylum else own.partition(" ")[0]  # as in files of eBird; else it may be a plant's
        group = next((group_of[name] for name in (class_, order, family, own_genus) if name in group_of), None)
        group = group or next((animal.facts.group for animal in matched if animal is not None), None)
        if group:
            found.groups.append((each.number, group))
    return found


def latin_name(text: str) -> str:
    """Return a scientific name of a genus or species without its author and subspecies.

    >>> latin_name("Larus hartlaubii (Bruch, 1855)"), latin_name("Vulpes vulpes crucigera"), latin_name("Mus Linnaeus")
    ('Larus hartlaubii', 'Vulpes vulpes', 'Mus')
    """
    words = " ".join(text.replace('"', "").split())  # any white space, such as the no-break space of word processors
    found = _LATIN.match(words.capitalize() if words.isupper() or words[:1].islower() else words)
    if not found:
        return ""
    genus, species = found.groups()
    return f"{genus} {species}" if species and species not in _PARTICLES else genus


def _synonyms(names: Iterable[Name], by_name: Mapping[str, AnimalRow]) -> dict[str, str]:
    """Return the accepted name of each of our scientific names that a file calls a synonym.

    Leave out accepted names that we also use, or of which two of our names are synonyms: a species was split or merged.
    """
    ours_of: dict[str, set[str]] = {}
    for each in names:
        own, accepted = latin_name(each.scientific_name or ""), latin_name(each.species or "")
        if accepted and accepted != own and own in by_name and accepted not in by_name and " " in own:
            ours_of.setdefault(accepted, set()).add(own)
    return {ours: accepted for accepted, several in ours_of.items() if len(several) == 1 for ours in several}


def _groups(animals: Iterable[AnimalRow]) -> dict[str, str]:
    """Return the group of each name in lineages, such as `birds`, if all animals with that name have the same group."""
    groups: dict[str, set[str]] = {}
    for each in animals:
        for name in each.lineage:
            groups.setdefault(name, set()).add(each.facts.group)
    return {name: group for name, its in groups.items() if len(its) == 1 for group in its}


def _in_small_letters(name: str | None) -> str:
    """Return a name in the usual case: `Chordata` for `CHORDATA`."""
    return (name.capitalize() if name.isupper() else name) if name else ""

"""Find the taxa that people and other programs mean by the names that they use for animals.

SpeciesNet's labels are `uuid;class;order;family;genus;species;common name`, with the names of Wildlife Insights. A
species is found by its scientific name; or, if it was renamed, by an English name that we have in the same family. A
label that is not found keeps its own name below the narrowest taxon that is known. docs/reference/speciesnet.csv has
all labels: 2,389 of 2,494 are known.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple, cast

from chalicelib.model.taxonomy import RANKS
from faunalens.taxa.taxa import ANIMALS, Kind, ScoredTaxon, lineage_of, searchable, taxon_of
from faunalens.words import rows_of

_WORDS = rows_of(Path(__file__).with_name("names.csv"))


def meanings(of: str) -> Mapping[str, str]:
    """Return the meaning of words in other programs' files, by word. `of`: which rows of names.csv, such as `kind`."""
    return {row["name"]: row["means"] for row in _WORDS if row["of"] == of}


KINDS = cast("Mapping[str, Kind]", meanings("kind"))
"""Kinds, by the words for them: for people, vehicles, empty photos and unclear ones."""
ALIASES, RENAMED = meanings("alias"), meanings("renamed")
"""Our scientific names, by synonyms, and by SpeciesNet's names of species whose English name differs from ours too."""
_BRACKETS = re.compile(r"^(?P<outer>[^(\[]*)[(\[](?P<inner>[^)\]]*)[)\]]\s*$")
_INDEFINITE = re.compile(r" (sp|spp|species)\.?$")


def kind_called(text: str) -> Kind | None:
    """Return the kind that a text means or begins with, as `Human - hiker` does; None if the text may be an animal."""
    plain = _normal(text)
    first = plain.partition(" ")[0]
    return KINDS.get(plain) or (KINDS.get(first) if first in ("human", "person", "people", "vehicle") else None)


@cache
def taxon_called(text: str) -> ScoredTaxon | None:
    """Return the taxon that a scientific or everyday name means, or None if we know no such taxon, or several.

    >>> taxon_called("Fox, Red").scientific_name
    'Vulpes vulpes'
    """
    known = [_names()[each] for each in _spellings(text) if each in _names()]
    latin = next(filter(None, known), None) if known else _ending(_normal(text))
    return taxon_of(tuple(dict.fromkeys((ANIMALS, latin)))) if latin else None


def _normal(text: str) -> str:
    """Return a name for comparisons: in lower case, without accents, hyphens and double spaces."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    return " ".join(re.sub(r"[-_/]", " ", plain.replace("'", "").replace("\u2019", "")).split())


def _spellings(text: str) -> Iterator[str]:
    """Yield forms of a name that we may know, the likeliest first: without additions, singular, without subspecies."""
    parts = _BRACKETS.match(text)
    for each in (text, *((parts["inner"], parts["outer"]) if parts else ())):
        plain = _INDEFINITE.sub("", _normal(each))
        yield plain
        head, comma, tail = plain.partition(",")
        if comma:
            yield from (f"{tail} {head}".strip(), tail.strip(), head)
        for word in ("domestic ", "feral ", "unknown ", "unidentified ", "other "):
            yield plain.removeprefix(word)
        yield plain.removesuffix("s")
        yield plain.removesuffix("es")
        words = plain.split()
        if len(words) == 3 and words[0] in _names():  # a genus
            yield " ".join(words[:2])


@cache
def _names() -> Mapping[str, str | None]:
    """Return the scientific name that each known name means; None if several taxa share the name.

    A scientific name always means its own taxon.
    """
    found: dict[str, str | None] = {_normal(latin): latin for latin, *_ in searchable()}
    found |= ALIASES
    own, other = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for latin, name, more in searchable():
        own[_normal(name)].add(latin)
        for each in more.split("\n"):
            other[_normal(each)].add(latin)
    for names in (own, other):
        found |= {name: _one_of(sorted(taxa)) for name, taxa in names.items() if name and name not in found}
    return found


def _one_of(taxa: Sequence[str]) -> str | None:
    """Return which of several taxa with one name is meant: the only species, or else the one that includes all."""
    species = [latin for latin in taxa if lineage_of(latin).ranks.get("species") == latin]
    if len(species) == 1:
        return species[0]
    return next((each for each in taxa if all(each in {*lineage_of(one).ranks.values(), one} for one in taxa)), None)


@cache
def _endings() -> Mapping[str, Sequence[str]]:
    """Return the species whose English names end with the same words, by these words, such as `ground squirrel`."""
    found = defaultdict[str, list[str]](list)
    for latin, name, _ in searchable():
        words = _normal(name).split()
        if lineage_of(latin).ranks.get("species") == latin:
            for start in range(1, len(words)):
                found[" ".join(words[start:])].append(latin)
    return found


def _ending(name: str) -> str | None:
    """Return the genus or family of all species whose English names end with `name`; None if they share neither."""
    species = _endings().get(name) or _endings().get(name.removesuffix("s")) or ()
    lines = [set(lineage_of(latin).ranks.items()) for latin in species]
    shared = dict(set.intersection(*lines)) if lines else {}
    return next((shared[rank] for rank in ("species", "genus", "family") if rank in shared), None)


OF_LABEL: Mapping[str, Kind] = {"blank": "blank", "vehicle": "vehicle", "human": "human", "no cv result": "unknown"}
"""Kinds, by the common name in SpeciesNet's labels for things other than animals."""


class Labelled(NamedTuple):
    """What a label means. `ranks`: scientific names by rank, down to the taxon. `is_known`: whether we have it."""

    kind: Kind
    name: str = ""
    scientific_name: str = ""
    rank: str = ""
    ranks: Mapping[str, str] = {}
    is_known: bool = True


@cache
def taxon_of_label(label: str) -> Labelled:
    """Return what a label of SpeciesNet means. Raises `ValueError` if it is not one.

    >>> taxon_of_label(";mammalia;carnivora;ursidae;ursus;americanus;american black bear").scientific_name
    'Ursus americanus'
    """
    fields = [each.strip() for each in label.split(";")]
    if len(fields) != 7:
        raise ValueError(f"'{label}' has {len(fields)} fields; expected uuid;class;order;family;genus;species;name")
    *taxa, epithet, name = fields[1:]
    if name in OF_LABEL:
        return Labelled(OF_LABEL[name])
    own = {rank: RENAMED.get(each.capitalize(), each.capitalize()) for rank, each in zip(RANKS[1:], taxa, strict=False)}
    own = {rank: each for rank, each in own.items() if each}
    if epithet:
        own["species"] = f"{own['genus']} {epithet}"
    if not own:
        return Labelled("animal", lineage_of(ANIMALS).name, ANIMALS, "kingdom")
    rank, latin = list(own.items())[-1]
    latin = RENAMED.get(latin, latin)
    found = latin if lineage_of(latin).ranks else _renamed(latin, name, own) if epithet else None
    if found:
        ranks, english = lineage_of(found)
        return Labelled("animal", english or name or found, found, rank, {**ranks, rank: found})
    own |= next((lineage_of(each).ranks for each in reversed(own.values()) if lineage_of(each).ranks), {})
    ranks = {each: own[each] for each in RANKS if each in own}
    return Labelled("animal", name if epithet and name else latin, latin, rank, ranks, is_known=False)


def _renamed(latin: str, name: str, own: Mapping[str, str]) -> str | None:
    """Return our scientific name of a renamed species: that of ours with its English name in the same family, or None.

    `own`: the label's scientific names, by rank.
    """
    for each in (latin, name):
        taxon = taxon_called(each) if each else None
        ranks = lineage_of(taxon.scientific_name).ranks if taxon else {}
        if "species" in ranks and ranks.get("family") == own.get("family"):
            return ranks["species"]
    return None

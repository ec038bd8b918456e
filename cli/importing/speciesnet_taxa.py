"""SpeciesNet's labels, `uuid;class;order;family;genus;species;common name`, and which taxa they mean here.

Its names are those of Wildlife Insights. A species is found by its scientific name, or by its English name if both
lists have it in one family, as of species that were renamed. One that is neither keeps its own name below the narrowest
taxon that is known; so do genera and families. docs/reference/speciesnet.csv has all of them: 2,389 of 2,494 are known.
"""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from chalicelib.model.taxonomy import RANKS
from cli.importing.names import taxon_called
from cli.study.opinions import Kind
from cli.study.taxa import ANIMALS, lineage_of

KINDS: Mapping[str, Kind] = {"blank": "blank", "vehicle": "vehicle", "human": "human", "no cv result": "unknown"}
"""Labels of what is no animal, by their common name."""
RENAMED = {
    "Cetartiodactyla": "Artiodactyla",
    "Pecari": "Dicotyles",
    "Myodes": "Clethrionomys",
    "Nasuella": "Nasua",
    "Proteles cristata": "Proteles cristatus",
    "Pudu mephistophiles": "Pudella mephistophiles",
    "Bison bonasus": "Bos bonasus",
    "Mazama gouazoubira": "Subulo gouazoubira",
    "Mazama nana": "Mazama nanus",
    "Mazama nemorivaga": "Passalites nemorivagus",
    "Leopardus colocolo": "Leopardus colocola",
    "Lagothrix lagotricha": "Lagothrix lagothricha",
    "Stigmatopelia chinensis": "Spilopelia chinensis",
    "Dendroica aestiva": "Setophaga petechia",
    "Colaptes cafer": "Colaptes auratus",
    "Ursus u. arctos": "Ursus arctos",
    **{
        f"Cephalophus {each}": f"Cephalophorus {each}"
        for each in ("callipygus", "leucogaster", "natalensis", "nigrifrons", "ogilbyi", "weynsi")
    },
}
"""Taxa that have another name here, and another English name too."""


class Labelled(NamedTuple):
    """What a label means. `ranks`: scientific names by rank, down to the taxon. `is_known`: whether it is at hand."""

    kind: Kind
    name: str = ""
    scientific_name: str = ""
    rank: str = ""
    ranks: Mapping[str, str] = {}
    is_known: bool = True


@cache
def taxon_of_label(label: str) -> Labelled:
    """Return what a label means. Raises `ValueError` if it is no label of SpeciesNet.

    >>> taxon_of_label(";mammalia;carnivora;ursidae;ursus;americanus;american black bear").scientific_name
    'Ursus americanus'
    """
    fields = [each.strip() for each in label.split(";")]
    if len(fields) != 7:
        raise ValueError(f"'{label}' has {len(fields)} fields; expected uuid;class;order;family;genus;species;name")
    *taxa, epithet, name = fields[1:]
    if name in KINDS:
        return Labelled(KINDS[name])
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
    """Return what a species is called here, if it has a third word, or another name and the same family."""
    for each in (latin, name):
        taxon = taxon_called(each) if each else None
        ranks = lineage_of(taxon.scientific_name).ranks if taxon else {}
        if "species" in ranks and ranks.get("family") == own.get("family"):
            return ranks["species"]
    return None

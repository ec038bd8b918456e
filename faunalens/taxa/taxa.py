"""The taxa that this release knows, from its models and their relatives: lineages, labels, and names to search for."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from chalicelib.config.settings import ROOT
from faunalens.words import rows_of

MODEL = ROOT / "model"
PACKS = MODEL / "packs"
OTHERS = Path(__file__).with_name("species.csv")
"""The mammals and birds of Mammal Diversity Database 2.0 and AviList 2025 that neither models nor relatives have."""


class Lineage(NamedTuple):
    """The place of a taxon in the taxonomy. `name`: the taxon's common name, or empty.

    `ranks`: the scientific names of the taxon and of those that include it, by rank.
    """

    ranks: Mapping[str, str]
    name: str = ""


type Line = tuple[str, ...]
"""The scientific names from all animals down to a taxon, as far as this release knows them."""
ANIMALS = "Animalia"
Kind = Literal["animal", "human", "vehicle", "blank", "unknown"]
"""What an observation is of: the values of `observationType` in Camtrap DP."""


def agree(one: Line, other: Line) -> bool:
    """Return whether two taxa, given by their lines, are the same, or one includes the other."""
    return all(a == b for a, b in zip(one, other, strict=False))


@dataclass(frozen=True, slots=True)
class ScoredTaxon:
    """A taxon with its probability (`score`), 0 to 1. `sure`: the API's word for that probability; may be empty."""

    name: str
    scientific_name: str
    rank: str
    score: float
    sure: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.scientific_name})"

    @property
    def line(self) -> Line:
        """Return the line of the taxon. It ends at the species, even for breeds and subspecies."""
        return (ANIMALS, self.name) if self.is_typed else _line_of(self.scientific_name)

    @property
    def is_typed(self) -> bool:
        """Return whether a person typed this name, which is of no taxon that we know."""
        return self.scientific_name == ANIMALS and self.name != lineage_of(ANIMALS).name


@cache
def lineages() -> Mapping[str, Lineage]:
    """Return the lineage of each taxon by its scientific name."""
    from chalicelib.model.taxonomy import RANKS  # loads NumPy

    names = {row["family"]: row["name"] for row in rows_of(MODEL / "families.csv")}
    for path in (PACKS / "taxa.csv", MODEL / "taxa.csv"):
        names |= {row["scientific_name"]: row["name"] for row in rows_of(path)}
    found: dict[str, Lineage] = {ANIMALS: Lineage({}, names.get(ANIMALS, "animal"))}
    for row in (*_labels(), *rows_of(MODEL / "relatives.csv"), *rows_of(OTHERS)):
        # In the row of a species that no model knows, the ranks begin at the class, and the species is named once.
        ranks = {} if "phylum" in row else {"phylum": found[row["class"]].ranks["phylum"]}
        latin = row["scientific_name"]
        own = {"rank": "species", "genus": latin.partition(" ")[0], "species": latin}
        given = row if "species" in row else own | row
        for rank in RANKS:
            if given.get(rank):
                ranks[rank] = given[rank]
                if given[rank] not in found:
                    name = given["name"] if given["rank"] == "species" == rank else ""
                    found[given[rank]] = Lineage(dict(ranks), names.get(given[rank]) or name)
        found.setdefault(given["scientific_name"], Lineage(ranks, given["name"]))
    return found


@cache
def searchable() -> list[tuple[str, str, str]]:
    """Return the scientific name, the common name and the other names of each taxon; line breaks separate other names.

    Other names are names in the page's other languages, names of breeds, and a pack's own labels, which may be old.
    """
    others: dict[str, set[str]] = {}
    for row in (*_labels(), *rows_of(MODEL / "relatives.csv")):
        others.setdefault(row["scientific_name"], set()).update((row["name"], row.get("label", "")))
    page = ROOT / "chalicelib" / "web"
    lists = (*page.glob("names-*.json"), *page.glob("relatives-*.json"))  # keyed by English and by scientific name
    languages = [json.loads(path.read_text(encoding="utf-8")) for path in lists]
    found = []
    for latin, each in sorted(lineages().items()):
        name = each.name or latin
        own = {names.get(key, "") for names in languages for key in (name.lower(), latin)}
        found.append((latin, name, "\n".join(sorted((others.get(latin, set()) | own) - {latin, name, ""}))))
    return found


@cache
def numbered() -> tuple[Mapping[int, str], Mapping[int, str]]:
    """Return the scientific names of animals by id, and of relatives by number, as `CellAnimals` refers to them."""
    animals = {int(row["id"]): row["scientific_name"] for row in _labels()}
    return animals, {int(row["number"]): row["scientific_name"] for row in rows_of(MODEL / "relatives.csv")}


def _labels() -> Iterator[dict[str, str]]:
    """Yield the taxa of the models' outputs."""
    for path in (MODEL / "labels.csv", *sorted(PACKS.glob("*.csv"))):
        yield from (row for row in rows_of(path) if "phylum" in row)  # the detector's labels are not taxa


def distinct(taxa: Set[str]) -> int:
    """Return how many different animals a set of taxa proves: a taxon that includes another in the set does not count.

    >>> distinct({"Aves", "Athene", "Athene cunicularia", "Felidae"})
    2
    """
    wider = {above for name in taxa for above in lineage_of(name).ranks.values() if above != name}
    return len(taxa - wider - ({ANIMALS} if len(taxa) > 1 else set()))


def taxon_rank(rank: str) -> str:
    """Return the rank of a scientific name. A breed has the scientific name of its species."""
    return "species" if rank == "breed" else rank


def lineage_of(scientific_name: str) -> Lineage:
    """Return the lineage of a taxon; empty if this release lacks it, as for a taxon that only another service knows."""
    return lineages().get(scientific_name, Lineage({}))


@cache
def _line_of(scientific_name: str) -> Line:
    ranks = lineage_of(scientific_name).ranks
    return tuple(dict.fromkeys((ANIMALS, *ranks.values(), *(() if "species" in ranks else (scientific_name,)))))


def taxon_of(line: Line) -> ScoredTaxon:
    """Return the narrowest taxon of a line (scientific names, the widest first), with score 0."""
    (ranks, name), latin = lineage_of(line[-1]), line[-1]
    rank = {each: rank for rank, each in ranks.items()}.get(latin, "kingdom" if len(line) == 1 else "species")
    return ScoredTaxon(name or latin, latin, rank, 0.0)


type Key = tuple[str, str]
"""Name and scientific name. Several taxa may share a name: a family with one genus often has that genus's name."""


def key_of(named: ScoredTaxon) -> Key:
    """Return the key of a taxon: name and scientific name, because breeds of a species share the latter."""
    return named.name, named.scientific_name


def labels_of(keys: Iterable[Key]) -> dict[Key, str]:
    """Return a label for each taxon: its name, with the scientific name if another taxon has the same name.

    >>> list(labels_of([("lion", "Panthera leo"), ("trogon", "Trogonidae"), ("trogon", "Trogoniformes")]).values())
    ['lion', 'trogon (Trogonidae)', 'trogon (Trogoniformes)']
    """
    distinct = sorted(set(keys))
    often = Counter(name for name, _ in distinct)
    return {(name, latin): f"{name} ({latin})" if often[name] > 1 else name for name, latin in distinct}

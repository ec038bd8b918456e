"""The taxa of this release's models: their lineages, and labels for them."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from chalicelib.config.settings import ROOT
from chalicelib.model.taxonomy import RANKS


class Lineage(NamedTuple):
    """`ranks`: the scientific names above and of a taxon by rank. `name`: its common name; empty if it has none."""

    ranks: Mapping[str, str]
    name: str = ""


type Line = tuple[str, ...]
"""The scientific names from all animals down to a taxon, as far as this release knows them."""
ANIMALS = "Animalia"


def agree(one: Line, other: Line) -> bool:
    """Return whether one taxon is the other, or includes it."""
    return all(a == b for a, b in zip(one, other, strict=False))


@dataclass(frozen=True, slots=True)
class ScoredTaxon:
    """A taxon with its probability, 0 to 1. `sure`: the API's word for that; empty if it has none."""

    name: str
    scientific_name: str
    rank: str
    score: float
    sure: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.scientific_name})"

    @property
    def line(self) -> Line:
        """Return its line, which ends at the species: breeds and subspecies count for theirs."""
        ranks = lineage_of(self.scientific_name).ranks
        return tuple(
            dict.fromkeys((ANIMALS, *ranks.values(), *(() if "species" in ranks else (self.scientific_name,))))
        )

    @property
    def is_at_end(self) -> bool:
        """Return whether its line ends with it, as that of a breed does not."""
        return self.line[-1] == self.scientific_name and self.rank != "breed"


@cache
def lineages() -> Mapping[str, Lineage]:
    """Return the lineage of each taxon by its scientific name."""
    model = ROOT / "model"
    with (model / "taxa.csv").open(encoding="utf-8", newline="") as file:
        names = {row["scientific_name"]: row["name"] for row in csv.DictReader(file)}
    found: dict[str, Lineage] = {ANIMALS: Lineage({}, names.get(ANIMALS, "animal"))}
    for path in (model / "labels.csv", *sorted((model / "packs").glob("*.csv"))):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if "phylum" not in row:  # the detector's labels are no taxa
                    break
                ranks: dict[str, str] = {}
                for rank in RANKS:
                    if row[rank]:
                        ranks[rank] = row[rank]
                        own = row["name"] if row["rank"] == "species" == rank else ""
                        found.setdefault(row[rank], Lineage(dict(ranks), names.get(row[rank]) or own))
                found.setdefault(row["scientific_name"], Lineage(ranks, row["name"]))
    return found


def distinct(taxa: Set[str]) -> int:
    """Return the least number of different animals: taxa that include a narrower one of the set do not count.

    >>> distinct({"Aves", "Athene", "Athene cunicularia", "Felidae"})
    2
    """
    wider = {above for name in taxa for above in lineage_of(name).ranks.values() if above != name}
    return len(taxa - wider - ({ANIMALS} if len(taxa) > 1 else set()))


def taxon_rank(rank: str) -> str:
    """Return the rank of a scientific name. A breed has the scientific name of its species."""
    return "species" if rank == "breed" else rank


def lineage_of(scientific_name: str) -> Lineage:
    """Return the lineage of a taxon; empty if this release does not know it, as of another service's model."""
    return lineages().get(scientific_name, Lineage({}))


def taxon_of(line: Line) -> ScoredTaxon:
    """Return the taxon at the end of a line, without a probability."""
    ranks, name = lineage_of(line[-1])
    rank = next(
        (rank for rank, latin in ranks.items() if latin == line[-1]), "kingdom" if len(line) == 1 else "species"
    )
    return ScoredTaxon(name or line[-1], line[-1], rank, 0.0)


type Key = tuple[str, str]
"""Name and scientific name. Taxa may share the former: a family of one genus is often called like it."""


def key_of(named: ScoredTaxon) -> Key:
    """Return the key of a taxon. Breeds share their scientific name."""
    return named.name, named.scientific_name


def labels_of(keys: Iterable[Key]) -> dict[Key, str]:
    """Return a label for each taxon: its name, with the scientific name if another one is called so too.

    >>> list(labels_of([("lion", "Panthera leo"), ("trogon", "Trogonidae"), ("trogon", "Trogoniformes")]).values())
    ['lion', 'trogon (Trogonidae)', 'trogon (Trogoniformes)']
    """
    distinct = sorted(set(keys))
    often = Counter(name for name, _ in distinct)
    return {(name, latin): f"{name} ({latin})" if often[name] > 1 else name for name, latin in distinct}

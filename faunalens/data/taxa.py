"""The taxa of a dataset: the animals of a model and of its packs, their relatives, and the wider taxa above them.

Their names and lineages lie beside the model. faunalens/data/taxa.csv has the group of each taxon, and its ids in other
databases.
"""

from collections.abc import Mapping, Sequence, Set
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

from chalicelib.model.packs import PackLabels
from chalicelib.model.taxonomy import RANKS, parse_id, read_relatives
from faunalens.data.dataset_files import RELATIVES, faults_of_model, pack_labels, parse_rows, read_text

PACK_TAXA: Final = "packs/taxa.csv"
"""The file with the taxa of the packs beside `labels`, if there is one."""


class TaxonFacts(NamedTuple):
    """A taxon's row in faunalens/data/taxa.csv: its group, and its ids in other databases. Unknown ids are empty."""

    group: str = "other"
    inaturalist: str = ""
    wikidata: str = ""
    avibase: str = ""
    ebird: str = ""


class AnimalRow(NamedTuple):
    """A row of the table `animal`. `taxon`: the stable id. `lineage`: scientific names, from the phylum down."""

    animal: int
    taxon: str
    name: str
    scientific_name: str
    rank: str
    kind: str
    lineage: tuple[str, ...]
    facts: TaxonFacts = TaxonFacts()


def read_animals(labels: Path, taxon_facts: Path) -> tuple[list[AnimalRow], list[AnimalRow]]:
    """Return the animals of the general model, and those that only its packs have.

    Raise `DatasetError` for a faulty file.
    """
    columns = itemgetter(*TaxonFacts._fields)
    text = read_text(taxon_facts)
    facts = dict(parse_rows("taxon_facts", text, lambda row: (row["taxon"], TaxonFacts(*columns(row)))))
    general = parse_rows("labels", read_text(labels), lambda row: _animal(row, facts))
    return general, _of_packs(labels, {animal.taxon for animal in general}, facts)


def read_taxa(taxa: Path, labels: Path) -> list[tuple[str, str, str]]:
    """Return scientific name, rank and name of each taxon in a file, and of those that only the packs' file has."""
    columns = itemgetter("scientific_name", "rank", "name")
    found: list[tuple[str, str, str]] = parse_rows("taxa", read_text(taxa), columns)
    named = {scientific_name for scientific_name, *_ in found}
    for file in labels.parent.glob(PACK_TAXA):
        found += [row for row in parse_rows("taxa", read_text(file), columns) if row[0] not in named]
    return found


def relatives_of(labels: Path, animals: Sequence[AnimalRow]) -> dict[str, int]:
    """Return the relatives' numbers by taxon. Leave out relatives whose species or genus is among `animals`."""
    with faults_of_model():
        relatives = read_relatives(labels.with_name(RELATIVES))
    known = {each.scientific_name for each in animals if each.rank in ("species", "genus")}
    return {each.taxon: number for number, each in relatives.items() if not {each.scientific_name, each.genus} & known}


def _of_packs(labels: Path, known: Set[str], facts: Mapping[str, TaxonFacts]) -> list[AnimalRow]:
    """Return the animals of the packs that are not in the general model. `known`: ids of the general model's taxa."""
    found: dict[str, AnimalRow] = {}
    for file in pack_labels(labels):
        with faults_of_model():
            animals = PackLabels.read(file).animals
        for each in animals:
            if each.taxon_id not in known:
                lineage = tuple(taxon.scientific_name for taxon in each.lineage)
                names = each.taxon_id, each.name, each.scientific_name, each.rank, each.kind
                found[each.taxon_id] = AnimalRow(each.id, *names, lineage, facts.get(each.taxon_id, TaxonFacts()))
    return list(found.values())


def _animal(row: dict[str, str], facts: Mapping[str, TaxonFacts]) -> AnimalRow:
    lineage = tuple(row[rank] for rank in RANKS if row[rank])
    names = row["taxon"], row["name"], row["scientific_name"], row["rank"], row["kind"]
    return AnimalRow(parse_id(row["id"]), *names, lineage, facts.get(row["taxon"], TaxonFacts()))

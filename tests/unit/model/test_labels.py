"""labels.csv and taxa.csv: 398 animals, each in one place of one consistent tree."""

import csv
import hashlib
import re
from collections import defaultdict
from pathlib import Path

import pytest

from chalicelib.model.taxonomy import KINDS

ROOT = Path(__file__).parents[3]
MODEL = ROOT / "model"
LINEAGE = ("phylum", "class", "order", "family", "genus", "species")
# Ranks between two columns, with the column that must be the last to be filled. A breed is a breed, colour or sex of
# domestic animals.
BETWEEN = {
    "superorder": "class", "clade": None, "suborder": "order", "infraorder": "order", "superfamily": "order",
    "subfamily": "family", "tribe": "family", "subtribe": "family", "subgenus": "genus", "subspecies": "species",
    "breed": "species",
}  # fmt: skip

# SHA-256 of the WordNet ids of ImageNet's first 398 classes in output order, joined by newlines: the order of the
# ILSVRC 2012 classes, which is that of the weights' outputs.
WORDNET_IDS = "7a0b092ddd2b215e3152e946c6c5c22cf094ce9935b7e81ae1fe364f22ca0a93"


def rows(name: str) -> list[dict[str, str]]:
    with (MODEL / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ANIMALS = rows("labels.csv")
TAXA = rows("taxa.csv")


def filled(animal: dict[str, str]) -> list[tuple[str, str]]:
    return [(rank, animal[rank]) for rank in LINEAGE if animal[rank]]


def test_wordnet_ids_are_those_of_the_weights_in_their_order() -> None:
    ids = [animal["wnid"] for animal in ANIMALS]
    assert [int(animal["output_index"]) for animal in ANIMALS] == list(range(398))
    assert hashlib.sha256("\n".join(ids).encode()).hexdigest() == WORDNET_IDS
    # AND names are unique and clean
    names = [animal["name"] for animal in ANIMALS]
    assert len({name.casefold() for name in names}) == 398
    assert [name for name in names if not name.replace(" ", "").replace("-", "").isalpha()] == []
    assert [row for row in ANIMALS + TAXA if any(value != " ".join(value.split()) for value in row.values())] == []


def test_an_animal_ends_at_its_own_rank_and_a_species_bears_its_genus_name() -> None:
    for animal in ANIMALS:
        assert animal["kind"] in KINDS, animal
        lineage = filled(animal)
        last, taxon = lineage[-1]
        if animal["rank"] in LINEAGE:
            assert (last, taxon) == (animal["rank"], animal["scientific_name"]), animal
        elif animal["rank"] in ("breed", "subspecies"):
            assert last == "species", animal
            assert animal["scientific_name"].startswith(taxon), animal
        else:
            assert BETWEEN[animal["rank"]] in (None, last), animal
        # no gap: every rank above the last is filled
        assert [rank for rank, _ in lineage] == list(LINEAGE[: len(lineage)]), animal
        if animal["species"]:
            genus, epithet = animal["species"].split()
            assert genus == animal["genus"], animal
            assert epithet.islower(), animal


def test_a_name_stands_for_one_rank_only_and_taxa_are_the_lineages_and_the_root() -> None:
    ranks: dict[str, set[str]] = defaultdict(set)
    for animal in ANIMALS:
        for rank, taxon in filled(animal):
            ranks[taxon].add(rank)
        if animal["rank"] != "breed":
            ranks[animal["scientific_name"]].add(animal["rank"])
    assert {taxon: found for taxon, found in ranks.items() if len(found) > 1} == {}
    cells = {(taxon, rank) for animal in ANIMALS for rank, taxon in filled(animal)} | {("Animalia", "kingdom")}
    assert sorted((taxon["scientific_name"], taxon["rank"]) for taxon in TAXA) == sorted(cells)
    assert all(taxon["name"] for taxon in TAXA)


def test_a_species_of_one_animal_has_the_name_of_the_animal() -> None:
    # Two names for one thing would make the answer depend on how sure it is; a breed, colour or sex may differ.
    named = {taxon["scientific_name"]: taxon["name"] for taxon in TAXA}
    species = [animal for animal in ANIMALS if animal["rank"] == "species"]
    assert [each for each in species if named[each["scientific_name"]] != each["name"]] == []


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("extinct", {"triceratops", "trilobite"}),
        ("farm", {"rooster", "hen", "horse", "domestic pig", "domestic cattle", "domestic sheep", "mallard", "goose"}),
        ("caged", {"goldfish", "guinea pig", "ferret", "hamster", "axolotl", "African grey parrot", "Angora rabbit"}),
        ("marine", {"orca", "dugong", "great white shark", "starfish", "American lobster", "anemonefish", "eel"}),
        ("cosmopolitan", {"tick", "fly", "ant", "snail"}),
        ("wild", {"koala", "lion", "scorpion", "dingo", "king penguin", "quail", "peacock", "llama", "water buffalo"}),
    ],
)
def test_kinds(kind: str, names: set[str]) -> None:
    assert names <= {animal["name"] for animal in ANIMALS if animal["kind"] == kind}


RELATIVES = rows("relatives.csv")


def test_no_relative_is_an_animal_of_the_model_and_both_agree_on_orders() -> None:
    # GIVEN the species and genera that an output stands for THEN no relative belongs to one of them
    known = {animal["scientific_name"] for animal in ANIMALS if animal["rank"] in ("species", "genus")}
    known |= {animal["species"] for animal in ANIMALS}
    assert [row for row in RELATIVES if known & {row["scientific_name"], row["genus"]}] == []
    assert {row["class"] for row in RELATIVES} == {"Mammalia", "Aves"}
    orders = {animal["family"]: animal["order"] for animal in ANIMALS if animal["family"]}
    assert [row for row in RELATIVES if row["order"] != orders.get(row["family"], row["order"])] == []


def test_relatives_have_unique_names_and_their_ids_follow_from_their_scientific_names() -> None:
    for column in ("number", "taxon", "scientific_name", "name"):
        assert len({row[column].casefold() for row in RELATIVES}) == len(RELATIVES)
    for row in RELATIVES:
        assert row["taxon"] == row["scientific_name"].lower().replace(" ", "-")
        assert row["scientific_name"].startswith(f"{row['genus']} ")
        assert row["name"] == row["name"].strip() != ""


# --- families.csv: those that an answer may name although no model knows them, and what their photos look like


FAMILIES = rows("families.csv")
KNOWN = rows("labels.csv") + rows("packs/birds.csv")
NAMED = {row["scientific_name"]: row["name"] for name in ("taxa.csv", "packs/taxa.csv") for row in rows(name)}
LIVING = {row["family"] for row in RELATIVES}


NOT_PLACES = {"Guinea", "Niger", "Turkey"}  # in "guinea pig", in a Latin name, and a bird
PLACES = {
    *(
        row["name"]
        for row in csv.DictReader((ROOT / "faunalens/data/areas/countries.csv").read_text("utf-8").splitlines())
    ),
    *("Afghan", "Amazonian", "Antarctic", "Arctic", "Congo", "Costa Rican", "Egyptian", "Galapagos", "Mediterranean"),
    *("New Guinea", "Pacific", "Philippine", "Sao Tome", "Sri Lankan", "Texas", "Tian Shan", "Transcaucasian"),
}


@pytest.mark.parametrize("table", [MODEL / "relatives.csv", ROOT / "faunalens" / "taxa" / "species.csv"])
def test_names_of_places_in_names_of_animals_begin_with_a_capital(table: Path) -> None:
    # GIVEN tables of names, which were put into lower case but for words that a program took for names
    names = [row["name"] for row in csv.DictReader(table.read_text("utf-8").splitlines())]
    place = re.compile(rf"\b(?:{'|'.join(map(re.escape, PLACES - NOT_PLACES))})\b", re.IGNORECASE)
    # THEN no program took a place for something else
    assert [name for name in names for found in place.findall(name) if found not in PLACES and " " in name] == []


def test_every_family_has_one_row_that_says_something_and_relatives_have_one_everyday_name() -> None:
    families = [row["family"] for row in FAMILIES]
    assert families == sorted(set(families))
    assert set(families) <= LIVING
    assert [row for row in FAMILIES if not row["name"] and row["photographed"] == "1"] == []
    assert [row for row in FAMILIES if not 0 < float(row["photographed"]) <= 3] == []  # times as often as usual
    own = {row["family"]: row["name"] for row in FAMILIES if row["name"]}
    assert own.keys() & NAMED.keys() == set()
    assert own.keys() | NAMED.keys() >= LIVING
    assert [name for name in own.values() if name != name.strip() or name.startswith(("a ", "an ", "the "))] == []


def test_families_have_look_alikes_among_the_known_animals_unless_a_model_knows_some_of_their_own() -> None:
    taxa, known = {row["taxon"] for row in KNOWN}, {row["family"] for row in KNOWN}
    for row in FAMILIES:
        alike = [
            (taxon, float(weight)) for taxon, _, weight in (one.partition(":") for one in row["looks_like"].split())
        ]
        assert dict(alike).keys() <= taxa, row
        assert len(dict(alike)) == len(alike), row
        assert all(weight > 0 for _, weight in alike), row
        assert bool(alike) is (row["family"] not in known), row
    assert known | {row["family"] for row in FAMILIES} >= LIVING

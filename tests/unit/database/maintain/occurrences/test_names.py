"""Which names of files stand for which animals."""

import pytest

from database.cell_animals import AnimalRow, TaxonFacts
from database.maintain.occurrences.names import Name, latin_name, match

CHORDATES = ("Chordata", "Mammalia", "Carnivora", "Canidae")
FOX = AnimalRow(1, "vulpes-vulpes", "red fox", "Vulpes vulpes", "species", "wild", CHORDATES, TaxonFacts("mammals"))
CANIDAE = AnimalRow(2, "canidae", "canid", "Canidae", "family", "wild", CHORDATES, TaxonFacts("mammals"))
GULL = AnimalRow(
    3, "larus-hartlaubii", "gull", "Larus hartlaubii", "species", "wild", ("Chordata", "Aves"), TaxonFacts("birds")
)
PRUNELLA = AnimalRow(4, "prunella", "accentor", "Prunella", "genus", "wild", ("Chordata", "Aves"), TaxonFacts("birds"))
ANIMALS = [FOX, CANIDAE, GULL, PRUNELLA]


def name(number: int, scientific_name: str, **more: str) -> Name:
    return Name(number, scientific_name, *(more.get(each) for each in Name._fields[2:]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Vulpes vulpes (Linnaeus, 1758)", "Vulpes vulpes"),
        ("Vulpes vulpes crucigera", "Vulpes vulpes"),
        ("Delphinium bolosii C.Blanché & Molero", "Delphinium bolosii"),
        ("Anser (Chen) rossii Cassin, 1861", "Anser rossii"),
        ("Vulpes von Frisch, 1775", "Vulpes"),
        ("Vulpes\N{NO-BREAK SPACE}vulpes", "Vulpes vulpes"),
        ('"Vulpes vulpes"', "Vulpes vulpes"),
        ("VULPES VULPES", "Vulpes vulpes"),
        ("Vulpes cf. vulpes", "Vulpes"),
        ("Anas platyrhynchos x rubripes (hybrid)", "Anas"),
        ("Anas platyrhynchos × Anas rubripes", "Anas"),
        ("Corvus corone/cornix", "Corvus"),
        ("BOLD:AAA1234", ""),
        ("", ""),
    ],
)
def test_the_latin_part_of_a_name(text: str, expected: str) -> None:
    assert latin_name(text) == expected


def test_a_record_counts_for_its_species_and_what_contains_it() -> None:
    found = match([name(7, "Vulpes vulpes (L.)", species="Vulpes vulpes", family="Canidae")], ANIMALS, {})
    assert sorted(found.animals) == [(7, 1), (7, 2)]


def test_a_key_counts_instead_of_the_name() -> None:
    names = [name(7, "Vulpes alba", key="5219243"), name(8, "Vulpes vulpes", key="6")]
    assert match(names, ANIMALS, {"vulpes-vulpes": "5219243"}).animals == [(7, 1)]


def test_keys_of_ranks_count_for_subspecies_and_for_what_contains_the_species() -> None:
    # GIVEN a fox and its family with keys, and records of a subspecies and of a namesake
    keys = {"vulpes-vulpes": "5219243", "canidae": "9701"}
    fox = {"species": "Vulpes vulpes", "family": "Canidae"}
    names = [
        name(7, "Vulpes vulpes crucigera", key="1", species_key="5219243", family_key="9701", **fox),
        name(8, "Vulpes vulpes", key="2", species_key="3", family_key="4", **fox),
    ]
    # THEN keys decide at each rank that the file has keys of
    assert sorted(match(names, ANIMALS, keys).animals) == [(7, 1), (7, 2)]
    # AND names decide where it has none, as in exports of eBird
    assert sorted(match([name(9, "Vulpes vulpes", **fox)], ANIMALS, keys).animals) == [(9, 1), (9, 2)]


def test_records_of_an_accepted_name_count_for_our_synonym_of_it() -> None:
    # GIVEN a file in which our name is a synonym of another
    accepted = "Chroicocephalus hartlaubii"
    names = [name(7, "Larus hartlaubii Bruch", species=accepted), name(8, accepted, species=accepted)]
    # WHEN matched THEN both names are the animal's
    found = match(names, ANIMALS, {})
    assert found.animals == [(7, 3), (8, 3)]
    assert found.synonyms == {"Larus hartlaubii": accepted}


def test_a_name_with_its_author_or_in_capitals_is_no_synonym_of_itself() -> None:
    # GIVEN somebody's own file, whose column `species` is both the name and the accepted one
    names = [name(7, text, species=text) for text in ("Vulpes vulpes crucigera (Bechstein)", "VULPES VULPES")]
    found = match(names, ANIMALS, {})
    assert (found.animals, found.synonyms) == ([(7, 1), (7, 1)], {})


def test_names_of_ranks_in_capitals_are_the_same_names() -> None:
    ranks = {"family": "CANIDAE", "order": "CARNIVORA", "class_": "MAMMALIA", "phylum": "CHORDATA"}
    found = match([name(7, "VULPES VULPES", **ranks)], ANIMALS, {})
    assert (sorted(found.animals), found.groups) == ([(7, 1), (7, 2)], [(7, "mammals")])


def test_a_name_without_a_class_has_the_group_of_its_genus() -> None:
    # GIVEN names as eBird writes them, and a plant, which says that it is none of ours
    bird = AnimalRow(5, "pica-pica", "magpie", "Pica pica", "species", "wild", ("Aves", "Pica"), TaxonFacts("birds"))
    names = [name(7, "Pica hudsonia"), name(8, "Pica alba", class_="Magnoliopsida")]
    assert match(names, [bird], {}).groups == [(7, "birds")]


def test_a_genus_of_plants_is_no_bird() -> None:
    names = [
        name(7, "Prunella vulgaris", genus="Prunella", phylum="Tracheophyta"),
        name(8, "Prunella", phylum="Chordata"),
    ]
    assert match(names, ANIMALS, {}).animals == [(8, 4)]


def test_names_that_match_no_animal_still_have_a_group() -> None:
    found = match([name(7, "Canis aureus", class_="Mammalia"), name(8, "Rosa", class_="Magnoliopsida")], ANIMALS, {})
    assert (found.animals, found.groups) == ([], [(7, "mammals")])

"""Which names of files stand for which animals."""

import pytest

from faunalens.data.maintain.occurrences.names import Name, latin_name, match
from faunalens.data.taxa import AnimalRow, TaxonFacts

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


FOX_ABOVE = {"species": "Vulpes vulpes", "family": "Canidae"}
KEYS = {"vulpes-vulpes": "5219243", "canidae": "9701"}
OF_RANKS = {"species_key": "5219243", "family_key": "9701"}


@pytest.mark.parametrize(
    ("found", "keys", "animals"),
    [
        # a record counts for its species and what contains it
        (name(7, "Vulpes vulpes (L.)", **FOX_ABOVE), {}, [1, 2]),
        # a key counts instead of the name
        (name(7, "Vulpes alba", key="5219243"), {"vulpes-vulpes": "5219243"}, [1]),
        (name(7, "Vulpes vulpes", key="6"), {"vulpes-vulpes": "5219243"}, []),
        # keys of ranks count for a subspecies and for what contains it, and a namesake has others
        (name(7, "Vulpes vulpes crucigera", key="1", **OF_RANKS, **FOX_ABOVE), KEYS, [1, 2]),
        (name(7, "Vulpes vulpes", key="2", species_key="3", family_key="4", **FOX_ABOVE), KEYS, []),
        # names decide where a file has no keys, as in exports of eBird
        (name(7, "Vulpes vulpes", **FOX_ABOVE), KEYS, [1, 2]),
        # a genus of plants is no bird
        (name(7, "Prunella vulgaris", genus="Prunella", phylum="Tracheophyta"), {}, []),
        (name(7, "Prunella", phylum="Chordata"), {}, [4]),
    ],
)
def test_a_name_stands_for_animals(found: Name, keys: dict[str, str], animals: list[int]) -> None:
    assert sorted(match([found], ANIMALS, keys).animals) == [(7, animal) for animal in animals]


def test_records_of_an_accepted_name_count_for_our_synonym_of_it() -> None:
    # GIVEN a file in which our name is a synonym of another
    accepted = "Chroicocephalus hartlaubii"
    names = [name(7, "Larus hartlaubii Bruch", species=accepted), name(8, accepted, species=accepted)]
    # WHEN matched THEN both names are the animal's
    found = match(names, ANIMALS, {})
    assert found.animals == [(7, 3), (8, 3)]
    assert found.synonyms == {"Larus hartlaubii": accepted}
    # BUT in a file whose column `species` is both the name and the accepted one, no name is a synonym of itself
    names = [name(7, text, species=text) for text in ("Vulpes vulpes crucigera (Bechstein)", "VULPES VULPES")]
    found = match(names, ANIMALS, {})
    assert (found.animals, found.synonyms) == ([(7, 1), (7, 1)], {})


CAPITALS = {"family": "CANIDAE", "order": "CARNIVORA", "class_": "MAMMALIA", "phylum": "CHORDATA"}
MAGPIE = AnimalRow(5, "pica-pica", "magpie", "Pica pica", "species", "wild", ("Aves", "Pica"), TaxonFacts("birds"))


@pytest.mark.parametrize(
    ("found", "group"),
    [
        (name(7, "VULPES VULPES", **CAPITALS), "mammals"),
        (name(7, "Canis aureus", class_="Mammalia"), "mammals"),  # although it matches no animal
        (name(7, "Pica hudsonia"), "birds"),  # as eBird writes it: the group of its genus
        (name(7, "Pica alba", class_="Magnoliopsida"), None),  # a plant, which says that it is none of ours
    ],
)
def test_a_name_has_the_group_of_what_contains_it(found: Name, group: str | None) -> None:
    assert match([found], [*ANIMALS, MAGPIE], {}).groups == ([(7, group)] if group else [])

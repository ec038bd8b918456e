"""The taxa at hand: every mammal and bird, their families, and their names."""

from collections import Counter

from chalicelib.config.settings import ROOT
from chalicelib.model.taxonomy import read_relatives
from faunalens.taxa.taxa import lineage_of, searchable


def test_every_relative_and_its_family_can_be_found() -> None:
    # GIVEN all species that no model knows
    relatives = read_relatives(ROOT / "model" / "relatives.csv").values()
    # THEN each has its name and its lineage, and each family has more than a scientific name
    found = {latin: name for latin, name, _ in searchable()}
    others = {latin: names.split("\n") for latin, _, names in searchable()}
    assert len(relatives) > 8000
    for each in relatives:
        assert each.name in (found[each.scientific_name], *others[each.scientific_name])
        assert lineage_of(each.scientific_name).ranks["family"] == each.family
        assert lineage_of(each.scientific_name).ranks["phylum"] == "Chordata"
        assert found[each.family] != each.family


def test_all_mammals_and_birds_are_at_hand() -> None:
    # GIVEN the living mammals and birds, of which models and relatives have half
    species = Counter(lineage_of(latin).ranks.get("class") for latin, _, _ in searchable() if " " in latin)
    assert species["Mammalia"] > 6400
    assert species["Aves"] > 11000
    # THEN a species that a model has only in a group is one too
    assert lineage_of("Martes martes").name == "European pine marten"
    assert lineage_of("Martes martes").ranks["family"] == "Mustelidae"


def test_names_are_in_the_languages_of_the_page_and_as_they_were() -> None:
    names = {
        "Cervidae": "Hirsch oder Reh",
        "Felidae": "félin",
        "Abrocomidae": "南美绒鼠",
        "Pica nuttallii": "Pica nuttalli",
    }
    others = {latin: others.split("\n") for latin, _, others in searchable()}
    assert [latin for latin, other in names.items() if other not in others[latin]] == []

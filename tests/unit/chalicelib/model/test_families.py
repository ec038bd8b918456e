"""Families: what a photo may show at a place, in arrays whose slices are species and families."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from chalicelib.errors import ModelError
from chalicelib.features.features import NO_LOCATION, Features, Mode
from chalicelib.model.families import (
    NEVER_PHOTOGRAPHED,
    Candidates,
    Families,
    Family,
    read_families,
    scientific_name,
)
from chalicelib.model.fusion import Fusion, read_members
from chalicelib.model.packs import PackLabels
from chalicelib.model.taxonomy import Relatives, Taxonomy
from tests.support import tiny_model
from tests.unit.chalicelib.model.real_tables import BY_NAME, FAMILIES, MODEL, TAXONOMY, number_of, place

ANYWHERE = FAMILIES.at(NO_LOCATION, TAXONOMY)
LAYOUT = ANYWHERE.layout


def family_of(candidates: Candidates, name: str) -> tuple[str, str]:
    """Return name and scientific name of the family that an animal is of, or of what it stands for."""
    layout = candidates.layout
    taxon = candidates.tree.lineages[int(layout.families.number[number_of(layout, BY_NAME[name].taxon_id)])][-1]
    return taxon.name, taxon.scientific_name


def lineages(candidates: Candidates) -> dict[str, tuple[str, ...]]:
    """Return the scientific names down to each family, by that of the family."""
    names = (tuple(taxon.scientific_name for taxon in lineage) for lineage in candidates.tree.lineages)
    return {each[-1]: each for each in names}


# --- the layout


def test_every_animal_is_in_one_species_and_its_family() -> None:
    # GIVEN the general model; THEN the animals of one species, such as breeds, and those of one family are together
    assert int(LAYOUT.animals.sizes.sum()) == len(TAXONOMY.animals)
    for number, first in enumerate(LAYOUT.species):
        animals = LAYOUT.animals_of(number)
        assert animals[0] == first
        if len(animals) > 1:
            assert len({scientific_name(each, "species") for each in animals}) == 1
        assert {number_of(LAYOUT, each.taxon_id) for each in animals} == {number}
        family = ANYWHERE.tree.lineages[int(LAYOUT.families.number[number])][-1].scientific_name
        assert family in {taxon.scientific_name for taxon in first.lineage}


def test_breeds_and_subspecies_are_one_species() -> None:
    several = np.flatnonzero(LAYOUT.animals.sizes > 1).tolist()
    sizes = {scientific_name(LAYOUT.species[each], "species"): int(LAYOUT.animals.sizes[each]) for each in several}
    # 118 breeds of dog and the dingo; two wolves; rooster and hen
    assert sizes == {"Canis familiaris": 119, "Canis lupus": 2, "Felis catus": 5, "Gallus gallus": 2}


# --- a place


def test_families_that_no_model_knows_follow_the_known_ones_with_their_lineage() -> None:
    # GIVEN a place with deer, an opossum and an ocelot
    here = FAMILIES.at(place("jaguar", relatives=["mule deer", "wapiti", "Virginia opossum", "ocelot"]), TAXONOMY)
    found = lineages(here)
    # THEN deer are a new family of a known order, opossums one of a new order, both of the mammals
    assert list(found)[len(LAYOUT.families.starts) :] == ["Cervidae", "Didelphidae"]
    assert found["Cervidae"] == ("Chordata", "Mammalia", "Artiodactyla", "Cervidae")
    assert found["Didelphidae"] == ("Chordata", "Mammalia", "Didelphimorphia", "Didelphidae")
    deer, opossum, cow = (list(found).index(each) for each in ("Cervidae", "Didelphidae", "Bovidae"))
    assert here.tree.order[deer] == here.tree.order[cow] != here.tree.order[opossum]
    assert here.tree.class_[here.tree.order[deer]] == here.tree.class_[here.tree.order[opossum]]
    # AND the ocelot is an unknown species of a known family; all have names that people use
    unknown = {family: len(species) for family, species in here.unknown.species.items()}
    assert unknown == {"Cervidae": 2, "Didelphidae": 1, "Felidae": 1}
    assert [here.tree.lineages[each][-1].name for each in (deer, opossum)] == ["deer", "opossum"]


def test_a_place_is_remembered() -> None:
    lion, tiger = (FAMILIES.at(place(each, relatives=["wapiti"]), TAXONOMY) for each in ("lion", "tiger"))
    assert lion is tiger


@pytest.mark.parametrize("mode", ["no_location", "unknown_area", "degraded"])
def test_without_features_all_families_of_the_world_count(mode: Mode) -> None:
    # GIVEN no features of a place; THEN deer, opossums and peccaries may be meant
    found = FAMILIES.at(place(mode=mode), TAXONOMY)
    assert found is ANYWHERE
    assert {"Cervidae", "Didelphidae", "Tayassuidae", "Procyonidae"} <= found.unknown.species.keys()
    # AND none that a known animal stands for
    assert not lineages(found).keys() & {"Hystricidae", "Erethizontidae", "Dasypodidae", "Chlamyphoridae"}
    # AND each family once, without apes and whales
    assert max(Counter(lineages(found).values()).values()) == 1
    assert not found.unknown.species.keys() & NEVER_PHOTOGRAPHED
    # AND a family weighs less than where it lives
    here = FAMILIES.at(place(relatives=["wapiti"]), TAXONOMY)
    number = list(found.unknown.species).index("Cervidae")
    assert found.unknown.weights[number] / len(found.unknown.species["Cervidae"]) < here.unknown.weights[0]


# --- an animal that stands for several families


@pytest.mark.parametrize(
    ("features", "family"),
    [
        (place(relatives=["Cape porcupine"]), ("porcupine", "Hystricidae")),
        (place(relatives=["North American porcupine"]), ("porcupine", "Erethizontidae")),
        (place(relatives=["Cape porcupine", "North American porcupine"]), ("porcupine", "Hystricognathi")),
        (place(relatives=["wapiti"]), ("porcupine", "Hystricognathi")),
        (NO_LOCATION, ("porcupine", "Hystricognathi")),
    ],
)
def test_it_is_of_the_one_that_lives_at_the_place(features: Features, family: tuple[str, str]) -> None:
    assert family_of(FAMILIES.at(features, TAXONOMY), "porcupine") == family


def test_it_is_of_a_family_that_a_pack_knows_too_beside_families_that_no_model_knows() -> None:
    # GIVEN the pack of birds, which knows hornbills as a family, and the general model's hornbill
    birds = PackLabels.read(MODEL / "packs" / "birds.csv").animals
    fusion = Fusion.of(TAXONOMY, {"Aves"}, birds, read_members(MODEL / "members.csv"))
    # WHEN another hornbill and an opossum live at the place THEN the species of each family count for that family
    here = place(relatives=["Abyssinian ground hornbill", "Derby's woolly opossum"])
    found = FAMILIES.at(here, fusion.taxonomy)
    families = [found.tree.lineages[each][-1].scientific_name for each in found.unknown.numbers.tolist()]
    assert families == list(found.unknown.species) == ["Bucerotidae", "Didelphidae"]


# --- tables


def test_a_model_without_tables_has_the_families_of_its_animals(tmp_path: Path) -> None:
    # GIVEN a model with labels and taxa only
    tiny_model.write(tmp_path, tiny_model.tiny_model())
    taxonomy = Taxonomy.read(tmp_path / "labels.csv", tmp_path / "taxa.csv")
    families = Families(tmp_path, Relatives(tmp_path / "relatives.csv"))
    # THEN the dog, which has no order, is of the family of the fox
    found = families.at(NO_LOCATION, taxonomy)
    assert [lineage[-1].scientific_name for lineage in found.tree.lineages] == ["Canidae", "Hylidae"]
    assert found.unknown.species == {}


HEADER = "family,name,looks_like,photographed\n"


def test_rows_have_look_alikes_with_weights(tmp_path: Path) -> None:
    path = tmp_path / "families.csv"
    path.write_text(HEADER + "Cervidae,deer,aepyceros-melampus:2 alcelaphinae:0.5,3\nFelidae,,,\n")
    assert read_families(path) == {
        "Cervidae": Family("deer", (("aepyceros-melampus", 2.0), ("alcelaphinae", 0.5)), 3.0),
        "Felidae": Family(),
    }


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Felidae,cat,lynx:much,1", r"line 3 of families\.csv: .*'much'; expected numbers, such as lynx:2"),
        ("Felidae,cat,lynx,1", r"line 3 of families\.csv: .*expected numbers, such as lynx:2"),
        ("Felidae,cat,,0", r"line 3 of families\.csv .*weight that is not above 0"),
        ("Felidae,cat,lynx:-1,", r"line 3 of families\.csv .*weight that is not above 0"),
        ("Cervidae,deer,,1", r"line 3 of families\.csv repeats Cervidae"),
        ("Felidae,cat", r"line 3 of families\.csv has 2 fields; expected 4"),
    ],
)
def test_a_faulty_row_is_an_error_with_its_line(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "families.csv"
    path.write_text(HEADER + "Cervidae,deer,,1\n" + row + "\n")
    with pytest.raises(ModelError, match=message):
        read_families(path)

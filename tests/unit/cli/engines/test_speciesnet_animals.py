"""SpeciesNet's outputs as animals, and where they live by our data."""

from dataclasses import replace

import numpy as np
import pytest

from chalicelib.features.codec import NO_ANIMALS
from chalicelib.features.features import NO_LOCATION, Features
from chalicelib.model.prior import Prior
from chalicelib.model.relatives import Relative
from chalicelib.model.taxonomy import Animal, Taxon
from cli.engines.speciesnet_animals import NetAnimals
from tests.stand_ins import ANIMAL, BLACK_BEAR, BLANK, CANIDS, GREY_FOX, HUMAN, KIT_FOX, LABELS, PANDA

DOG = "3d80f1d6-b1df-4966-9ff4-94053c7a902a;mammalia;carnivora;canidae;canis;familiaris;domestic dog"
STRANGER = "x;mammalia;cetartiodactyla;bovidae;cephalophus;harveyi;harvey's duiker"
FLOOR = 0.02


def animal(number: int, latin: str, family: str, kind: str = "wild") -> Animal:
    lineage = (Taxon("", "Carnivora", "order"), Taxon("", family, "family"), Taxon("", latin, "species"))
    return Animal(number, latin.lower().replace(" ", "-"), number, "", "", latin, "species", kind, lineage)


@pytest.fixture(scope="module")
def animals() -> NetAnimals:
    """Our models know grey foxes, bears and dogs; kit foxes and pandas are relatives; no data has the duiker."""
    known = [
        animal(3, "Urocyon cinereoargenteus", "Canidae"),
        animal(5, "Ursus americanus", "Ursidae"),
        animal(8, "Canis familiaris", "Canidae", "dog"),
    ]
    kit = Relative("vulpes-macrotis", "Vulpes macrotis", "kit fox", "Vulpes", "Canidae", "Carnivora", "Mammalia")
    panda = Relative("a", "Ailuropoda melanoleuca", "panda", "Ailuropoda", "Ursidae", "Carnivora", "Mammalia")
    return NetAnimals([*LABELS, DOG, STRANGER], known, {7: kit, 9: panda})


def here(*, foxes: float = 0.5, relatives: tuple[int, ...] = (7,)) -> Features:
    found = NO_ANIMALS._replace(
        areas=("US",),
        animals=np.array([3], np.int32),
        weights=np.array([foxes], np.float32),
        status=np.array([2], np.uint8),
        relatives=np.array(relatives, np.uint16),
    )
    return Features("narrowed", "miss", found)


def weights(animals: NetAnimals, features: Features) -> dict[str, float]:
    prior = Prior(animals.at(features), FLOOR).over(animals.taxonomy)
    return dict(zip((each.scientific_name for each in animals.taxonomy.animals), prior.tolist(), strict=True))


def test_species_live_where_our_data_has_them_also_as_relatives(animals: NetAnimals) -> None:
    found = weights(animals, here())
    assert (found["Urocyon cinereoargenteus"], found["Vulpes macrotis"]) == (0.5, 1.0)
    assert found["Ursus americanus"] == found["Ailuropoda melanoleuca"] == pytest.approx(FLOOR)
    # THEN a family lives where any of its species does
    assert found["Canidae"] == 1.0
    assert weights(animals, here(relatives=()))["Canidae"] == 0.5
    # and of one without a range nothing is known
    assert found["Cephalophus harveyi"] == 1.0
    assert found["Canis familiaris"] == pytest.approx(0.05)


def test_answers_say_what_lives_here(animals: NetAnimals) -> None:
    prior = Prior(animals.at(here()), FLOOR)
    said = {each.scientific_name: prior.here(each) for each in animals.taxonomy.animals}
    assert said["Urocyon cinereoargenteus"] == "introduced"
    assert said["Vulpes macrotis"] == "native"
    assert (said["Ursus americanus"], said["Canis familiaris"]) == ("unexpected", "everywhere")
    assert said["Cephalophus harveyi"] == "unknown"


def test_an_animal_whose_range_is_unknown_is_not_weighed_down(animals: NetAnimals) -> None:
    features = here()
    unknown = replace(features, found=features.found._replace(unknown=np.array([5, 77], np.int32)))
    assert weights(animals, unknown)["Ursus americanus"] == 1.0


def test_without_a_place_nothing_changes(animals: NetAnimals) -> None:
    assert animals.at(NO_LOCATION) is NO_LOCATION


def test_scores_are_of_animals_if_there_is_one(animals: NetAnimals) -> None:
    vision, probability = animals.scores([KIT_FOX, BLANK, HUMAN, GREY_FOX], [0.6, 0.2, 0.1, 0.1])
    names = [each.scientific_name for each in animals.taxonomy.animals]
    assert probability == pytest.approx(0.7)
    assert vision.sum() == pytest.approx(1.0)
    assert vision[names.index("Vulpes macrotis")] == pytest.approx(6 / 7)
    # THEN no scores are of no animal
    vision, probability = animals.scores([], [])
    assert probability == 0.0
    assert vision.sum() == pytest.approx(1.0)


def test_labels_are_in_the_tree_of_our_taxa(animals: NetAnimals) -> None:
    by_name = {each.scientific_name: each for each in animals.taxonomy.animals}
    assert len(by_name) == len({ANIMAL, GREY_FOX, KIT_FOX, CANIDS, BLACK_BEAR, PANDA, DOG, STRANGER})
    assert [each.rank for each in by_name["Canidae"].lineage] == ["phylum", "class", "order", "family"]
    assert by_name["Urocyon cinereoargenteus"].lineage[:4] == by_name["Canidae"].lineage
    assert by_name["Cephalophus harveyi"].lineage[-2].scientific_name == "Cephalophus"
    assert by_name["Canis familiaris"].kind == "dog"

"""SpeciesNet as an engine, with a stand-in for its package: its weights are out of reach of tests."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from chalicelib.config.settings import ModelSettings, Settings
from chalicelib.features.codec import NO_ANIMALS
from chalicelib.features.features import NO_LOCATION, Features
from chalicelib.model.recogniser import Recognised, Recogniser, Recognition
from chalicelib.model.shares import Prior
from chalicelib.model.taxonomy import Animal, Relative, Taxon
from chalicelib.photo.photos import DecodedPhoto
from chalicelib.photo.pixels import Picture
from chalicelib.services import Services
from faunalens.engines.engine import required
from faunalens.engines.speciesnet import CERTAINTY, FULL, NetAnimals, SpeciesNet, version_of, with_speciesnet
from faunalens.errors import CommandError
from tests.stand_ins import BLANK, GREY_FOX, HUMAN, KIT_FOX, LABELS, PANDA, detection, write_speciesnet
from tests.support import tiny_model

pytestmark = pytest.mark.usefixtures("packages")


def photo() -> DecodedPhoto:
    picture = Picture(Image.new("RGB", (640, 480), (90, 90, 90)))
    return DecodedPhoto.of(picture, tiny_model.SIZE, tiny_model.SIZE, 64)


def recogniser_of(tmp_path: Path, weights: Path) -> Recogniser:
    said: list[str] = []
    ours = Services.build(Settings(model=ModelSettings(path=tiny_model.write(tmp_path, tiny_model.tiny_model()))))
    services = with_speciesnet(ours, SpeciesNet(str(weights)), said.append)
    assert (said, services.photos.detail) == (["SpeciesNet 4.0.3a: 6 of its 6 taxa are known here"], FULL)
    return services.recogniser


def recognised(tmp_path: Path, weights: Path) -> Recognised:
    recogniser = recogniser_of(tmp_path, weights)
    found = recogniser.recognise([photo()], NO_LOCATION)
    # THEN it has boxes already, and a version of the data in shadow names the same scores
    assert recogniser.with_boxes(photo(), found) is found
    assert recogniser.name_with(found, found.prior) == found.together.prediction
    return found


def likeliest(*shown: Recognition) -> list[str]:
    return [each.scores.likeliest(1)[0].name for each in shown]


def test_every_box_of_an_animal_is_classified(tmp_path: Path) -> None:
    # GIVEN two animals and a person
    boxes = [detection("2", 0.6, 0.7, 0.1, 0.2, 0.5), detection("1", 0.4, 0.1, 0.1, 0.2, 0.2), detection("1", 0.9)]
    weights = write_speciesnet(tmp_path / "net", boxes, {KIT_FOX: 0.99, BLANK: 0.01}, {GREY_FOX: 0.99, BLANK: 0.01})
    # WHEN they are recognised
    found = recognised(tmp_path, weights)
    # THEN the photo shows its surest animal, and each box has its own
    assert found.boxes is not None
    assert likeliest(found.together, *(each for _, each in found.boxes.animals)) == ["kit fox", "kit fox", "grey fox"]
    detections = found.boxes.detections
    assert [box.score for box in (*detections.animals, *detections.people)] == [0.9, 0.4, 0.6]
    assert (found.subject, found.model.name, found.model.version) == ("animal", "speciesnet", "4.0.3a")


THING = [detection("1", 0.7), detection("1", 0.6, 0.0, 0.0, 0.2, 0.2)]
FOX = {KIT_FOX: 0.99, BLANK: 0.01}


@pytest.mark.parametrize(
    ("boxes", "scores", "kind", "subject", "name"),
    [
        ([], (), "always_crop", "none", None),
        ([detection("2", 0.9)], (), "always_crop", "person", None),
        ([detection("3", 0.9)], (), "always_crop", "vehicle", None),
        (THING, ({BLANK: 0.9, PANDA: 0.1}, FOX), "always_crop", "animal", "kit fox"),  # its box hides no animal
        ([detection("1", 0.3), detection("2", 0.8)], ({HUMAN: 0.97, PANDA: 0.03},), "always_crop", "person", None),
        ([], (FOX,), "full_image", "animal", "kit fox"),  # a classifier of whole photos needs no box
    ],
)
def test_a_photo_shows_what_is_likeliest_in_its_boxes(
    tmp_path: Path, boxes: list[Any], scores: tuple[dict[str, float], ...], kind: str, subject: str, name: str | None
) -> None:
    found = recognised(tmp_path, write_speciesnet(tmp_path / "net", boxes, *scores, kind=kind))
    named = likeliest(found.together)[0] if found.together.prediction else None
    assert (found.subject, named) == (subject, name)


def test_numbers_are_its_own_until_curves_lie_beside_the_model(tmp_path: Path) -> None:
    weights = write_speciesnet(tmp_path / "net", [detection("1", 0.9)], {KIT_FOX: 0.99, BLANK: 0.01})
    plain = recognised(tmp_path, weights).together.prediction
    # WHEN curves say that half of its answers are right
    pair = {basis: [0, 0] for basis in ("place", "alone", "pack")}
    levels = ("animal", "family", "group", "list")
    (tmp_path / CERTAINTY).write_text(json.dumps({level: {**pair, "least": 0.1} for level in levels}))
    fitted = recognised(tmp_path, weights).together.prediction
    # THEN they hold
    assert (plain and plain.score > 0.9, fitted and fitted.score) == (True, 0.5)


@pytest.mark.parametrize("use", [SpeciesNet, version_of])
def test_damaged_photos_stay_unreadable(tmp_path: Path, use: Callable[[str], object]) -> None:
    # GIVEN weights; WHEN they are loaded, or asked for their version
    use(str(write_speciesnet(tmp_path / "net", [])))
    # THEN Pillow reads photos as before, also where no weights are to be had
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    with pytest.raises((CommandError, FileNotFoundError), match=r"SpeciesNet cannot load .*none .*--weights|none/info"):
        use(str(tmp_path / "none"))
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_what_the_package_prints_is_no_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SpeciesNet(str(write_speciesnet(tmp_path / "net", [])))
    assert capsys.readouterr() == ("", "loading\n")
    with pytest.raises(CommandError, match=r"the engine x needs the package x .*by `uv tool install '\.\[x\]'`"):
        required("a_package_that_is_not_there", "x")


DOG = "3d80f1d6-b1df-4966-9ff4-94053c7a902a;mammalia;carnivora;canidae;canis;familiaris;domestic dog"
STRANGER = "x;mammalia;cetartiodactyla;bovidae;cephalophus;harveyi;harvey's duiker"
FLOOR = 0.02
SPECIES = {
    "Urocyon cinereoargenteus": (0.5, "introduced"),
    "Vulpes macrotis": (1.0, "native"),
    "Ursus americanus": (pytest.approx(FLOOR), "unexpected"),
    "Ailuropoda melanoleuca": (pytest.approx(FLOOR), "unexpected"),
    "Cephalophus harveyi": (1.0, "unknown"),  # no data has it
    "Canis familiaris": (pytest.approx(0.05), "everywhere"),
}
"""Weight and status of a species at a place with grey and kit foxes."""


def animal(number: int, latin: str, family: str, kind: str = "wild") -> Animal:
    lineage = (Taxon("", "Carnivora", "order"), Taxon("", family, "family"), Taxon("", latin, "species"))
    return Animal(number, latin.lower().replace(" ", "-"), number, "", latin, "species", kind, lineage)


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
    found, prior = weights(animals, here()), Prior(animals.at(here()), FLOOR)
    said = {each.scientific_name: (found[each.scientific_name], prior.here(each)) for each in animals.taxonomy.animals}
    assert {name: said[name] for name in SPECIES} == SPECIES
    # THEN a family lives where any of its species does
    assert (found["Canidae"], weights(animals, here(relatives=()))["Canidae"]) == (1.0, 0.5)
    # THEN an animal whose range is unknown is not weighed down, and without a place nothing changes
    unknown = replace(here(), found=here().found._replace(unknown=np.array([5, 77], np.int32)))
    assert weights(animals, unknown)["Ursus americanus"] == 1.0
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
    assert len(by_name) == 8
    assert [each.rank for each in by_name["Canidae"].lineage] == ["phylum", "class", "order", "family"]
    assert by_name["Urocyon cinereoargenteus"].lineage[:4] == by_name["Canidae"].lineage
    assert by_name["Cephalophus harveyi"].lineage[-2].scientific_name == "Cephalophus"
    assert by_name["Canis familiaris"].kind == "dog"

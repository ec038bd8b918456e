"""What a photo may be called, with the features of its place."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chalicelib.features.codec import NO_ANIMALS
from chalicelib.features.features import NO_LOCATION, Features, degraded
from chalicelib.model.manifest import Manifest
from chalicelib.model.models import FusedScores, Looked
from chalicelib.model.naming import LEAST_BOX, MOST_EMPTY, Named, Naming, Subject, subject_of
from chalicelib.model.packs import Pack
from chalicelib.model.relatives import COLUMNS, Relatives
from chalicelib.model.taxonomy import Taxonomy
from testing.tiny_model import write_pack

MODEL = Path(__file__).parents[4] / "model"
TAXONOMY = Taxonomy.read(MODEL / "labels.csv", MODEL / "taxa.csv")
OUTPUT = {animal.name: animal.output_index for animal in TAXONOMY.animals}
NUMBERS = np.array([1, 2, 3, 4], np.uint16)
FOXES = """1,lycalopex-gymnocerca,Lycalopex gymnocerca,Pampas fox,Lycalopex,Canidae,Carnivora,Mammalia
2,cerdocyon-thous,Cerdocyon thous,crab-eating fox,Cerdocyon,Canidae,Carnivora,Mammalia
3,urocyon-littoralis,Urocyon littoralis,island fox,Urocyon,Canidae,Carnivora,Mammalia
4,speothos-venaticus,Speothos venaticus,bush dog,Speothos,Canidae,Carnivora,Mammalia
"""


def naming(folder: Path) -> Naming:
    path = folder / "relatives.csv"
    path.write_text(",".join(COLUMNS) + "\n" + FOXES, encoding="utf-8")
    return Naming(Relatives(path), threshold=0.8, degraded=0.9, floor=0.02)


def seen(**shares: float) -> FusedScores:
    vision = np.zeros(len(TAXONOMY.animals), np.float32)
    for name, share in shares.items():
        vision[OUTPUT[name.replace("_", " ")]] = share
    return FusedScores(vision, vision, 1.0, TAXONOMY)


def at(relatives: "np.ndarray[tuple[int], np.dtype[np.uint16]]") -> Features:
    """Return the features of a place where all animals of these tests live, and some unknown ones."""
    animals = np.array(sorted(animal.id for animal in TAXONOMY.animals), np.int32)
    weights, status = np.ones(len(animals), np.float32), np.ones(len(animals), np.uint8)
    found = NO_ANIMALS._replace(animals=animals, weights=weights, status=status, relatives=relatives)
    return replace(NO_LOCATION, mode="narrowed", found=found)


def name_of(named: Named) -> tuple[str | None, bool]:
    return None if named.prediction is None else named.prediction.taxon.name, named.is_widened


def test_unknown_relatives_of_the_place_widen_an_answer(tmp_path: Path) -> None:
    # GIVEN a photo that looks like a grey fox, and a little like a red fox
    fox = seen(grey_fox=0.81, red_fox=0.19)
    # THEN it is a grey fox where no other foxes live, and some canid where four do
    assert name_of(naming(tmp_path).name(fox, at(NUMBERS[:0]))) == ("grey fox", False)
    assert name_of(naming(tmp_path).name(fox, at(NUMBERS))) == ("dog, wolf or fox", True)


def test_without_a_place_only_the_photo_counts(tmp_path: Path) -> None:
    fox = seen(grey_fox=0.81, red_fox=0.19)
    assert name_of(naming(tmp_path).name(fox, NO_LOCATION)) == ("grey fox", False)


def test_a_degraded_answer_needs_more(tmp_path: Path) -> None:
    # GIVEN features that could not be read; THEN the same photo is named more widely
    fox = seen(grey_fox=0.81, red_fox=0.19)
    assert name_of(naming(tmp_path).name(fox, degraded(("postgres_timeout",)))) == ("dog, wolf or fox", False)


def test_a_photo_that_is_not_recognised_stays_so(tmp_path: Path) -> None:
    nothing = replace(seen(grey_fox=1.0), animal_probability=0.5)
    assert naming(tmp_path).name(nothing, at(NUMBERS)) == Named(None, is_widened=False)


def test_a_pack_makes_wider_taxa_certain_enough(tmp_path: Path) -> None:
    # GIVEN a photo of some canid, at 0.65; THEN it gets no name, and the family's if a pack has looked
    fox = seen(grey_fox=0.35, red_fox=0.3, zebra=0.35)
    assert name_of(naming(tmp_path).name(fox, NO_LOCATION)) == ("mammal", False)
    pack = Pack(Manifest.read(write_pack(tmp_path)))
    looked = replace(fox, packs=(Looked(pack, 5.0),))
    assert name_of(naming(tmp_path).name(looked, NO_LOCATION)) == ("dog, wolf or fox", False)


@pytest.mark.parametrize(
    ("animal_probability", "boxes", "subject"),
    [
        (0.9, {}, "animal"),
        (0.5, {}, "animal"),
        (0.4, {}, "unclear"),
        (MOST_EMPTY, {}, "unclear"),
        (0.1, {}, "none"),
        (0.1, {"animal": LEAST_BOX}, "animal"),
        (0.1, {"animal": 0.4}, "none"),
        (0.1, {"person": 0.9}, "person"),
        (0.1, {"vehicle": 0.9}, "vehicle"),
        (0.4, {"person": 0.9, "vehicle": 0.9}, "person"),
        (0.9, {"person": 0.9}, "animal"),
        (0.1, {"animal": 0.6, "person": 0.9}, "animal"),
    ],
)
def test_the_subject_is_the_most_certain_of_animal_person_and_vehicle(
    animal_probability: float, boxes: dict[str, float], subject: Subject
) -> None:
    assert subject_of(animal_probability, 0.5, **boxes) == subject

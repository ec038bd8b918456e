"""Looks at a photo: one, or a second at the part where the animal is. The tiny models see colours."""

from pathlib import Path

import pytest
from PIL import Image

from chalicelib.features.features import NO_LOCATION
from chalicelib.lazy import Lazy
from chalicelib.model.detector import Detector, read_detector
from chalicelib.model.models import Models
from chalicelib.model.naming import Naming
from chalicelib.model.recogniser import SURE, Eyes, Seen, View, needs_second_look, second_square
from chalicelib.model.relatives import Relatives
from chalicelib.model.session import Model
from chalicelib.model.taxonomy import Prediction, Taxon, Taxonomy
from chalicelib.photo.pixels import Picture
from testing import tiny_model

SIZE = tiny_model.SIZE
GREY, RED = (90, 90, 90), (255, 0, 0)


@pytest.fixture
def eyes(tmp_path: Path) -> Eyes:
    path = tiny_model.write(tmp_path, tiny_model.tiny_model())
    taxonomy = Taxonomy.read(tmp_path / "labels.csv", tmp_path / "taxa.csv")
    models = Models(Model(path), taxonomy, tmp_path, 0.02)
    return Eyes(models, Naming(Relatives(tmp_path / "none.csv"), 0.8, 0.9, 0.02), second_look=True)


@pytest.fixture
def detector(tmp_path: Path) -> Detector:
    tiny_model.write_detector(tmp_path)
    found = read_detector(tmp_path / "packs")
    assert found is not None
    return found


def view(*red: tuple[int, int, int, int]) -> View:
    """Return a grey photo of 64 × 64 pixels with red rectangles."""
    image = Image.new("RGB", (64, 64), GREY)
    for box in red:
        image.paste(RED, box)
    picture = Picture(image)
    return View(picture.square(SIZE), picture)


def see(eyes: Eyes, detector: Detector | None, *views: View) -> Seen:
    return eyes.see(views, NO_LOCATION, Lazy(lambda: detector.look_at(views[0].picture, SIZE) if detector else None))


def test_a_clear_photo_is_seen_once(eyes: Eyes, detector: Detector) -> None:
    seen = see(eyes, detector, view((0, 0, 64, 64)))
    assert seen.named.prediction is not None
    assert (seen.named.prediction.taxon.name, seen.sightings) == ("red fox", None)
    assert not detector.is_loaded


def test_a_small_animal_is_seen_again_where_the_detector_finds_it(eyes: Eyes, detector: Detector) -> None:
    # GIVEN a small red animal in the corner of a photo; THEN the second look is sure of it
    corner = view((0, 0, 16, 16))
    once = see(Eyes(eyes.models, eyes.naming, second_look=False), detector, corner)
    again = see(eyes, detector, corner)
    assert again.sightings is not None
    assert len(again.sightings.animals) >= 1
    assert again.scores.vision[0] > once.scores.vision[0]
    assert once.sightings is None


def test_without_a_box_the_middle_is_seen_again(detector: Detector) -> None:
    picture = view().picture
    sightings = detector.look_at(picture, SIZE)
    assert sightings.squares == ()
    assert second_square(picture, sightings, SIZE).shape == (SIZE, SIZE, 3)


def test_without_a_detector_the_middle_is_seen_again() -> None:
    # GIVEN a photo whose sides are red
    picture = view((0, 0, 12, 64), (52, 0, 64, 64)).picture
    middle = second_square(picture, None, SIZE)
    assert abs(middle.astype(int) - 90).max() < 5


def test_several_photos_get_one_look_each(eyes: Eyes, detector: Detector) -> None:
    seen = see(eyes, detector, view((0, 0, 8, 8)), view((0, 0, 64, 64)))
    assert len(seen.of_each) == 2
    assert seen.sightings is None


@pytest.mark.parametrize(("side", "reduced"), [(64, 64), (400, 80)])
def test_a_large_picture_is_reduced_before_it_is_kept(side: int, reduced: int) -> None:
    # 400 pixels are five times the 80 that a square of 8 pixels needs
    assert Picture(Image.new("RGB", (side, side))).reduced(SIZE).width == reduced


ORDER = Taxon("carnivore", "Carnivora", "order")
FAMILY = Taxon("cat", "Felidae", "family")
LION = Taxon("lion", "Panthera leo", "species")


@pytest.mark.parametrize(
    ("prediction", "needed"),
    [
        (None, True),
        (Prediction(Taxon("animal", "Animalia", "kingdom"), 1.0), True),
        (Prediction(ORDER, 1.0, (ORDER,)), True),
        (Prediction(FAMILY, SURE, (ORDER, FAMILY)), False),
        (Prediction(LION, SURE - 0.01, (ORDER, FAMILY, LION)), True),
        (Prediction(LION, SURE, (ORDER, FAMILY, LION)), False),
    ],
)
def test_only_a_sure_family_or_narrower_needs_none(prediction: Prediction | None, needed: bool) -> None:
    assert needs_second_look(prediction) == needed

"""The recogniser: one look at a photo, or a second at the part where the animal is. The tiny models see colours."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto
from PIL import Image

from chalicelib.config.settings import ModelSettings, Settings
from chalicelib.features.features import NO_LOCATION
from chalicelib.model.certainty import MOST_EMPTY
from chalicelib.model.naming import Naming
from chalicelib.model.recogniser import SHARE, SURE, Recognised, Recogniser, crop_around, needs_second_look, place_in
from chalicelib.model.session import Scores
from chalicelib.model.taxonomy import Prediction, Taxon
from chalicelib.photo.photos import DecodedPhoto
from chalicelib.photo.pixels import Picture
from chalicelib.services import build_recogniser
from tests.support import tiny_model

SIZE = tiny_model.SIZE
GREY, RED, YELLOW = (90, 90, 90), (255, 0, 0), (90, 90, 0)


def recogniser_in(folder: Path, model: ModelProto | None = None) -> Recogniser:
    """Return a recogniser with both detectors; to the one for camera traps, all colours are animals."""
    path = tiny_model.write_all(folder, model)
    return build_recogniser(Settings(model=ModelSettings(path=path)))


@pytest.fixture
def recogniser(tmp_path: Path) -> Recogniser:
    return recogniser_in(tmp_path)


def photo(*red: tuple[int, int, int, int], ground: tuple[int, int, int] = GREY) -> DecodedPhoto:
    """Return a photo of 64 × 64 pixels with red rectangles on grey or another ground."""
    image = Image.new("RGB", (64, 64), ground)
    for box in red:
        image.paste(RED, box)
    picture = Picture(image)
    return DecodedPhoto.of(picture, SIZE, SIZE, 64)


def recognise(recogniser: Recogniser, *photos: DecodedPhoto) -> Recognised:
    return recogniser.recognise(photos, NO_LOCATION)


def test_a_clear_photo_needs_no_detector(recogniser: Recogniser) -> None:
    found = recognise(recogniser, photo((0, 0, 64, 64)))
    assert found.together.prediction is not None
    assert found.together.prediction.taxon.name == "red fox"
    assert (found.detections, found.looked_twice, found.alone) == (None, False, ())
    assert not recogniser.detectors.is_made
    # AND several photos get one look each
    several = recognise(recogniser, photo((0, 0, 8, 8)), photo((0, 0, 64, 64)))
    assert (len(several.alone), several.detections, several.looked_twice) == (2, None, False)


def test_a_small_animal_is_scored_again_where_the_detector_finds_it(recogniser: Recogniser) -> None:
    # GIVEN a small red animal in the corner of a photo; THEN the second look is sure of it
    corner = photo((0, 0, 12, 12))
    once = recognise(replace(recogniser, second_look=False), corner)
    again = recognise(recogniser, corner)
    assert again.detections is not None
    assert len(again.detections.animals) >= 1
    assert again.together.scores.vision[0] > once.together.scores.vision[0]
    assert (once.detections, again.looked_twice, again.subject) == (None, True, "animal")
    # AND sees the box with a margin
    assert again.part is not None
    assert again.detections.focus is not None
    crop = crop_around(corner.picture, again.detections.focus, SIZE)
    assert np.array_equal(again.part.pixels, crop)


def test_another_place_is_judged_with_the_same_box(recogniser: Recogniser) -> None:
    # GIVEN a photo whose animal the detector finds, and of which the general model is not sure enough
    recogniser = replace(recogniser, naming=replace(recogniser.naming, animal=0.8))
    found = recognise(recogniser, photo((0, 0, 16, 16)))
    assert found.together.scores.animal_probability < recogniser.naming.animal
    assert found.together.prediction is not None
    # THEN the same place would name the same
    assert recogniser.name_with(found, found.prior) == found.together.prediction


def test_boxes_do_not_change_the_answer_and_ask_the_detector_once(recogniser: Recogniser) -> None:
    # GIVEN a photo that got a second look; WHEN its boxes are wanted too
    corner = photo((0, 0, 16, 16))
    found = recognise(recogniser, corner)
    boxed = recogniser.with_boxes(corner, found)
    # THEN the detections are the same, and each box of an animal is named; the one of the second look by its scores
    assert boxed.boxes is not None
    assert (boxed.boxes.detections, boxed.together) == (found.detections, found.together)
    assert [box for box, _ in boxed.boxes.animals] == [*boxed.boxes.detections.animals]


def seeing(animal: float) -> ModelProto:
    """Return a model that gives every photo this probability of an animal."""
    seen = {"animal_probability": ("ReduceMax", ["seen"])}
    return tiny_model.tiny_model(nodes=seen, constants={"seen": np.full((1, 3), animal, np.float32)})


def test_without_a_box_the_part_is_scored_where_the_general_model_saw_most_of_an_animal(tmp_path: Path) -> None:
    # GIVEN a photo of an animal in a corner, and no detector
    path = tiny_model.write(tmp_path, tiny_model.tiny_model())
    corner = photo((34, 34, 38, 38))
    found = recognise(build_recogniser(Settings(model=ModelSettings(path=path))), corner)
    # THEN the second look sees the photo around that corner
    assert found.part is not None
    assert (found.looked_twice, found.detections) == (True, None)
    assert np.array_equal(found.part.pixels, corner.picture.near(0.8125, 0.8125, SHARE, SIZE))


def test_a_photo_of_nothing_is_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a photo in which neither the general model nor a detector sees an animal
    recogniser, names = recogniser_in(tmp_path, seeing(0.01)), list[object]()
    name = Naming.name

    def noted(*given: Any) -> Any:
        names.append(given)
        return name(*given)

    monkeypatch.setattr(Naming, "name", noted)
    # WHEN a detector has looked for people; THEN that is not asked again which animal it is
    found = recognise(recogniser, photo(ground=YELLOW))
    assert (found.detections is None, found.looked_twice, len(names)) == (False, False, 1)


@pytest.mark.parametrize(
    ("side", "boxes", "named", "detects"),
    [(28, False, True, False), (28, True, True, True), (16, False, False, True)],
)
def test_where_the_general_model_is_sure_of_an_animal_no_detector_has_to_find_it(
    tmp_path: Path, side: int, boxes: bool, named: bool, detects: bool
) -> None:
    # GIVEN a photo by day of an animal that the first look does not name surely
    recogniser = recogniser_in(tmp_path, seeing(0.95))
    shown = photo((64 - side, 64 - side, 64, 64), ground=YELLOW)
    # WHEN the second look sees where the map shows it
    found = recogniser.recognise([shown], NO_LOCATION, boxes=boxes)
    # THEN detectors look only for boxes, or if the animal has no name yet: it may be small
    assert (found.looked_twice, found.subject) == (True, "animal")
    assert (found.together.prediction is not None, found.detections is not None) == (named, detects)
    # AND what then says its size is no box that the models have scored
    is_scored = found.detections is not None and found.detections.focus is not None
    assert (is_scored, bool(found.detections and found.detections.animals)) == (boxes, detects)


def test_what_is_no_animal_to_model_and_detectors_gets_no_second_look(tmp_path: Path) -> None:
    # GIVEN a photo in which the general model sees nothing, and no detector finds an animal
    found = recognise(recogniser_in(tmp_path, seeing(0.1)), photo())
    # THEN the detectors have looked, and the models have not
    assert found.detections is not None
    assert (found.detections.focus, found.looked_twice, found.subject) == (None, False, "none")


def test_the_box_for_which_a_photo_is_said_to_show_an_animal_is_among_its_boxes(tmp_path: Path) -> None:
    # GIVEN a photo by day that shows an animal only because a box was found, whose part of the photo looks like less
    recogniser, shown = recogniser_in(tmp_path, seeing(0.26)), photo((0, 0, 8, 8), ground=YELLOW)
    found = recognise(recogniser, shown)
    assert found.part is not None
    less = replace(found.part, general=replace(found.part.general, animal_probability=0.17))
    # WHEN its boxes are wanted THEN that part, which the probability of the whole already includes, counts once
    boxed = recogniser.with_boxes(shown, replace(found, part=less)).boxes
    assert boxed is not None
    assert (found.subject, [box for box, _ in boxed.animals]) == ("animal", [boxed.detections.focus])


@pytest.mark.parametrize(("colour", "kept"), [(YELLOW, False), (GREY, True)])
def test_by_day_boxes_in_which_the_general_model_sees_nothing_are_left_out(
    tmp_path: Path, colour: tuple[int, int, int], kept: bool
) -> None:
    # GIVEN a general model that sees no animal at all, and a red box by day or, in a grey photo, by night
    recogniser = recogniser_in(tmp_path, seeing(0.1))
    shown = photo((0, 0, 8, 8), ground=colour)
    # WHEN its boxes are wanted; THEN only that by night stays, and says what the photo shows
    found = recogniser.with_boxes(shown, recognise(recogniser, shown))
    assert found.boxes is not None
    assert found.detections is not None
    assert (bool(found.detections.animals), bool(found.boxes.animals)) == (True, kept)
    assert (found.subject == "animal") == kept


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
def test_only_a_sure_family_or_narrower_needs_no_second_look(prediction: Prediction | None, needed: bool) -> None:
    assert needs_second_look(prediction) == needed


def scores(shown: list[list[float]] | None, animal: float = 0.9) -> Scores:
    nothing = np.zeros(3, np.float32)
    return Scores(nothing, nothing, animal, activation_map=None if shown is None else np.array(shown, np.float32))


@pytest.mark.parametrize(
    ("given", "place"),
    [
        (scores([[0, 0, 0], [0, 0, 8]]), (5 / 6, 0.75)),
        (scores([[0, 5, 0], [-9, 5, 0]]), (0.5, 0.5)),
        (scores([[8, 0, 6], [0, 5, 0]]), (0.5, 0.25)),
        (scores([[-1, -2], [-3, -2]]), (0.5, 0.5)),
        (scores([[8, 0], [0, 0]], animal=MOST_EMPTY - 0.01), None),
        (scores(None), None),
    ],
)
def test_the_part_of_a_photo_is_where_the_general_model_saw_most_of_an_animal(
    given: Scores, place: tuple[float, float] | None
) -> None:
    assert place_in(given) == (place if place is None else pytest.approx(place))

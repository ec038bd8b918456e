"""An identification with boxes: asked for by a request or by the deployment, with and without a detector."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chalicelib.api.answers import answer_of
from chalicelib.api.responses import Answer
from chalicelib.config.settings import ModelSettings, Settings, Thresholds
from chalicelib.config.stores import RedisSettings
from chalicelib.errors import BadRequest, PhotoUnreadable
from chalicelib.identification import IdentifyRequest
from chalicelib.identify import identify
from chalicelib.services import Services
from chalicelib.telemetry.record import Record
from testing import tiny_model
from testing.pictures import encoded, noise
from testing.tiny_model import write_detector


def services_in(folder: Path, *, detector: bool = True, boxes: bool = False) -> Services:
    """Return services with a model that sees colours, and a detector of them."""
    path = tiny_model.write(folder, tiny_model.tiny_model())
    if detector:
        write_detector(folder)
    settings = Settings(
        model=ModelSettings(path=path, boxes=boxes, second_look=False),
        redis=RedisSettings(url="redis://127.0.0.1:9"),
        thresholds=Thresholds(rank=0.5),
    )
    return Services.build(settings)


def photo(**colours: tuple[int, int]) -> bytes:
    """Return a black photo of 8 × 8 fields, with one field of each colour at (x, y)."""
    fields = np.zeros((8, 8, 3), np.uint8)
    for name, (x, y) in colours.items():
        fields[y, x] = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}[name]
    return encoded(Image.fromarray(fields.repeat(8, axis=0).repeat(8, axis=1)), "PNG")


def answer_to(data: bytes, services: Services, boxes: bool | None = None, top: int = 5) -> tuple[Answer, Record]:
    record = Record("r-1", "/identify")
    found = identify([data], IdentifyRequest(place="ignored", boxes=boxes), services, record)
    return answer_of(found, "r-1", top), record


def test_boxes_are_answered_only_if_they_are_wanted(tmp_path: Path) -> None:
    # GIVEN a photo with an animal on the left and a person on the right
    services, data = services_in(tmp_path), photo(red=(1, 3), green=(6, 3))
    # WHEN the request does not ask for boxes; THEN the detector does not run
    plain, _ = answer_to(data, services)
    assert (plain.animals, plain.people, plain.vehicles) == (None, None, None)
    assert not services.recogniser.detector.is_made
    # WHEN it does; THEN the animal is named in its box, and the person and the time are there
    answer, record = answer_to(data, services, boxes=True, top=2)
    assert answer.animals is not None
    (animal,) = answer.animals
    assert (animal.box.x, animal.box.y, animal.box.width) == (0.0625, 0.3125, 0.25)
    assert animal.prediction is not None
    assert animal.prediction.name == "red fox"
    assert (animal.candidates[0].name, len(animal.candidates)) == ("red fox", 2)
    assert answer.people is not None
    assert (answer.people.count, answer.people.boxes[0].x) == (1, 0.6875)
    assert answer.vehicles is not None
    assert answer.vehicles.count == 0
    assert answer.timings_ms.boxes == record.milliseconds("boxes") > 0
    # AND the answer about the whole photo is the same
    again, _ = answer_to(data, services, top=2)
    timings = answer.timings_ms
    assert replace(answer, animals=None, people=None, vehicles=None) == replace(again, timings_ms=timings)


def test_several_photos_have_no_boxes(tmp_path: Path) -> None:
    # GIVEN two photos of one animal; WHEN the request asks for boxes, or only the deployment does
    photos, request = [photo(red=(1, 3)), photo(red=(6, 3))], IdentifyRequest(place="ignored", boxes=True)
    with pytest.raises(BadRequest, match="boxes are found in one photo at a time"):
        identify(photos, request, services_in(tmp_path), Record("r-1", "/identify"))
    request, services = replace(request, boxes=None), services_in(tmp_path, boxes=True)
    found = identify(photos, request, services, Record("r-1", "/identify"))
    assert (found.recognised.boxes, len(found.recognised.alone)) == (None, 2)


def test_without_a_box_of_an_animal_the_whole_photo_answers(tmp_path: Path) -> None:
    services = services_in(tmp_path)
    answer, _ = answer_to(photo(blue=(3, 3)), services, boxes=True)
    assert answer.animals == ()
    assert len(answer.candidates) == 3


def test_the_deployment_may_want_boxes_and_a_request_may_decline_them(tmp_path: Path) -> None:
    services = services_in(tmp_path, boxes=True)
    assert answer_to(photo(red=(3, 3)), services)[0].animals
    assert answer_to(photo(red=(3, 3)), services, boxes=False)[0].animals is None


def test_boxes_without_a_detector_are_a_bad_request(tmp_path: Path) -> None:
    # GIVEN a deployment without a detector that wants boxes
    services = services_in(tmp_path, detector=False, boxes=True)
    # THEN answers have none, and a request that insists learns why
    assert answer_to(photo(red=(3, 3)), services)[0].animals is None
    with pytest.raises(BadRequest, match="this server has no detector, so it cannot find boxes; leave out boxes=true"):
        answer_to(photo(red=(3, 3)), services, boxes=True)


@pytest.mark.parametrize("boxes", [False, True])
def test_the_memory_of_a_photo_is_given_back(tmp_path: Path, boxes: bool) -> None:
    # GIVEN a photo, and another that cannot be decoded
    services = services_in(tmp_path)
    data = encoded(noise(400, 304), "PNG")
    answer_to(data, services, boxes=boxes)
    with pytest.raises(PhotoUnreadable):
        answer_to(data[: len(data) // 2], services, boxes=boxes)
    # THEN all memory is free again
    with services.photos.memory.reserve(services.photos.memory.total):
        pass

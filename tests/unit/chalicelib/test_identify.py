"""An identification: its location, its month, its boxes, and its classes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from chalicelib.api.answers import answer_of
from chalicelib.api.responses import Answer
from chalicelib.deadline import Deadline
from chalicelib.errors import BadRequest, LocationInvalid, LocationMissing, PhotoUnreadable
from chalicelib.features.codec import CellAnimals, Seasons
from chalicelib.identify import Identification, IdentifyRequest, classes_of, identify
from chalicelib.services import Services
from chalicelib.telemetry.metrics import DIMENSIONS
from chalicelib.telemetry.record import Record
from tests.support.in_memory import InMemoryStore
from tests.support.pictures import SYDNEY, encoded, exif, jpeg, noise
from tests.unit.chalicelib.two_datasets import FROG, HERE, TwoDatasets, services_in


def record() -> Record:
    return Record("r-1", "/identify")


@pytest.mark.parametrize(
    ("gps", "request_", "source"),
    [
        (None, IdentifyRequest(HERE), "request"),
        (SYDNEY, IdentifyRequest(HERE), "request"),
        (SYDNEY, IdentifyRequest(), "exif"),
        (SYDNEY, IdentifyRequest(place="optional"), "exif"),
        (None, IdentifyRequest(place="optional"), "none"),
        (SYDNEY, IdentifyRequest(place="ignored"), "none"),
    ],
)
def test_the_location_is_that_of_the_request_or_of_exif_if_it_is_wanted(
    tmp_path: Path, gps: dict[int, object] | None, request_: IdentifyRequest, source: str
) -> None:
    found = identify([jpeg(exif=exif(gps))], request_, services_in(tmp_path), record())
    assert (found.source, found.cell is None) == (source, source == "none")
    assert found.features.mode == ("no_location" if source == "none" else "narrowed")
    assert "-33.8" not in repr(found)  # with its sign, because a step may take 33.8 ms
    assert "52.0, 7.68" not in repr(found)


def test_a_location_that_is_needed_and_missing_is_refused_and_the_photo_counts(tmp_path: Path) -> None:
    refused = record()
    with pytest.raises(LocationMissing):
        identify([jpeg()], IdentifyRequest(), services_in(tmp_path), refused)
    assert refused.summary().metrics["PhotoMegapixels"] == 0.12
    # AND one that is invalid is refused even if none is needed, unless it then counts as none
    broken = jpeg(exif=exif({**SYDNEY, ExifTags.GPS.GPSLatitude: (95.0, 0.0, 0.0)}))
    with pytest.raises(LocationInvalid):
        identify([broken], IdentifyRequest(place="optional"), services_in(tmp_path), refused)
    assert identify([broken], IdentifyRequest(place="if_valid"), services_in(tmp_path), record()).source == "none"


def photo(**colours: tuple[int, int]) -> bytes:
    """Return a black photo of 8 × 8 fields, with one field of each colour at (x, y)."""
    fields = np.zeros((8, 8, 3), np.uint8)
    for name, (x, y) in colours.items():
        fields[y, x] = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}[name]
    return encoded(Image.fromarray(fields.repeat(8, axis=0).repeat(8, axis=1)), "PNG")


def answer_to(data: bytes, services: Services, boxes: bool | None = None, top: int = 5) -> tuple[Answer, Record]:
    its_record = record()
    found = identify([data], IdentifyRequest(place="ignored", boxes=boxes), services, its_record)
    return answer_of(found, "r-1", top), its_record


def test_boxes_are_answered_only_if_they_are_wanted(tmp_path: Path) -> None:
    # GIVEN a photo with an animal on the left and a person on the right
    services, data = services_in(tmp_path, detector=True), photo(red=(1, 3), green=(6, 3))
    # WHEN the request does not ask for boxes; THEN the detector does not run
    plain, _ = answer_to(data, services)
    assert (plain["animals"], plain["people"], plain["vehicles"]) == (None, None, None)
    assert not services.recogniser.detectors.is_made
    # WHEN it does; THEN the animal is named in its box; tests/golden/with_boxes.txt has the whole answer
    answer, its_record = answer_to(data, services, boxes=True, top=2)
    assert [each["box"]["x"] for each in answer["animals"] or ()] == [0.0625]
    assert answer["timings_ms"]["boxes"] == its_record.milliseconds("boxes") > 0
    # AND the answer about the whole photo is the same
    again, _ = answer_to(data, services, top=2)
    timings = answer["timings_ms"]
    assert {**answer, "animals": None, "people": None, "vehicles": None} == {**again, "timings_ms": timings}


COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "unnamed": (200, 185, 0), "black": (0, 0, 0)}


@pytest.mark.parametrize(
    ("colours", "agrees", "message"),
    [
        ("red red red", [True, True, True], "red fox."),
        ("red red unnamed", [True, True, True], "red fox."),
        ("red red green", [True, True, False], "by itself, photo 3 shows tree frog."),
        ("red red black", [True, True, False], "by itself, photo 3 shows no animal."),
        # If all of them show nothing narrow together, they are compared with each other.
        ("red green", [False, False], "do not agree: by itself, photo 1 shows red fox; photo 2 shows tree frog."),
        (
            "unnamed black",
            [False, True],
            "No animal was recognised in these photos. The photos do not agree: by itself, photo 1 shows an animal.",
        ),
        ("unnamed unnamed", [True, True], "This is an animal; perhaps a dog or fox, or a tree frog."),
    ],
)
def test_photos_agree_if_they_can_show_one_animal(
    tmp_path: Path, colours: str, agrees: list[bool], message: str
) -> None:
    # GIVEN photos of foxes, of frogs, of an animal that is not named, and of none; WHEN they are taken for one animal
    photos = [encoded(Image.new("RGB", (64, 64), COLOURS[each]), "PNG") for each in colours.split()]
    answer = answer_of(identify(photos, IdentifyRequest(place="ignored"), services_in(tmp_path), record()), "r-1", 3)
    # THEN the answer says which do not fit, and what each of these shows
    assert ([each["agrees"] for each in answer["photos"]], answer["message"][-len(message) :]) == (agrees, message)


def test_the_deployment_may_want_boxes_and_a_request_may_decline_them(tmp_path: Path) -> None:
    services = services_in(tmp_path, detector=True, boxes=True)
    assert answer_to(photo(red=(3, 3)), services)[0]["animals"]
    assert answer_to(photo(red=(3, 3)), services, boxes=False)[0]["animals"] is None
    # AND without a box of an animal the whole photo answers
    answer, _ = answer_to(photo(blue=(3, 3)), services)
    assert (answer["animals"], len(answer["candidates"])) == ((), 3)
    # AND several photos have none
    photos, request = [photo(red=(1, 3)), photo(red=(6, 3))], IdentifyRequest(place="ignored")
    found = identify(photos, request, services, record())
    assert (found.recognised.boxes, len(found.recognised.alone)) == (None, 2)
    # AND a photo that cannot be decoded gives its memory back, as the others did
    with pytest.raises(PhotoUnreadable):
        answer_to(encoded(noise(400, 304), "PNG")[:10_000], services)
    with services.photos.memory.reserve(services.photos.memory.total):
        pass


def test_boxes_that_cannot_be_had_are_a_bad_request(tmp_path: Path) -> None:
    # GIVEN two photos, and a deployment without a detector that wants boxes
    photos, request = [photo(red=(1, 3)), photo(red=(6, 3))], IdentifyRequest(place="ignored", boxes=True)
    services = services_in(tmp_path, boxes=True)
    with pytest.raises(BadRequest, match="boxes are found in one photo at a time"):
        identify(photos, request, services, record())
    # THEN answers have none, and a request that insists learns why
    assert answer_to(photos[0], services)[0]["animals"] is None
    with pytest.raises(BadRequest, match="this server has no detector, so it cannot find boxes; leave out boxes=true"):
        answer_to(photos[0], services, boxes=True)


class StoreWithSeasons(InMemoryStore):
    """A store in which a fox and a frog live everywhere, and the frog is not seen before June or after August."""

    def features_of(self, cells: Sequence[int], deadline: Deadline, version: str | None = None) -> list[CellAnimals]:
        arrays = np.array([10, FROG], np.int32), np.ones(2, np.float32), np.ones(2, np.uint8)
        months = np.array([[0] * 5 + [255] * 3 + [0] * 4], np.uint8)
        found = super().features_of(cells, deadline, version)
        seasons = Seasons(np.array([FROG], np.int32), months)
        return [CellAnimals(each.cell, each.version, each.areas, *arrays, seasons=seasons) for each in found]


def in_season(folder: Path, floor: float, taken: str, month: int | None, shift: float = 0.0) -> Identification:
    """Identify a photo that is a little greener than red. `taken`: in its EXIF."""
    services = services_in(folder, StoreWithSeasons(), season_floor=floor)
    image = Image.new("RGB", (64, 64), (100, 110, 0))
    data = encoded(image, "PNG", exif=exif(taken=taken))
    return identify([data], IdentifyRequest(HERE, month=month, shift=shift), services, record())


@pytest.mark.parametrize(
    ("floor", "taken", "month", "first", "used"),
    [
        (0.2, "2026:07:14 09:30:00", None, "Hyla arborea", 7),
        (0.2, "2026:01:14 09:30:00", None, "Vulpes vulpes", 1),
        (0.2, "2026:01:14 09:30:00", 7, "Hyla arborea", 7),
        (0.2, "", 1, "Vulpes vulpes", 1),
        (0.2, "yesterday", None, "Hyla arborea", None),
        (1.0, "2026:01:14 09:30:00", 1, "Hyla arborea", None),
    ],
)
def test_the_month_decides_between_two_animals(
    tmp_path: Path, floor: float, taken: str, month: int | None, first: str, used: int | None
) -> None:
    # GIVEN a photo that rather shows a frog WHEN it was taken in a month without frogs, and the setting lets it count
    found = in_season(tmp_path, floor, taken, month)
    # THEN the fox is first, the frog still lives here, and the result says which month counted
    animals = found.recognised.together.scores.likeliest(3)
    assert animals[0].scientific_name == first
    here = {each.scientific_name: found.recognised.prior.here(each) for each in animals}
    assert (here["Hyla arborea"], found.features.month) == ("native", used)


@pytest.mark.parametrize(
    ("taken", "month", "shift", "used"),
    [
        ("2000:01:01 00:10:00", None, 195 * 86_400.0, 7),
        ("2026:07:31 23:30:00", None, 3600.0, 8),
        ("2026:01:14 09:30:00", 7, 3600.0, 7),
        ("0001:01:01 00:00:00", None, -3600.0, None),
    ],
)
def test_a_wrong_clock_is_corrected_first(
    tmp_path: Path, taken: str, month: int | None, shift: float, used: int | None
) -> None:
    assert in_season(tmp_path, 0.2, taken, month, shift).features.month == used


def test_a_photo_belongs_to_one_class_of_each_population(tmp_path: Path) -> None:
    # GIVEN a photo that is identified where the animal lives
    services = services_in(tmp_path, TwoDatasets(FROG))
    data = encoded(Image.new("RGB", (64, 64), (180, 148, 0)), "PNG")
    found = identify([data], IdentifyRequest(HERE), services, record())
    # WHEN it is counted THEN each population has it once, with nothing that says who or where, but the country
    classes = dict(each.split(":") for each in classes_of(found, ("photo_small",)))
    confidence = classes.pop("confidence")
    assert 0 <= float(confidence) <= 0.9
    answer = {"subject": "animal", "why_not": "photo_small", "taxa": "AU Amphibia", "expected": "yes"}
    assert classes == answer | {"quality": "small soft"}
    assert ["confidence", *classes] == list(DIMENSIONS["population"].values)
    # AND without a place and a fault it is counted as that
    nowhere = identify([data], IdentifyRequest(place="ignored"), services, record())
    others = dict(each.split(":") for each in classes_of(nowhere, ()))
    assert (others["why_not"], others["taxa"][:8], others["expected"]) == ("nothing", "nowhere ", "no place")

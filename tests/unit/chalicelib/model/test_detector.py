"""The detector: boxes of each kind in real photos, lazy and thread-safe loading, and what breaks its contract."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper
from PIL import Image

from chalicelib.config.settings import ROOT, When
from chalicelib.errors import ModelError
from chalicelib.model.detector import (
    GREY,
    QUICK,
    Box,
    Detections,
    Detector,
    Detectors,
    Kind,
    corners_of,
    joined,
    letter_box,
    read_classes,
    read_detectors,
    suppress,
)
from chalicelib.model.manifest import Manifest
from chalicelib.photo.pixels import Picture
from local import package_folder
from tests.support.tiny_model import (
    DETECTOR_LABELS,
    DETECTOR_MANIFEST,
    model_of,
    tiny_detector_model,
    write_camera_trap_detector,
    write_detector,
    write_pack,
)

PACKS = ROOT / "model" / "packs"
PHOTOS = package_folder("skimage") / "data"
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def detector_in(folder: Path, **changes: Any) -> Detector:
    return Detector(Manifest.read(write_detector(folder, **changes)), threads=1)


def frame(**colours: tuple[int, int]) -> Any:
    """Return a black frame of 8 × 6 pixels, with one pixel of each colour at (x, y)."""
    pixels = np.zeros((6, 8, 3), np.uint8)
    for name, (x, y) in colours.items():
        pixels[y, x] = {"red": RED, "green": GREEN, "blue": BLUE}[name]
    return pixels


def collage(*names: str) -> Picture:
    """Return photos side by side, each 400 px high."""
    photos = [Image.open(PHOTOS / name).convert("RGB") for name in names]
    photos = [photo.resize((photo.width * 400 // photo.height, 400)) for photo in photos]
    image = Image.new("RGB", (sum(photo.width for photo in photos), 400))
    for index, photo in enumerate(photos):
        image.paste(photo, (sum(each.width for each in photos[:index]), 0))
    return Picture(image)


def detected(detectors: Detectors | None, picture: Picture, *, by_night: bool = False) -> Detections:
    assert detectors is not None
    return detectors.detect(picture, by_night=by_night)


def test_animals_people_and_vehicles_are_found_in_photos() -> None:
    # GIVEN the project's detectors, and a cat beside an astronaut
    detectors = read_detectors(PACKS, "always", threads=1)
    found = detected(detectors, collage("chelsea.png", "astronaut.png"))
    # THEN the cat's box is on the left, the astronaut's on the right, and the cat is worth a second look
    (cat,), (astronaut,) = found.animals, found.people
    assert cat.x + cat.width / 2 < 0.6 < astronaut.x + astronaut.width / 2
    assert cat.score > 0.3 < astronaut.score
    assert found.focus == cat
    assert not found.vehicles
    # AND a motorcycle is a vehicle, and a wall nothing
    assert detected(detectors, collage("motorcycle_left.png")).vehicles[0].width > 0.5
    wall = detected(detectors, collage("brick.png"))
    assert (wall.animals, wall.people, wall.vehicles, wall.focus) == ((), (), (), None)


def test_boxes_are_where_the_things_are(tmp_path: Path) -> None:
    # GIVEN a detector of colours, which loads on its first photo
    detector = detector_in(tmp_path)
    assert (detector.is_loaded, len(detector.version)) == (False, 12)
    # WHEN it sees a frame with an animal, a person and a vehicle
    animal, person, vehicle = detector.find(frame(red=(4, 3), green=(0, 0), blue=(7, 5)))
    # THEN each has its box, in shares of the frame, and within it
    assert (animal.kind, person.kind, vehicle.kind) == ("animal", "person", "vehicle")
    assert (animal.x, animal.y, animal.width, animal.height) == pytest.approx((3.5 / 8, 2.5 / 6, 2 / 8, 2 / 6))
    assert (person.x, person.y, person.width, person.height) == pytest.approx((0, 0, 1.5 / 8, 1.5 / 6))
    assert vehicle.x + vehicle.width == 1
    assert 1 - 1e-6 < animal.score <= 1


def test_kinds_do_not_suppress_each_other(tmp_path: Path) -> None:
    # GIVEN a rider on a horse: two boxes that overlap; THEN both stay. Two animals so close would be one
    detector = detector_in(tmp_path)
    both = detector.find(frame(red=(4, 3), green=(4, 4)))
    assert [box.kind for box in both] == ["animal", "person"]
    close = frame(red=(4, 3))
    close[3, 4] = close[3, 3] = RED
    close[3, 3, 0] = 200
    (kept,) = (box for box in detector.find(close) if box.kind == "animal" and box.score > 0.9)
    assert kept.x == pytest.approx(3.5 / 8)


def test_at_most_ten_animals_are_returned_the_surest_first(tmp_path: Path) -> None:
    # GIVEN 12 animals that do not overlap, less and less red
    pixels = np.zeros((6, 8, 3), np.uint8)
    for index in range(12):
        pixels[index // 4 * 2, index % 4 * 2, 0] = 255 - 10 * index
    # WHEN a model is to look at each; THEN it looks at the ten reddest
    found = detected(Detectors(detector_in(tmp_path), None, "never"), Picture(Image.fromarray(pixels)))
    assert [round(box.score * 255) for box in found.animals] == [255 - 10 * index for index in range(10)]
    # AND what is hardly red is nothing
    assert detector_in(tmp_path).find((pixels // 4).astype(np.uint8)) == ()


def test_the_first_detector_that_is_built_is_read(tmp_path: Path) -> None:
    # GIVEN a folder with a classifier; THEN there is no detector, nor in a folder that is missing
    write_pack(tmp_path)
    assert read_detectors(tmp_path / "packs", "doubt") is None
    assert read_detectors(tmp_path / "none", "doubt") is None
    # GIVEN two detectors too; THEN each is found, until its model is gone
    general, traps = write_detector(tmp_path), write_camera_trap_detector(tmp_path)
    assert names_in(tmp_path) == ("colours", "traps")
    general.with_suffix(".onnx").unlink()
    assert names_in(tmp_path) == (None, "traps")
    traps.with_suffix(".onnx").unlink()
    assert read_detectors(tmp_path / "packs", "doubt") is None


def test_detectors_of_another_folder_come_first(tmp_path: Path) -> None:
    # GIVEN both detectors beside the model, and a general one of one's own in another folder
    write_detector(tmp_path)
    write_camera_trap_detector(tmp_path)
    (tmp_path / "other").mkdir()
    own = write_detector(tmp_path / "other")
    # WHEN both folders are read; THEN the own one takes the place of the general one alone
    found = read_detectors(tmp_path / "packs", "doubt", outside=tmp_path / "other" / "packs")
    assert found is not None
    assert found.general is not None
    assert found.camera_traps is not None
    assert found.general.manifest.file == own
    assert found.camera_traps.name == "traps"


def names_in(folder: Path) -> tuple[str | None, str | None]:
    """Return the names of the general detector and the one for camera traps that are built."""
    found = read_detectors(folder / "packs", "doubt")
    assert found is not None
    general, traps = (each.name if each else None for each in (found.general, found.camera_traps))
    return general, traps


@pytest.mark.parametrize(
    ("side", "colour", "by_night", "is_worth_it"),
    [(8, "blue", False, True), (4, "blue", False, False), (4, "blue", True, True), (4, "red", False, True)],
)
def test_a_large_box_of_the_detector_for_camera_traps_gets_no_second_look_by_day(
    tmp_path: Path, side: int, colour: str, by_night: bool, is_worth_it: bool
) -> None:
    # GIVEN a detector for camera traps whose boxes are 2 × 2 pixels of `side`, and a general one that sees red animals
    write_detector(tmp_path, labels="output_index,label,subject\n0,red,animal\n")
    write_camera_trap_detector(tmp_path, side)
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[2:4, 2:4] = {"red": RED, "blue": BLUE}[colour]
    # WHEN both look; THEN there is an animal, and a model looks at it again if that is worth it
    found = detected(read_detectors(tmp_path / "packs", "always"), Picture(Image.fromarray(pixels)), by_night=by_night)
    assert (len(found.animals) > 0, found.by_night) == (True, by_night)
    assert (found.focus is not None) == is_worth_it


def box(kind: Kind, score: float, x: float = 0.0, width: float = 0.5) -> Box:
    return Box(x, 0.0, width, 1.0, score, kind)


@pytest.mark.parametrize(
    ("boxes", "animals", "expected"),
    [
        ([], [box("animal", 0.6)], [box("animal", 0.6)]),
        # One animal in both: the box of the general detector, with the higher score.
        ([box("animal", 0.7)], [box("animal", 0.6, width=0.45)], [box("animal", 0.7)]),
        ([box("animal", 0.5)], [box("animal", 0.6, width=0.45)], [box("animal", 0.6)]),
        # Two animals.
        ([box("animal", 0.5)], [box("animal", 0.6, 0.5)], [box("animal", 0.6, 0.5), box("animal", 0.5)]),
        # A person is no animal, unless the detector for camera traps is surer of it; the person stays too.
        ([box("person", 0.7)], [box("animal", 0.6)], [box("person", 0.7)]),
        ([box("vehicle", 0.6)], [box("animal", 0.6)], [box("vehicle", 0.6)]),
        ([box("person", 0.5)], [box("animal", 0.6)], [box("animal", 0.6), box("person", 0.5)]),
        # A rider on a horse, both found by the general detector.
        ([box("animal", 0.5), box("person", 0.9)], [], [box("animal", 0.5), box("person", 0.9)]),
    ],
)
def test_boxes_of_both_detectors_are_joined(boxes: list[Box], animals: list[Box], expected: list[Box]) -> None:
    assert joined(boxes, animals) == tuple(expected)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1,green", "one,green", r"colours\.csv has the row one,green,person; expected an index, a label and ani"),
        ("vehicle", "car", r"colours\.csv has the row 2,blue,car"),
        ("subject", "kind", r"colours\.csv has the columns output_index,label,kind; expected output_index,label,subj"),
    ],
)
def test_faulty_labels_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = write_detector(tmp_path, labels=DETECTOR_LABELS.replace(old, new))
    with pytest.raises(ModelError, match=message):
        read_classes(path.with_name("colours.csv"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"labels": DETECTOR_LABELS + "3,grey,animal\n"},
            r"gives outputs of shapes \(1, 64, 4\) and .*; expected \(1, A, 4\)",
        ),
        ({"model": tiny_detector_model(size=9)}, "inference with pack colours failed: "),
    ],
    ids=["more labels than outputs", "a model for larger images"],
)
def test_a_model_that_does_not_fit_is_an_error(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        detector_in(tmp_path, **changes).find(frame())


shares = st.floats(0, 1, width=32)
overlaps = st.floats(0.0625, 1, width=32)


@st.composite
def scored(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw up to 30 boxes, by their corners, and their scores."""
    count = draw(st.integers(0, 30))
    ends = draw(arrays(np.float32, (count, 2, 2), elements=shares))
    return np.sort(ends, axis=1).reshape(count, 4), draw(arrays(np.float32, count, elements=shares))


def overlap_of(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Return the share of two boxes' union that both cover, from its definition."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    both = max(min(a[2], b[2]) - max(a[0], b[0]), 0.0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0.0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both
    return float(both / union) if union > 0 else 1.0


@given(st.integers(1, 32), st.integers(1, 24))
def test_a_letter_box_has_the_photo_at_its_left_upper_corner(height: int, width: int) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    boxed = letter_box(frame, 32, 24)
    assert boxed.shape == (32, 24, 3)
    assert np.array_equal(boxed[:height, :width], frame)
    assert (boxed[height:] == GREY).all()
    assert (boxed[:, width:] == GREY).all()


def sized_detector_model(*sides: int | str) -> ModelProto:
    """Return a detector of images with these sides, which finds an animal in their middle, half as high as they are."""
    constants = {
        "order": np.array([2, 1, 2, 1]),
        "parts": np.array([0.5, 0.5, 1, 0.5], np.float32),
        "one": np.array([1, 1, 4]),
        "animal": np.array([[[1, 0, 0]]], np.float32),
    }
    nodes = [
        helper.make_node("Shape", ["image"], ["shape"]),
        helper.make_node("Gather", ["shape", "order"], ["pixels"]),
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["floats", "parts"], ["box"]),
        helper.make_node("Reshape", ["box", "one"], ["boxes"]),
        helper.make_node("Identity", ["animal"], ["scores"]),
    ]
    outputs = {name: (TensorProto.FLOAT, [1, 1, width]) for name, width in (("boxes", 4), ("scores", 3))}
    return model_of("sized", nodes, {"image": (TensorProto.UINT8, [1, *sides, 3])}, outputs, constants)


@pytest.mark.parametrize(
    ("sides", "form", "seen", "image_heights"),
    [
        ((64, 64), "", [64, 64], [64, 64]),
        (("H", "W"), "", [64, 32], [32, 32]),
        (("H", "W"), "square", [64, 32], [64, 64]),
    ],
)
def test_a_detector_of_any_size_sees_little_grey_and_a_smaller_photo_for_a_quick_look(
    tmp_path: Path, sides: tuple[int | str, ...], form: str, seen: list[int], image_heights: list[int]
) -> None:
    # GIVEN a detector of 64 × 64 pixels, one of any size up to that, and one that is to see a square
    manifest = DETECTOR_MANIFEST.replace("= 8", "= 64")
    detector = detector_in(tmp_path, model=sized_detector_model(*sides), manifest=manifest)
    longest = list[int]()

    def whole(side: int) -> NDArray[np.uint8]:
        longest.append(side)
        return np.zeros((20, side, 3), np.uint8)

    # WHEN both look at a photo 20 pixels high, then quickly
    found = [*detector.detect(whole, square=bool(form)), *detector.detect(whole, 32, square=bool(form))]
    # THEN one of any size has sides of whole multiples of 32, and takes a smaller photo
    assert longest == seen
    assert [box.y * 20 for box in found] == pytest.approx([min(height / 4, 20) for height in image_heights])


@pytest.mark.parametrize(
    ("when", "by_night", "looks"), [("doubt", False, False), ("doubt", True, True), ("always", False, True)]
)
def test_what_is_found_by_day_is_not_looked_for_again(tmp_path: Path, when: When, by_night: bool, looks: bool) -> None:
    # GIVEN an animal that the general detector is sure of
    write_detector(tmp_path)
    write_camera_trap_detector(tmp_path)
    detectors = read_detectors(tmp_path / "packs", when)
    assert detectors is not None
    assert detectors.camera_traps is not None
    # WHEN the models are in doubt; THEN the detector for camera traps looks by night, or if the setting says so
    picture = Picture(Image.fromarray(frame(red=(0, 0))))
    assert detectors.detect(picture, by_night=by_night, doubted=0.5).focus is not None
    assert detectors.camera_traps.is_loaded == looks


@pytest.mark.parametrize(
    ("when", "by_night", "doubted", "boxes", "expected"),
    [
        # The animal may be one that the other detector does not know.
        ("doubt", False, 0.5, False, ["a glance of colours", "colours 64", "traps 64"]),
        ("doubt", False, 0.5, True, ["colours 64", "traps 64"]),
        # Hardly an animal: people and vehicles matter.
        ("doubt", False, 0.01, False, ["a glance of colours", "colours 64"]),
        ("doubt", False, 0.01, True, ["colours 64", "traps 64"]),
        ("doubt", True, 0.01, False, ["a glance of colours", "colours 64", "traps 64 square"]),
        # An animal for sure: people and vehicles matter less.
        ("doubt", True, 0.9, False, ["traps 64 square"]),
        ("doubt", True, 0.9, True, ["colours 32", "traps 64 square"]),
        ("never", True, 0.9, False, ["colours 32"]),
        ("always", False, 0.01, False, ["a glance of colours", "colours 64", "traps 64"]),
    ],
)
@pytest.mark.parametrize(("hint", "closer"), [((None, 0), "colours 64"), ((None, 32), "colours 32"), (((), 0), None)])
def test_a_doubt_is_looked_into_by_as_few_detectors_as_it_needs(
    when: When,
    by_night: bool,
    doubted: float,
    boxes: bool,
    expected: list[str],
    hint: tuple[tuple[Box, ...] | None, int],
    closer: str | None,
) -> None:
    # GIVEN two detectors that find nothing, and note the size of what they look at
    looks = list[str]()

    class Noting(Detector):
        def __init__(self, name: str) -> None:
            self.name, self.size = name, 64

        def detect(self, whole: object, size: int = 0, *, square: bool = False, least: float = 0) -> tuple[Box, ...]:  # noqa: ARG002
            looks.append(f"{self.name} {size or self.size}{' square' * square}")
            return ()

        def glance(self, whole: object) -> tuple[tuple[Box, ...] | None, int]:  # noqa: ARG002
            looks.append(f"a glance of {self.name}")
            return hint

    detectors = Detectors(Noting("colours"), Noting("traps"), when)
    # WHEN a photo leaves a doubt THEN both look only where both may help
    with patch("chalicelib.model.detector.QUICK", 32):
        detectors.detect(Picture(Image.new("RGB", (8, 8))), by_night=by_night, doubted=doubted, boxes=boxes)
    # AND one that has glanced looks as closely as the glance says, or no more
    if "a glance of colours" in expected:
        expected = [closer or "" if each == "colours 64" else each for each in expected]
    assert looks == [each for each in expected if each]


def test_a_glance_is_enough_for_nothing_and_for_people_without_an_animal() -> None:
    # GIVEN the project's detector; WHEN it glances at a wall, an astronaut, a cat and what may be a person
    detectors = read_detectors(PACKS, "never", threads=1)
    assert detectors is not None
    assert detectors.general is not None
    names = ["brick.png"], ["astronaut.png"], ["chelsea.png"], ["chelsea.png", "astronaut.png"], ["retina.jpg"]
    wall, astronaut, *others = (detectors.general.glance(collage(*each).whole) for each in names)
    # THEN only an animal, alone or beside a person, needs a closer look, and what may be a person one in QUICK pixels
    assert wall == ((), 0)
    assert astronaut[0] is not None
    assert [box.kind for box in astronaut[0]] == ["person"]
    assert others == [(None, 0), (None, 0), (None, QUICK)]


def test_a_faint_box_says_how_large_an_animal_is_that_is_there_for_sure(tmp_path: Path) -> None:
    # GIVEN a photo of which the detector is not sure enough for a box
    faint = Picture(Image.fromarray((frame(red=(4, 3)) // 4).astype(np.uint8)))
    detectors = Detectors(detector_in(tmp_path), None, "doubt")
    assert detectors.detect(faint, by_night=False).animals == ()
    # WHEN it only has to say how large the animal is THEN it does, of animals alone, and nothing is worth a look
    found = detectors.size_up(faint)
    assert {box.score for box in found.animals} == {0}
    assert (found.people, found.vehicles, found.focus) == ((), (), None)


def test_a_detector_of_one_size_takes_no_glance(tmp_path: Path) -> None:
    manifest = DETECTOR_MANIFEST.replace("= 8", "= 64")
    detector = detector_in(tmp_path, model=sized_detector_model(64, 64), manifest=manifest)
    assert detector.glance(lambda _: pytest.fail("it would take as long as a look")) == (None, 0)


def test_by_day_detectors_may_leave_an_animal_that_is_shown_clearly_to_the_map(tmp_path: Path) -> None:
    detector = detector_in(tmp_path)
    doubt, always = Detectors(detector, None, "doubt"), Detectors(detector, None, "always")
    traps = Detectors(None, detector, "doubt")
    assert doubt.may_rest(0.9, by_night=False)
    assert not any((doubt.may_rest(0.89, by_night=False), doubt.may_rest(0.9, by_night=True)))
    assert not any(each.may_rest(0.9, by_night=False) for each in (always, traps))


def test_boxes_are_shares_of_the_photo_and_end_at_its_borders() -> None:
    # GIVEN boxes in a letter-box whose photo is 400 × 200: in the middle, over a corner, in the grey, and infinite
    boxes = np.array([[200, 100, 100, 50], [400, 0, 80, 80], [200, 300, 10, 10], [9, 9, np.inf, 20]], np.float32)
    # WHEN they become shares; THEN each ends where the photo does
    expected = [[0.375, 0.375, 0.625, 0.625], [0.9, 0, 1, 0.2], [0.4875, 1, 0.5125, 1], [0, 0, 1, 0.095]]
    np.testing.assert_allclose(corners_of(boxes, 400, 200), expected, atol=1e-6)


TINY = np.array([[1e-45, 1e-45, 1e-45, 1e-45], [0, 1e-45, 1e-45, 1]], np.float32)
"""A point, and a box whose area has no half in 32 bits."""


@example((TINY, np.zeros(2, np.float32)), 0.5, 2)
@given(scored(), overlaps, st.integers(1, 40))
def test_what_is_kept_does_not_overlap_and_what_is_not_does(
    boxes: tuple[NDArray[np.float32], NDArray[np.float32]], overlap: float, most: int
) -> None:
    corners, scores = boxes
    kept = suppress(corners, scores, overlap, most).tolist()
    # THEN the surest come first
    assert kept == sorted(set(kept), key=lambda index: (-scores[index], index))
    assert len(kept) <= most
    # AND no two of them overlap too much
    for place, index in enumerate(kept):
        assert all(overlap_of(corners[index], corners[other]) < overlap + 1e-4 for other in kept[:place])
    # AND each of the others overlaps with a surer one, unless there are enough
    for index in set(range(len(scores))) - set(kept) if len(kept) < most else ():
        surer = [other for other in kept if scores[other] >= scores[index]]
        assert any(overlap_of(corners[index], corners[other]) > overlap - 1e-4 for other in surer)


@given(shares, shares, shares, shares, st.floats(0, 2))
def test_a_box_grows_on_each_side_up_to_the_photos_border(x: float, y: float, w: float, h: float, share: float) -> None:
    box = Box(x, y, w * (1 - x), h * (1 - y), 0.5, "animal")
    more = share * box.width, share * box.height
    left_top = max(box.x - more[0], 0), max(box.y - more[1], 0)
    right_bottom = min(box.x + box.width + more[0], 1), min(box.y + box.height + more[1], 1)
    assert box.grown(share) == pytest.approx((*left_top, *right_bottom))

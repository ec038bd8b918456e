"""What the general model sees in labelled photos, once: with a small model whose features are the means of colours."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock, patch

import pytest
from PIL import Image

from chalicelib.config.settings import Settings
from chalicelib.errors import ModelError
from chalicelib.model.detector import Box
from chalicelib.services import Services
from faunalens.errors import CommandError
from faunalens.training.features import NOTHING, Extractor, Memory, crops_of, pooled
from faunalens.training.labels import LabelledPhoto
from tests.support import tiny_model

DRAWN = Box(0.25, 0.25, 0.5, 0.5, 1.0, "animal")


@pytest.fixture
def services(tmp_path: Path) -> Services:
    """A model with a detector, which finds a box of 2 × 2 pixels around each red pixel of 8 × 8."""
    (tmp_path / "model").mkdir()
    path = tiny_model.write(tmp_path / "model", tiny_model.tiny_model())
    tiny_model.write_detector(path.parent)
    return Services.build(Settings.from_environment({"MODEL_PATH": str(path), "MODEL_THREADS": "1"}))


@pytest.fixture
def extractor(services: Services) -> Extractor:
    return Extractor(services.recogniser.models.general, services.recogniser.detectors.get(), services.photos)


def photo(folder: Path, name: str, colour: str, *boxes: Box, dot: str | None = None) -> LabelledPhoto:
    """Return a photo of one colour. `dot`: colour of a part of it."""
    image = Image.new("RGB", (64, 64), colour)
    image.paste(dot or colour, (24, 24, 32, 32))
    image.save(folder / name)
    return LabelledPhoto(folder / name, "Panthera leo", "north", None, boxes)


def test_each_photo_is_looked_at_once(extractor: Extractor, tmp_path: Path) -> None:
    photos = [photo(tmp_path, f"{colour}.png", colour, DRAWN) for colour in ("red", "green", "blue")]
    with closing(Memory(tmp_path / "cache" / "features.sqlite")) as memory:
        first, _ = crops_of(photos, extractor, memory, 2)
    # THEN each has its features, the roots of the colours' means
    by_name = {each.photo.photo.stem: each for each in first}
    assert by_name["red"].features == pytest.approx([255**0.5, 0, 0], abs=0.01)
    assert [each.box for each in first] == [DRAWN] * 3
    # WHEN one is added, after the photos have moved
    look = Mock(return_value=[])
    moved = [each._replace(photo=each.photo.rename(tmp_path / f"moved {each.photo.name}")) for each in photos]
    with closing(Memory(memory.path)) as memory, patch.object(Extractor, "boxed", look):
        again, faults = crops_of([*moved, photo(tmp_path, "grey.png", "grey", DRAWN)], extractor, memory, 2)
    # THEN only that is looked at, and the others are the same, in the same order
    assert (look.call_count, faults) == (1, {tmp_path / "grey.png": NOTHING})
    assert [each.features.tobytes() for each in again] == [each.features.tobytes() for each in first]


def test_boxes_are_those_of_people_and_of_detectors_around_them(extractor: Extractor, tmp_path: Path) -> None:
    labelled = photo(tmp_path, "dot.png", "black", dot="red")
    data = labelled.photo.read_bytes()
    # GIVEN no box THEN the detector's surest counts
    ((found, _),) = extractor.boxed(labelled, data)
    # GIVEN a box that people drew there, or elsewhere
    drawn, detected, elsewhere = replace(found, score=1.0), replace(found, score=0.8), replace(DRAWN, x=0.8, width=0.1)
    # THEN it is learnt from too, if it is there; GIVEN a detector's box in the labels THEN no other is looked for
    for given, expected in ((drawn, [drawn, found]), (elsewhere, [elsewhere]), (detected, [detected])):
        assert [box for box, _ in extractor.boxed(labelled._replace(boxes=(given,)), data)] == expected


def test_what_has_no_features_is_named(extractor: Extractor, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    dark = photo(tmp_path, "dark.png", "black")
    others = [dark._replace(photo=tmp_path / name) for name in ("gone.jpg", "broken.jpg")]
    with closing(Memory(tmp_path / "features.sqlite")) as memory:
        found, faults = crops_of([*others, dark], extractor, memory, 1)
    assert (found, set(faults), faults[dark.photo]) == ([], {each.photo for each in (*others, dark)}, NOTHING)


def test_without_a_detector_nothing_is_trained_that_no_photo_would_use(services: Services) -> None:
    # GIVEN a model of one's own without a detector WHEN a head is to be trained THEN it is refused
    with pytest.raises(ModelError, match=r"a head scores boxes, but there is no detector; copy model/packs/det"):
        Extractor(services.recogniser.models.general, None, services.photos)


def test_a_model_without_features_and_a_memory_that_cannot_be_made_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="gives no features; `make setup` builds one that does"):
        pooled([None, None])
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match="set XDG_CACHE_HOME"):
        Memory(tmp_path / "file" / "features.sqlite")

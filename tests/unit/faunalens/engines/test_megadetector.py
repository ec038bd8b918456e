"""MegaDetector as an engine, with a stand-in for its package: its weights are out of reach of tests."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chalicelib.config.settings import ModelSettings, Settings
from chalicelib.errors import Unavailable
from chalicelib.model.recogniser import surest_boxes
from chalicelib.photo.pixels import Picture
from chalicelib.services import Services
from faunalens.engines.megadetector import SIZE, MegaDetector, boxes_of, version_of, with_detector
from faunalens.errors import CommandError
from tests.stand_ins import detection, write_megadetector
from tests.support import tiny_model

FRAME = np.zeros((960, SIZE, 3), np.uint8)
pytestmark = pytest.mark.usefixtures("packages")


def test_boxes_are_those_of_a_size_that_it_is_sure_of(tmp_path: Path) -> None:
    sure, unsure, flat = detection("1", 0.8), detection("1", 0.1), detection("1", 0.9, 0.1, 0.1, 0.0, 0.5)
    person, unknown = detection("2", 0.5), detection("9", 0.9)
    weights = write_megadetector(tmp_path, unsure, person, detection("1", 0.3), sure, flat, unknown)
    detector = MegaDetector(str(weights))
    found = [(box.kind, box.score) for box in detector.find(FRAME)]
    assert found == [("animal", 0.8), ("animal", 0.3), ("person", 0.5)]
    assert (detector.name, detector.version, detector.is_loaded) == ("megadetector", "v5a.0.1", True)
    (box,) = boxes_of([detection("3", 1.00001, 0.1, 0.2, 0.3, 0.4)])
    assert (box.x, box.y, box.width, box.height, box.score, box.kind) == (0.1, 0.2, 0.3, 0.4, 1.0, "vehicle")
    # THEN a photo that it cannot do is refused alone
    with pytest.raises(Unavailable, match=r"MegaDetector failed \(Failure inference\)"):
        detector.find(FRAME[:, :640])


def test_our_models_name_what_is_in_its_boxes(tmp_path: Path) -> None:
    services = Services.build(Settings(model=ModelSettings(path=tiny_model.write(tmp_path, tiny_model.tiny_model()))))
    detector = MegaDetector(str(write_megadetector(tmp_path, detection("1", 0.9))))
    changed = with_detector(services, detector)
    detectors = changed.recogniser.detectors.get()
    assert detectors is not None
    assert (detectors.general, detectors.camera_traps) == (detector, None)
    # THEN a box counts by day too, though the general model sees no animal in it
    found = detectors.detect(Picture(Image.new("RGB", (64, 48))), by_night=False)
    assert surest_boxes(found).is_animal(0.0)
    # AND it looks however sure the general model is
    assert not detectors.may_rest(1.0, by_night=False)
    assert changed.recogniser.models is services.recogniser.models
    assert changed.photos.detail == SIZE // 2


def test_weights_that_cannot_be_had_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"MegaDetector cannot load .*none.*give a file with --weights"):
        MegaDetector(str(tmp_path / "none"))
    assert version_of("none") == "unknown"

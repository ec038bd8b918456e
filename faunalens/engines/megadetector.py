"""MegaDetector, from the package of this name: it finds boxes of animals, people and vehicles; our models name them.

The package downloads its weights at the first use, and uses a GPU if there is one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chalicelib.errors import Unavailable
from chalicelib.features.features import Features
from chalicelib.lazy import Lazy
from chalicelib.model.detector import KINDS, MOST, Box, Detections, Detector, Detectors, Kind
from chalicelib.model.models import PackRun
from chalicelib.model.recogniser import Recognised, Recogniser
from chalicelib.photo.photos import DecodedPhoto
from chalicelib.photo.pixels import Picture
from chalicelib.services import Services
from faunalens.engines.engine import Gathered, loading, required

NAME: Final = "megadetector"
WEIGHTS: Final = "MDV5A"
SIZE: Final = 1280  # longer side of the image that MegaDetector gets, in pixels
LEAST: Final = 0.2
"""Least score of a box that counts: `typical_detection_threshold` of MegaDetector 5."""
CATEGORIES: Mapping[str, Kind] = {"1": "animal", "2": "person", "3": "vehicle"}
"""Kinds of boxes by their category in the JSON of MegaDetector and SpeciesNet."""


def boxes_of(detections: Iterable[Mapping[str, Any]], least: float = LEAST) -> tuple[Box, ...]:
    """Return boxes in MegaDetector's JSON, at most `MOST` of each kind, surest first. `least`: their least score."""
    found: dict[Kind, list[Box]] = {kind: [] for kind in KINDS}
    for each in sorted(detections, key=lambda each: -each["conf"]):
        kind, (left, top, width, height) = CATEGORIES.get(str(each["category"])), each["bbox"]
        if kind and each["conf"] >= least and width > 0 and height > 0:
            found[kind].append(Box(left, top, width, height, min(float(each["conf"]), 1.0), kind))
    return tuple(box for kind, boxes in found.items() for box in boxes[: MOST[kind]])


class MegaDetector(Detector):
    """The detector of the package `megadetector`. `weights`: a name that it knows, such as MDV5A, or a file."""

    is_loaded = has_one_size = True

    def __init__(self, weights: str = WEIGHTS) -> None:
        self.name, self.size = NAME, SIZE
        self.version, self._found = version_of(weights), Gathered(self._batch)
        with loading("MegaDetector", weights, "a file"):
            self._net = _package().load_detector(weights)

    def find(self, frame: NDArray[np.uint8], **_: object) -> tuple[Box, ...]:
        """Return the boxes in a photo, as `Detector.find` does. Raises `Unavailable`."""
        found = self._found(Image.fromarray(frame))
        if found.get("failure"):
            # perhaps only on this photo, which must not stop the others
            raise Unavailable(f"MegaDetector failed ({found['failure']})")
        return boxes_of(found["detections"])

    def _batch(self, images: Sequence[Image.Image]) -> list[dict[str, Any]]:
        names, detect = [str(number) for number in range(len(images))], self._net.generate_detections_one_batch
        found: list[dict[str, Any]] = detect(list(images), names, detection_threshold=LEAST)
        return found


def version_of(weights: str) -> str:
    """Return the version of the weights that `--weights` names."""
    return str(_package().get_detector_version_from_filename(weights))


def _package() -> Any:
    return required("megadetector.detection.run_detector", NAME)


class _Trusted(Detectors):
    """Detectors that are all replaced by one. It counts by day too, unlike our small detector for camera traps."""

    def detect(self, picture: Picture, **known: Any) -> Detections:
        return replace(super().detect(picture, **known), by_night=True)

    def may_rest(self, animal_probability: float, *, by_night: bool) -> bool:  # noqa: ARG002
        """Return False: never skip this detector, since those who choose it want its boxes."""
        return False


@dataclass(frozen=True, slots=True)
class _Recogniser(Recogniser):
    """Our models, looking at the boxes that another project's detector found. Answers also name that detector."""

    detector: Detector

    def recognise(self, photos: Sequence[DecodedPhoto], features: Features, *, boxes: bool = False) -> Recognised:
        """Return what photos show. Raises `ModelError`."""
        found = Recogniser.recognise(self, photos, features, boxes=boxes)
        scores = found.together.scores
        named = replace(scores, packs=(*scores.packs, PackRun(self.detector, 0.0)))
        return replace(found, together=found.together._replace(scores=named))


def change(weights: str, _say: Callable[[str], None]) -> Callable[[Services], Services]:
    """Load MegaDetector's `weights`, by default `WEIGHTS`. Return a function that makes services take its boxes."""
    return partial(with_detector, detector=MegaDetector(weights or WEIGHTS))


def versions(weights: str, ours: Mapping[str, str]) -> Mapping[str, str]:
    """Return the versions of the models and of the data by name. `ours`: those without this engine."""
    return {**ours, NAME: version_of(weights or WEIGHTS)}


def with_detector(services: Services, detector: Detector) -> Services:
    """Return services that take their boxes from `detector`: MegaDetector, or a detector that is trusted as much."""
    old = services.recogniser
    detectors = Lazy[Detectors | None](lambda: _Trusted(detector, None, "never"))
    recogniser = _Recogniser(old.models, old.naming, detectors, old.second_look, boxes=True, detector=detector)
    return services._replace(photos=replace(services.photos, detail=SIZE // 2), recogniser=recogniser)

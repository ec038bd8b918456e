"""The recogniser: the models, the detector and the naming together say which animal the photos of a request show.

If the whole photo leaves a doubt, the models also score the detector's surest animal, cut out, like a second photo of
the same animal. That finds more animals, and corrects first scores that were too sure. A clear photo needs no second
look, and costs no more than without a detector.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from chalicelib.errors import BadRequest
from chalicelib.features.features import Features
from chalicelib.lazy import Lazy
from chalicelib.model.models import FusedScores, Models, PhotoScores
from chalicelib.model.naming import Decision, Naming, Subject, subject_of
from chalicelib.model.prior import Prior
from chalicelib.model.relatives import Relative
from chalicelib.model.session import Model
from chalicelib.model.taxonomy import Prediction
from chalicelib.photo.photos import DecodedPhoto

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from chalicelib.model.detector import Box, Detections, Detector

SURE: Final = 0.8
"""Score from which a family, or a taxon below it, needs no second look: such answers do not become better."""
MIDDLE: Final = 0.6
"""Share of the photo's short side that the second look sees if the detector has found no animal."""


class Recognition(NamedTuple):
    """What a picture shows, or several pictures of one animal.

    `relatives`: close relatives of the predicted taxon that live at the place and that none of these models knows.
    """

    scores: FusedScores
    decision: Decision
    relatives: Sequence[Relative]

    @property
    def prediction(self) -> Prediction | None:
        """Return the narrowest taxon that is certain enough."""
        return self.decision.prediction


class Boxes(NamedTuple):
    """What the detector found in a photo. `animals`: what each box of an animal shows, in the order of the boxes."""

    detections: "Detections"
    animals: tuple[Recognition, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Recognised:
    """What the photos of one animal show at one place.

    `alone`: what each of several photos shows by itself; empty if there is only one. `detections`: what the detector
    found, or None if the photo was clear without it. `looked_twice`: whether the models also scored a part of the
    photo. `model`: the general model. `prior`: the weights of the animals at the place. `boxes`: None if
    the request does not ask for them, or without a detector.
    """

    together: Recognition
    alone: tuple[Recognition, ...]
    subject: Subject
    detections: "Detections | None"
    looked_twice: bool
    model: Model
    prior: Prior
    boxes: Boxes | None = None


@dataclass(frozen=True, slots=True)
class Recogniser:
    """The models, and what is done with their scores. Thread-safe.

    `detector`: gives None if there is none. `second_look`: whether the models score a part of the photo if the whole
    leaves a doubt. `boxes`: whether answers have boxes if a request does not say.
    """

    models: Models
    naming: Naming
    detector: Lazy["Detector | None"]
    second_look: bool
    boxes: bool

    def wants_boxes(self, asked: bool | None, photos: int) -> bool:
        """Return whether the answer is to have boxes. `asked`: by the request. `photos`: the number of photos.

        Raises `BadRequest` if the request asks for boxes, and there is no detector or there are several photos. If only
        the setting `BOXES` asks for them, the answer then has none.
        """
        if not (self.boxes if asked is None else asked):
            return False
        if asked and photos > 1:
            raise BadRequest("boxes are found in one photo at a time; send one photo, or leave out boxes=true")
        if asked and self.detector.get() is None:
            raise BadRequest("this server has no detector, so it cannot find boxes; leave out boxes=true")
        return photos == 1

    def recognise(self, photos: Sequence[DecodedPhoto], features: Features) -> Recognised:
        """Return which animal the photos show. Only a single photo gets a second look. Raises `ModelError`."""
        prior = self.models.prior_at(features)
        scored = [self.models.score(photo.square) for photo in photos]
        together = self._recognition(scored, prior)
        detections, looks_twice = None, len(photos) == 1 and self.second_look and is_doubtful(together.prediction)
        if looks_twice:
            detections = self._detect(photos[0])
            square = second_square(photos[0], detections, self.models.general.input_size)
            box = _best(detections.animals) if detections else 0.0
            together = self._recognition([*scored, self.models.score(square)], prior, box)
        alone = tuple(self._recognition([each], prior) for each in scored if len(photos) > 1)
        subject = _subject(together.scores, detections, self.naming.animal)
        return Recognised(together, alone, subject, detections, looks_twice, self.models.general, prior)

    def with_boxes(self, photo: DecodedPhoto, found: Recognised) -> Recognised:
        """Return what was found in a photo, with what its boxes show if there is a detector. Raises `ModelError`."""
        detections = found.detections or self._detect(photo)
        if detections is None:
            return found
        pairs = zip(detections.squares, detections.animals, strict=True)
        animals = tuple(self._recognition([self.models.score(square)], found.prior, box.score) for square, box in pairs)
        return replace(found, boxes=Boxes(detections, animals))

    def name_with(self, found: Recognised, prior: Prior) -> Prediction | None:
        """Return the taxon that the same scores show with another prior. No model runs again."""
        box = _best(found.detections.animals) if found.detections else 0.0
        return self.naming.name(found.together.scores, prior, box)[1].prediction

    def prepare(self) -> None:
        """Read and hash the files that the first photo needs after it was scored."""
        _ = self.models.general.version, self.models.packs, self.naming.curves
        self.naming.families.prepare()

    def _recognition(self, scored: Sequence[PhotoScores], prior: Prior, box: float = 0.0) -> Recognition:
        scores, decision = self.naming.name(self.models.fuse(scored), prior, box)
        here, known = prior.features.found.relatives.tolist(), scores.taxonomy.taxon_ids
        prediction = decision.prediction
        close = self.naming.families.relatives.close_to(prediction, here, known) if prediction else ()
        return Recognition(scores, decision, close)

    def _detect(self, photo: DecodedPhoto) -> "Detections | None":
        detector = self.detector.get()
        return detector.detect(photo.picture, self.models.general.input_size) if detector else None


def is_doubtful(prediction: Prediction | None) -> bool:
    """Return whether a photo needs a second look: nothing was recognised, or a taxon wider than a family, or unsure."""
    return prediction is None or prediction.score < SURE or prediction.is_wide


def second_square(photo: DecodedPhoto, detections: "Detections | None", size: int) -> "NDArray[np.uint8]":
    """Return what the second look sees, shape (size, size, 3).

    It is the surest animal that the detector has found, or else the middle of the photo.
    """
    return detections.squares[0] if detections and detections.squares else photo.picture.middle(MIDDLE, size)


def _subject(scores: FusedScores, detections: "Detections | None", threshold: float) -> Subject:
    of_kinds = (detections.animals, detections.people, detections.vehicles) if detections else ()
    return subject_of(scores.animal_probability, threshold, *map(_best, of_kinds))


def _best(boxes: "Sequence[Box]") -> float:
    return boxes[0].score if boxes else 0.0

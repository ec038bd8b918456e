"""The recogniser: the models, the detectors and the naming together say which animal the photos of a request show.

A doubtful photo gets a second look: the models also score the part of it that has the animal, like another photo. That
finds more animals, and corrects first scores that were too sure. A clear photo gets none, and costs no more than
without a detector. The page's copy for use without a network reads the constants below.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import BadRequest, ModelError
from chalicelib.features.features import Features
from chalicelib.lazy import Lazy
from chalicelib.model.certainty import LEAST_BOX, MOST_EMPTY, NO_BOXES, Subject, SurestBoxes
from chalicelib.model.models import NO_DETECTOR, FusedScores, Head, Models, PhotoScores, head_crops
from chalicelib.model.naming import Decision, Naming
from chalicelib.model.session import Scores, Versioned
from chalicelib.model.shares import Prior
from chalicelib.model.taxonomy import Prediction, Relative
from chalicelib.photo.photos import DecodedPhoto
from chalicelib.photo.pixels import Picture, crop_share

if TYPE_CHECKING:
    from chalicelib.model.detector import Box, Detections, Detectors


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
    """What detectors found in a photo. `animals`: the boxes of animals and what each shows, the surest first."""

    detections: "Detections"
    animals: "tuple[tuple[Box, Recognition], ...]"


class ClassMap(NamedTuple):
    """Where in a photo the general model saw the likeliest animal.

    `share`: part of the photo's short side that the model's square shows. `squares`: that square's `activation_map`.
    """

    share: float
    squares: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Recognised:
    """What the photos of one animal show at one place.

    `alone`: what each of several photos shows by itself; empty if there is only one. `detections`: what the detector
    found, or None if the photo was clear without it. `model`: the general model. `prior`: the weights of the animals at
    the place. `boxes`: None if the request does not ask for them, or without a detector. `head`: the head that is for
    the photo, if there is one. `part`: the scores of the part of the photo that got a second look, if there was one.
    `class_map`: of a single photo, if the general model gives one.
    """

    together: Recognition
    alone: tuple[Recognition, ...]
    subject: Subject
    detections: "Detections | None"
    model: Versioned
    prior: Prior
    boxes: Boxes | None = None
    head: Head | None = None
    part: PhotoScores | None = None
    class_map: ClassMap | None = None

    @property
    def looked_twice(self) -> bool:
        """Return whether the models have also scored a part of the photo."""
        return self.part is not None


@dataclass(frozen=True, slots=True)
class Recogniser:
    """Runs the models on photos and decides what their scores mean. Thread-safe.

    `detectors`: gives None if there are none. `second_look`: whether the models score a part of the photo if the whole
    leaves a doubt. `boxes`: whether answers have boxes if a request does not say.
    """

    models: Models
    naming: Naming
    detectors: Lazy["Detectors | None"]
    second_look: bool
    boxes: bool

    def wants_boxes(self, asked: bool | None, photos: int) -> bool:
        """Return whether the answer is to have boxes. `asked`: what the request says, or None.

        `photos`: the number of photos. Raises `BadRequest` if the request asks for boxes, and there is no detector or
        there are several photos. If only the setting `BOXES` asks for them, the answer then has none.
        """
        if not (self.boxes if asked is None else asked):
            return False
        if asked and photos > 1:
            raise BadRequest("boxes are found in one photo at a time; send one photo, or leave out boxes=true")
        if asked and self.detectors.get() is None:
            raise BadRequest("this server has no detector, so it cannot find boxes; leave out boxes=true")
        return photos == 1

    def recognise(self, photos: Sequence[DecodedPhoto], features: Features, *, boxes: bool = False) -> Recognised:
        """Return which animal the photos show. Only a single photo gets a second look. Raises `ModelError`.

        `boxes`: whether a call of `with_boxes` follows, so that all boxes are needed.
        """
        prior = self.models.prior_at(features)
        scored = [self.models.score(photo.square) for photo in photos]
        together = self.named(self.models.fuse(scored), prior)
        detections, part, photo, is_single = None, None, photos[0], len(photos) == 1 and self.second_look
        head = self.models.head_at(features, by_night=photo.quality.is_by_night) if is_single else None
        if is_single and (head is not None or needs_second_look(together.prediction)):
            detections, part, together = self._second_look(photo, scored[0], together, prior, head, boxes)
        alone = tuple(self.named(self.models.fuse([each]), prior) for each in scored if len(photos) > 1)
        surest = surest_boxes(detections, together.scores)
        subject = surest.subject(together.scores.animal_probability, self.naming.animal)
        general = self.models.general
        squares = None if alone else scored[0].general.activation_map
        class_map = None if squares is None else ClassMap(crop_share(general.input_size), squares)
        found = Recognised(together, alone, subject, detections, general, prior)
        return replace(found, head=head, part=part, class_map=class_map)

    def _second_look(
        self, photo: DecodedPhoto, first: PhotoScores, whole: Recognition, prior: Prior, head: Head | None, boxes: bool
    ) -> tuple["Detections | None", PhotoScores | None, Recognition]:
        """Return what detectors find in a doubtful photo, the scores of the part around the animal, and what is shown.

        `first`, `whole`: scores of the whole photo, and what they show. `head`: the head for the photo, or None.
        `boxes`: as for `recognise`.
        """
        detectors = self.detectors.get()
        rests = detectors is not None and not boxes and head is None and self._may_rest(detectors, photo, first.general)
        detections = None if rests else self.detect(photo, first.general, boxes=boxes or head is not None)
        part = self.second_look_at(photo, detections, first.general)
        scores = self.models.fuse([first, part]) if part else whole.scores
        if head and detections and detections.animals:
            scores = self._headed(scores, head, photo, detections.animals[0], part)
        surest = surest_boxes(detections, scores)
        if scores is whole.scores and not (surest.animal or surest.by_night):
            return detections, part, whole
        together = self.named(scores, prior, surest)
        if detectors and rests and (together.prediction is None or together.prediction.is_wide):
            detections = detectors.size_up(photo.picture)  # the animal may be too small
        return detections, part, together

    def with_boxes(self, photo: DecodedPhoto, found: Recognised) -> Recognised:
        """Return `found` with boxes added, and what each of them shows; unchanged if there is no detector.

        By day, boxes of animals in which the general model sees no animal are left out. Raises `ModelError`.
        """
        detections = found.detections or self.detect(photo)
        if detections is None:
            return found
        whole = found.together.scores.animal_probability
        animals: list[tuple[Box, Recognition]] = []
        for box in detections.animals:
            surest = SurestBoxes(box.score, by_night=detections.by_night)
            part = found.part if box == detections.focus else None
            scores = part or self._score(photo, box)
            # with a part, `whole` is already the mean of both
            if surest.may_be_animal(whole if part else (whole + scores.general.animal_probability) / 2):
                fused = self.models.fuse([scores])
                if found.head:
                    fused = self._headed(fused, found.head, photo, box, scores)
                    surest = believed(surest, fused)
                animals.append((box, self.named(fused, found.prior, surest)))
        return replace(found, boxes=Boxes(detections, tuple(animals)))

    def name_with(self, found: Recognised, prior: Prior) -> Prediction | None:
        """Return the taxon that the scores in `found` show with another prior. No model runs again."""
        scores = found.together.scores
        return self.naming.name(scores, prior, surest_boxes(found.detections, scores))[1].prediction

    def prepare(self) -> None:
        """Read and hash the files that are needed to name animals, so that the first photo need not wait for them."""
        _ = self.models.general.version, self.models.packs, self.models.heads, self.naming.curves
        self.naming.families.prepare()

    def try_models(self) -> None:
        """Read what photos need, and try the packs. Raises `ModelError` if a photo would fail, or a head be ignored."""
        self.prepare()
        self.models.load_outside()
        if self.models.heads and self.detectors.get() is None:
            raise ModelError(NO_DETECTOR)

    def second_look_at(self, photo: DecodedPhoto, detections: "Detections | None", first: Scores) -> PhotoScores | None:
        """Score the part of a photo that has the animal; None if that part is unknown. `first`: scores of the photo."""
        if detections and detections.focus:
            return self._score(photo, detections.focus)
        crop = crop_without_box(photo.picture, first, self.models.general.input_size)
        return None if crop is None else self.models.score(crop)

    def _score(self, photo: DecodedPhoto, box: "Box") -> PhotoScores:
        """Return the general model's scores of the part of a photo around a box."""
        return self.models.score(crop_around(photo.picture, box, self.models.general.input_size))

    def _headed(
        self, scores: FusedScores, head: Head, photo: DecodedPhoto, box: "Box", part: PhotoScores | None
    ) -> FusedScores:
        """Return `scores` with a head's added. `box`: around the animal. `part`: earlier scores of this box, if any."""
        return self.models.head(scores, head, head_crops(photo.picture, box, self.models.general.input_size), part)

    def named(self, scores: FusedScores, prior: Prior, surest: SurestBoxes = NO_BOXES) -> Recognition:
        """Return what a photo with these scores shows. `surest`: its surest boxes. Raises `ModelError`."""
        scores, decision = self.naming.name(scores, prior, surest)
        here, known = prior.features.found.relatives.tolist(), scores.taxonomy.taxon_ids
        prediction = decision.prediction
        close = self.naming.families.relatives.close_to(prediction, here, known) if prediction else ()
        return Recognition(scores, decision, close)

    def detect(self, photo: DecodedPhoto, doubted: Scores | None = None, *, boxes: bool = True) -> "Detections | None":
        """Return what detectors find in a photo, or None if there is no detector.

        `doubted`: the general model's scores, if they leave a doubt. `boxes`: whether all boxes are wanted.
        """
        detectors, animal = self.detectors.get(), doubted.animal_probability if doubted else None
        if detectors is None:
            return None
        return detectors.detect(photo.picture, by_night=photo.quality.is_by_night, doubted=animal, boxes=boxes)

    def _may_rest(self, detectors: "Detectors", photo: DecodedPhoto, first: Scores) -> bool:
        """Return whether the general model's scores of a photo say as well as a detector where its animal is."""
        animal, by_night = first.animal_probability, photo.quality.is_by_night
        return first.activation_map is not None and detectors.may_rest(animal, by_night=by_night)


def surest_boxes(detections: "Detections | None", scores: FusedScores | None = None) -> SurestBoxes:
    """Return what detectors see in a photo; nothing without detections. `scores`: of the animal in the surest box."""
    if detections is None:
        return NO_BOXES
    kinds = (detections.animals, detections.people, detections.vehicles)
    animal, person, vehicle = (boxes[0].score if boxes else 0.0 for boxes in kinds)
    return believed(SurestBoxes(animal, person, vehicle, detections.by_night), scores)


def believed(surest: SurestBoxes, scores: FusedScores | None) -> SurestBoxes:
    """Return what detectors see. An animal of which a head is sure counts even if the detectors are unsure of it."""
    is_sure = scores is not None and scores.headed is not None and scores.headed.is_sure
    return surest._replace(animal=max(surest.animal, LEAST_BOX)) if is_sure else surest


SURE: Final = 0.8
"""Score from which a family, or a taxon below it, needs no second look: such answers do not become better."""
MARGIN: Final = 0.1
"""Share of a box that the crop around it adds on each side, because boxes are tight, and often cut off an ear. The
first of `models.CROPS` adds as much, so that a head need not score the same crop again."""
SHARE: Final = 0.6
"""Share of the photo's short side that the crop without a box shows."""
STRONG: Final = 0.7
"""Share of the largest value in the general model's activation map from which a square of the map counts. A second look
around these squares, instead of at the middle of the photo, makes 0.6% more of the field photos usable, and none
wrong."""


def needs_second_look(prediction: Prediction | None) -> bool:
    """Return whether the first look leaves a doubt: it named nothing, or a taxon wider than a family, or is unsure."""
    return prediction is None or prediction.score < SURE or prediction.is_wide


def crop_around(picture: Picture, box: "Box", size: int) -> NDArray[np.uint8]:
    """Return the part of a photo around a detector's box, shape (size, size, 3), uint8, RGB."""
    return picture.around(box.grown(MARGIN), size)


def crop_without_box(picture: Picture, first: Scores, size: int) -> NDArray[np.uint8] | None:
    """Return the part of a photo around `place_in`, shape (size, size, 3), uint8, RGB; None if no place is known.

    `first`: the general model's scores of the photo.
    """
    place = place_in(first)
    return picture.near(*place, SHARE, size) if place else None


def place_in(first: Scores) -> tuple[float, float] | None:
    """Return where in its image the general model found the likeliest animal: x and y, as shares of the image's sides.

    None if it hardly saw one, or gives no map.
    """
    if first.activation_map is None or first.animal_probability < MOST_EMPTY:
        return None
    squares = first.activation_map.clip(0.0)
    strong = squares >= STRONG * squares.max()
    rows, columns = strong.nonzero()
    return (float(columns.mean()) + 0.5) / strong.shape[1], (float(rows.mean()) + 0.5) / strong.shape[0]

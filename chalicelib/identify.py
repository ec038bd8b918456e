"""One identification in five steps: photo, location, cell, features, scoring."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.api.parameters import IdentifyParams
from chalicelib.errors import BadRequest, LocationMissing
from chalicelib.features.cells import cell_of, text_of
from chalicelib.features.features import NO_LOCATION, Features
from chalicelib.location import REMEDY, Location
from chalicelib.model.prior import features_to_prior
from chalicelib.model.session import Scores
from chalicelib.photo.decode import Photo, open_photo
from chalicelib.photo.exif import location_from_gps
from chalicelib.services import Services
from chalicelib.telemetry.record import Record

if TYPE_CHECKING:
    from chalicelib.api.boxes import Found
    from chalicelib.api.responses import Answer, Candidate, PredictedTaxon, Residents
    from chalicelib.model.detector import Detector, Sightings


def identify(data: bytes, params: IdentifyParams, services: Services, record: Record) -> "Answer":
    """Identify the animal in a photo.

    Raises `ClientError` if the photo or the location is unusable, or if there is no detector for the boxes that the
    request asks for, and `ModelError` if a model fails. If the features are unavailable, `features.mode` of the answer
    is `degraded`.
    """
    detector = detector_for(params, services)
    with record.step("photo"):
        photo = record.photo = open_photo(data, services.limits)
    with closing(photo):
        with record.step("location"):
            location = locate(photo.gps, params)
        pixels, sightings = look_at(photo, detector, services, record)
    cell = cell_of(location.latitude, location.longitude) if location else None
    features = features_at(cell, services, record)
    prior = features_to_prior(features, services.taxonomy, services.prior_floor)
    score = partial(services.model.score, prior=prior)
    with record.step("scoring"):
        scores = score(pixels)
    found = _found(sightings, score, features, params.top, services, record)
    return _answer(scores, cell, location, features, found, params.top, services, record)


def animals_at(location: Location, services: Services, record: Record) -> "Residents":
    """Return the animals that live at a location. The model does not run."""
    from chalicelib.api import responses

    cell = cell_of(location.latitude, location.longitude)
    features = features_at(cell, services, record)
    return responses.Residents(
        animals=responses.residents_of(features, services.taxonomy),
        location=responses.place_of(cell, location.source, features),
        features=responses.features_used(features),
        request_id=record.request_id,
    )


def locate(gps: Mapping[int, Any], params: IdentifyParams) -> Location | None:
    """Return the location of the request, or else of the photo's EXIF, or None if the request says `location=none`.

    Raises `LocationMissing` if neither has coordinates, and `LocationInvalid` if those in EXIF are invalid.
    """
    if params.without_location:
        return None
    location = params.location or location_from_gps(gps)
    if location is None:
        raise LocationMissing(f"the photo has no GPS position; {REMEDY}")
    return location


def detector_for(params: IdentifyParams, services: Services) -> "Detector | None":
    """Return the detector, or None if the answer is to have no boxes.

    Raises `BadRequest` if the request asks for boxes and there is no detector. If only the setting `BOXES` asks for
    them, the answer has none.
    """
    if not (services.boxes if params.boxes is None else params.boxes):
        return None
    detector = services.detector.get()
    if params.boxes and detector is None:
        raise BadRequest("this server has no detector, so it cannot find boxes; leave out boxes=true")
    return detector


def look_at(
    photo: Photo, detector: "Detector | None", services: Services, record: Record
) -> "tuple[NDArray[np.uint8], Sightings | None]":
    """Decode a photo. Return the image for the model, and what the detector sees, or None without a detector.

    The photo's memory stays reserved until the detector has looked, because the squares around animals are cut from it.
    """
    size = services.model.input_size
    with ExitStack() as memory:
        with record.step("photo"):
            memory.enter_context(services.decode_memory.reserve(photo.decode_bytes(size)))
            picture = photo.decode(size)
            pixels = picture.square(size)
        if detector is None:
            return pixels, None
        with record.step("boxes"):
            return pixels, detector.look_at(picture, size)


def features_at(cell: int | None, services: Services, record: Record) -> Features:
    """Return the features of a cell, or `NO_LOCATION` if there is no cell. Never raises."""
    if cell is None:
        record.features = NO_LOCATION
        return NO_LOCATION
    record.cell = text_of(cell)
    with record.step("features"):
        features = record.features = services.features.at(cell, record.waited)
    return features


def _found(
    sightings: "Sightings | None",
    score: Callable[[NDArray[np.uint8]], Scores],
    features: Features,
    top: int,
    services: Services,
    record: Record,
) -> "Found":
    """Return what is in the boxes. `score`: scores the square around an animal."""
    from chalicelib.api.boxes import found_in

    with record.step("boxes"):
        return found_in(sightings, lambda square: _named(score(square), features, top, services))


def _named(
    scores: Scores, features: Features, top: int, services: Services
) -> "tuple[PredictedTaxon | None, tuple[Candidate, ...]]":
    """Return the prediction and the candidates."""
    from chalicelib.api import responses

    has_animal = scores.animal_probability >= services.animal_threshold
    roll_up = services.taxonomy.roll_up(scores.probabilities, services.rank_threshold) if has_animal else None
    prediction = responses.predicted_taxon(roll_up, features, services.relatives)
    return prediction, responses.candidates_of(scores, features, services.taxonomy, top)


def _answer(
    scores: Scores,
    cell: int | None,
    location: Location | None,
    features: Features,
    found: "Found",
    top: int,
    services: Services,
    record: Record,
) -> "Answer":
    from chalicelib.api import responses  # not at the top: a background thread imports this module during decoding

    prediction, candidates = _named(scores, features, top, services)
    return responses.Answer(
        message=responses.message_of(prediction, features),
        prediction=prediction,
        candidates=candidates,
        animal_probability=round(scores.animal_probability, 4),
        animals=found.animals,
        people=found.people,
        vehicles=found.vehicles,
        location=responses.place_of(cell, location.source if location else "none", features),
        features=responses.features_used(features),
        model=responses.ModelUsed(services.model.name, services.model.version),
        timings_ms=responses.Timings(
            photo=record.milliseconds("photo"),
            features=record.milliseconds("features"),
            scoring=record.milliseconds("scoring"),
            boxes=record.milliseconds("boxes"),
            total=record.elapsed(),
        ),
        request_id=record.request_id,
    )

"""One identification in five steps: photo, location, cell, features, scoring."""

from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from chalicelib.api.parameters import IdentifyParams
from chalicelib.errors import LocationMissing
from chalicelib.features.cells import cell_of, text_of
from chalicelib.features.features import NO_LOCATION, Features
from chalicelib.location import REMEDY, Location
from chalicelib.model.prior import features_to_prior
from chalicelib.model.session import Scores
from chalicelib.photo.decode import open_photo
from chalicelib.photo.exif import location_from_gps
from chalicelib.services import Services
from chalicelib.telemetry.record import Record

if TYPE_CHECKING:
    from chalicelib.api.responses import Answer, Residents


def identify(data: bytes, params: IdentifyParams, services: Services, record: Record) -> "Answer":
    """Identify the animal in a photo.

    Raises `ClientError` if the photo or the location is unusable, and `ModelError` if the model fails. If the features
    are unavailable, `features.mode` of the answer is `degraded`.
    """
    with record.step("photo"):
        photo = record.photo = open_photo(data, services.limits)
    with closing(photo):
        with record.step("location"):
            location = locate(photo.gps, params)
        size = services.model.input_size
        with record.step("photo"), services.decode_memory.reserve(photo.decode_bytes(size)):
            pixels = photo.pixels(size)
    cell = cell_of(location.latitude, location.longitude) if location else None
    features = features_at(cell, services, record)
    prior = features_to_prior(features, services.taxonomy, services.prior_floor)
    with record.step("scoring"):
        scores = services.model.score(pixels, prior)
    return _answer(scores, cell, location, features, params.top, services, record)


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


def features_at(cell: int | None, services: Services, record: Record) -> Features:
    """Return the features of a cell, or `NO_LOCATION` if there is no cell. Never raises."""
    if cell is None:
        record.features = NO_LOCATION
        return NO_LOCATION
    record.cell = text_of(cell)
    with record.step("features"):
        features = record.features = services.features.at(cell, record.waited)
    return features


def _answer(
    scores: Scores,
    cell: int | None,
    location: Location | None,
    features: Features,
    top: int,
    services: Services,
    record: Record,
) -> "Answer":
    from chalicelib.api import responses  # not at the top: a background thread imports this module during decoding

    has_animal = scores.animal_probability >= services.animal_threshold
    roll_up = services.taxonomy.roll_up(scores.probabilities, services.rank_threshold) if has_animal else None
    prediction = responses.predicted_taxon(roll_up, features, services.relatives)
    return responses.Answer(
        message=responses.message_of(prediction, features),
        prediction=prediction,
        candidates=responses.candidates_of(scores, features, services.taxonomy, top),
        animal_probability=round(scores.animal_probability, 4),
        location=responses.place_of(cell, location.source if location else "none", features),
        features=responses.features_used(features),
        model=responses.ModelUsed(services.model.name, services.model.version),
        timings_ms=responses.Timings(
            photo=record.milliseconds("photo"),
            features=record.milliseconds("features"),
            scoring=record.milliseconds("scoring"),
            total=record.elapsed(),
        ),
        request_id=record.request_id,
    )

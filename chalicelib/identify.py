"""One identification, in five steps: photo, location, cell, features, scoring."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.api.parameters import IdentifyParams
from chalicelib.errors import LocationMissing
from chalicelib.features.cells import cell_of, text_of
from chalicelib.features.lookup import NO_LOCATION
from chalicelib.location import Location, from_gps
from chalicelib.model.prior import prior_of
from chalicelib.photo.decode import open_photo
from chalicelib.services import Services
from chalicelib.telemetry.record import Record

if TYPE_CHECKING:
    from chalicelib.api.responses import Answer, Residents


def identify(data: bytes, params: IdentifyParams, services: Services, record: Record) -> "Answer":
    """Which animal a photo shows.

    Raises the `ClientError`s of photo and location; never fails for what the place's features are wanted for:
    `features.mode` of the answer says if they could not be had.
    """
    photo = record.photo = record.timed("photo", open_photo, data, services.limits)
    location = record.timed("location", locate, photo.gps, params)
    cell = cell_of(location.latitude, location.longitude) if location else None
    pixels = record.timed("photo", photo.pixels, services.model.input_size)
    record.cell = None if cell is None else text_of(cell)
    features = record.features = NO_LOCATION if cell is None else record.timed("features", services.features.of, cell)
    prior = prior_of(features, services.taxonomy, services.prior_floor)
    scores = record.timed("scoring", services.model.score, pixels, prior)

    from chalicelib.api import responses as answer  # imported meanwhile: see `Services.build`

    recognised = scores.animal_probability >= services.animal_threshold
    roll_up = services.taxonomy.roll_up(scores.probabilities, services.rank_threshold) if recognised else None
    prediction = answer.predicted(roll_up)
    return answer.Answer(
        message=answer.message_of(prediction, features),
        prediction=prediction,
        candidates=answer.candidates_of(scores, features, services.taxonomy, params.top),
        animal_probability=round(scores.animal_probability, 4),
        location=answer.place_of(cell, location.source if location else "none", features),
        features=answer.features_used(features),
        model=answer.ModelUsed(services.model.name, services.model.version),
        timings_ms=answer.Timings(
            photo=record.milliseconds("photo"),
            features=record.milliseconds("features"),
            scoring=record.milliseconds("scoring"),
            total=record.elapsed(),
        ),
        request_id=record.request_id,
    )


def animals_at(location: Location, services: Services, record: Record) -> "Residents":
    """The animals that live where a location is; the model is not params."""
    cell = cell_of(location.latitude, location.longitude)
    record.cell = text_of(cell)
    features = record.features = record.timed("features", services.features.of, cell)

    from chalicelib.api import responses as answer

    return answer.Residents(
        animals=answer.residents_of(features, services.taxonomy),
        location=answer.place_of(cell, location.source, features),
        features=answer.features_used(features),
        request_id=record.request_id,
    )


def locate(gps: Mapping[int, Any], params: IdentifyParams) -> Location | None:
    """Where the photo was taken: what the request says wins over EXIF; None only if the request wants none.

    Raises `LocationMissing` if nobody says, `LocationInvalid` if EXIF says what is no place.
    """
    if params.without_location:
        return None
    location = params.location or from_gps(gps)
    if location is None:
        raise LocationMissing(
            "the photo has no GPS position; send lat and lon with the request, or location=none to go without"
        )
    return location

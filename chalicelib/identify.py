"""One identification, in five steps: photo, location, cell, features, scoring."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.asked import Asked
from chalicelib.cells import cell_of, text_of
from chalicelib.errors import LocationMissing
from chalicelib.features import NO_LOCATION
from chalicelib.location import Location, from_gps
from chalicelib.parts import Parts
from chalicelib.photo import open_photo
from chalicelib.prior import prior_of
from chalicelib.record import Record

if TYPE_CHECKING:
    from chalicelib.answer import Answer, Residents


def identify(data: bytes, asked: Asked, parts: Parts, record: Record) -> "Answer":
    """Which animal a photo shows.

    Raises the `ClientError`s of photo and location; never fails for what the place's features are wanted for:
    `features.mode` of the answer says if they could not be had.
    """
    photo = record.photo = record.timed("photo", open_photo, data, parts.limits)
    location = record.timed("location", locate, photo.gps, asked)
    cell = cell_of(location.latitude, location.longitude) if location else None
    pixels = record.timed("photo", photo.pixels, parts.model.input_size)
    record.cell = None if cell is None else text_of(cell)
    features = record.features = NO_LOCATION if cell is None else record.timed("features", parts.features.of, cell)
    prior = prior_of(features, parts.taxonomy, parts.prior_floor)
    scores = record.timed("scoring", parts.model.score, pixels, prior)

    from chalicelib import answer  # imported meanwhile: see `Parts.build`

    recognised = scores.animal_probability >= parts.animal_threshold
    roll_up = parts.taxonomy.roll_up(scores.probabilities, parts.rank_threshold) if recognised else None
    prediction = answer.predicted(roll_up)
    return answer.Answer(
        message=answer.message_of(prediction, features),
        prediction=prediction,
        candidates=answer.candidates_of(scores, features, parts.taxonomy, asked.top),
        animal_probability=round(scores.animal_probability, 4),
        location=answer.place_of(cell, location.source if location else "none", features),
        features=answer.features_used(features),
        model=answer.ModelUsed(parts.model.name, parts.model.version),
        timings_ms=answer.Timings(
            photo=record.milliseconds("photo"),
            features=record.milliseconds("features"),
            scoring=record.milliseconds("scoring"),
            total=record.elapsed(),
        ),
        request_id=record.request_id,
    )


def animals_at(location: Location, parts: Parts, record: Record) -> "Residents":
    """The animals that live where a location is; the model is not asked."""
    cell = cell_of(location.latitude, location.longitude)
    record.cell = text_of(cell)
    features = record.features = record.timed("features", parts.features.of, cell)

    from chalicelib import answer

    return answer.Residents(
        animals=answer.residents_of(features, parts.taxonomy),
        location=answer.place_of(cell, location.source, features),
        features=answer.features_used(features),
        request_id=record.request_id,
    )


def locate(gps: Mapping[int, Any], asked: Asked) -> Location | None:
    """Where the photo was taken: what the request says wins over EXIF; None only if the request wants none.

    Raises `LocationMissing` if nobody says, `LocationInvalid` if EXIF says what is no place.
    """
    if asked.without_location:
        return None
    location = asked.location or from_gps(gps)
    if location is None:
        raise LocationMissing(
            "the photo has no GPS position; send lat and lon with the request, or location=none to go without"
        )
    return location

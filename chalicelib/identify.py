"""One identification in five steps: photo, location, cell, features, scoring."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.api.parameters import IdentifyParams
from chalicelib.errors import ClientError, LocationMissing
from chalicelib.features.cells import cell_of, text_of
from chalicelib.features.features import NO_LOCATION, Features
from chalicelib.location import REMEDY, Location
from chalicelib.photo.decode import Limits, Photo, open_photo
from chalicelib.photo.exif import location_from_gps
from chalicelib.services import Services
from chalicelib.telemetry.record import Record

if TYPE_CHECKING:
    from chalicelib.api.responses import Answer, Residents
    from chalicelib.model.models import FusedScores


def identify(photos: Sequence[bytes], params: IdentifyParams, services: Services, record: Record) -> "Answer":
    """Identify the animal in a photo, or in several photos of it.

    Raises `ClientError` if a photo or the location is unusable, and `ModelError` if a model fails. If the features are
    unavailable, `features.mode` of the answer is `degraded`.
    """
    with ExitStack() as files:
        with record.step("photo"):
            record.photos = [files.enter_context(closing(each)) for each in open_photos(photos, services.limits)]
        with record.step("location"):
            location = locate([photo.gps for photo in record.photos], params)
        with record.step("photo"):
            squares = decode(record.photos, services)
    cell = cell_of(location.latitude, location.longitude) if location else None
    features = features_at(cell, services, record)
    with record.step("scoring"):
        scores, of_each = services.models.score(squares, features)
    return _answer(scores, of_each, cell, location, features, params.top, services, record)


def animals_at(location: Location, services: Services, record: Record) -> "Residents":
    """Return the animals that live at a location. The model does not run."""
    from chalicelib.api import answers, responses

    cell = cell_of(location.latitude, location.longitude)
    features = features_at(cell, services, record)
    return responses.Residents(
        animals=answers.residents_of(features, services.models.everything()),
        location=answers.place_of(cell, location.source, features),
        features=answers.features_used(features),
        request_id=record.request_id,
    )


def open_photos(photos: Sequence[bytes], limits: Limits) -> Iterator[Photo]:
    """Open photos without decoding them. Raises `ClientError`; of several photos, its message names the one."""
    for number, data in enumerate(photos, 1):
        try:
            yield open_photo(data, limits)
        except ClientError as error:
            raise _of_photo(error, number, len(photos)) from error


def decode(photos: Sequence[Photo], services: Services) -> list[NDArray[np.uint8]]:
    """Return the image of each photo that the models look at. Several photos are decoded at the same time."""
    size = services.models.general.input_size

    def pixels(number: int) -> NDArray[np.uint8]:
        photo = photos[number]
        try:
            with services.decode_memory.reserve(photo.decode_bytes(size)):
                return photo.pixels(size)
        except ClientError as error:
            raise _of_photo(error, number + 1, len(photos)) from error

    if len(photos) == 1:
        return [pixels(0)]
    from concurrent.futures import ThreadPoolExecutor  # only some requests have several photos

    with ThreadPoolExecutor(min(len(photos), os.process_cpu_count() or 1)) as pool:
        return list(pool.map(pixels, range(len(photos))))


def locate(gps: Sequence[Mapping[int, Any]], params: IdentifyParams) -> Location | None:
    """Return the location of the request, or of the first photo with one, or None if the request wants none.

    `gps`: that of each photo's EXIF. Raises `LocationMissing` if there are no coordinates, and `LocationInvalid` if
    those in EXIF are invalid.
    """
    if params.without_location:
        return None
    location = params.location or next(filter(None, map(location_from_gps, gps)), None)
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


def _of_photo(error: ClientError, number: int, count: int) -> ClientError:
    """Return an error that names the photo, if there are several."""
    return error if count == 1 else type(error)(f"photo {number} of {count}: {error}")


def _answer(
    scores: "FusedScores",
    of_each: "Sequence[FusedScores]",
    cell: int | None,
    location: Location | None,
    features: Features,
    top: int,
    services: Services,
    record: Record,
) -> "Answer":
    from chalicelib.api import answers, responses  # not at the top: a thread imports this module during decoding

    taxon = answers.roll_up(scores, services.animal_threshold, services.rank_threshold)
    prediction = answers.predicted_taxon(taxon, features, services.relatives, scores.taxonomy.taxon_ids)
    guesses = answers.guesses_of(of_each, taxon, features, services) if len(of_each) > 1 else ()
    return responses.Answer(
        message=answers.message_of(prediction, features, guesses),
        prediction=prediction,
        candidates=answers.candidates_of(scores, features, scores.taxonomy, top),
        animal_probability=round(scores.animal_probability, 4),
        location=answers.place_of(cell, location.source if location else "none", features),
        features=answers.features_used(features),
        model=answers.models_used(services.models, scores),
        timings_ms=responses.Timings(
            photo=record.milliseconds("photo"),
            features=record.milliseconds("features"),
            scoring=record.milliseconds("scoring"),
            total=record.elapsed(),
        ),
        request_id=record.request_id,
        photos=guesses,
    )

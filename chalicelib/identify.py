"""One identification in five steps: photo, location, cell, features, scoring."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.api.parameters import IdentifyParams
from chalicelib.errors import BadRequest, LocationMissing
from chalicelib.features.cells import cell_of, text_of
from chalicelib.features.features import NO_LOCATION, Features, month_in
from chalicelib.lazy import Lazy
from chalicelib.location import REMEDY, Location
from chalicelib.model.recogniser import Seen
from chalicelib.photo.exif import location_from_gps, taken_at
from chalicelib.photo.quality import Quality, quality_of
from chalicelib.services import Services
from chalicelib.telemetry.record import Compared, Record
from chalicelib.views import decode_photos, open_photos

if TYPE_CHECKING:
    from chalicelib.api.boxes import Found
    from chalicelib.api.responses import Answer, Candidate, PredictedTaxon, Residents
    from chalicelib.features.cell_features import ShadowLookup
    from chalicelib.model.detector import Sightings
    from chalicelib.photo.decode import Photo


def identify(photos: Sequence[bytes], params: IdentifyParams, services: Services, record: Record) -> "Answer":
    """Identify the animal in a photo, or in several photos of it.

    Raises `ClientError` if a photo or the location is unusable, or if the request asks for boxes that cannot be had,
    and `ModelError` if a model fails. If the features are unavailable, `features.mode` of the answer is `degraded`.
    """
    with_boxes = wants_boxes(params, len(photos), services)
    with ExitStack() as files:
        with record.step("photo"):
            record.photos = [files.enter_context(closing(each)) for each in open_photos(photos, services.limits)]
        with record.step("location"):
            location = locate([photo.gps for photo in record.photos], params)
        with record.step("photo"):
            views = decode_photos(record.photos, services.models.general.input_size, services.decode_memory)
        quality = quality_of(views[0].square, min(record.photos[0].width, record.photos[0].height))
    cell = cell_of(location.latitude, location.longitude) if location else None
    month = month_of(params, record.photos)
    features = features_at(cell, services, record).in_month(month, services.season_floor)
    shadow = services.features.in_shadow(cell) if cell is not None else None
    sightings = Lazy(lambda: services.sightings_in(views[0]))
    with record.step("scoring"):
        seen = services.eyes.see(views, features, sightings)
    record.looked_twice = seen.twice
    if shadow is not None:
        record.shadow = compare(seen, features, shadow, month, services)
    found = _found(sightings, features, params.top, services, record) if with_boxes else None
    return _answer(seen, found, quality, cell, location, features, params.top, services, record)


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


def wants_boxes(params: IdentifyParams, photos: int, services: Services) -> bool:
    """Return whether the answer is to have boxes. `photos`: the number of photos.

    Raises `BadRequest` if the request asks for boxes, and there is no detector or there are several photos. If only the
    setting `BOXES` asks for them, the answer then has none.
    """
    if not (services.boxes if params.boxes is None else params.boxes):
        return False
    if params.boxes and photos > 1:
        raise BadRequest("boxes are found in one photo at a time; send one photo, or leave out boxes=true")
    if params.boxes and services.detector.get() is None:
        raise BadRequest("this server has no detector, so it cannot find boxes; leave out boxes=true")
    return photos == 1


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


def month_of(params: IdentifyParams, photos: Sequence["Photo"]) -> int | None:
    """Return the month of the request, or of the first photo whose EXIF has one, or None."""
    if params.month:
        return params.month
    times = (taken_at(photo.taken, params.shift) or "" if params.shift else photo.taken for photo in photos)
    return next(filter(None, map(month_in, times)), None)


def features_at(cell: int | None, services: Services, record: Record) -> Features:
    """Return the features of a cell, or `NO_LOCATION` if there is no cell. Never raises."""
    if cell is None:
        record.features = NO_LOCATION
        return NO_LOCATION
    record.cell = text_of(cell)
    with record.step("features"):
        features = record.features = services.features.at(cell, record.waited)
    return features


def compare(seen: Seen, features: Features, shadow: "ShadowLookup", month: int | None, services: Services) -> Compared:
    """Compare what the photo shows with the features that answer, and with those of the dataset in shadow."""
    if shadow.features is None:
        return Compared(shadow.version)
    others = shadow.features.in_month(month, services.season_floor)
    # Both by the same arithmetic: another model's own need not round alike.
    named = [services.eyes.name_with(seen.scores, each).prediction for each in (features, others)]
    here, there = (each.taxon if each else None for each in named)
    return Compared(shadow.version, is_done=True, taxon=there.scientific_name if there else None, differs=here != there)


def _found(
    sightings: "Lazy[Sightings | None]", features: Features, top: int, services: Services, record: Record
) -> "Found":
    """Return what is in the boxes."""
    from chalicelib.api.answers import named_in
    from chalicelib.api.boxes import found_in

    def name(square: NDArray[np.uint8]) -> "tuple[PredictedTaxon | None, tuple[Candidate, ...]]":
        return named_in(*services.eyes.name(square, features), features, top, services)

    with record.step("boxes"):
        return found_in(sightings.get(), name)


def _answer(
    seen: Seen,
    found: "Found | None",
    quality: Quality,
    cell: int | None,
    location: Location | None,
    features: Features,
    top: int,
    services: Services,
    record: Record,
) -> "Answer":
    from chalicelib.api import answers, responses, words  # not at the top: a thread imports this module during decoding

    scores = seen.scores
    prediction, candidates = answers.named_in(scores, seen.named, features, top, services)
    guesses = answers.guesses_of(seen, features, services)
    subject = answers.subject_seen(seen, services.animal_threshold)
    reasons = answers.reasons_seen(seen, subject, quality)
    return responses.Answer(
        message=answers.message_of(prediction, features, guesses, subject),
        prediction=prediction,
        candidates=candidates,
        animal_probability=round(scores.animal_probability, 4),
        subject=subject,
        photo_quality=words.quality_shown(quality),
        why_not=words.why_not(reasons),
        animals=found and found.animals,
        people=found and found.people,
        vehicles=found and found.vehicles,
        location=answers.place_of(cell, location.source if location else "none", features),
        features=answers.features_used(features),
        model=answers.models_used(services.models, scores),
        timings_ms=responses.Timings(
            photo=record.milliseconds("photo"),
            features=record.milliseconds("features"),
            scoring=record.milliseconds("scoring"),
            boxes=record.milliseconds("boxes"),
            total=record.elapsed(),
        ),
        request_id=record.request_id,
        photos=guesses,
        reasons=reasons,
    )

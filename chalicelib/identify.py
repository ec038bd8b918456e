"""One identification in five steps: photo, location, cell, features, scoring."""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Thread

from chalicelib.errors import LocationInvalid, LocationMissing, ModelError
from chalicelib.features.features import NO_LOCATION, Features, month_in
from chalicelib.identification import Identification, IdentifyRequest
from chalicelib.location import REMEDY, Location, cell_of, h3
from chalicelib.photo.exif import location_from_gps, taken_at
from chalicelib.photo.photos import PhotoFacts
from chalicelib.services import Services
from chalicelib.shadow import Live
from chalicelib.telemetry.measures import Outcome, of_features, of_photos
from chalicelib.telemetry.record import Record

_SWITCH_INTERVAL = 0.0005
"""Python's thread switch interval while `_prepare` runs, in seconds; the default is 0.005."""


def identify(photos: Sequence[bytes], request: IdentifyRequest, services: Services, record: Record) -> Identification:
    """Identify the animal in a photo, or in several photos of it.

    Raises `ClientError` if a photo or the location is unusable, or if boxes are asked for but there is no detector, and
    `ModelError` if a model fails. If the features are unavailable, the mode of `features` is `degraded`. `record` gets
    the duration and metrics of each step as soon as the step is done, so those of a failed request are not lost.
    """
    with_boxes = services.recogniser.wants_boxes(request.boxes, len(photos))
    with record.step("photo"):
        opened = services.photos.open(photos)
    with opened:
        record.note(of_photos(opened.facts))
        with record.step("location"):
            location = locate(opened.facts, request)
        with record.step("photo"):
            decoded = opened.decode()
    cell = cell_of(location.latitude, location.longitude) if location else None
    month = month_of(request, opened.facts)
    features = features_at(cell, services, record).in_month(month, services.season_floor)
    finish = services.shadow.begin(cell) if services.shadow else None
    with record.step("scoring"):
        recognised = services.recogniser.recognise(decoded, features, boxes=with_boxes)
    if finish:
        finish(Live(decoded, cell, month, features, recognised, with_boxes))
    if with_boxes:
        with record.step("boxes"):
            recognised = services.recogniser.with_boxes(decoded[0], recognised)
    quality = decoded[0].quality
    found = Identification(opened.facts, location, cell, features, recognised, quality, record.timings())
    record.note(Outcome.of(found).notes())
    return found


def animals_at(location: Location, services: Services, record: Record) -> tuple[int, Features]:
    """Return the cell of a location, and the animals that live there. The model does not run."""
    cell = cell_of(location.latitude, location.longitude)
    return cell, features_at(cell, services, record)


def locate(photos: Sequence[PhotoFacts], request: IdentifyRequest) -> Location | None:
    """Return the location of the request, or of the first photo with one, or None if none is required.

    Raises `LocationMissing` if there are no coordinates, and `LocationInvalid` if those in EXIF are invalid.
    """
    if request.place == "ignored":
        return None
    try:
        location = request.location or next(filter(None, (location_from_gps(photo.gps) for photo in photos)), None)
    except LocationInvalid:
        if request.place != "if_valid":
            raise
        location = None
    if location is None and request.place == "required":
        raise LocationMissing(f"the photo has no GPS position; {REMEDY}")
    return location


def month_of(request: IdentifyRequest, photos: Sequence[PhotoFacts]) -> int | None:
    """Return the month of the request, or of the first photo whose EXIF has one, or None."""
    if request.month:
        return request.month
    times = (taken_at(photo.taken, request.shift) or "" if request.shift else photo.taken for photo in photos)
    return next(filter(None, map(month_in, times)), None)


def features_at(cell: int | None, services: Services, record: Record) -> Features:
    """Return the features of a cell, or `NO_LOCATION` if there is no cell. Never raises."""
    features = NO_LOCATION
    if cell is not None:
        with record.step("features"):
            features = services.features.at(cell, record.waited)
    record.note(of_features(cell, features))
    return features


def prepare(services: Services, *also: Callable[[], None]) -> None:
    """Get ready for the first photo in a background thread. `also`: what the caller prepares in addition.

    The first request needs some modules only after its photo is decoded. Decoding releases the GIL, so the imports run
    meanwhile. psycopg2 is not imported in advance, because only a cache miss needs the database.
    """
    Thread(target=_prepare, args=(services, also), daemon=True).start()


def _prepare(services: Services, also: Sequence[Callable[[], None]]) -> None:
    """Import modules, connect to Redis, and read and hash files.

    By default, Python switches threads every 5 ms. A request that arrives during this work would wait for several such
    intervals, so this function shortens the interval until it is done.
    """
    interval = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_INTERVAL)
    try:
        h3()
        services.stores.prepare()
        for each in also:
            each()
        with suppress(ModelError):  # the first photo raises it again, and its request logs it
            services.recogniser.prepare()
    finally:
        sys.setswitchinterval(interval)
    with suppress(ModelError):
        services.recogniser.models.load_outside()

"""One identification in five steps: photo, location, cell, features, scoring."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Literal, NamedTuple

from chalicelib.errors import LocationInvalid, LocationMissing, ModelError
from chalicelib.features.features import NO_LOCATION, Features, month_in
from chalicelib.location import REMEDY, Location, Source, cell_of, h3
from chalicelib.model.recogniser import Recognised
from chalicelib.photo.exif import location_from_gps, taken_at
from chalicelib.photo.photos import PhotoFacts
from chalicelib.photo.pixels import Quality
from chalicelib.services import Services
from chalicelib.shadow import Live
from chalicelib.telemetry.record import Outcome, Record, of_features, of_photos


class IdentifyRequest(NamedTuple):
    """The parameters of a request to identify photos.

    `location`: overrides the location in EXIF. `place`: what to do without a location. `required`: raise an error;
    `optional`: use the photo alone; `if_valid`: like `optional`, but an invalid location in EXIF counts as none;
    `ignored`: always use the photo alone. `boxes`: whether to find boxes; None: as the setting `BOXES` says. `month`:
    month in which the photo was taken, 1 to 12; overrides EXIF. `shift`: seconds to add to the time in EXIF.
    """

    location: Location | None = None
    place: Literal["required", "optional", "if_valid", "ignored"] = "required"
    boxes: bool | None = None
    month: int | None = None
    shift: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Identification:
    """The result of identifying the animal in a photo, or in several photos of it.

    `cell`: H3 cell of the location. `features`: the features of the cell, with the weights of the photo's month.
    `quality`: of the first photo. `timings`: milliseconds of each step, and of the request so far as `total`.
    """

    photos: tuple[PhotoFacts, ...]
    location: Location | None = field(repr=False)
    cell: int | None
    features: Features
    recognised: Recognised
    quality: Quality
    timings: Mapping[str, float]

    @property
    def source(self) -> Source:
        """Return the source of the location: EXIF, the request, or none."""
        return self.location.source if self.location else "none"


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
    record.note(outcome_of(found).notes())
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


def outcome_of(found: Identification) -> Outcome:
    """Return what metrics count of an identification."""
    recognised = found.recognised
    scores, decision, boxes = recognised.together.scores, recognised.together.decision, recognised.boxes
    (best,) = scores.likeliest(1)
    return Outcome(
        source=found.source,
        taxon=best.taxon_id,
        name=best.name,
        score=round(float(scores.probabilities[best.output_index]), 4),
        here=recognised.prior.here(best),
        rank=decision.prediction.taxon.rank if decision.prediction else None,
        model_version=recognised.model.version,
        packs={run.pack.name: run.milliseconds for run in scores.packs},
        has_animal=decision.is_animal,
        is_unexpected=decision.is_unexpected,
        photos=len(found.photos),
        looked_twice=recognised.looked_twice,
        animals=len(boxes.animals) if boxes else None,
    )


def classes_of(found: Identification, reasons: Sequence[str]) -> tuple[str, ...]:
    """Return the class of an identification in each population whose drift is watched (telemetry/drift.py).

    `reasons`: why its answer is wide or missing.
    """
    together = found.recognised.together
    index = int(together.scores.probabilities.argmax())
    best, score = together.scores.taxonomy.animals[index], float(together.scores.probabilities[index])
    group = next((taxon.scientific_name for taxon in best.lineage if taxon.rank == "class"), "others")
    country = next(iter(found.features.found.areas), "nowhere")
    is_expected = "no place" if found.cell is None else "no" if together.decision.is_unexpected else "yes"
    faults = (name for name in ("small", "dark", "soft", "infrared") if getattr(found.quality, f"is_{name}"))
    classes = {
        "confidence": f"{int(min(score, 0.99) * 10) / 10:.1f}",
        "subject": found.recognised.subject,
        "why_not": reasons[0] if reasons else "nothing",
        "taxa": f"{country} {group if together.decision.is_animal else 'none'}",
        "expected": is_expected,
        "quality": " ".join(faults) or "good",
    }
    return tuple(f"{population}:{value}" for population, value in classes.items())


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

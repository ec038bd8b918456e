"""Identify one photo of a batch: the same `identify` as of every transport, and its answer as a line."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from math import isfinite, nan
from typing import Any

from chalicelib.api.parameters import IdentifyParams
from chalicelib.api.responses import Answer
from chalicelib.batch.events import number
from chalicelib.batch.item import Item
from chalicelib.batch.line import Line, answer_kept, hash_of, models_of
from chalicelib.errors import ClientError, LocationInvalid, LocationMissing, PhotoTooLarge, Unavailable
from chalicelib.features.season import month_in
from chalicelib.identify import identify
from chalicelib.location import Location
from chalicelib.photo.exif import location_from_gps, taken_at
from chalicelib.services import Services
from chalicelib.stores.objects import Object
from chalicelib.telemetry.record import Record

MISSING = "object_missing"
"""Error of a photo that is not there."""


def described(item: Item, found: Object | None) -> Item:
    """Return an item with what its object says of it: the ETag of what was read, and what the batch did not say."""
    if found is None:
        return item
    said = found.metadata
    here = (item.latitude, item.longitude)
    if here == (None, None):
        here = number(said.get("latitude")), number(said.get("longitude"))
    return replace(
        item,
        etag=found.etag,
        station=item.station or said.get("station") or None,
        latitude=here[0],
        longitude=here[1],
        time=item.time or said.get("time") or None,
    )


def line_of(item: Item, found: Object | None, services: Services, record: Record, *, exif_location: bool) -> Line:
    """Identify a photo, fill in `record`, and return its line. `item`: with what the object says of it.

    `found`: None if there is no such object. `exif_location`: whether the line may have the position in EXIF.
    Raises `ModelError`, and `Unavailable` if another attempt may do better, also if the answer would be degraded.
    """
    if found is None:
        return unreadable(item, MISSING, "there is no such object, or the batch function may not read it")
    try:
        if found.data is None:
            most = services.limits.max_bytes / 1e6
            raise PhotoTooLarge(f"the photo is larger than {most:.0f} MB; put a smaller one")
        answer = _identify(found.data, _params(item), services, record)
    except ClientError as error:
        return replace(_seen(unreadable(item, error.code, error.detail), record, exif=exif_location), size=found.size)
    if answer.features.mode == "degraded":
        raise Unavailable("the animals of the place were not to be had")
    kept = answer_kept(asdict(answer))
    line = _line(item, status="identified", answer=kept, models=models_of(kept), size=found.size)
    return _seen(line, record, exif=exif_location)


def unreadable(item: Item, code: str, detail: str) -> Line:
    """Return the line of a photo that has no answer, and never will."""
    return _line(item, status="unreadable", error=code, detail=detail)


def _identify(data: bytes, params: IdentifyParams, services: Services, record: Record) -> Answer:
    """Identify a photo, by the picture alone if nobody says where it was taken."""
    try:
        return identify([data], params, services, record)
    except LocationMissing:  # raised before the photo is decoded
        return identify([data], replace(params, without_location=True), services, record)


def _params(item: Item) -> IdentifyParams:
    """Return the parameters of an item. Raises `LocationInvalid`, also if there is only one coordinate."""
    params = IdentifyParams(month=month_in(item.time or ""), shift=item.shift)
    if item.latitude is None and item.longitude is None:
        return params
    latitude, longitude = (nan if each is None else each for each in (item.latitude, item.longitude))
    return replace(params, location=Location(latitude, longitude, "request"))


def _line(item: Item, **values: Any) -> Line:
    latitude, longitude = (
        None if each is None or not isfinite(each) else each for each in (item.latitude, item.longitude)
    )
    return Line(
        photo=item.url,
        hash=hash_of(item.bucket, item.key, item.etag),
        etag=item.etag,
        station=item.station,
        latitude=latitude,
        longitude=longitude,
        time=item.time,
        identified=datetime.now(UTC).isoformat(timespec="seconds"),
        **values,
    )


def _seen(line: Line, record: Record, *, exif: bool) -> Line:
    """Return a line with what the photo says about itself."""
    if not record.photos:
        return line
    (photo,) = record.photos
    line = replace(line, width=photo.width, height=photo.height, time=line.time or taken_at(photo.taken))
    if not exif or (line.latitude, line.longitude) != (None, None):
        return line
    try:
        location = location_from_gps(photo.gps)
    except LocationInvalid:
        location = None
    return replace(line, latitude=location.latitude, longitude=location.longitude) if location else line

"""Identify all photos of a batch: each gets one line, even if a batch is sent twice or its process is killed.

The first attempt at a photo writes its line, unless the photo already has one. A later attempt first looks for that
line. If there is none, it writes a line with the error `interrupted`, identifies the photo, and then replaces the line.
So a photo that kills its process does so at most twice. Then it has a line, and the other photos get theirs.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from math import isfinite, nan
from typing import Any, NamedTuple

from chalicelib.api.answers import answer_of
from chalicelib.api.parameters import DEFAULT_TOP
from chalicelib.batch.line import INTERRUPTED, Item, Line, answer_kept, hash_of, models_of, number, object_key
from chalicelib.config.stores import S3Settings
from chalicelib.deadline import Deadline
from chalicelib.errors import ClientError, InternalError, LocationInvalid, ModelError, PhotoTooLarge, Unavailable
from chalicelib.features.features import month_in
from chalicelib.identify import IdentifyRequest, identify
from chalicelib.location import Location
from chalicelib.photo.exif import location_from_gps, taken_at
from chalicelib.photo.photos import PhotoFacts
from chalicelib.services import Services
from chalicelib.stores.objects import Object, Objects
from chalicelib.telemetry.logs import log_request
from chalicelib.telemetry.record import Failure, Record

AHEAD = 2
"""Number of photos that are fetched while another one is identified."""
RESERVE = 70.0
"""Seconds before the function's timeout in which no photo is begun: more than the slowest photo takes, with a slow
download and a paused database. At its timeout Lambda ends the process, and the photo would get `interrupted`."""
ENDED = INTERRUPTED, "the process ended during a repeated attempt at this photo, which may need too much memory"
MISSING = "object_missing"
_GONE = MISSING, "there is no such object, or the batch function may not read it"
"""Errors and details of a photo that ends its process, and of one that S3 does not give."""


class Fetched(NamedTuple):
    """An item, completed from its S3 object. `is_known`: whether the photo already has a line.

    `found`: the object; None if there is none, or if it was not fetched because the photo has a line.
    """

    item: Item
    found: Object | None
    is_known: bool


@dataclass(slots=True)
class Tally:
    """Counts of photos. `skipped`: had a line already. `failed`: to try again. `queries`: to PostgreSQL."""

    identified: int = 0
    unreadable: int = 0
    skipped: int = 0
    failed: list[Item] = field(default_factory=list)
    queries: int = 0

    @property
    def lines(self) -> int:
        """Return the number of photos that have a line."""
        return self.identified + self.unreadable + self.skipped


class Batch:
    """A batch whose lines go to `bucket`, below `prefix`, which ends with a slash. Call `run` once.

    `request_id`: id of the function's invocation. `settings`: of S3; its `total` is the longest wait for the download
    of one photo, in seconds.
    """

    def __init__(
        self,
        services: Services,
        objects: Objects,
        bucket: str,
        prefix: str,
        log: logging.Logger,
        request_id: str,
        settings: S3Settings,
    ) -> None:
        self._services, self._objects, self._log, self._request_id = services, objects, log, request_id
        self._bucket, self._prefix, self._settings = bucket, prefix, settings
        self._written: set[str] = set()
        self._tally = Tally()

    def run(self, items: Sequence[Item], deadline: Deadline) -> Tally:
        """Identify photos until the deadline is near. The remaining photos then count as failed. Never raises."""
        pool = ThreadPoolExecutor(AHEAD)
        try:
            for number, (item, fetching) in enumerate(_ahead(pool, self._fetch, items)):
                if deadline.left() < RESERVE:
                    self._tally.failed += items[number:]
                    break
                self._work(item, fetching)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return self._tally

    def _fetch(self, item: Item) -> Fetched:
        """Fetch a photo, unless this is a later attempt and the photo has a line. Raises `Unavailable`."""
        if item.attempt > 1 and item.etag and self._has_line(item):
            return Fetched(item, None, is_known=True)
        found = self._objects.read(item.bucket, item.key, self._services.photos.limits.max_bytes)
        named = described(item, found)
        is_known = item.attempt > 1 and named.etag != item.etag and self._has_line(named)
        return Fetched(named, found, is_known)

    def _work(self, item: Item, fetching: Future[Fetched]) -> None:
        """Identify one photo, write its line, and count and log the result."""
        record = Record(f"{self._request_id}/{_hash(item)}", "batch")
        try:
            self._settle(fetching.result(self._settings.total), record)
        except TimeoutError as error:
            record.failure = Failure.of(Unavailable(f"S3 gave no photo within {self._settings.total:g} s"), error)
        except Unavailable as error:
            record.failure = Failure.of(error)
        except ModelError as error:
            record.failure = Failure.of(Unavailable("the model cannot be used"), error)
        except Exception as error:  # noqa: BLE001  a bug, and one photo must not stop a million
            record.failure = Failure.of(InternalError("a bug; another attempt follows"), error)
        if record.failure:
            self._tally.failed.append(item)
        self._tally.queries += int(record.notes.metrics.get("DatabaseQueries", 0))
        log_request(self._log, record)

    def _settle(self, fetched: Fetched, record: Record) -> None:
        """Write the line of a photo, unless it has one."""
        item, photo = fetched.item, _hash(fetched.item)
        if fetched.is_known or photo in self._written:
            self._tally.skipped += 1
            return
        is_again, key = item.attempt > 1, object_key(self._prefix, photo)
        if is_again:
            self._objects.write(self._bucket, key, unreadable(item, *ENDED).text, replace=False)
        try:
            line = self._line(fetched, record)
            self._objects.write(self._bucket, key, line.text, replace=is_again)
        except Exception:
            if is_again:
                self._objects.delete(self._bucket, key)
            raise
        self._written.add(photo)
        self._tally.identified += line.status == "identified"
        self._tally.unreadable += line.status == "unreadable"

    def _line(self, fetched: Fetched, record: Record) -> Line:
        """Return the line of a photo. If a bug makes a later attempt fail, the line has the error `internal`."""
        item = fetched.item
        if fetched.found is None and item.attempt == 1:  # if it is the policy that is wrong, there is time to mend it
            raise Unavailable(_GONE[1])
        try:
            may_locate = self._settings.batch_exif_location
            return line_of(item, fetched.found, self._services, record, exif_location=may_locate)
        except (Unavailable, ModelError):
            raise
        except Exception as error:
            if item.attempt == 1:
                raise
            extra = {"request_id": record.request_id, "error": type(error).__name__}
            self._log.exception("a photo cannot be identified because of a bug", extra=extra)
            return unreadable(item, InternalError.code, f"identifying it failed twice with {type(error).__name__}")

    def _has_line(self, item: Item) -> bool:
        return self._objects.exists(self._bucket, object_key(self._prefix, _hash(item)))


def _hash(item: Item) -> str:
    return hash_of(item.bucket, item.key, item.etag)


def _ahead(
    pool: ThreadPoolExecutor, fetch: Callable[[Item], Fetched], items: Iterable[Item]
) -> Iterator[tuple[Item, Future[Fetched]]]:
    """Yield each item with the future of its photo, while `pool` fetches the photos of the next `AHEAD` items."""
    left, fetching = iter(items), deque[tuple[Item, Future[Fetched]]]()
    while True:
        fetching += ((item, pool.submit(fetch, item)) for item in islice(left, AHEAD + 1 - len(fetching)))
        if not fetching:
            return
        yield fetching.popleft()


def described(item: Item, found: Object | None) -> Item:
    """Return an item with the ETag of its S3 object. Facts that the batch did not give come from the object's metadata.

    These facts are the station, the time and the coordinates.
    """
    if found is None:
        return item
    said = found.metadata
    if (item.latitude, item.longitude) == (None, None):
        item = item._replace(latitude=number(said.get("latitude")), longitude=number(said.get("longitude")))
    station, time = item.station or said.get("station") or None, item.time or said.get("time") or None
    return item._replace(etag=found.etag, station=station, time=time)


def line_of(item: Item, found: Object | None, services: Services, record: Record, *, exif_location: bool) -> Line:
    """Identify a photo, fill in `record`, and return its line. `item`: as `described` returns it.

    `found`: None if there is no such object. `exif_location`: whether the line may have the position in EXIF. Raises
    `ModelError`. Raises `Unavailable` if another attempt may succeed, for example because the features of the cell
    could not be read.
    """
    if found is None:
        return unreadable(item, *_GONE)
    limits = services.photos.limits
    try:
        if found.data is None:
            raise PhotoTooLarge(f"the photo is larger than {limits.max_bytes / 1e6:.0f} MB; upload a smaller one")
        identified = identify([found.data], _request(item), services, record)
    except ClientError as error:
        line, facts = unreadable(item, error.code, error.detail), PhotoFacts.read(found.data or b"", limits)
    else:
        if identified.features.mode == "degraded":
            raise Unavailable("the features of the photo's cell are unavailable")
        kept = answer_kept(answer_of(identified, record.request_id, DEFAULT_TOP))
        line = _line(item, status="identified", answer=kept, models=models_of(kept))
        (facts,) = identified.photos
    return replace(_with_facts(line, facts, exif=exif_location), size=found.size)


def unreadable(item: Item, code: str, detail: str) -> Line:
    """Return the line of a photo that no attempt can identify."""
    return _line(item, status="unreadable", error=code, detail=detail)


def _request(item: Item) -> IdentifyRequest:
    """Return the request to identify a photo, with or without a location. Raises `LocationInvalid`."""
    latitude, longitude = (nan if each is None else each for each in (item.latitude, item.longitude))
    is_given = item.latitude is not None or item.longitude is not None
    location = Location(latitude, longitude, "request") if is_given else None
    return IdentifyRequest(location, "optional", month=month_in(item.time or ""), shift=item.shift)


def _line(item: Item, **values: Any) -> Line:
    for name in ("latitude", "longitude"):
        degrees = getattr(item, name)
        values[name] = degrees if degrees is not None and isfinite(degrees) else None
    said = {name: getattr(item, name) for name in ("etag", "station", "time")}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Line(photo=item.url, hash=_hash(item), identified=now, **said, **values)


def _with_facts(line: Line, photo: PhotoFacts | None, *, exif: bool) -> Line:
    """Return a line with the photo's size and, if the line lacks them, EXIF's time and (if `exif` is true) position."""
    if photo is None:
        return line
    taken, location = taken_at(photo.taken), None
    time = line.time or (taken and taken + photo.offset)
    line = replace(line, width=photo.width, height=photo.height, time=time)
    if exif and (line.latitude, line.longitude) == (None, None):
        with suppress(LocationInvalid):
            location = location_from_gps(photo.gps)
    return replace(line, latitude=location.latitude, longitude=location.longitude) if location else line

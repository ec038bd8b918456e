"""What a batch reads and writes: its two events, and a line of JSON for each photo. No I/O.

The events are SQS messages about new photos, and a batch of a Distributed Map. A result line is the answer to one
photo, or its error, in an S3 object named after the photo's bucket, key and ETag. So all attempts at the same photo
write to the same object. docs/reference/batch.md is the contract.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from hashlib import sha256
from math import isfinite, nan
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import unquote_plus

from chalicelib.api.http import json_of
from chalicelib.errors import EventInvalid


class Item(NamedTuple):
    """A photo in S3 to identify.

    `etag`: empty if the event does not say. `station`, `latitude`, `longitude` (WGS84 degrees) and `time`: what the
    batch says about the photo, or None. `shift`: seconds to add to the time in its EXIF. `message`: id of the SQS
    message that named the photo. `attempt`: 1 for the first attempt to identify the photo.
    """

    bucket: str
    key: str
    etag: str = ""
    station: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    time: str | None = None
    shift: float = 0.0
    message: str = ""
    attempt: int = 1

    @property
    def url(self) -> str:
        """Return the photo's `s3://` URL."""
        return f"s3://{self.bucket}/{self.key}"


class MapBatch(NamedTuple):
    """A batch of a Distributed Map, sorted by station.

    Its result lines are written to `bucket`, below `prefix`, which ends with a slash.
    """

    items: list[Item]
    bucket: str
    prefix: str


def read_messages(event: Mapping[str, Any]) -> tuple[list[Item], dict[str, str]]:
    """Return the photos that an SQS event names. Also return what is wrong with each invalid message, by its id.

    A valid message is a notification of S3:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html. S3's test message and the
    objects that mark folders name no photo.
    """
    items, broken = [], {}
    for message in event["Records"]:
        name, attempt = message["messageId"], int(message["attributes"]["ApproximateReceiveCount"])
        try:
            body = json.loads(message["body"])
            records = [] if body.get("Event") == "s3:TestEvent" else body["Records"]
            found = [_of_record(each["s3"], name, attempt) for each in records]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            broken[name] = f"{type(error).__name__}: {error}"
        else:
            items += [each for each in found if not each.key.endswith("/")]
    return items, broken


def read_map_batch(event: Mapping[str, Any]) -> MapBatch:
    """Return a batch of a Distributed Map, sorted by station. Raises `EventInvalid`."""
    given = event.get("BatchInput") or {}
    bucket, prefix = read_url(str(given.get("results", "")))
    attempt = 1 + int(event.get("Attempt") or 0)
    items = [_of_map(each, attempt) for each in event["Items"]]
    return MapBatch(sorted(items, key=lambda item: item.station or ""), bucket, prefix)


def read_url(url: str) -> tuple[str, str]:
    """Return the bucket and the prefix, ending with a slash, of `s3://BUCKET/PREFIX/`. Raises `EventInvalid`."""
    scheme, _, rest = url.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or not bucket or not prefix.strip("/"):
        raise EventInvalid(f"BatchInput.results is '{url}'; expected s3://BUCKET/PREFIX/")
    return bucket, prefix.rstrip("/") + "/"


def number(value: object) -> float | None:
    """Return a value as a number: None if it is empty; if it is not a number, NaN, which a location rejects later."""
    if value in (None, ""):
        return None
    try:
        return float(str(value))
    except ValueError:
        return nan


def _of_record(s3: Mapping[str, Any], message: str, attempt: int) -> Item:
    photo = s3["object"]
    key = unquote_plus(photo["key"])
    return Item(s3["bucket"]["name"], key, str(photo.get("eTag", "")), message=message, attempt=attempt)


def _of_map(item: Mapping[str, Any], attempt: int) -> Item:
    shift = number(item.get("shift")) or 0.0  # a wrong one is no error: it can only change the month, not the place
    try:
        return Item(
            item["bucket"],
            item["key"],
            str(item.get("etag") or "").strip('"'),
            item.get("station") or None,
            number(item.get("latitude")),
            number(item.get("longitude")),
            item.get("time") or None,
            shift if isfinite(shift) else 0.0,
            attempt=attempt,
        )
    except KeyError as error:
        raise EventInvalid(f"an item has no {error}; expected bucket and key") from error


Status = Literal["identified", "unreadable"]
"""`unreadable`: there is no answer, and another attempt would give none either."""

INTERRUPTED = "interrupted"
"""Error code of a photo: the process ended during a repeated attempt at it, for example because it ran out of memory.
The photo may be innocent: Step Functions also counts calls that Lambda throttled as attempts, and another photo may
have ended the first attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The answer to one photo, or its error.

    `photo`: its `s3://` URL. `size`: of the file, in bytes. `station`, `latitude`, `longitude`: as the batch gave them.
    `time`: as the batch gave it, or else from EXIF: the camera's clock, 'YYYY-MM-DD HH:MM:SS', and its offset from UTC
    if EXIF has one. `width`, `height`: in pixels as stored. `error`: code of the reason why there is no answer.
    `answer`: body of POST /identify without what `answer_kept` omits. `models`: version of each model that scored the
    photo, by the model's name. `identified`: when the line was made, UTC in ISO 8601.
    """

    photo: str
    hash: str
    size: int | None = None
    etag: str = ""
    station: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    time: str | None = None
    width: int | None = None
    height: int | None = None
    status: Status
    error: str | None = None
    detail: str | None = None
    answer: Mapping[str, Any] | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    identified: str

    @property
    def text(self) -> str:
        """Return the line as JSON, with its end of line."""
        return json_of({each.name: getattr(self, each.name) for each in fields(self)}) + "\n"

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Parse the JSON that the property `text` returned. Raises `ValueError` or `TypeError` for other text."""
        return cls(**json.loads(text))


def hash_of(bucket: str, key: str, etag: str) -> str:
    """Return 64 hex digits that identify a photo. A photo that replaces another under its key has another ETag."""
    return sha256(f"{bucket}/{key}\n{etag}".encode()).hexdigest()


def object_key(prefix: str, photo: str) -> str:
    """Return the key of the object with a photo's line. `prefix`: ends with a slash. `photo`: the photo's `hash_of`.

    The first two digits spread a million lines over 256 prefixes, which can be listed at the same time.

    >>> object_key("results/", hash_of("bucket", "inbox/a.jpg", "0cc175b9c0f1b6a831c399e269772661"))[:13]
    'results/b0/b0'
    """
    return f"{prefix}{photo[:2]}/{photo}.json"


def answer_kept(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer without durations, the request's id, the cache level of the features, and the class map.

    Most of these differ each time, and two runs over the same photo must give the same line.
    """
    kept = {name: value for name, value in answer.items() if name not in {"timings_ms", "request_id", "class_map"}}
    kept["features"] = {name: value for name, value in answer["features"].items() if name != "cache"}
    packs = [{name: pack[name] for name in ("name", "version")} for pack in answer["model"]["packs"]]
    return {**kept, "model": {**answer["model"], "packs": packs}}


def models_of(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return the version of each model that scored the photo, by the model's name."""
    model = answer["model"]
    return {each["name"]: each["version"] for each in (model, *model["packs"])}

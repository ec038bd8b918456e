"""The two events of the batch function: SQS messages about new photos, and a batch of a Distributed Map. No I/O."""

import json
from collections.abc import Mapping
from math import isfinite, nan
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

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

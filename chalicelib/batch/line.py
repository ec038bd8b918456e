"""A result line: the answer to one photo of a batch, or its error, as a line of JSON in an S3 object. No I/O.

The object is named after the photo's bucket, key and ETag. So all attempts at the same photo write to the same object.
docs/reference/batch.md is the contract.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from hashlib import sha256
from typing import Any, Literal, Self

from chalicelib.api.http import json_of

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

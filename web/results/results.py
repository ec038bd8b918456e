"""Results: answers and small pictures that are kept for 30 days. Only a client that knows the id of one can read it.

A result has neither the photo nor its coordinates: only the answer, with the cell, and a thumbnail without EXIF.
"""

import csv
import hashlib
import hmac
import json
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TextIO

from chalicelib.config.settings import Settings
from chalicelib.errors import Forbidden, NotFound, SettingError, Unavailable
from web.results.stores import BucketStore, FolderStore, Store
from web.settings import WebSettings

LIFETIME = timedelta(days=30)
ID = re.compile(r"[A-Za-z0-9_-]{22}")
CORRECTIONS = "corrections/"
"""Folder of the corrections in the store."""
_OMITTED = ("request_id", "timings_ms")
"""Fields of an answer that are not kept: they are about the request."""
_MISSING = "there is no result with this id; results are deleted after 30 days, or by the person who made them"


@dataclass(frozen=True, slots=True)
class Result:
    """A result that was kept. `answer`: the answer of the API, without what is about the request."""

    id: str
    created: datetime
    answer: Mapping[str, Any]
    has_picture: bool
    token_hash: str

    @property
    def expires(self) -> datetime:
        """Return when the result is deleted."""
        return self.created + LIFETIME


class Receipt(NamedTuple):
    """What the client gets that made a result. `token`: the right to delete it."""

    id: str
    token: str
    expires: datetime


class Correction(NamedTuple):
    """What a photo shows, by the person who made a result. `answered`: what the answer said. `animal`: their words."""

    created: datetime
    result: str
    answered: str
    animal: str


class Results:
    """The results in a store. Thread-safe. All methods raise `Unavailable` if the store fails.

    Those with an `id` raise `NotFound`, and those with a `token` `Forbidden` if it is not that of the receipt.
    """

    def __init__(self, store: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store, self._now = store, now

    def keep(self, answer: Mapping[str, Any], picture: bytes | None) -> Receipt:
        """Keep an answer and a picture (JPEG)."""
        name, token, created = secrets.token_urlsafe(16), secrets.token_urlsafe(16), self._now()
        if picture is not None:
            self._store.put(f"{name}.jpg", picture, "image/jpeg")
        document = {
            "created": created.isoformat(),
            "answer": {each: value for each, value in answer.items() if each not in _OMITTED},
            "has_picture": picture is not None,
            "token_hash": _hash(token),
        }
        self._put(f"{name}.json", document)  # last: a result that can be found is complete
        return Receipt(name, token, created + LIFETIME)

    def find(self, name: str) -> Result:
        """Return a result that has not expired."""
        data = self._store.get(f"{name}.json") if ID.fullmatch(name) else None
        if data is None:
            raise NotFound(_MISSING)
        kept = json.loads(data)
        created = datetime.fromisoformat(kept["created"])
        result = Result(name, created, kept["answer"], kept["has_picture"], kept["token_hash"])
        if self._now() >= result.expires:  # S3 deletes objects up to a day late
            self._delete(name)
            raise NotFound(_MISSING)
        return result

    def picture(self, name: str) -> bytes:
        """Return the picture of a result, a JPEG."""
        picture = self._store.get(f"{name}.jpg") if self.find(name).has_picture else None
        if picture is None:
            raise NotFound("this result has no picture")
        return picture

    def remove(self, name: str, token: str) -> None:
        """Delete a result."""
        self._authorize(name, token)
        self._delete(name)

    def correct(self, name: str, token: str, animal: str) -> None:
        """Keep what the photo of a result shows, by the person who made it, in place of an earlier correction."""
        result = self._authorize(name, token)
        document = {
            "created": self._now().isoformat(),
            "expires": result.expires.isoformat(),
            "result": name,
            "answered": answered(result.answer),
            "animal": animal,
        }
        self._put(f"{CORRECTIONS}{name}.json", document)

    def corrections(self) -> Iterator[Correction]:
        """Yield all corrections that have not expired, in no order."""
        for file in self._store.names(CORRECTIONS):
            data = self._store.get(file, is_listed=True)
            if data is None:  # deleted meanwhile
                continue
            kept = json.loads(data)
            if self._now() < datetime.fromisoformat(kept["expires"]):
                created = datetime.fromisoformat(kept["created"])
                yield Correction(created, kept["result"], kept["answered"], kept["animal"])

    def _authorize(self, name: str, token: str) -> Result:
        result = self.find(name)
        if not hmac.compare_digest(_hash(token), result.token_hash):
            raise Forbidden("this token may not change the result; send the one that came with the answer")
        return result

    def _put(self, name: str, document: Mapping[str, Any]) -> None:
        data = json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
        self._store.put(name, data, "application/json")

    def _delete(self, name: str) -> None:
        for file in (f"{name}.json", f"{name}.jpg", f"{CORRECTIONS}{name}.json"):
            self._store.delete(file)


def answered(answer: Mapping[str, Any]) -> str:
    """Return what an answer says: the scientific name of its taxon, or what else the photo shows."""
    prediction = answer.get("prediction")
    return str(prediction["scientific_name"] if prediction else answer.get("subject", ""))


def _hash(token: str) -> str:
    """Return the hash of a token. The store has no tokens: a reader of the store cannot delete results."""
    return hashlib.sha256(token.encode()).hexdigest()


def open_results(own: Settings, settings: WebSettings) -> Results | None:
    """Return the results in the bucket or the folder of the settings. None if they name neither."""
    if settings.results_bucket:
        return Results(BucketStore(settings.results_bucket, own.deployment.region, own.s3, settings.worker_count))
    if settings.results_folder:
        return Results(FolderStore(settings.results_folder, LIFETIME.total_seconds()))
    return None


def list_corrections(file: TextIO | None = None) -> int:
    """Write all corrections as CSV, the latest first, to standard output by default. Return the exit code."""
    try:
        results = open_results(Settings.from_environment(os.environ), WebSettings.from_environment())
        if results is None:
            raise SettingError("no results are kept; set RESULTS_FOLDER or RESULTS_BUCKET as for the server")
        corrections = sorted(results.corrections(), reverse=True)
    except (SettingError, Unavailable) as error:
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        print(f"corrections cannot be listed: {error}{cause}", file=sys.stderr)
        return 1
    writer = csv.writer(file or sys.stdout, lineterminator="\n")
    writer.writerow(Correction._fields)
    for created, result, said, animal in corrections:
        inert = f"'{animal}" if animal[:1] in "=+-@" else animal  # no spreadsheet may run a stranger's formula
        writer.writerow((created.isoformat(timespec="seconds"), f"/r/{result}", said, inert))
    print(f"{len(corrections)} corrections; they are deleted with their results, after 30 days", file=sys.stderr)
    return 0

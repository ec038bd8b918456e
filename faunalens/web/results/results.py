"""Results: answers and small pictures that are kept for 30 days. Only a client that knows a result's id can read it.

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
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from chalicelib.api.http import json_of
from chalicelib.config.settings import Settings
from chalicelib.corrections import RESULT, quoted
from chalicelib.errors import Forbidden, NotFound, SettingError, Unavailable
from faunalens.web.results.stores import BucketStore, File, FolderStore, Quota, Store
from faunalens.web.settings import WebSettings

LIFETIME = timedelta(days=30)
KEEPS = ("false", "true", "picture", "answer")
"""What each value keeps: nothing; the answer, and its picture unless it shows people; both; the answer alone."""
ID = re.compile(r"[A-Za-z0-9_-]{22}")
READERS = 16  # results that are read at the same time to list their corrections
_ATTEMPTS = 5  # how often a correction is tried while others change the result too
_OMITTED = ("request_id", "timings_ms")  # of an answer: they are about the request
_MISSING = "there is no result with this id; results are deleted after 30 days, or by the person who made them"


class Said(NamedTuple):
    """What the person who made a result says that its photo shows: words, and a scientific name if they chose one."""

    created: datetime
    animal: str
    scientific_name: str = ""


class Correction(NamedTuple):
    """What the person who made a result said of it.

    `answered`: the scientific name in the answer, or what else it says that the photo shows. `animal`: the scientific
    name that the person chose, or else their words. `cell`: the cell of the photo's location; empty without a location.
    """

    created: datetime
    result: str
    answered: str
    animal: str
    cell: str


@dataclass(frozen=True, slots=True)
class Result:
    """A result that was kept. `answer`: the answer of the API, without its parts about the request."""

    id: str
    created: datetime
    answer: Mapping[str, Any]
    has_picture: bool
    token_hash: str
    said: Said | None = None

    @property
    def expires(self) -> datetime:
        """Return when the result is deleted."""
        return self.created + LIFETIME


class Receipt(NamedTuple):
    """What a client gets for a result that it made. `token`: the right to correct and delete it."""

    id: str
    token: str
    expires: datetime
    has_picture: bool


class Results:
    """The results in a store. Thread-safe. All methods raise `Unavailable` if the store fails.

    `name` is the id of a result; methods raise `NotFound` if no result has it. `token` comes from the result's receipt;
    methods raise `Forbidden` if it is wrong.
    """

    def __init__(self, store: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store, self._now = store, now
        self.sweep = store.sweep  # deletes what has expired, at most once an hour

    def keep(self, answer: Mapping[str, Any], picture: Callable[[], bytes | None]) -> Receipt:
        """Keep an answer and a picture. `picture`: returns a JPEG or None; called if there is room for more results."""
        self._store.check_room()
        jpeg = picture()
        name, token, created = secrets.token_urlsafe(16), secrets.token_urlsafe(16), self._now()
        if jpeg is not None:
            self._store.put(f"{name}.jpg", jpeg, "image/jpeg")
        document = {
            "created": created.isoformat(),
            "answer": {each: value for each, value in answer.items() if each not in _OMITTED},
            "has_picture": jpeg is not None,
            "token_hash": _hash(token),
        }
        # last, so that what is found is complete
        self._store.put(f"{name}.json", json_of(document).encode(), "application/json")
        return Receipt(name, token, created + LIFETIME, jpeg is not None)

    def find(self, name: str) -> Result:
        """Return a result that has not expired."""
        return self._read(name)[1]

    def _read(self, name: str) -> tuple[File, Result]:
        file = self._store.get(f"{name}.json") if ID.fullmatch(name) else None
        if file is None:
            raise NotFound(_MISSING)
        result = _parse(name, file.data)
        if self._now() >= result.expires:  # S3 deletes objects up to a day late
            self._delete(name)
            raise NotFound(_MISSING)
        return file, result

    def picture(self, name: str) -> bytes:
        """Return the picture of a result, a JPEG."""
        picture = self._store.get(f"{name}.jpg") if self.find(name).has_picture else None
        if picture is None:
            raise NotFound("this result has no picture")
        return picture.data

    def authorize(self, name: str, token: str) -> File:
        """Check that a token gives the right to change a result. Return the result's file, for `correct`."""
        file, result = self._read(name)
        if not hmac.compare_digest(_hash(token), result.token_hash):
            raise Forbidden("this token may not change the result; send the one that came with the answer")
        return file

    def remove(self, name: str, token: str) -> None:
        """Delete a result with its picture and its correction."""
        self.authorize(name, token)
        self._delete(name)

    def correct(self, name: str, token: str, animal: str, scientific_name: str = "", file: File | None = None) -> None:
        """Keep what the person who made a result says that its photo shows, in place of what they said before.

        `file`: what `authorize` returned for this token, so that the store is not asked again.
        """
        correction = {"created": self._now().isoformat(), "animal": animal, "scientific_name": scientific_name}
        for _ in range(_ATTEMPTS):
            file = file or self.authorize(name, token)
            document = json.loads(file.data) | {"correction": correction}
            if self._store.replace(f"{name}.json", file, json_of(document).encode()):
                return
            file = None  # it was changed or deleted meanwhile; one that is deleted stays so
        raise Unavailable("others are changing the result; try again in a moment")

    def corrections(self) -> Iterator[Correction]:
        """Yield all corrections that have not expired, in no order."""
        files = (each.rpartition(".") for each in self._store.names())
        names = [name for name, _, kind in files if kind == "json" and ID.fullmatch(name)]
        with ThreadPoolExecutor(READERS) as readers:
            for result in readers.map(self._listed, names):
                if result is not None and (said := result.said) is not None and self._now() < result.expires:
                    answer, prediction = result.answer, result.answer.get("prediction")
                    answered = prediction["scientific_name"] if prediction else answer.get("subject", "")
                    cell = (answer.get("location") or {}).get("cell") or ""
                    yield Correction(said.created, result.id, answered, said.scientific_name or said.animal, cell)

    def _listed(self, name: str) -> Result | None:
        """Return a result whose name the store has listed, or None if it was deleted meanwhile."""
        file = self._store.get(f"{name}.json", is_listed=True)
        return None if file is None else _parse(name, file.data)

    def _delete(self, name: str) -> None:
        for file in (f"{name}.jpg", f"{name}.json"):  # the picture first: if that fails, deleting can be repeated
            self._store.delete(file)


def _parse(name: str, data: bytes) -> Result:
    kept = json.loads(data)
    created, said = datetime.fromisoformat(kept["created"]), kept.get("correction")
    if said:
        said = Said(datetime.fromisoformat(said["created"]), said["animal"], said.get("scientific_name", ""))
    return Result(name, created, kept["answer"], kept["has_picture"], kept["token_hash"], said)


def _hash(token: str) -> str:  # the store has no tokens: a reader of the store cannot delete results
    return hashlib.sha256(token.encode()).hexdigest()


def open_results(own: Settings, settings: WebSettings) -> Results | None:
    """Return the results in the bucket or the folder of the settings. None if they name neither."""
    quota = Quota(settings.results_bytes, settings.results_files)
    if bucket := settings.results_bucket:
        return Results(BucketStore(bucket, own.deployment.region, own.s3, quota, settings.worker_count))
    if folder := settings.results_folder:
        return Results(FolderStore(folder, LIFETIME.total_seconds(), quota, settings.results_free_bytes))
    return None


def list_corrections(pictures: Path | None = None) -> int:
    """Print all corrections as CSV, the latest first. Return the exit code. `pictures`: where to save their photos."""
    try:
        results = open_results(Settings.from_environment(os.environ), WebSettings.from_environment())
        if results is None:
            raise SettingError("no results are kept; set RESULTS_FOLDER or RESULTS_BUCKET as for the server")
        corrections = sorted(results.corrections(), reverse=True)
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            for each in corrections:
                with suppress(NotFound):  # it has no picture, or was deleted meanwhile
                    (pictures / f"{each.result}.jpg").write_bytes(results.picture(each.result))
    except (SettingError, Unavailable, OSError) as error:
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        print(f"corrections cannot be listed: {error}{cause}", file=sys.stderr)
        return 1
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(Correction._fields)
    for created, result, said, animal, cell in corrections:
        writer.writerow((created.isoformat(timespec="seconds"), f"{RESULT}{result}", said, quoted(animal), cell))
    print(f"{len(corrections)} corrections; they are deleted with their results, after 30 days", file=sys.stderr)
    return 0

"""The record of one request or run: its steps, and what each adds to metrics and properties; and of a cold start."""

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from chalicelib.errors import HTTPError, InternalError, ModelError
from chalicelib.location import Source, text_of
from chalicelib.redaction import summary_of, trace_of
from chalicelib.telemetry.metrics import DIMENSIONS

if TYPE_CHECKING:
    from chalicelib.features.features import Features
    from chalicelib.features.warming import WarmingReport
    from chalicelib.model.shares import Here
    from chalicelib.photo.photos import PhotoFacts


_STEPS = {"photo": "PhotoLatency", "features": "FeaturesLatency", "scoring": "ScoringLatency", "boxes": "BoxLatency"}
"""The steps that an answer shows, each with its metric. `location`, some µs, and `fetch`, which only uploads have, have
none, because each metric costs money."""


class Failure(NamedTuple):
    """The failure of a request, as text. `cause`: type of the underlying error. `trace`: only for internal errors.

    The exception itself is not kept. Its traceback refers to the request's frames, which refer to the photo's pixels
    and to this record. Such a reference cycle stays in memory until Python's cyclic garbage collector runs, and the
    collector's schedule depends on the number of objects, not on their size.
    """

    status: int
    code: str
    cause: str | None = None
    summary: str | None = None
    trace: str | None = None
    is_lasting: bool = False

    @classmethod
    def of(cls, error: HTTPError, cause: BaseException | None = None) -> "Failure":
        """Return the failure that `error` caused. `cause`: the underlying error, by default `error.__cause__`.

        `is_lasting` of the result: whether the error persists until someone fixes it, such as a broken model.
        """
        cause = cause or error.__cause__
        if cause is None:
            return cls(error.status, error.code)
        is_ours = isinstance(error, InternalError)
        return cls(
            error.status,
            error.code,
            cause=type(cause).__name__,
            summary=summary_of(str(cause)),
            trace=trace_of("".join(traceback.format_exception(cause)).rstrip("\n")) if is_ours else None,
            is_lasting=isinstance(cause, ModelError),
        )


class Invoked(NamedTuple):
    """The web tier's call of a Lambda function: its duration, and whether it failed, so that it gave no response."""

    milliseconds: float
    failed: bool


@dataclass(slots=True)
class Notes:
    """Metrics of a request or a run, and its properties for queries: values by name, never the result itself.

    `metrics`: values of the metrics in metrics.py. `properties`: for Logs Insights. `dimensions`: those other than
    service and stage. `details`: error messages of dependencies, for the log only.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    dimensions: dict[str, str] = field(default_factory=dict)
    details: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Record:
    """The record of one request. Created when the request arrives, passed down, and written once at the end.

    `waited`: seconds from the arrival of the whole request until its work began. `seconds`: duration of each step.
    `notes`: metrics and properties; a step adds its own as soon as it is done, in case a later one
    fails. `initialisation`: start-up time of the process in seconds, reported with its first request only. `invoked`:
    the call of the function, if the web tier handed the request on to it.
    """

    request_id: str
    route: str
    waited: float = 0.0
    started: float = field(default_factory=perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)
    failure: Failure | None = None
    initialisation: float | None = None
    invoked: Invoked | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step, even if it raises: `with record.step("photo"):`. Steps of the same name add up."""
        started = perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - started

    def milliseconds(self, step: str) -> float:
        """Return the time spent in a step so far, in milliseconds, rounded to 0.1."""
        return round(self.seconds.get(step, 0.0) * 1e3, 1)

    def elapsed(self) -> float:
        """Return the time since the request arrived, in milliseconds, rounded to 0.1."""
        return round((perf_counter() - self.started) * 1e3, 1)

    def timings(self) -> dict[str, float]:
        """Return the milliseconds of each step that an answer shows, and the `total` so far."""
        return {step: self.milliseconds(step) for step in _STEPS} | {"total": self.elapsed()}

    def note(self, notes: Notes) -> None:
        """Add the metrics and properties of a step."""
        self.notes.metrics |= notes.metrics
        self.notes.properties |= notes.properties
        self.notes.dimensions |= notes.dimensions
        self.notes.details += notes.details

    def summary(self) -> Notes:
        """Return all metrics and properties of this request. They never contain coordinates or identify the client."""
        failure, started = self.failure, self.initialisation
        metrics: dict[str, float] = {
            "Requests": 1,
            "Faults": int(failure is not None and failure.status >= 500),
            "Rejections": int(failure is not None and failure.status < 500),
            "Latency": self.elapsed(),
            "ColdStarts": int(started is not None),
        }
        if started is not None:
            metrics["InitLatency"] = round(started * 1e3, 1)
        metrics |= {metric: self.milliseconds(step) for step, metric in _STEPS.items() if step in self.seconds}
        metrics |= self.notes.metrics
        if self.invoked:
            metrics |= {"InvokeLatency": self.invoked.milliseconds, "InvokeFaults": int(self.invoked.failed)}
        properties: dict[str, Any] = {"request_id": self.request_id, "route": self.route}
        dimensions = {"route": self.route}
        if failure:
            properties["code"] = dimensions["code"] = failure.code  # the emitter counts those of rejections alone
        if "fetch" in self.seconds:
            properties["fetch_ms"] = self.milliseconds("fetch")
        return Notes(metrics, properties | self.notes.properties, dimensions | self.notes.dimensions)


class ColdStart:
    """A stopwatch for the initialisation of a process. Thread-safe.

    On Lambda, importing `app.py` also builds the services. Elsewhere the first request builds them; idle time between
    the import and that request does not count. `began`: `time.perf_counter()` at the start of the import.
    """

    def __init__(self, began: float) -> None:
        self._began = began
        self._seconds: float | None = None  # None until the import is over
        self._is_reported = False
        self._lock = Lock()

    def mark_imported(self) -> None:
        """Record that `app.py` has been imported."""
        self._seconds = perf_counter() - self._began

    def measure[T](self, build: Callable[[], T]) -> T:
        """Run a part of the initialisation after the import, and add its duration to the initialisation time."""
        started = perf_counter()
        try:
            return build()
        finally:
            if self._seconds is not None:
                self._seconds += perf_counter() - started

    def pop_seconds(self) -> float | None:
        """Return the initialisation time at the first call, and None at all later calls."""
        with self._lock:
            if self._is_reported:
                return None
            self._is_reported = True
            return self._seconds


_MODES = {"narrowed": "Narrowed", "no_location": "NoLocation", "unknown_area": "UnknownArea", "degraded": "Degraded"}
_LEVELS = {
    "memory": "MemoryHits",
    "hit": "CacheHits",
    "stale": "StaleHits",
    "miss": "CacheMisses",
    "bypass": "CacheBypasses",
}
_CACHE_FAULTS = ("redis_", "value_corrupt", "version_corrupt")
_DATABASE_FAULTS = ("postgres_", "lease_failed")
"""Prefixes of the fault codes that count as faults of Redis and of PostgreSQL. `lease_failed` means that the database
had just failed for another process. All other codes, such as `flight_timeout` and `clock_skew`, count as neither."""


def of_photos(photos: "Sequence[PhotoFacts]") -> Notes:
    """Return the metrics of a request's photos: their total size in bytes and in megapixels."""
    size, megapixels = sum(photo.size_in_bytes for photo in photos), sum(photo.megapixels for photo in photos)
    return Notes({"PhotoBytes": size, "PhotoMegapixels": megapixels})


def of_features(cell: int | None, features: "Features") -> Notes:
    """Return the metrics and properties of a feature lookup: source, numbers and faults."""
    metrics: dict[str, float] = {name: int(name == _MODES[features.mode]) for name in _MODES.values()}
    metrics["CacheErrors"] = sum(fault.startswith(_CACHE_FAULTS) for fault in features.faults)
    metrics["DatabaseErrors"] = sum(fault.startswith(_DATABASE_FAULTS) for fault in features.faults)
    trace = features.trace
    if features.mode != "no_location":
        metrics |= {name: int(name == _LEVELS[features.cache]) for name in _LEVELS.values()}
        metrics |= {
            "AnimalsInCell": len(features.found.animals),
            "DatabaseQueries": trace.queries,
            "DatabaseLatency": trace.query_ms,
            "LeaseWaits": trace.lease_waits,
            "BreakerOpenings": len(trace.opened),
        }
    properties: dict[str, Any] = {} if cell is None else {"cell": text_of(cell)}
    properties |= {"mode": features.mode, "cache": features.cache, "features_version": features.version}
    if features.faults:
        properties["faults"] = list(features.faults)
    return Notes(metrics, properties, details=list(trace.details))


class Outcome(NamedTuple):
    """The values of an identification from which its metrics and properties are made.

    `taxon`, `name`, `score` and `here`: of the likeliest animal. `rank`: of the predicted taxon, or None. `packs`: the
    milliseconds of each pack, by name. `has_animal`: whether the photo shows an animal, named or not. `is_unexpected`:
    whether no animal of the predicted taxon is known to live in the cell. `animals`: number of boxes of animals, or
    None without boxes.
    """

    source: Source
    taxon: str
    name: str
    score: float
    here: "Here | None"
    rank: str | None
    model_version: str
    packs: Mapping[str, float]
    has_animal: bool = True
    is_unexpected: bool = False
    photos: int = 1
    looked_twice: bool = False
    animals: int | None = None

    def notes(self) -> Notes:
        """Return the metrics, properties and dimensions of the identification."""
        is_named = self.rank is not None
        metrics: dict[str, float] = {
            "Identifications": 1,
            "LocationFromExif": int(self.source == "exif"),
            "LocationFromRequest": int(self.source == "request"),
            "TopScore": self.score,
            "Predictions": int(is_named),
            "NoAnimal": int(not self.has_animal),
            "UnexpectedAnimals": int(self.is_unexpected),
            "PackRuns": len(self.packs),
        }
        metrics |= {"PackLatency": round(sum(self.packs.values()), 1)} if self.packs else {}
        metrics |= {"Boxed": 1} if self.animals is not None else {}
        metrics["SecondLooks"] = int(self.looked_twice)
        properties: dict[str, Any] = {
            "location_source": self.source,
            "taxon": self.taxon,
            "animal_name": self.name,
            "here": self.here,
            "rank": self.rank,
            "model_version": self.model_version,
            "packs": list(self.packs),
            "photos": self.photos,
        }
        rank = self.rank if self.rank in DIMENSIONS["rank"].values else "other"
        return Notes(metrics, properties, {"rank": rank} if is_named else {})


def of_warming(request_id: str, report: "WarmingReport") -> Notes:
    """Return the metrics and properties of a run of cache warming."""
    metrics: dict[str, float] = {
        "WarmingRuns": 1,
        "WarmingLatency": round(report.seconds * 1e3, 1),
        "WarmingRefreshed": report.refreshed,
        "WarmingSkipped": report.skipped,
        "WarmingFailed": report.failed,
        "WarmingFaults": len(report.faults),
    }
    if report.useful is not None:
        metrics["WarmingUseful"] = report.useful
    of_run = {"considered": report.considered, "queries": report.queries, "quiet": report.quiet}
    return Notes(metrics, {"request_id": request_id, **of_run, "faults": report.faults})


def of_batch(
    request_id: str, seconds: float, *, identified: int, unreadable: int, skipped: int, failed: int, queries: int
) -> Notes:
    """Return the metrics of a run of the batch function. `queries`: to PostgreSQL; the other numbers: of photos."""
    metrics: dict[str, float] = {
        "BatchRuns": 1,
        "BatchLatency": round(seconds * 1e3, 1),
        "BatchIdentified": identified,
        "BatchUnreadable": unreadable,
        "BatchSkipped": skipped,
        "BatchFailed": failed,
    }
    return Notes(metrics, {"request_id": request_id, "queries": queries})


def of_damaged_value() -> Notes:
    """Return the metrics of a value about a taxon in Redis that cannot be used."""
    return Notes({"CacheErrors": 1}, {"faults": ["value_corrupt"]})


def of_correction(request_id: str) -> Notes:
    """Return the metrics of a person's correction of an answer, without the text that the person wrote."""
    return Notes({"Corrections": 1}, {"request_id": request_id})

"""The record of one request or one warming run: filled while it runs, and read at its end for metrics and logs."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from chalicelib.errors import HTTPError, InternalError, ModelError
from chalicelib.redaction import summary_of, trace_of
from chalicelib.telemetry.metrics import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.api.responses import Answer
    from chalicelib.features.features import Features, Trace
    from chalicelib.photo.decode import Photo

_STEP_METRICS = {
    "photo": "PhotoLatency",
    "location": "LocationLatency",
    "features": "FeaturesLatency",
    "scoring": "ScoringLatency",
    "boxes": "BoxLatency",
}
"""The metric of each step. The step `fetch`, which only uploads have, has none, because every metric costs money."""
_MODES = {
    "narrowed": "Narrowed",
    "no_location": "NoLocation",
    "unknown_area": "UnknownArea",
    "degraded": "Degraded",
}
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
    """The call of a function: its duration, and whether it failed, so that there was no response to hand on."""

    milliseconds: float
    failed: bool


class Compared(NamedTuple):
    """The comparison with the dataset in shadow. `version`: that of the dataset. `taxon`: what it would have answered.

    `is_done`: whether its features were there in time. `differs`: whether the answer would have been another.
    """

    version: str
    is_done: bool = False
    taxon: str | None = None
    differs: bool = False


@dataclass(slots=True)
class Record:
    """The record of one request. Created when the request arrives, passed down, and written once at the end.

    `waited`: seconds from the arrival of the whole request until its work began. `seconds`: duration of each step.
    `initialisation`: start-up time of the process in seconds, reported only with its first request.
    `invoked`: the call of the function, if the web tier handed the request on to it. `looked_twice`: whether the models
    had a second look. `shadow`: the comparison with the dataset in shadow, if there is one for the cell.
    """

    request_id: str
    route: str
    waited: float = 0.0
    started: float = field(default_factory=perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)
    photos: "Sequence[Photo]" = ()
    cell: str | None = None
    features: "Features | None" = None
    answer: "Answer | None" = None
    failure: Failure | None = None
    initialisation: float | None = None
    invoked: Invoked | None = None
    looked_twice: bool = False
    shadow: Compared | None = None

    def step(self, name: str) -> "_Step":
        """Return a context manager that times one step: `with record.step("photo"):`. Steps of the same name add up."""
        return _Step(self.seconds, name)

    def milliseconds(self, step: str) -> float:
        """Return the time spent in a step so far, in milliseconds, rounded to 0.1."""
        return round(self.seconds.get(step, 0.0) * 1e3, 1)

    def elapsed(self) -> float:
        """Return the time since the request arrived, in milliseconds, rounded to 0.1."""
        return round((perf_counter() - self.started) * 1e3, 1)

    def metrics(self) -> dict[str, float]:
        """Return the value of each metric for this request."""
        values: dict[str, float] = {
            "Requests": 1,
            "Faults": int(self.failure is not None and self.failure.status >= 500),
            "Rejections": int(self.failure is not None and self.failure.status < 500),
            "Latency": self.elapsed(),
            "ColdStarts": int(self.initialisation is not None),
        }
        if self.initialisation is not None:
            values["InitLatency"] = round(self.initialisation * 1e3, 1)
        values |= {metric: self.milliseconds(step) for step, metric in _STEP_METRICS.items() if step in self.seconds}
        if self.photos:
            values["PhotoBytes"] = sum(photo.size_in_bytes for photo in self.photos)
            values["PhotoMegapixels"] = sum(photo.megapixels for photo in self.photos)
        if self.features:
            values |= _of_features(self.features)
        if self.answer:
            values |= _of_answer(self.answer) | {"SecondLooks": int(self.looked_twice)}
        if self.shadow:
            values |= {
                "ShadowComparisons": int(self.shadow.is_done),
                "ShadowDifferences": int(self.shadow.differs),
                "ShadowMisses": int(not self.shadow.is_done),
            }
        if self.invoked:
            values |= {"InvokeLatency": self.invoked.milliseconds, "InvokeFaults": int(self.invoked.failed)}
        return values

    def dimensions(self) -> dict[str, str]:
        """Return the values of the dimensions that only some metrics have."""
        values = {"route": self.route}
        if self.failure and self.failure.status < 500:
            values["code"] = self.failure.code
        if self.answer and self.answer.prediction:
            rank = self.answer.prediction.rank
            values["rank"] = rank if rank in DIMENSIONS["rank"].values else "other"
        return values

    def properties(self) -> dict[str, Any]:
        """Return properties that are not metrics, for queries in Logs Insights.

        They never include coordinates or the identity of the client.
        """
        values: dict[str, Any] = {"request_id": self.request_id, "route": self.route}
        if self.failure:
            values["code"] = self.failure.code
        if "fetch" in self.seconds:
            values["fetch_ms"] = self.milliseconds("fetch")
        if self.cell:
            values["cell"] = self.cell
        if self.features:
            values |= {"mode": self.features.mode, "cache": self.features.cache}
            values["features_version"] = self.features.version
            if self.features.faults:
                values["faults"] = list(self.features.faults)
        if self.answer:
            best = self.answer.candidates[0]
            values |= {
                "location_source": self.answer.location.source,
                "taxon": best.taxon,
                "animal_name": best.name,
                "here": best.here,
                "rank": self.answer.prediction.rank if self.answer.prediction else None,
                "model_version": self.answer.model.version,
                "packs": [pack.name for pack in self.answer.model.packs],
                "photos": max(1, len(self.answer.photos)),
            }
        if self.shadow and self.shadow.is_done:
            values |= {"shadow_version": self.shadow.version, "shadow_taxon": self.shadow.taxon}
            values["shadow_differs"] = self.shadow.differs
        return values


class _Step:
    """A context manager that adds the duration of its block to a step, even if the block raises."""

    __slots__ = ("_name", "_seconds", "_started")

    def __init__(self, seconds: dict[str, float], name: str) -> None:
        self._seconds, self._name = seconds, name

    def __enter__(self) -> None:
        self._started = perf_counter()

    def __exit__(self, *_: object) -> None:
        self._seconds[self._name] = self._seconds.get(self._name, 0.0) + perf_counter() - self._started


def _of_features(features: "Features") -> dict[str, float]:
    values: dict[str, float] = {name: int(name == _MODES[features.mode]) for name in _MODES.values()}
    values["CacheErrors"] = sum(fault.startswith(_CACHE_FAULTS) for fault in features.faults)
    values["DatabaseErrors"] = sum(fault.startswith(_DATABASE_FAULTS) for fault in features.faults)
    if features.mode != "no_location":
        values |= {name: int(name == _LEVELS[features.cache]) for name in _LEVELS.values()}
        values["AnimalsInCell"] = len(features.found.animals)
        values |= _of_trace(features.trace)
    return values


def _of_trace(trace: "Trace") -> dict[str, float]:
    return {
        "DatabaseQueries": trace.queries,
        "DatabaseLatency": trace.query_ms,
        "LeaseWaits": trace.lease_waits,
        "LeaseWaitLatency": trace.lease_wait_ms,
        "BreakerOpenings": len(trace.opened),
        "WarmedHits": int(trace.warmed),
    }


def _of_answer(answer: "Answer") -> dict[str, float]:
    best, source, packs = answer.candidates[0], answer.location.source, answer.model.packs
    values: dict[str, float] = {
        "Identifications": 1,
        "LocationFromExif": int(source == "exif"),
        "LocationFromRequest": int(source == "request"),
        "TopScore": best.score,
        "Predictions": int(answer.prediction is not None),
        "NoAnimal": int(answer.prediction is None),
        "UnexpectedAnimals": int(answer.prediction is not None and best.here == "unexpected"),
        "PackRuns": len(packs),
    }
    if packs:
        values["PackLatency"] = round(sum(pack.milliseconds for pack in packs), 1)
    if answer.animals is not None:
        values |= {"Boxed": 1, "AnimalsFound": len(answer.animals)}
    return values


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

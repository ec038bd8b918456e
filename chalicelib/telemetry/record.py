"""The record of one request, filled while it runs and read at its end for metrics and logs; and of a cold start."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from time import perf_counter
from typing import Any, NamedTuple

from chalicelib.errors import HTTPError, InternalError, ModelError
from chalicelib.redaction import summary_of, trace_of

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

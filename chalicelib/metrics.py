"""One record a request, filled along the path, written once as one line of CloudWatch embedded metrics.

What is counted stands in `METRICS`. Dimensions are service and stage only, since every combination of dimension
values is a billed metric; the cell, the route and the request are properties, for Logs Insights.
"""

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from chalicelib.answer import Answer
    from chalicelib.errors import HTTPError
    from chalicelib.features import Features
    from chalicelib.photo import Photo
    from chalicelib.visit import Trace
    from chalicelib.warming import Report

NAMESPACE = "Faunalens"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric that can be emitted: its CloudWatch unit and what it means."""

    unit: str
    help: str


METRICS: Mapping[str, Metric] = {
    "Requests": Metric("Count", "requests that reached the app"),
    "Faults": Metric("Count", "requests that failed on our side (5xx)"),
    "Rejections": Metric("Count", "requests that were turned down (4xx); property `code` says why"),
    "Latency": Metric("Milliseconds", "whole request"),
    "PhotoLatency": Metric("Milliseconds", "decoding and shrinking the photo"),
    "LocationLatency": Metric("Milliseconds", "finding out where the photo was taken"),
    "FeaturesLatency": Metric("Milliseconds", "getting the features of the cell"),
    "ScoringLatency": Metric("Milliseconds", "running the model"),
    "PhotoBytes": Metric("Bytes", "size of the photo as sent"),
    "PhotoMegapixels": Metric("None", "size of the photo in millions of pixels"),
    "Narrowed": Metric("Count", "identifications that the place's features narrowed"),
    "NoLocation": Metric("Count", "identifications without a place, as asked"),
    "UnknownArea": Metric("Count", "identifications at a place of which nothing is known, such as the open sea"),
    "Degraded": Metric("Count", "identifications whose features could not be had"),
    "MemoryHits": Metric("Count", "features found in the process's memory"),
    "CacheHits": Metric("Count", "features found in Redis"),
    "StaleHits": Metric("Count", "features past their soft expiry that answered all the same"),
    "CacheMisses": Metric("Count", "features that came from PostgreSQL"),
    "CacheBypasses": Metric("Count", "features that were looked for without Redis"),
    "DependencyFaults": Metric("Count", "faults of Redis or PostgreSQL met on the way; property `faults` names them"),
    "DatabaseQueries": Metric("Count", "queries to PostgreSQL, failed ones included"),
    "DatabaseLatency": Metric("Milliseconds", "time that a request spent on queries to PostgreSQL"),
    "LeaseWaits": Metric("Count", "polls for features that another request was fetching"),
    "LeaseWaitLatency": Metric("Milliseconds", "time that a request waited for another's features"),
    "BreakerOpenings": Metric("Count", "circuit breakers of Redis or PostgreSQL that this request opened"),
    "WarmedHits": Metric("Count", "features that the warming schedule had put where they were found"),
    "AnimalsInCell": Metric("Count", "animals known to live in the cell"),
    "TopScore": Metric("None", "score of the likeliest animal, 0 to 1"),
    "NoAnimal": Metric("Count", "photos on which no animal was recognised"),
    "UnexpectedAnimals": Metric("Count", "likeliest animals that do not live at the place"),
    "WarmingRuns": Metric("Count", "runs of the warming schedule"),
    "WarmingLatency": Metric("Milliseconds", "a whole run of the warming schedule"),
    "WarmingConsidered": Metric("Count", "cells that a run looked after"),
    "WarmingRefreshed": Metric("Count", "cells that a run fetched and wrote"),
    "WarmingSkipped": Metric("Count", "cells that were good for a while yet"),
    "WarmingFailed": Metric("Count", "cells that a run could not refresh, also for want of time"),
    "WarmingQueries": Metric("Count", "queries of a run to PostgreSQL"),
    "WarmingUseful": Metric("None", "share of hits of the last two hours that were on warmed features, 0 to 1"),
}

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


@dataclass(slots=True)
class Record:
    """What one request did. Made at the door, passed along, written once; nothing outlives the request."""

    request_id: str
    route: str
    started: float = field(default_factory=perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)
    photo: "Photo | None" = None
    features: "Features | None" = None
    answer: "Answer | None" = None
    error: "HTTPError | None" = None

    def timed[**P, R](self, stage: str, step: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one step and count its time under a stage; several steps may share one."""
        started = perf_counter()
        try:
            return step(*args, **kwargs)
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + perf_counter() - started

    def milliseconds(self, stage: str) -> float:
        """Time spent in a stage so far, in milliseconds to a tenth."""
        return round(self.seconds.get(stage, 0.0) * 1e3, 1)

    def elapsed(self) -> float:
        """Time since the request came in, in milliseconds to a tenth."""
        return round((perf_counter() - self.started) * 1e3, 1)

    def metrics(self) -> dict[str, float]:
        """What this request adds to each metric."""
        values: dict[str, float] = {
            "Requests": 1,
            "Faults": int(self.error is not None and self.error.status >= 500),
            "Rejections": int(self.error is not None and self.error.status < 500),
            "Latency": self.elapsed(),
        }
        for stage in self.seconds:
            values[f"{stage.capitalize()}Latency"] = self.milliseconds(stage)
        if self.photo:
            values |= {"PhotoBytes": self.photo.size_in_bytes, "PhotoMegapixels": self.photo.megapixels}
        if self.features:
            values |= {name: int(name == _MODES[self.features.mode]) for name in _MODES.values()}
            values["DependencyFaults"] = len(self.features.faults)
            if self.features.mode != "no_location":
                values |= {name: int(name == _LEVELS[self.features.cache]) for name in _LEVELS.values()}
                values["AnimalsInCell"] = len(self.features.animals)
                values |= _of_trace(self.features.trace)
        if self.answer:
            best = self.answer.candidates[0]
            values["TopScore"] = best.score
            values["NoAnimal"] = int(self.answer.prediction is None)
            values["UnexpectedAnimals"] = int(self.answer.prediction is not None and best.here == "unexpected")
        return values

    def properties(self) -> dict[str, Any]:
        """What is known of this request besides, for Logs Insights. Never a coordinate, never who asked."""
        values: dict[str, Any] = {"request_id": self.request_id, "route": self.route}
        if self.error:
            values["code"] = self.error.code
        if self.features and self.features.faults:
            values["faults"] = list(self.features.faults)
        if self.answer:
            best = self.answer.candidates[0]
            values |= {
                "cell": self.answer.location.cell,
                "location_source": self.answer.location.source,
                "animal": best.animal,
                "rank": self.answer.prediction.rank if self.answer.prediction else None,
                "model_version": self.answer.model.version,
                "features_version": self.answer.features.version,
            }
        return values


@dataclass(frozen=True, slots=True)
class WarmingRecord:
    """What one run of the warming schedule did."""

    request_id: str
    report: "Report"

    def metrics(self) -> dict[str, float]:
        """What this run adds to each metric."""
        report = self.report
        values: dict[str, float] = {
            "WarmingRuns": 1,
            "WarmingLatency": round(report.seconds * 1e3, 1),
            "WarmingConsidered": report.considered,
            "WarmingRefreshed": report.refreshed,
            "WarmingSkipped": report.skipped,
            "WarmingFailed": report.failed,
            "WarmingQueries": report.queries,
        }
        return values if report.useful is None else values | {"WarmingUseful": report.useful}

    def properties(self) -> dict[str, Any]:
        """What is known of this run besides, for Logs Insights."""
        return {"request_id": self.request_id, "quiet": self.report.quiet, "faults": self.report.faults}


def _of_trace(trace: "Trace") -> dict[str, float]:
    return {
        "DatabaseQueries": trace.queries,
        "DatabaseLatency": trace.query_ms,
        "LeaseWaits": trace.lease_waits,
        "LeaseWaitLatency": trace.lease_wait_ms,
        "BreakerOpenings": len(trace.opened),
        "WarmedHits": int(trace.warmed),
    }


class Emitter:
    """Writes records as embedded metrics: to a stream, or appended to a file."""

    def __init__(self, service: str, stage: str, destination: Path | TextIO | None = None) -> None:
        self._dimensions = {"service": service, "stage": stage}
        self._destination = destination

    def emit(self, record: Record | WarmingRecord) -> None:
        """Write the record's line. Values that are no numbers (NaN, infinity) stay out of it."""
        context_type, serializer = _embedded_metrics()
        context = context_type(namespace=NAMESPACE, properties=record.properties(), default_dimensions=self._dimensions)
        for name, value in record.metrics().items():
            if math.isfinite(value):
                context.put_metric(name, value, METRICS[name].unit)
        text = "".join(f"{line}\n" for line in serializer.serialize(context))
        if isinstance(self._destination, Path):
            with self._destination.open("a", encoding="utf-8") as file:
                file.write(text)
        else:
            stream = self._destination or sys.stdout
            stream.write(text)
            stream.flush()


def prepare() -> None:
    """Import what writing a record needs, so that the first request finds it."""
    _embedded_metrics()


def _embedded_metrics() -> tuple[Any, Any]:
    """Context and serializer of aws-embedded-metrics.

    Its detection of the environment, which imports aiohttp to ask EC2 who it is (70 ms of start-up), is never
    used here: on Lambda metrics go to stdout. An empty module in its place keeps it from being imported.
    """
    name = "aws_embedded_metrics.environment.environment_detector"
    if name not in sys.modules:
        detector = ModuleType(name)
        detector.__dict__.update(resolve_environment=None, resolve_environment_sync=None)
        sys.modules[name] = detector
    from aws_embedded_metrics.logger.metrics_context import MetricsContext
    from aws_embedded_metrics.serializers.log_serializer import LogSerializer

    return MetricsContext, LogSerializer

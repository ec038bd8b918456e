"""Metrics in CloudWatch's embedded metric format (EMF), written with the library aws-embedded-metrics."""

import errno
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from io import FileIO
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

from chalicelib.lazy import without_versions
from chalicelib.telemetry.metrics import ALL_METRICS, DIMENSIONS, NAMESPACE
from chalicelib.telemetry.record import Notes

DETECTOR = "aws_embedded_metrics.environment.environment_detector"
DETECTOR_NAMES = ("resolve_environment", "resolve_environment_sync")
"""The names that aws-embedded-metrics imports from the detector."""


class Emitter:
    """A writer of records as embedded metrics, to a stream or a file. Keeps no state between records.

    The first line of a record contains its properties, and all metrics with the dimensions (service, stage). Each
    further dimension adds a line with only the metrics that have this dimension. That line has no properties, so Logs
    Insights does not count a request twice. All lines of a record are written at once, so lines of different threads do
    not mix.

    `destination`: standard output by default. `now`: returns the timestamp of lines, in seconds since 1970. `tier`:
    value of a further dimension `tier` of all lines, which keeps the metrics of two programs apart; empty for none.
    """

    def __init__(
        self,
        service: str,
        stage: str,
        destination: Path | TextIO | None = None,
        now: Callable[[], float] = time.time,
        tier: str = "",
    ) -> None:
        self._dimensions = {"service": service, "stage": stage, **({"tier": tier} if tier else {})}
        self._destination, self._now = destination, now

    def emit(self, notes: Notes) -> None:
        """Write the lines of a request or a run, and omit values that are NaN or infinite. Raises `OSError`."""
        text = "".join(f"{line}\n" for line in self._lines(notes))
        if isinstance(self._destination, Path):
            data = text.encode()
            with open_metrics(self._destination) as file:
                if file.write(data) != len(data):
                    raise OSError(errno.ENOSPC, "no space left to write the whole record", str(self._destination))
        else:
            stream = self._destination or sys.stdout
            stream.write(text)
            stream.flush()

    def _lines(self, notes: Notes) -> Iterator[str]:
        timestamp = round(self._now() * 1000)
        metrics = {name: value for name, value in notes.metrics.items() if math.isfinite(value)}
        properties = {name: value for name, value in notes.properties.items() if _is_writable(value)}
        yield from _serialized(self._dimensions, metrics, properties, timestamp)
        for dimension, value in notes.dimensions.items():
            some = {name: metrics[name] for name in _by_dimension()[dimension] if name in metrics}
            if some and value in DIMENSIONS[dimension].values:  # an unlisted value would be billed as a new metric
                yield from _serialized({**self._dimensions, dimension: value}, some, {}, timestamp)


def open_metrics(path: Path) -> FileIO:
    """Open a file of metrics to append to. A new file can be read by this user only. Raises `OSError`."""
    return FileIO(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a")


def _serialized(
    dimensions: dict[str, str], metrics: Mapping[str, float], properties: dict[str, Any], timestamp: int
) -> list[str]:
    context_type, serializer, metric_type = library()
    context = context_type(namespace=NAMESPACE, properties=properties, default_dimensions=dimensions)
    context.meta["Timestamp"] = timestamp  # set_timestamp() rejects times older than 14 days
    # put_metric() checks each name and unit again, which takes half of the time; those of the registry have a test.
    context.metrics = {name: metric_type(value, ALL_METRICS[name].unit) for name, value in metrics.items()}
    lines: list[str] = serializer.serialize(context)
    return lines


@cache
def _by_dimension() -> Mapping[str, list[str]]:
    """Return the names of the metrics that are emitted with each dimension."""
    return {each: [name for name, metric in ALL_METRICS.items() if each in metric.by] for each in DIMENSIONS}


def _is_writable(value: object) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


@cache
def library() -> tuple[Any, Any, Any]:
    """Return the classes `MetricsContext`, `LogSerializer` and `Metric`; import the library at the first call.

    `import aws_embedded_metrics` imports `environment.environment_detector`, which imports aiohttp to ask the EC2
    metadata service whether the process runs on EC2. Faunalens needs only the context and the serializer, never the
    detection: its lines go to standard output or to a file. So an empty module replaces the detector.

    The import takes 7 ms of a cold start instead of 78 ms, and the package is 3.15 MB smaller, because
    infra/package/exclusions.toml excludes aiohttp. If a new release moves the detector or imports other names from it,
    the import fails on Lambda, where aiohttp is missing. Before that, tests/unit/chalicelib/telemetry/test_emf.py
    fails; then adapt `DETECTOR` and `DETECTOR_NAMES`.
    """
    if DETECTOR not in sys.modules:
        stub = ModuleType(DETECTOR)
        stub.__dict__.update(dict.fromkeys(DETECTOR_NAMES))
        sys.modules[DETECTOR] = stub
    with without_versions():
        from aws_embedded_metrics.logger.metric import Metric
        from aws_embedded_metrics.logger.metrics_context import MetricsContext
        from aws_embedded_metrics.serializers.log_serializer import LogSerializer

    return MetricsContext, LogSerializer, Metric

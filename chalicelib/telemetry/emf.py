"""Writing records in CloudWatch's embedded metric format (EMF), through aws-embedded-metrics."""

import errno
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, TextIO

from chalicelib.telemetry.metrics import DIMENSIONS, METRICS, NAMESPACE


class Countable(Protocol):
    """What can be written: a request, a run of warming, or one that a simulation made up."""

    def metrics(self) -> Mapping[str, float]:
        """What it adds to each metric."""

    def dimensions(self) -> Mapping[str, str]:
        """The values of those dimensions that only some metrics have."""

    def properties(self) -> Mapping[str, Any]:
        """What is known of it besides, for Logs Insights."""


class Emitter:
    """Writes records as embedded metrics: to a stream, or appended to a file. Keeps nothing of them.

    One line a record has all its metrics under (service, stage), and its properties. One small line more for each
    further dimension has only the metrics that have it, without properties, so that Logs Insights counts nothing
    twice. All lines of a record leave in one write, so that those of two threads never mix.

    `destination`: standard output if not given. `now`: seconds since 1970, for the lines' time.
    """

    def __init__(
        self,
        service: str,
        stage: str,
        destination: Path | TextIO | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._dimensions = {"service": service, "stage": stage}
        self._destination, self._now = destination, now

    def emit(self, record: Countable) -> None:
        """Write the record's lines. What is no number (NaN, infinity) stays out of them. Raises OSError."""
        text = "".join(f"{line}\n" for line in self._lines(record))
        if isinstance(self._destination, Path):
            data = text.encode()
            with self._destination.open("ab", buffering=0) as file:
                if file.write(data) != len(data):
                    raise OSError(errno.ENOSPC, "there was no room for all of it", str(self._destination))
        else:
            stream = self._destination or sys.stdout
            stream.write(text)
            stream.flush()

    def _lines(self, record: Countable) -> Iterator[str]:
        moment = round(self._now() * 1000)
        metrics = {name: value for name, value in record.metrics().items() if math.isfinite(value)}
        properties = {name: value for name, value in record.properties().items() if _is_writable(value)}
        yield from _serialized(self._dimensions, metrics, properties, moment)
        for dimension, value in record.dimensions().items():
            some = {name: number for name, number in metrics.items() if dimension in METRICS[name].by}
            if some and value in DIMENSIONS[dimension].values:  # or the bill would have no bound
                yield from _serialized({**self._dimensions, dimension: value}, some, {}, moment)


def _serialized(
    dimensions: dict[str, str], metrics: Mapping[str, float], properties: dict[str, Any], moment: int
) -> list[str]:
    context_type, serializer = _embedded_metrics()
    context = context_type(namespace=NAMESPACE, properties=properties, default_dimensions=dimensions)
    context.meta["Timestamp"] = moment  # its set_timestamp() takes only the last days
    for name, value in metrics.items():
        context.put_metric(name, value, METRICS[name].unit)
    lines: list[str] = serializer.serialize(context)
    return lines


def _is_writable(value: object) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


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

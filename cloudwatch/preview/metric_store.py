"""Store the metrics of embedded-metric lines as samples.

A line is a JSON object. Its `_aws` member lists which other members are metrics, in which namespace and under which
sets of dimensions (the embedded metric format of CloudWatch Logs). One thread may add lines while others read: one
lock guards all state, and arrays that were returned never change.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from threading import RLock
from typing import Any

import numpy as np

from cloudwatch.preview.samples import Samples
from cloudwatch.syntax.graphed_metrics import TimeSeries

KEPT_SECONDS = 15 * 24 * 3600  # as long as CloudWatch keeps one-minute periods
KEPT_SAMPLES = 8_000_000  # of all metrics together: some 130 MB

type _Dimensions = tuple[tuple[str, str], ...]

_NUMBERS = frozenset({int, float})
_LARGEST = sys.float_info.max
_LATEST = 1 << 53  # milliseconds: the largest integers that a double holds exactly


class MetricStore:
    """The samples of all metrics, by namespace, dimensions and name. It drops the oldest.

    It keeps samples of the last `keep_seconds` before the newest one, and at most `keep_samples` of all metrics.
    """

    def __init__(self, keep_seconds: float = KEPT_SECONDS, keep_samples: int = KEPT_SAMPLES) -> None:
        self._keep_milliseconds = int(keep_seconds * 1000)
        self._keep_samples = keep_samples
        self._lock = RLock()
        self._metrics: dict[tuple[str, _Dimensions], dict[str, Samples]] = {}
        self._newest = 0
        self._since_drop = 0

    def add(self, line: str | bytes) -> bool:
        """Add the metrics of a line. Return False if it has none, as other lines of a log."""
        mark = b'"_aws"' if isinstance(line, bytes) else '"_aws"'
        if mark not in line:  # type: ignore[operator]  # both have the same type
            return False
        try:
            entry = json.loads(line)
            time = int(entry["_aws"]["Timestamp"])
            directives = [_parse_directive(directive) for directive in entry["_aws"]["CloudWatchMetrics"]]
        except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
            return False
        if not 0 <= time <= _LATEST:
            return False
        with self._lock:
            for namespace, dimension_sets, names in directives:
                for dimension_names in dimension_sets:
                    dimensions = tuple([(name, entry.get(name)) for name in dimension_names])
                    if all(isinstance(value, str) for _, value in dimensions):
                        self._add(entry, time, self._metrics.setdefault((namespace, dimensions), {}), names)
            self._newest = max(self._newest, time)
            if self._since_drop > self._keep_samples // 10:
                self._drop()
        return True

    def add_all(self, lines: Iterable[str | bytes]) -> int:
        """Add many lines. Return how many had metrics."""
        return sum(self.add(line) for line in lines)

    def of(self, metric: TimeSeries) -> Samples | None:
        """Return the samples of a metric."""
        with self._lock:
            return self._metrics.get((metric.namespace, metric.dimensions), {}).get(metric.name)

    def search(
        self,
        namespace: str | None = None,
        dimension_names: Iterable[str] | None = None,
        matches: Callable[[TimeSeries], bool] = lambda _: True,
    ) -> list[tuple[TimeSeries, Samples]]:
        """Return the metrics with this namespace and exactly these dimension names; `None` matches all."""
        wanted = None if dimension_names is None else sorted(dimension_names)
        with self._lock:
            found = [
                (TimeSeries(group, name, dimensions), samples)
                for (group, dimensions), by_name in self._metrics.items()
                if namespace in (None, group) and wanted in (None, [dimension for dimension, _ in dimensions])
                for name, samples in by_name.items()
            ]
        return sorted(
            ((metric, samples) for metric, samples in found if matches(metric)),
            key=lambda pair: (pair[0].namespace, pair[0].dimensions, pair[0].name),
        )

    def span(self) -> tuple[float, float] | None:
        """Return the times of the oldest and the newest sample in seconds since 1970; None if there are none."""
        with self._lock:
            times = [samples.times() for samples in self._all() if len(samples)]
        if not times:
            return None
        return min(int(found[0]) for found in times) / 1000, max(int(found[-1]) for found in times) / 1000

    def __len__(self) -> int:
        """The number of samples."""
        with self._lock:
            return sum(len(samples) for samples in self._all())

    def _all(self) -> Iterator[Samples]:
        return (samples for by_name in self._metrics.values() for samples in by_name.values())

    def _add(self, entry: dict[str, Any], time: int, by_name: dict[str, Samples], names: list[str]) -> None:
        for name in names:
            value: Any = entry.get(name)
            if type(value) in _NUMBERS:
                if -_LARGEST <= value <= _LARGEST:  # no NaN, no infinity
                    self._samples(by_name, name).append(time, value)
                    self._since_drop += 1
            else:
                for number, count in _parse_values(value):
                    self._samples(by_name, name).append(time, number, count)
                    self._since_drop += 1

    def _samples(self, by_name: dict[str, Samples], name: str) -> Samples:
        samples = by_name.get(name)
        if samples is None:
            samples = by_name[name] = Samples(self._lock)
        return samples

    def _drop(self) -> None:
        """Drop samples that are too old or too many."""
        self._since_drop = 0
        horizon = self._newest - self._keep_milliseconds
        too_many = len(self) - self._keep_samples
        if too_many > 0:
            times = np.concatenate([samples.times() for samples in self._all()])
            horizon = max(horizon, int(np.partition(times, too_many)[too_many]))
        for key, by_name in list(self._metrics.items()):
            for samples in by_name.values():
                samples.drop_before(horizon)
            self._metrics[key] = {name: samples for name, samples in by_name.items() if len(samples)}


def _parse_directive(directive: Any) -> tuple[str, list[list[str]], list[str]]:
    """Return the namespace, the sorted sets of dimension names and the metric names of a directive."""
    sets = [sorted(names) for names in directive["Dimensions"]]
    names = [metric["Name"] for metric in directive["Metrics"]]
    if not {str}.issuperset(map(type, (directive["Namespace"], *names, *chain.from_iterable(sets)))):
        raise TypeError("names must be strings")
    return directive["Namespace"], sets, names


def _parse_values(value: Any) -> list[tuple[float, float]]:
    """Return each number of a list, or of `Values`, with its count; nothing if it is neither."""
    counts: Any = None
    if isinstance(value, dict):
        value, counts = value.get("Values"), value.get("Counts")
    if not isinstance(value, list):
        return []
    if not isinstance(counts, list) or len(counts) != len(value):
        counts = [1.0] * len(value)
    return [
        (float(number), float(count))
        for number, count in zip(value, counts, strict=True)
        if type(number) in _NUMBERS and type(count) in _NUMBERS and abs(number) <= _LARGEST and 0 < count <= _LARGEST
    ]

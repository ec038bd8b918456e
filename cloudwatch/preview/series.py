"""What lines of embedded metrics hold, kept as samples a metric.

A line is a JSON object whose `_aws` says which of its members are metrics, in which namespace and under which sets of
dimensions (the embedded metric format of CloudWatch Logs). A server may write while another thread reads: all state
of a store is behind its one lock, and what a reader got never changes under it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from threading import RLock
from typing import Any

import numpy as np

from cloudwatch.preview.samples import Samples
from cloudwatch.syntax.graphed_metrics import Metric

KEPT_SECONDS = 15 * 24 * 3600  # as long as CloudWatch keeps periods of a minute
KEPT_SAMPLES = 8_000_000  # of all metrics together: some 130 MB


@dataclass(slots=True)
class _Group:
    """The metrics of one namespace under one set of dimensions, by name."""

    namespace: str
    dimensions: tuple[tuple[str, str], ...]
    samples: dict[str, Samples] = field(default_factory=dict)


class Store:
    """Samples of all metrics that lines held, the oldest forgotten.

    `keep_seconds` counts back from the newest sample, `keep_samples` is of all metrics together.
    """

    def __init__(self, keep_seconds: float = KEPT_SECONDS, keep_samples: int = KEPT_SAMPLES) -> None:
        self._keep_milliseconds = int(keep_seconds * 1000)
        self._keep_samples = keep_samples
        self._lock = RLock()
        self._groups: dict[tuple[str, tuple[tuple[str, Any], ...]], _Group] = {}
        self._newest = 0
        self._since_drop = 0

    def add(self, line: str | bytes) -> bool:
        """Take one line; False if it holds no embedded metrics, which is no error: logs hold other lines too."""
        mark = b'"_aws"' if isinstance(line, bytes) else '"_aws"'
        if mark not in line:  # type: ignore[operator]  # both are of the same kind
            return False
        try:
            entry = json.loads(line)
            time = int(entry["_aws"]["Timestamp"])
            directives = [_directive(directive) for directive in entry["_aws"]["CloudWatchMetrics"]]
        except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
            return False
        if not 0 <= time <= _LATEST:
            return False
        with self._lock:
            for namespace, sets, names in directives:
                for dimension_names in sets:
                    group = self._group(entry, namespace, dimension_names)
                    if group is not None:
                        self._add(entry, time, group, names)
            self._newest = max(self._newest, time)
            if self._since_drop > self._keep_samples // 10:
                self._drop()
        return True

    def add_all(self, lines: Iterable[str | bytes]) -> int:
        """Take many lines; how many held embedded metrics."""
        return sum(self.add(line) for line in lines)

    def find(self, namespace: str, name: str, dimensions: Mapping[str, str]) -> Samples | None:
        """The samples of the metric with just these dimensions."""
        return self.of(Metric.of(namespace, name, dimensions))

    def of(self, metric: Metric) -> Samples | None:
        """The samples of a metric."""
        with self._lock:
            group = self._groups.get((metric.namespace, metric.dimensions))
            return None if group is None else group.samples.get(metric.name)

    def search(
        self,
        namespace: str | None = None,
        dimension_names: Iterable[str] | None = None,
        matches: Callable[[Metric], bool] = lambda _: True,
    ) -> list[tuple[Metric, Samples]]:
        """Metrics of a namespace with just these dimensions, whatever their values; None admits all."""
        wanted = None if dimension_names is None else sorted(dimension_names)
        with self._lock:
            found = [
                (Metric(group.namespace, name, group.dimensions), samples)
                for group in self._groups.values()
                if namespace in (None, group.namespace)
                and wanted in (None, [dimension for dimension, _ in group.dimensions])
                for name, samples in group.samples.items()
            ]
        return sorted(
            ((metric, samples) for metric, samples in found if matches(metric)),
            key=lambda pair: (pair[0].namespace, pair[0].dimensions, pair[0].name),
        )

    def span(self) -> tuple[float, float] | None:
        """Times of the oldest and the newest sample, in seconds since 1970; None of an empty store."""
        with self._lock:
            times = [samples.times() for samples in self._all() if len(samples)]
        if not times:
            return None
        return min(int(found[0]) for found in times) / 1000, max(int(found[-1]) for found in times) / 1000

    def __len__(self) -> int:
        """How many samples are kept."""
        with self._lock:
            return sum(len(samples) for samples in self._all())

    def _all(self) -> Iterator[Samples]:
        return (samples for group in self._groups.values() for samples in group.samples.values())

    def _group(self, entry: dict[str, Any], namespace: str, dimension_names: list[str]) -> _Group | None:
        """Where metrics of this line under these dimensions belong; None if the line lacks one of them."""
        dimensions: tuple[tuple[str, Any], ...] = tuple([(name, entry.get(name)) for name in dimension_names])
        if not all(isinstance(value, str) for _, value in dimensions):
            return None
        group = self._groups.get((namespace, dimensions))
        if group is None:
            group = self._groups[namespace, dimensions] = _Group(namespace, dimensions)
        return group

    def _add(self, entry: dict[str, Any], time: int, group: _Group, names: list[str]) -> None:
        for name in names:
            value: Any = entry.get(name)
            if type(value) in _NUMBERS:
                if value - value == 0:  # no NaN, no infinity
                    self._samples(group, name).append(time, value)
                    self._since_drop += 1
            else:
                values, counts = _counted(value)
                if values:
                    self._samples(group, name).append_counted(time, values, counts)
                    self._since_drop += len(values)

    def _samples(self, group: _Group, name: str) -> Samples:
        samples = group.samples.get(name)
        if samples is None:
            samples = group.samples[name] = Samples(self._lock)
        return samples

    def _drop(self) -> None:
        """Forget what is too old or too much."""
        self._since_drop = 0
        horizon = self._newest - self._keep_milliseconds
        too_many = len(self) - self._keep_samples
        if too_many > 0:
            times = np.concatenate([samples.times() for samples in self._all()])
            horizon = max(horizon, int(np.partition(times, too_many)[too_many]))
        for key, group in list(self._groups.items()):
            for name, samples in list(group.samples.items()):
                samples.drop_before(horizon)
                if not len(samples):
                    del group.samples[name]
            if not group.samples:
                del self._groups[key]


_NUMBERS = frozenset({int, float})
_LATEST = 1 << 53  # milliseconds: what a double holds exactly


def _directive(directive: Any) -> tuple[str, list[list[str]], list[str]]:
    """Namespace, sets of dimension names (each in order), and metric names of a directive."""
    sets = [sorted(names) for names in directive["Dimensions"]]
    names = [metric["Name"] for metric in directive["Metrics"]]
    if not {str}.issuperset(map(type, (directive["Namespace"], *names, *chain.from_iterable(sets)))):
        raise TypeError("names are strings")
    return directive["Namespace"], sets, names


def _counted(value: Any) -> tuple[list[float], list[float]]:
    """What a metric that is no number holds: a list of numbers, or `Values` with their `Counts`; nothing otherwise."""
    counts: Any = None
    if isinstance(value, dict):
        value, counts = value.get("Values"), value.get("Counts")
    if not isinstance(value, list):
        return [], []
    if not isinstance(counts, list) or len(counts) != len(value):
        counts = [1.0] * len(value)
    good = [
        (float(number), float(count))
        for number, count in zip(value, counts, strict=True)
        if type(number) in _NUMBERS and type(count) in _NUMBERS and number - number == 0 and 0 < count < float("inf")
    ]
    return [number for number, _ in good], [count for _, count in good]

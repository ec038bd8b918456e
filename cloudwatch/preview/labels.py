"""Make the labels of curves: CloudWatch's default labels, and dynamic labels, which contain values. Find their units.

Source: "Using dynamic labels" in the CloudWatch user guide. Times are UTC. The unit of a curve is that of its metric
or, for an expression, a unit in a label or in the title.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from chalicelib.telemetry.metrics import METRICS, NAMESPACE
from cloudwatch.lint.known_metrics import aws_metrics
from cloudwatch.preview.series import EvaluationError, Floats, Series
from cloudwatch.syntax.graphed_metrics import GraphedMetric, TimeSeries

_VARIABLE = re.compile(r"\$\{\s*(?:PROP\(\s*'(?P<property>[^']*)'\s*\)|(?P<name>\w+))\s*\}")
_NO_DATA = "--"


def default_labels(metrics: Sequence[tuple[TimeSeries, str]]) -> list[str]:
    """Label each pair of metric and statistic with the dimension values that differ, or with the metric's name.

    >>> codes = [TimeSeries("N", "Rejections", (("code", code), ("stage", "dev"))) for code in ("a", "b")]
    >>> default_labels([(code, "Sum") for code in codes])
    ['a', 'b']
    """
    names = {metric.name for metric, _ in metrics}
    stats = {stat for _, stat in metrics}
    dimensions = [dict(metric.dimensions) for metric, _ in metrics]
    known = {name for each in dimensions for name in each}
    differing = {name for name in known if len({each.get(name) for each in dimensions}) > 1}

    def label(metric: TimeSeries, stat: str) -> str:
        parts = [value for dimension, value in metric.dimensions if dimension in differing]
        if len(names) > 1 or not parts:
            parts.insert(0, metric.name)
        return " ".join(parts + [stat] * (len(stats) > 1))

    return [label(metric, stat) for metric, stat in metrics]


def expand_label(label: str, series: Series, region: str | None) -> str:
    """Return the label with each `${…}` replaced by the value of the variable for this series.

    Raises:
        EvaluationError: CloudWatch does not have this variable, or the preview does not support it.
    """

    def value(match: re.Match[str]) -> str:
        if match["property"] is not None:
            return _property(match["property"], series, region)
        if match["name"] == "LABEL":
            return series.label
        if match["name"] not in _VARIABLES:
            known = ", ".join(["LABEL", *_VARIABLES])
            raise EvaluationError(
                f"label {label!r} has the unknown variable {match['name']}; use one of {known}, PROP('…')"
            )
        exists = ~np.isnan(series.values)
        if not exists.any():
            return _NO_DATA
        return _VARIABLES[match["name"]](series.values[exists], series.grid.begins[exists].astype(np.float64))

    return _VARIABLE.sub(value, label)


def _property(name: str, series: Series, region: str | None) -> str:
    """Return the value of `PROP('…')`, a property of the metric. It is empty if the series is not a metric."""
    metric = series.metric
    if name.startswith("Dim."):
        return dict(metric.dimensions).get(name.removeprefix("Dim."), "") if metric else ""
    known = {
        "MetricName": metric.name if metric else "",
        "Namespace": metric.namespace if metric else "",
        "Period": str(series.grid.period),
        "Region": region or "",
        "Stat": series.stat or "",
    }
    if name not in known:
        supported = f"{', '.join(known)} and Dim.…"
        unsupported = f"label variable PROP('{name}') is not supported by the preview"
        raise EvaluationError(f"{unsupported}; use one of {supported}")
    return known[name]


def _number(value: float) -> str:
    """Format a number with at most three decimals and with commas between thousands."""
    digits = 0 if abs(value) >= 1000 else 4 - len(str(int(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def _duration(seconds: float) -> str:
    """Format a duration, such as `1h 5m`."""
    days, rest = divmod(int(abs(seconds)), 86400)
    parts = [(days, "d"), (rest // 3600, "h"), (rest % 3600 // 60, "m")]
    return " ".join(f"{number}{unit}" for number, unit in parts if number) or "0m"


_VARIABLES: Mapping[str, Callable[[Floats, Floats], str]] = {
    "AVG": lambda values, _: _number(float(values.mean())),
    "DATAPOINT_COUNT": lambda values, _: str(len(values)),
    "FIRST": lambda values, _: _number(values[0]),
    "FIRST_LAST_RANGE": lambda values, _: _number(values[-1] - values[0]),
    "FIRST_LAST_TIME_RANGE": lambda _, times: _duration(times[-1] - times[0]),
    "FIRST_TIME": lambda _, times: _time(times[0]),
    "LAST": lambda values, _: _number(values[-1]),
    "LAST_TIME": lambda _, times: _time(times[-1]),
    "MAX": lambda values, _: _number(values.max()),
    "MAX_TIME": lambda values, times: _time(times[values.argmax()]),
    "MIN": lambda values, _: _number(values.min()),
    "MIN_MAX_RANGE": lambda values, _: _number(values.max() - values.min()),
    "MIN_MAX_TIME_RANGE": lambda values, times: _duration(times[values.argmax()] - times[values.argmin()]),
    "MIN_TIME": lambda values, times: _time(times[values.argmin()]),
    "SUM": lambda values, _: _number(float(values.sum())),
}

_UNITS: Mapping[str, str] = {
    "ms": "Milliseconds",
    "s": "Seconds",
    "µs": "Microseconds",
    "%": "Percent",
    "bytes": "Bytes",
    "US$": "USD",
}
"""CloudWatch's names of units, by their spelling in labels and titles."""


def unit_of_label(label: str) -> str | None:
    """Return the unit at the start of a label, such as `% of identifications` or `US$, all in`."""
    words = label.split()
    return _UNITS.get(words[0].removesuffix(",")) if words else None


def unit_of_title(title: str) -> str | None:
    """Return the unit at the end or start of a title, such as `Served, %` or `US$ an hour`."""
    return _UNITS.get(title.rpartition(", ")[2].strip()) or unit_of_label(title)


def unit_of_line(line: GraphedMetric, label: str) -> str | None:
    """Return the unit of a line: a CloudWatch unit or USD. `label` is the label of the line's axis."""
    metric = line.metric
    if metric is None:
        return unit_of_label(label)
    if line.stat == "SampleCount" or line.stat.startswith("TC"):
        return "Count"
    if line.stat.startswith("PR"):
        return "Percent"
    if metric.namespace == NAMESPACE:
        return METRICS[metric.name].unit if metric.name in METRICS else None
    known = aws_metrics().get(metric.namespace, {}).get(metric.name)
    return known.unit if known else None


def is_only_a_unit(label: str) -> bool:
    """Return True if a label is only a unit. In that case each number shows the unit, and the axis has no label."""
    return label.strip() in _UNITS

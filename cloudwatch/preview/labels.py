"""Make the labels of curves, and find their units.

Source: "Using dynamic labels" in the CloudWatch user guide. The unit of a curve is that of its metric or, for an
expression, a unit in a label or in the title.
"""

import re
from collections.abc import Mapping

from chalicelib.telemetry.metrics import METRICS, NAMESPACE
from cloudwatch.lint.known_metrics import aws_metrics
from cloudwatch.preview.series import EvaluationError, Series
from cloudwatch.syntax.graphed_metrics import GraphedMetric, TimeSeries

_VARIABLE = re.compile(r"\$\{\s*(?:PROP\(\s*'Dim\.(?P<dimension>[^']*)'\s*\)|(?P<name>[^}]*?))\s*\}")


def default_label(metric: TimeSeries) -> str:
    """Return the label of a metric without one: its name, and the values of the dimensions that only some have."""
    return " ".join([metric.name, *(value for name, value in metric.dimensions if name not in ("service", "stage"))])


def expand_label(label: str, series: Series) -> str:
    """Return the label with `${LABEL}` and `${PROP('Dim.…')}` replaced. Raises `EvaluationError` for others."""

    def value(match: re.Match[str]) -> str:
        if match["dimension"] is not None:
            return dict(series.metric.dimensions).get(match["dimension"], "") if series.metric else ""
        if match["name"] != "LABEL":
            known = "the preview knows only LABEL and PROP('Dim.…')"
            raise EvaluationError(f"label {label!r} has the variable {match['name']}; {known}")
        return series.label

    return _VARIABLE.sub(value, label)


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
    if line.stat == "SampleCount":
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

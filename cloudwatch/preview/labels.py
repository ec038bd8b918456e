"""Find the units of curves: that of the metric or, for an expression, a unit in a label or in the title."""

from collections.abc import Mapping

from chalicelib.telemetry.metrics import METRICS, NAMESPACE
from cloudwatch.lint.known_metrics import aws_metrics
from cloudwatch.syntax.graphed_metrics import GraphedMetric

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

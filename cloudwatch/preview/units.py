"""The unit of a curve: that of its metric, else the one that the axis label, the title or the curve's label states."""

from collections.abc import Mapping

from chalicelib.telemetry.metrics import METRICS, NAMESPACE
from cloudwatch.lint.catalogue import catalogue
from cloudwatch.syntax.graphed_metrics import GraphedMetric

_UNITS: Mapping[str, str] = {
    "ms": "Milliseconds",
    "s": "Seconds",
    "µs": "Microseconds",
    "%": "Percent",
    "bytes": "Bytes",
    "US$": "USD",
}
"""Units that a text may state, by how it writes them."""


def unit_of_label(label: str) -> str | None:
    """Return the unit that a label starts with, such as `% of identifications` or `US$, all in`."""
    words = label.split()
    return _UNITS.get(words[0].removesuffix(",")) if words else None


def unit_of_title(title: str) -> str | None:
    """Return the unit that a title ends or starts with, such as `Served, %` or `US$ an hour`."""
    return _UNITS.get(title.rpartition(", ")[2].strip()) or unit_of_label(title)


def unit_of_line(line: GraphedMetric, label: str) -> str | None:
    """Return the unit of a line on an axis with this label: a name of CloudWatch's, or USD."""
    metric = line.metric
    if metric is None:
        return unit_of_label(label)
    if line.stat == "SampleCount" or line.stat.startswith("TC"):
        return "Count"
    if line.stat.startswith("PR"):
        return "Percent"
    if metric.namespace == NAMESPACE:
        return METRICS[metric.name].unit if metric.name in METRICS else None
    known = catalogue().get(metric.namespace, {}).get(metric.name)
    return known.unit if known else None


def is_only_a_unit(label: str) -> bool:
    """Return whether a label states nothing but the unit. Each number then carries it, so the axis needs no label."""
    return label.strip() in _UNITS

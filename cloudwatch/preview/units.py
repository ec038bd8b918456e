"""The unit of a curve: of its metric as registered or as AWS documents it, else what the axis' label says."""

from collections.abc import Mapping

from chalicelib.telemetry.metrics import METRICS, NAMESPACE
from cloudwatch.lint.catalogue import catalogue
from cloudwatch.syntax.graphed_metrics import GraphedMetric

_LABELS: Mapping[str, str] = {
    "ms": "Milliseconds",
    "s": "Seconds",
    "µs": "Microseconds",
    "%": "Percent",
    "bytes": "Bytes",
    "US$": "USD",
}
"""Units that a label may say, alone or at its start."""


def of_label(label: str) -> str | None:
    """The unit that an axis' label says, such as `% of identifications`."""
    first = label.split(maxsplit=1)[0] if label.strip() else ""
    return _LABELS.get(first)


def of_line(line: GraphedMetric, label: str) -> str | None:
    """The unit of a line of a graph whose axis has this label; CloudWatch's own names, and USD."""
    metric = line.metric
    if metric is None:
        return of_label(label)
    if line.stat == "SampleCount" or line.stat.startswith("TC"):
        return "Count"
    if line.stat.startswith("PR"):
        return "Percent"
    if metric.namespace == NAMESPACE:
        return METRICS[metric.name].unit if metric.name in METRICS else None
    known = catalogue().get(metric.namespace, {}).get(metric.name)
    return known.unit if known else None


def is_said(label: str) -> bool:
    """Whether a label says nothing but the unit, which is then at each number."""
    return label.strip() in _LABELS

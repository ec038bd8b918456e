"""Lines in the embedded metric format, as the app and the simulation write them, and stores of metrics."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.graphed_metrics import TimeSeries
from dashboards.series import MetricStore

DEV = {"service": "faunalens", "stage": "dev"}


def metric_line(
    seconds: float, metrics: Mapping[str, Any], dimensions: Mapping[str, str] = DEV, namespace: str = "Faunalens"
) -> str:
    """A line with values of metrics at a time in seconds since 1970."""
    names = [{"Name": name} for name in metrics]
    directive = {"Namespace": namespace, "Dimensions": [list(dimensions)], "Metrics": names}
    stamp = {"Timestamp": int(seconds * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": stamp, **dimensions, **metrics})


def minutes_of(
    start: float,
    metrics: Mapping[str, Sequence[float | None]],
    dimensions: Mapping[str, str] = DEV,
    namespace: str = "Faunalens",
) -> MetricStore:
    """A store with one sample of each metric a minute, from a time in seconds since 1970; None is no sample."""
    store = MetricStore()
    for name, values in metrics.items():
        for minute, value in enumerate(values):
            if value is not None:
                store.append(TimeSeries.of(namespace, name, dimensions), round((start + 60 * minute) * 1000), value)
    return store

"""Lines in the embedded metric format, as the app and the simulation write them."""

import json
from collections.abc import Mapping
from typing import Any

DEV = {"service": "faunalens", "stage": "dev"}


def metric_line(
    seconds: float, metrics: Mapping[str, Any], dimensions: Mapping[str, str] = DEV, namespace: str = "Faunalens"
) -> str:
    """A line with values of metrics at a time in seconds since 1970."""
    names = [{"Name": name} for name in metrics]
    directive = {"Namespace": namespace, "Dimensions": [list(dimensions)], "Metrics": names}
    stamp = {"Timestamp": int(seconds * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": stamp, **dimensions, **metrics})

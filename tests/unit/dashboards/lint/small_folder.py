"""A small valid folder of dashboards, for two metrics, and ways to break it."""

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from chalicelib.telemetry import metrics
from chalicelib.telemetry.metrics import Metric

METRICS = {"Requests": Metric("Count", "requests", by=("route",)), "Latency": Metric("Milliseconds", "whole request")}
"""What the app emits in these tests."""


def use_metrics(monkeypatch: pytest.MonkeyPatch, registry: Mapping[str, Metric] = METRICS) -> None:
    """Let the app emit only these metrics, and have no web tier."""
    monkeypatch.setattr(metrics, "METRICS", registry)
    monkeypatch.setattr(metrics, "TIER_METRICS", {})
    monkeypatch.setattr(metrics, "OF_TIER_REQUESTS", ())


COMMON = ["service", "faunalens", "stage", "STAGENAME"]
OURS = [{"Name": "service", "Value": "faunalens"}, {"Name": "stage", "Value": "STAGENAME"}]


def widget(kind: str, x: int, y: int, width: int, height: int, **properties: Any) -> dict[str, Any]:
    return {"type": kind, "x": x, "y": y, "width": width, "height": height, "properties": properties}


TEXT = widget("text", 0, 0, 24, 2, markdown="# Small\nWhat it is for. [Runbook](RUNBOOKURL#slow)")
GRAPH = widget(
    *("metric", 0, 2, 12, 6),
    title="Load",
    view="timeSeries",
    region="REGIONNAME",
    period=60,
    stat="Sum",
    metrics=[
        ["Faunalens", "Requests", *COMMON, {"id": "all"}],
        [*"......", "route", "/identify", {"id": "some", "color": "#1f77b4"}],
        [{"expression": "100 * some / all", "id": "share", "label": "%", "yAxis": "right"}],
        ["AWS/Lambda", "Duration", "FunctionName", "faunalens-STAGENAME", {"stat": "p99"}],
    ],
    annotations={"horizontal": [{"value": 1, "label": "limit", "color": "#d62728"}]},
    yAxis={"left": {"min": 0, "max": 10}},
)
LOG = widget(
    *("log", 12, 2, 12, 6),
    title="Slowest",
    view="table",
    region="REGIONNAME",
    query="SOURCE '/aws/lambda/faunalens-STAGENAME' | fields request_id, Latency | sort Latency desc | limit 9",
)
ARN = "arn:aws:cloudwatch:REGIONNAME:ACCOUNTID:alarm:faunalens-STAGENAME-slow"
ALARMS = widget("alarm", 0, 8, 24, 2, title="Alarms", alarms=[ARN])
STAGE: dict[str, Any] = {
    "type": "pattern",
    "pattern": "STAGENAME",
    "inputType": "select",
    "id": "stage",
    "label": "Stage",
    "defaultValue": "prod",
    "visible": True,
    "values": [{"value": "dev", "label": "dev"}, {"value": "prod", "label": "prod"}],
}
DASHBOARD: dict[str, Any] = {
    "start": "-PT3H",
    "periodOverride": "inherit",
    "variables": [STAGE],
    "widgets": [TEXT, GRAPH, LOG, ALARMS],
}
SLOW: dict[str, Any] = {
    "AlarmDescription": "Users wait. What to do: RUNBOOKURL#slow",
    "Namespace": "Faunalens",
    "MetricName": "Latency",
    "Dimensions": OURS,
    "Period": 300,
    "ExtendedStatistic": "p99",
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 2000,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "TreatMissingData": "notBreaching",
}
REQUESTS = {"Namespace": "Faunalens", "MetricName": "Requests", "Dimensions": OURS}
SHARE: dict[str, Any] = {
    "AlarmDescription": "Users are few. What to do: RUNBOOKURL#share",
    "Metrics": [
        {"Id": "requests", "MetricStat": {"Metric": REQUESTS, "Period": 300, "Stat": "Sum"}, "ReturnData": False},
        {"Id": "few", "Expression": "IF(requests < 3, 1, 0)", "Label": "few", "ReturnData": True},
    ],
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "Threshold": 1,
    "EvaluationPeriods": 1,
    "TreatMissingData": "missing",
}
PAGE: dict[str, Any] = {
    "AlarmDescription": "Wake up. What to do: RUNBOOKURL#page",
    "AlarmRule": 'ALARM("faunalens-STAGENAME-slow") OR NOT OK("faunalens-STAGENAME-share")',
    "AlarmActions": ["ALARMTOPIC"],
}
QUERY = """# The slowest requests.
fields @timestamp, request_id, faults.0 as fault, Latency
| filter Latency > 1000 and ispresent(cell)
| sort Latency desc
| limit 50
"""
RUNBOOK = "# Runbook\n\n## slow\n\nWait less.\n\n## share\n\nAsk more.\n\n## page\n\nGet up.\n"
PRICES = "name,value,unit,what,region,date,source\nrun,0.20,USD,a run,us-east-1,2026-11-25,here\n"

REMOVE = "(taken away)"  # a text, since test names have to be the same in every process


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of a body with another value at a path such as `widgets.1.properties.view`."""
    body = deepcopy(body)
    steps: list[Any] = [int(step) if step.isdigit() else step for step in path.split(".")]
    *way, last = steps
    at: Any = body
    for step in way:
        at = at[step]
    if value is REMOVE:
        del at[last]
    elif isinstance(at, list):
        at[last:] = [value, *at[last + 1 :]]
    else:
        at[last] = value
    return body


def write(folder: Path) -> Path:
    """Write all of it below a folder; returns the one that holds the dashboards."""
    bodies = {
        "small.json": DASHBOARD,
        "alarms/slow.json": SLOW,
        "alarms/share.json": SHARE,
        "composites/page.json": PAGE,
    }
    texts = {"queries/slowest.txt": QUERY, "prices.csv": PRICES, "../docs/how-to/runbook.md": RUNBOOK}
    made = folder / "dashboards"
    made.mkdir()
    for path, text in (texts | {path: json.dumps(body) for path, body in bodies.items()}).items():
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_text(text, encoding="utf-8")
    return made

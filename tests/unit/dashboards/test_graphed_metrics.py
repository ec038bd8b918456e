"""Entries of widgets and alarms: shorthand, options, and errors that name the entry."""

from typing import Any

import pytest

from dashboards.graphed_metrics import GraphedMetric, GraphedMetricsError, TimeSeries, expand, of_alarm


def _metrics(*rows: list[Any]) -> list[TimeSeries | None]:
    return [line.metric for line in expand({"metrics": list(rows)})]


def test_shorthand_as_the_documentation_shows_it() -> None:
    # GIVEN a metric in full, and metrics that repeat parts of the one above
    rows = [
        ["AWS/EC2", "DiskReadBytes", "InstanceId", "i-1", "Disk", "a"],
        [".", "DiskWriteBytes", ".", ".", ".", "."],
        ["...", "b"],
        ["...", "i-2", ".", "."],
        [".", "CPU"],
        ["...", "Idle"],
    ]
    # THEN each equals the metric above except for its own items
    assert [(metric.name, *dict(metric.dimensions).values()) for metric in _metrics(*rows) if metric] == [
        ("DiskReadBytes", "a", "i-1"),
        ("DiskWriteBytes", "a", "i-1"),
        ("DiskWriteBytes", "b", "i-1"),
        ("DiskWriteBytes", "b", "i-2"),
        ("CPU",),
        ("Idle",),
    ]


def test_options_of_a_metric_override_those_of_the_widget_and_cloudwatchs_defaults() -> None:
    own = {"id": "a", "stat": "p99", "period": 60, "label": "L", "color": "#ff0000", "yAxis": "right", "visible": False}
    rows = [["N", "A", own], ["N", "B"], [{"expression": "a", "label": ""}]]
    a, b = TimeSeries("N", "A"), TimeSeries("N", "B")
    assert expand({"metrics": rows, "stat": "Sum", "period": 120}) == [
        GraphedMetric(0, "a", a, None, "p99", 60, "L", "#ff0000", "right", visible=False),
        GraphedMetric(1, None, b, None, "Sum", 120, None, None, "left", visible=True),
        GraphedMetric(2, None, None, "a", "Sum", 120, ""),
    ]
    assert expand({"metrics": [["N", "A"]]}) == [GraphedMetric(0, metric=a, stat="Average", period=300)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        *(([row], "metric 1 uses `.` or `...` where the metric above it has no") for row in ([".", "A"], ["N", "..."])),
        ([["N", "A"], [".", "B", ".", "x"]], "metric 2 uses `.` or `...` where the metric above"),
        ([["N"]], "metric 1 is ['N']; expected [namespace, name, dimension, value"),
        ([["N", "A", "d", "1", "d", "2"]], "each dimension once, or [{'expression': …}]"),
        *(([row], "expected [namespace") for row in ([], "N", ["N", "A", "stage"], ["N", 3], [{"id": "a"}])),
        ([["N", "A", {"expression": "1"}]], "expected [namespace"),
        ([["N", "A", {"id": "A"}]], "metric 1 has id 'A'; write a lower-case letter, then letters, digits or _"),
        ([["N", "A", {"id": "a"}], ["N", "B", {"id": "a"}]], "has id 'a'; write"),
    ],
)
def test_an_error_names_the_metric(rows: list[Any], message: str) -> None:
    with pytest.raises(GraphedMetricsError) as caught:
        expand({"metrics": rows})
    assert message in str(caught.value)


def test_queries_of_an_alarm_are_either_metrics_or_expressions() -> None:
    named = {"Namespace": "N", "MetricName": "A", "Dimensions": [{"Name": "stage", "Value": "dev"}]}
    queried = {"Metric": named, "Period": 60, "Stat": "Sum"}
    double = {"Id": "e", "Expression": "a * 2", "Label": "double", "Period": 60}
    assert of_alarm({"Metrics": [{"Id": "a", "MetricStat": queried, "ReturnData": False}, double]}) == [
        GraphedMetric(0, "a", TimeSeries("N", "A", (("stage", "dev"),)), None, "Sum", 60, visible=False),
        GraphedMetric(1, "e", None, "a * 2", period=60, label="double"),
    ]
    for query in ({"Id": "a"}, {"Id": "a", "Expression": "1", "MetricStat": {}}):
        with pytest.raises(GraphedMetricsError, match="metric 1 needs either a MetricStat or an Expression"):
            of_alarm({"Metrics": [query]})

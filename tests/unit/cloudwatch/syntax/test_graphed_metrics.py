from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwatch.syntax.graphed_metrics import PERIOD, STAT, GraphedMetricsError, TimeSeries, expand, from_queries

ITEMS = st.text(st.sampled_from("abcDEF/_-"), min_size=1, max_size=6)


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
    assert [str(metric) for metric in _metrics(*rows)] == [
        "AWS/EC2 DiskReadBytes (Disk=a, InstanceId=i-1)",
        "AWS/EC2 DiskWriteBytes (Disk=a, InstanceId=i-1)",
        "AWS/EC2 DiskWriteBytes (Disk=b, InstanceId=i-1)",
        "AWS/EC2 DiskWriteBytes (Disk=b, InstanceId=i-2)",
        "AWS/EC2 CPU",
        "AWS/EC2 Idle",
    ]


@given(st.lists(st.tuples(ITEMS, ITEMS, st.lists(ITEMS, min_size=2, max_size=2)), min_size=1, max_size=5))
def test_shorthand_equals_the_full_form(metrics: list[tuple[str, str, list[str]]]) -> None:
    # GIVEN metrics with the same dimensions, once in full, once as short as they can be
    full = [[namespace, name, "stage", values[0], "code", values[1]] for namespace, name, values in metrics]
    short: list[list[str]] = []
    for row, above in zip(full, [None, *full], strict=False):
        dotted = [item if above is None or item != above[place] else "." for place, item in enumerate(row)]
        same = next((place for place, item in enumerate(dotted) if item != "."), len(row) - 1)
        short.append(dotted if above is None else ["...", *dotted[same:]])
    # THEN both are the same
    assert _metrics(*short) == _metrics(*full)


def test_options_of_a_metric_override_those_of_the_widget() -> None:
    own = {"id": "a", "stat": "p99", "period": 60, "label": "L", "color": "#ff0000", "yAxis": "right", "visible": False}
    rows = [["N", "A", own], ["N", "B"], [{"expression": "a", "label": ""}]]
    first, second, third = expand({"metrics": rows, "stat": "Sum", "period": 120})
    assert (first.id, first.stat, first.period, first.label, first.color) == ("a", "p99", 60, "L", "#ff0000")
    assert (first.y_axis, first.visible) == ("right", False)
    assert (second.id, second.stat, second.period, second.y_axis, second.visible) == (None, "Sum", 120, "left", True)
    assert (third.expression, third.label, third.row) == ("a", "", 2)


def test_defaults_are_those_of_cloudwatch() -> None:
    (line,) = expand({"metrics": [["N", "A"]]})
    assert (line.stat, line.period, line.label) == (STAT, PERIOD, None) == ("Average", 300, None)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[".", "A"]], "metric 1 uses `.` or `...`, but there is no metric above it"),
        ([["...", "A"]], "metric 1 uses `.` or `...`, but there is no metric"),
        ([["N", "A"], [".", "B", ".", "x"]], "metric 2 uses `.` after item 2, the last item of the metric above"),
        ([["N", "A"], [".", "...", "B"]], "metric 2 has `...` after its first item"),
        ([["N"]], "metric 1 is [N]; expected namespace and name"),
        ([["N", "A", "stage"]], "metric 1 is [N, A, stage]; expected namespace and name, then each dimension with"),
        ([["N", "A", "d", "1", "d", "2"]], "metric 1 repeats a dimension: d, d"),
        ([[]], "metric 1 is []; expected a list"),
        (["N"], "metric 1 is 'N'; expected a list"),
        ([["N", 3]], "every item must be a string, except options at the end"),
        ([[{"id": "a"}]], "metric 1 has options but neither a metric nor an expression"),
        ([["N", "A", {"expression": "1"}]], "metric 1 has both an expression and a metric (N, A)"),
        ([["N", "A", {"id": "A"}]], "metric 1 has id 'A'; write a lower-case letter, then letters, digits or _"),
        ([["N", "A", {"id": "a"}], ["N", "B", {"id": "a"}]], "metric 2 repeats the id a of metric 1"),
    ],
)
def test_an_error_names_the_metric(rows: list[Any], message: str) -> None:
    with pytest.raises(GraphedMetricsError) as caught:
        expand({"metrics": rows})
    assert message in str(caught.value)


def test_queries_of_an_alarm() -> None:
    named = {"Namespace": "N", "MetricName": "A", "Dimensions": [{"Name": "stage", "Value": "dev"}]}
    queried = {"Metric": named, "Period": 60, "Stat": "Sum"}
    double = {"Id": "e", "Expression": "a * 2", "Label": "double", "Period": 60}
    metric, expression = from_queries([{"Id": "a", "MetricStat": queried, "ReturnData": False}, double])
    assert (metric.metric, metric.stat, metric.visible) == (TimeSeries("N", "A", (("stage", "dev"),)), "Sum", False)
    assert (expression.expression, expression.label, expression.period) == ("a * 2", "double", 60)
    assert expression.visible


@pytest.mark.parametrize("query", [{"Id": "a"}, {"Id": "a", "Expression": "1", "MetricStat": {}}])
def test_a_query_is_either_a_metric_or_an_expression(query: dict[str, Any]) -> None:
    with pytest.raises(GraphedMetricsError, match="metric 1 needs either a MetricStat or an Expression"):
        from_queries([query])

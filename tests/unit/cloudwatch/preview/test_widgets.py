"""The JSON of widgets: curves with units, or a state that says why there are none."""

from collections.abc import Mapping
from typing import Any

import pytest

from cloudwatch.math.metric_store import MetricStore
from cloudwatch.preview.recording import Span
from cloudwatch.preview.widgets import Scope, seconds_of, unit_of_label, unit_of_line, widgets_of
from cloudwatch.syntax.graphed_metrics import GraphedMetric, TimeSeries
from tests.unit.cloudwatch.metric_lines import DEV, metric_line

BEGIN = 1_780_272_000
MINUTES = 10
SPAN = Span(BEGIN, BEGIN + 60 * MINUTES)
LATENCY = ["Faunalens", "Latency", "service", "faunalens", "stage", "prod"]
LAMBDA = ["AWS/Lambda", "Duration", "FunctionName", "faunalens-prod"]


@pytest.fixture(scope="module")
def store() -> MetricStore:
    """Return a request a minute, each 10 ms slower than the one before."""
    store = MetricStore()
    for minute in range(MINUTES):
        store.add(metric_line(BEGIN + 60 * minute, {"Latency": 10.0 * (minute + 1)}, DEV | {"stage": "prod"}))
    return store


def widget_json(
    store: MetricStore, properties: Mapping[str, Any], kind: str = "metric", span: Span = SPAN
) -> dict[str, Any]:
    """Return the JSON of a dashboard's only widget."""
    widget = {"type": kind, "x": 1, "y": 2, "width": 3, "height": 4, "properties": properties}
    (found,) = widgets_of({"widgets": [widget]}, Scope("prod", span, store, {}, SPAN.start))
    assert (found["x"], found["y"], found["width"], found["height"]) == (1, 2, 3, 4)
    return found


def graph(*metrics: Any, **properties: Any) -> dict[str, Any]:
    return {"title": "A graph", "period": 60, "stat": "Maximum", "metrics": list(metrics)} | properties


def test_a_graph_has_a_time_and_a_value_per_period(store: MetricStore) -> None:
    widget = widget_json(store, graph([*LATENCY, {"label": "slowest", "color": "#0072B2", "yAxis": "right"}]))
    assert (widget["kind"], widget["state"], widget["period"]) == ("chart", "ok", 60)
    (curve,) = widget["curves"]
    assert (curve["label"], curve["color"], curve["axis"]) == ("slowest", "#0072B2", "right")
    assert curve["values"] == [10.0 * minute for minute in range(1, MINUTES + 1)]
    assert widget["times"] == [(BEGIN + 60 * minute) * 1000 for minute in range(MINUTES)]
    assert (widget["axes"]["right"]["unit"], widget["axes"]["left"]["unit"]) == ("Milliseconds", None)


def test_hidden_metrics_are_not_drawn(store: MetricStore) -> None:
    # GIVEN a hidden metric and an expression over it
    tenth = [{"expression": "m / 10", "id": "tenth", "label": "a tenth"}]
    axis = {"left": {"label": "% of something"}}
    widget = widget_json(store, graph([*LATENCY, {"id": "m", "visible": False}], tenth, yAxis=axis))
    # THEN only the expression is drawn, in the unit of the axis
    (curve,) = widget["curves"]
    assert (curve["label"], curve["values"][2], curve["unit"]) == ("a tenth", 3.0, "Percent")


def test_the_whole_time_can_be_one_period(store: MetricStore) -> None:
    widget = widget_json(store, graph(LATENCY, view="singleValue", setPeriodToTimeRange=True, sparkline=True))
    assert [curve["values"] for curve in widget["curves"]] == [[100.0]]
    assert not widget["sparkline"]
    # THEN also in the middle of a second: the rest of that second is not another period
    live = Span(SPAN.start - 60.4, SPAN.end - 59.6)
    widget = widget_json(store, graph(LATENCY, view="singleValue", setPeriodToTimeRange=True, stat="Sum"), span=live)
    assert [curve["values"] for curve in widget["curves"]] == [[550.0]]


def test_without_live_data_the_unfinished_period_is_left_out(store: MetricStore) -> None:
    # GIVEN a look in the middle of the last minute
    now = Span(SPAN.start, SPAN.end - 30)
    # THEN that minute is left out if the widget is not live: half a minute has about half of the sum
    assert widget_json(store, graph(LATENCY), span=now)["curves"][0]["values"][-2:] == [90.0, 100.0]
    assert widget_json(store, graph(LATENCY, liveData=True), span=now)["curves"][0]["values"][-2:] == [90.0, 100.0]
    assert widget_json(store, graph(LATENCY, liveData=False), span=now)["curves"][0]["values"][-2:] == [90.0, None]
    assert widget_json(store, graph(LATENCY, liveData=False))["curves"][0]["values"][-2:] == [90.0, 100.0]


def test_a_graphs_own_time_begins_no_earlier_than_the_recording(store: MetricStore) -> None:
    widget = widget_json(store, graph(LATENCY, start="-PT2M"))
    assert [curve["values"] for curve in widget["curves"]] == [[90.0, 100.0]]
    assert widget_json(store, graph(LATENCY, start="-P30D"))["start"] == (SPAN.end - 3600) * 1000


@pytest.mark.parametrize(
    ("metrics", "state"),
    [
        ([LAMBDA], "aws_only"),
        ([[*LAMBDA, {"id": "d", "visible": False}], [{"expression": "d * 2", "id": "twice"}]], "aws_only"),
        ([LAMBDA, ["Faunalens", "Faults", "service", "faunalens", "stage", "prod"]], "empty"),
        ([LAMBDA, LATENCY], "ok"),
    ],
)
def test_a_widget_without_data_says_if_only_aws_has_them(store: MetricStore, metrics: list[Any], state: str) -> None:
    widget = widget_json(store, graph(*metrics))
    assert widget["state"] == state
    assert bool(widget["message"]) == (state != "ok")


ALARM = "arn:aws:cloudwatch:eu-west-1:1:alarm:faunalens-prod-unknown"


@pytest.mark.parametrize(
    ("kind", "properties", "words"),
    [
        ("metric", graph([{"expression": "NOSUCH(m1)", "id": "e"}]), "NOSUCH"),
        ("metric", graph(["."]), "metric 1"),
        ("metric", graph(LATENCY, view="pie"), "The preview does not support view pie; use one of timeSeries"),
        ("metric", graph(LATENCY, start="yesterday"), "time range 'yesterday' is invalid"),
        ("explorer", {}, "The preview does not support widgets of type explorer."),
        ("alarm", {"alarms": [ALARM]}, "There is no alarm unknown; add a file to dashboards/alarms"),
    ],
)
def test_an_error_is_in_its_widget(store: MetricStore, kind: str, properties: dict[str, Any], words: str) -> None:
    widget = widget_json(store, properties, kind)
    assert widget["state"] == "error"
    assert words in widget["message"]


def test_annotations_are_thresholds(store: MetricStore) -> None:
    lines = [{"value": 50, "label": "slow", "color": "#D55E00", "fill": "above"}, [{"value": 9}, {"value": 3}]]
    widget = widget_json(store, graph(LATENCY, annotations={"horizontal": lines}))
    assert widget["thresholds"] == [{"value": 50, "label": "slow", "color": "#D55E00", "fill": "above", "axis": "left"}]


def test_links_to_the_console_lead_to_the_preview(store: MetricStore) -> None:
    console = "https://eu-west-1.console.aws.amazon.com/cloudwatch/home#dashboards:name=faunalens-prod-features"
    widget = widget_json(store, {"markdown": f"[causes]({console})"}, "text")
    assert (widget["kind"], widget["markdown"], widget["plain"]) == ("text", "[causes](features)", False)


@pytest.mark.parametrize("text", ["PT3H", "-P", "-PT", "", "-P1W"])
def test_an_invalid_time_range_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is invalid; expected one such as -PT3H or -P7D"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("title", "label", "unit"),
    [("Served, %", "now", "Percent"), ("A month at this rate", "US$", "USD"), ("Requests", "now", None)],
)
def test_a_label_or_the_title_states_the_unit(store: MetricStore, title: str, label: str, unit: str | None) -> None:
    # GIVEN an expression, shown as a number beside gauges whose axes have units
    expression = {"expression": "m / 10", "id": "tenth", "label": label}
    widget = widget_json(store, graph([*LATENCY, {"id": "m", "visible": False}], [expression], title=title))
    assert [curve["unit"] for curve in widget["curves"]] == [unit]


def test_widgets_come_row_by_row_whatever_their_order_in_the_file(store: MetricStore) -> None:
    places = [(0, 5), (12, 0), (0, 0)]
    properties = {"markdown": "text"}
    widgets = [{"type": "text", "x": x, "y": y, "width": 12, "height": 5, "properties": properties} for x, y in places]
    found = widgets_of({"widgets": widgets}, Scope("prod", SPAN, store, {}, SPAN.start))
    assert [(widget["x"], widget["y"]) for widget in found] == sorted(places, key=lambda place: (place[1], place[0]))


# Units


def line(namespace: str, name: str, stat: str = "Sum") -> GraphedMetric:
    return GraphedMetric(0, "m", TimeSeries(namespace, name), None, stat, 60)


@pytest.mark.parametrize(
    ("of", "unit"),
    [
        (line("Faunalens", "Latency", "p99"), "Milliseconds"),
        (line("Faunalens", "Latency", "PR(:2000)"), "Percent"),
        (line("Faunalens", "Latency", "SampleCount"), "Count"),
        (line("AWS/ElastiCache", "SuccessfulReadRequestLatency", "Average"), "Microseconds"),
        (line("AWS/RDS", "ACUUtilization", "Average"), "Percent"),
        (line("Faunalens", "NoSuchMetric"), None),
        (line("AWS/None", "NoSuchMetric"), None),
        (GraphedMetric(0, "e", None, "a / b", "Sum", 60), "Percent"),
    ],
)
def test_a_curve_has_the_unit_of_its_metric_an_expression_that_of_the_axis(of: GraphedMetric, unit: str | None) -> None:
    assert unit_of_line(of, "% of requests") == unit


@pytest.mark.parametrize(
    ("label", "unit"),
    [("ms", "Milliseconds"), ("US$, all in", "USD"), ("% of most", "Percent"), ("requests", None), ("", None)],
)
def test_a_label_can_state_the_unit(label: str, unit: str | None) -> None:
    assert unit_of_label(label) == unit

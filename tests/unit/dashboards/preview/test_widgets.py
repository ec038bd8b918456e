"""The JSON of widgets: curves with units, or a state that says why there are none."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from dashboards.evaluate import Curve
from dashboards.graphed_metrics import GraphedMetric, TimeSeries
from dashboards.preview.recording import Span
from dashboards.preview.widgets import Scope, unit_of, widgets_of
from dashboards.series import MetricStore
from tests.unit.dashboards.metric_lines import DEV, metric_line

BEGIN = 1_780_272_000
MINUTES = 10
SPAN = Span(BEGIN, BEGIN + 60 * MINUTES)
LATENCY = ["Faunalens", "Latency", "service", "faunalens", "stage", "prod"]
LAMBDA = ["AWS/Lambda", "Duration", "FunctionName", "faunalens-prod"]
HIDDEN = [*LATENCY, {"id": "m", "visible": False}]


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
    return found


def graph(*metrics: Any, **properties: Any) -> dict[str, Any]:
    shown = {"title": "A graph", "view": "timeSeries", "period": 60, "stat": "Maximum", "metrics": list(metrics)}
    return shown | properties


def test_a_graph_has_a_time_and_a_value_per_period(store: MetricStore) -> None:
    # GIVEN a metric, a hidden one and a threshold
    lines = [{"value": 50, "label": "slow", "color": "#D55E00", "fill": "above"}, [{"value": 9}, {"value": 3}]]
    shown = [*LATENCY, {"label": "slowest", "color": "#0072B2", "yAxis": "right"}]
    widget = widget_json(store, graph(shown, HIDDEN, annotations={"horizontal": lines}))
    axis = {"label": "", "min": None, "max": None}
    # THEN the page gets all that it draws; a band of two thresholds is not drawn
    place = {"x": 1, "y": 2, "width": 3, "height": 4, "title": "A graph"}
    kind = {"kind": "chart", "state": "ok", "message": "", "stacked": False, "sparkline": False}
    table = {"summaries": ["MIN", "MAX", "SUM", "AVG"]}
    curve = {"id": None, "label": "slowest", "color": "#0072B2", "axis": "right", "unit": "Milliseconds"}
    assert widget == place | kind | table | {
        "start": SPAN.start * 1e3,
        "end": SPAN.end * 1e3,
        "times": [(BEGIN + 60 * minute) * 1000 for minute in range(MINUTES)],
        "period": 60,
        "curves": [curve | {"period": 60, "values": [10.0 * minute for minute in range(1, MINUTES + 1)]}],
        "axes": {"left": {**axis, "unit": None}, "right": {**axis, "unit": "Milliseconds"}},
        "thresholds": [{"value": 50, "label": "slow", "color": "#D55E00", "fill": "above", "axis": "left"}],
    }


def values(store: MetricStore, span: Span = SPAN, **properties: Any) -> list[float | None]:
    """Return the values of a graph's only curve."""
    (curve,) = widget_json(store, graph(LATENCY, **properties), span=span)["curves"]
    found: list[float | None] = curve["values"]
    return found


def test_the_whole_time_can_be_one_period(store: MetricStore) -> None:
    whole: dict[str, Any] = {"view": "singleValue", "setPeriodToTimeRange": True, "sparkline": True}
    assert values(store, **whole) == [100.0]
    assert not widget_json(store, graph(LATENCY, **whole))["sparkline"]
    # THEN also in the middle of a second: the rest of that second is not another period
    assert values(store, Span(SPAN.start - 60.4, SPAN.end - 59.6), stat="Sum", **whole) == [550.0]


def test_without_live_data_the_unfinished_period_is_left_out(store: MetricStore) -> None:
    # GIVEN a look in the middle of the last minute
    now = Span(SPAN.start, SPAN.end - 30)
    # THEN that minute is left out if the widget is not live: half a minute has about half of the sum
    assert values(store, now)[-2:] == values(store, now, liveData=True)[-2:] == [90.0, 100.0]
    assert values(store, now, liveData=False)[-2:] == [90.0, None]
    assert values(store, liveData=False)[-2:] == [90.0, 100.0]


def test_a_graphs_own_time_begins_no_earlier_than_the_recording(store: MetricStore) -> None:
    assert values(store, Span(SPAN.start - 7200, SPAN.end), start="-PT1H", stat="Sum", period=3600)[-1:] == [550.0]
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
    assert (widget["state"], bool(widget["message"])) == (state, state != "ok")


@pytest.mark.parametrize(
    ("kind", "properties", "words"),
    [
        ("metric", graph([{"expression": "NOSUCH(m1)", "id": "e"}]), "NOSUCH"),
        ("metric", graph(["."]), "metric 1"),
        ("metric", graph(LATENCY, view="pie"), "The preview shows no metric with view pie."),
        (
            "metric",
            graph(LATENCY, start="-P1W"),
            "The preview shows no time range -P1W; write one such as -PT3H",
        ),
        ("explorer", {}, "The preview shows no explorer with view None."),
    ],
)
def test_an_error_is_in_its_widget(store: MetricStore, kind: str, properties: dict[str, Any], words: str) -> None:
    widget = widget_json(store, properties, kind)
    assert widget["state"] == "error"
    assert words in widget["message"]


def test_links_to_the_console_lead_to_the_preview(store: MetricStore) -> None:
    console = (
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home#dashboards:name=faunalens-prod-features-eu-west-1"
    )
    widget = widget_json(store, {"markdown": f"[causes]({console})"}, "text")
    assert (widget["kind"], widget["markdown"], widget["plain"]) == ("text", "[causes](features)", False)


def test_widgets_come_row_by_row_whatever_their_order_in_the_file(store: MetricStore) -> None:
    places = [(0, 5), (12, 0), (0, 0)]
    text = {"type": "text", "width": 12, "height": 5, "properties": {"markdown": "text"}}
    found = widgets_of({"widgets": [text | {"x": x, "y": y} for x, y in places]}, Scope("prod", SPAN, store, {}, 0))
    assert [(widget["x"], widget["y"]) for widget in found] == [(0, 0), (12, 0), (0, 5)]


# Units


@pytest.mark.parametrize(
    ("title", "label", "axis", "unit"),
    [
        ("Served, %", "now", "", "Percent"),
        ("A month at this rate", "US$, all in", "", "USD"),
        ("Requests", "now", "", None),
        ("Requests", "now", "% of something", "Percent"),
    ],
)
def test_the_axis_the_label_or_the_title_states_the_unit_of_an_expression(
    store: MetricStore, title: str, label: str, axis: str, unit: str | None
) -> None:
    expression = {"expression": "m / 10", "id": "tenth", "label": label}
    widget = widget_json(store, graph(HIDDEN, [expression], title=title, yAxis={"left": {"label": axis}}))
    assert [(curve["unit"], curve["values"][2]) for curve in widget["curves"]] == [(unit, 3.0)]


@pytest.mark.parametrize(
    ("namespace", "name", "stat", "unit"),
    [
        ("Faunalens", "Latency", "p99", "Milliseconds"),
        ("Faunalens", "Latency", "PR(:2000)", "Percent"),
        ("Faunalens", "Latency", "SampleCount", "Count"),
        ("AWS/ElastiCache", "SuccessfulReadRequestLatency", "Average", "Microseconds"),
        ("Faunalens", "NoSuchMetric", "Sum", None),
        ("AWS/None", "NoSuchMetric", "Sum", None),
    ],
)
def test_a_curve_has_the_unit_of_its_metric(namespace: str, name: str, stat: str, unit: str | None) -> None:
    line = GraphedMetric(0, "m", TimeSeries(namespace, name), None, stat, 60)
    assert unit_of(Curve(line, "", np.zeros(1), 60), "% of requests", "") == unit

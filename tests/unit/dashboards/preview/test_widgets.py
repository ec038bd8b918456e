"""The JSON of widgets: curves with units, or a state that says why there are none; and of alarms."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import numpy as np
import pytest

from dashboards.alarms import State, Stretch, Timeline
from dashboards.evaluate import Curve
from dashboards.graphed_metrics import GraphedMetric, TimeSeries
from dashboards.preview.recording import Span
from dashboards.preview.widgets import (
    Scope,
    alarm_json,
    alarms_of,
    count_states,
    describe_rule,
    unit_of,
    urgency,
    widgets_of,
)
from tests.unit.dashboards.lint.small_folder import SHARE, SLOW
from tests.unit.dashboards.metric_lines import DEV, minutes_of

BEGIN = 1_780_272_000
MINUTES = 10
SPAN = Span(BEGIN, BEGIN + 60 * MINUTES)
LATENCY = ["Faunalens", "Latency", "service", "faunalens", "stage", "prod"]
LAMBDA = ["AWS/Lambda", "Duration", "FunctionName", "faunalens-prod"]
HIDDEN = [*LATENCY, {"id": "m", "visible": False}]


STORE = minutes_of(BEGIN, {"Latency": [10.0 * minute for minute in range(1, MINUTES + 1)]}, DEV | {"stage": "prod"})
"""A request a minute, each 10 ms slower than the one before."""


def widget_json(properties: Mapping[str, Any], kind: str = "metric", span: Span = SPAN) -> dict[str, Any]:
    """Return the JSON of a dashboard's only widget."""
    widget = {"type": kind, "x": 1, "y": 2, "width": 3, "height": 4, "properties": properties}
    (found,) = widgets_of({"widgets": [widget]}, Scope("prod", span, STORE, {}, SPAN.start))
    return found


def graph(*metrics: Any, **properties: Any) -> dict[str, Any]:
    shown = {"title": "A graph", "view": "timeSeries", "period": 60, "stat": "Maximum", "metrics": list(metrics)}
    return shown | properties


def test_a_graph_has_a_time_and_a_value_per_period() -> None:
    # GIVEN a metric, a hidden one and a threshold
    lines = [{"value": 50, "label": "slow", "color": "#D55E00", "fill": "above"}, [{"value": 9}, {"value": 3}]]
    shown = [*LATENCY, {"label": "slowest", "color": "#0072B2", "yAxis": "right"}]
    widget = widget_json(graph(shown, HIDDEN, annotations={"horizontal": lines}))
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


def values(span: Span = SPAN, **properties: Any) -> list[float | None]:
    """Return the values of a graph's only curve."""
    (curve,) = widget_json(graph(LATENCY, **properties), span=span)["curves"]
    found: list[float | None] = curve["values"]
    return found


def test_the_whole_time_can_be_one_period() -> None:
    whole: dict[str, Any] = {"view": "singleValue", "setPeriodToTimeRange": True, "sparkline": True}
    assert values(**whole) == [100.0]
    assert not widget_json(graph(LATENCY, **whole))["sparkline"]
    # THEN also in the middle of a second: the rest of that second is not another period
    assert values(Span(SPAN.start - 60.4, SPAN.end - 59.6), stat="Sum", **whole) == [550.0]


def test_without_live_data_the_unfinished_period_is_left_out() -> None:
    # GIVEN a look in the middle of the last minute
    now = Span(SPAN.start, SPAN.end - 30)
    # THEN that minute is left out if the widget is not live: half a minute has about half of the sum
    assert values(now)[-2:] == values(now, liveData=True)[-2:] == [90.0, 100.0]
    assert values(now, liveData=False)[-2:] == [90.0, None]
    assert values(liveData=False)[-2:] == [90.0, 100.0]


def test_a_graphs_own_time_begins_no_earlier_than_the_recording() -> None:
    assert values(Span(SPAN.start - 7200, SPAN.end), start="-PT1H", stat="Sum", period=3600)[-1:] == [550.0]
    assert widget_json(graph(LATENCY, start="-P30D"))["start"] == (SPAN.end - 3600) * 1000


@pytest.mark.parametrize(
    ("metrics", "state"),
    [
        ([LAMBDA], "aws_only"),
        ([[*LAMBDA, {"id": "d", "visible": False}], [{"expression": "d * 2", "id": "twice"}]], "aws_only"),
        ([LAMBDA, ["Faunalens", "Faults", "service", "faunalens", "stage", "prod"]], "empty"),
        ([LAMBDA, LATENCY], "ok"),
    ],
)
def test_a_widget_without_data_says_if_only_aws_has_them(metrics: list[Any], state: str) -> None:
    widget = widget_json(graph(*metrics))
    assert (widget["state"], bool(widget["message"])) == (state, state != "ok")


@pytest.mark.parametrize(
    ("kind", "properties", "words"),
    [
        ("metric", graph([{"expression": "NOSUCH(m1)", "id": "e"}]), "NOSUCH"),
        ("metric", graph(["."]), "metric 1"),
        ("metric", graph(LATENCY, view="pie"), "The preview shows no metric with view pie."),
        ("metric", graph(LATENCY, start="-P1W"), "The preview shows no time range -P1W; write one such as"),
        ("explorer", {}, "The preview shows no explorer with view None."),
    ],
)
def test_an_error_is_in_its_widget(kind: str, properties: dict[str, Any], words: str) -> None:
    widget = widget_json(properties, kind)
    assert widget["state"] == "error"
    assert words in widget["message"]


def test_widgets_come_row_by_row_and_links_to_the_console_lead_to_the_preview() -> None:
    console = "https://eu-west-1.console.aws.amazon.com/cloudwatch/home#dashboards:name=faunalens-prod-model-eu-west-1"
    text = {"type": "text", "width": 12, "height": 5, "properties": {"markdown": f"[causes]({console})"}}
    widgets = [text | {"x": x, "y": y} for x, y in [(0, 5), (12, 0), (0, 0)]]
    found = widgets_of({"widgets": widgets}, Scope("prod", SPAN, STORE, {}, 0))
    assert [(widget["x"], widget["y"]) for widget in found] == [(0, 0), (12, 0), (0, 5)]
    assert {(widget["kind"], widget["markdown"], widget["plain"]) for widget in found} == {
        ("text", "[causes](model)", False)
    }


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
    title: str, label: str, axis: str, unit: str | None
) -> None:
    expression = {"expression": "m / 10", "id": "tenth", "label": label}
    widget = widget_json(graph(HIDDEN, [expression], title=title, yAxis={"left": {"label": axis}}))
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


# Alarms


def timeline(*states: State, name: str = "slow") -> Timeline:
    """Return an alarm with these states, one per minute from second 600 on."""
    stretches, begin = [], 600
    for state, minutes in groupby(states):
        end = begin + 60 * len(list(minutes))
        stretches.append(Stretch(begin, end, state, f"because of {state}, says faunalens-prod-page"))
        begin = end
    return Timeline(name, SLOW, states, stretches)


def test_an_alarm_has_its_meaning_its_rule_and_its_periods() -> None:
    ends = ((600, 660, "OK"), (660, 780, "ALARM"), (780, 900, "OK"))
    assert alarm_json(timeline("OK", "ALARM", "ALARM", "OK", "OK")) == {
        "name": "slow",
        "state": "OK",
        "since": 780_000,
        "meaning": "Users wait",
        "rule": "p99 of Latency > 2,000, 5 min a point in 2 of 3",
        "reason": "because of OK, says page",  # names of alarms are those of their files
        "runbook": "RUNBOOKURL#slow",
        "periods": [
            {"from": begin * 1e3, "to": end * 1e3, "state": state, "reason": f"because of {state}, says page"}
            for begin, end, state in ends
        ],
    }


@pytest.mark.parametrize(
    ("alarm", "rule"),
    [
        ({**SLOW, "EvaluationPeriods": 1, "Period": 7200, "Threshold": 0.5}, "p99 of Latency > 0.5, 2 h a point"),
        (SHARE, "few ≥ 1, 5 min a point"),
        ({"AlarmRule": 'ALARM("faunalens-prod-page") OR OK("faunalens-prod-a-b")'}, "ALARM(page) OR OK(a-b)"),
    ],
)
def test_a_rule_is_one_line(alarm: dict[str, Any], rule: str) -> None:
    assert describe_rule(alarm) == rule


def test_a_dashboards_alarms_are_counted_by_state() -> None:
    arns = [f"arn:aws:cloudwatch:r:1:alarm:faunalens-STAGENAME-{name}" for name in "ab"]
    names = alarms_of({"widgets": [{"type": "text"}, {"type": "alarm", "properties": {"alarms": arns}}]}, "prod")
    courses = {"a": timeline("ALARM"), "b": timeline("OK"), "c": timeline("ALARM")}
    assert names == ["a", "b"]
    assert count_states(courses, names) == {"ALARM": 1, "INSUFFICIENT_DATA": 0, "OK": 1}


def test_firing_alarms_come_first_then_those_that_fired_longest() -> None:
    courses = [timeline("OK"), timeline("ALARM", "OK"), timeline("INSUFFICIENT_DATA"), timeline("OK", "ALARM")]
    assert sorted(courses, key=urgency) == list(reversed(courses))

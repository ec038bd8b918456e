import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.evaluate import Curve, evaluate
from dashboards.graphed_metrics import TimeSeries, expand
from dashboards.series import EvaluationError, MetricStore
from tests.unit.dashboards.metric_lines import minutes_of

START = 1_764_028_800  # midnight, a Tuesday
NAN = math.nan
type Points = Sequence[float | None]


def _store(**metrics: Points) -> MetricStore:
    return minutes_of(START, metrics, {}, "N")


def _curves(rows: list[list[Any]], store: MetricStore, minutes: int = 4) -> list[Curve]:
    lines = expand({"metrics": rows, "stat": "Sum", "period": 60})
    return evaluate(lines, store, START, START + 60 * minutes, 60)


def _of(expression: str, **metrics: Points) -> list[list[float]]:
    """Return the values of the curves of an expression over metrics m1, m2, …"""
    rows: list[list[Any]] = [["N", name, {"id": name, "visible": False}] for name in metrics]
    rows.append([{"expression": expression, "id": "result"}])
    found = _curves(rows, _store(**metrics), max(map(len, metrics.values())))
    return [curve.values.tolist() for curve in found if curve.line.id == "result"]


def _values(expression: str, **metrics: Points) -> Points:
    """Return the values of an expression's only curve; None is a missing point."""
    (values,) = _of(expression, **metrics)
    return [None if math.isnan(value) else value for value in values]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IF(m1, m2, m3)", [30, 0, 20, None, None]),
        ("IF(m1, 5, m3)", [5, 5, 20, None, None]),
        ("IF(m1, m2)", [30, 0, None, None, None]),
        ("IF(m1 == 1, 10, 2)", [10, 10, 2, 2, None]),
    ],
)
def test_the_tables_of_if_in_the_user_guide(expression: str, expected: Points) -> None:
    assert _values(expression, m1=[1, 1, 0, 0, None], m2=[30, None, 0, 0, 30], m3=[0, 0, 20, None, 20]) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m1 + m2", [5, 2, 4, None]),  # one point is enough; the other counts as 0
        ("m1 - m2", [-3, 2, -4, None]),
        ("m1 < m2 AND m2 != 5", [1, 0, 1, None]),
        ("m1 / m2", [0.25, None, 0, None]),  # division by zero gives no point
        ("m1 + 1", [2, 3, None, None]),  # a number adds no points
        ("10 - m1", [9, 8, None, None]),
        ("-m1", [-1, -2, None, None]),
        ("m1 OR m2", [1, 1, 1, None]),
        ("m1 * -(2 - 3) * (3 > 2)", [1, 2, None, None]),
        ("TIME_SERIES(1 / 0)", [None] * 4),
        ("RUNNING_SUM(m1)", [1, 3, None, None]),
        ("FILL(m1, 7)", [1, 2, 7, 7]),
        ("FILL(m1, m2)", [1, 2, 4, None]),
        ("FILL(m1, MAX(m1))", [1, 2, 2, 2]),
        ("FILL(m3, 0)", [0] * 4),
        ("TIME_SERIES(SUM(m1))", [3] * 4),
        ("TIME_SERIES(MAX(m1))", [2] * 4),
        ("TIME_SERIES(SUM(m3))", [None] * 4),
        ("TIME_SERIES(PERIOD(m1))", [60] * 4),
        ("SUM([m1, m2])", [5, 2, 4, None]),
        ("MAX([m1, m2, m3])", [4, 2, 4, None]),
        ("SUM(SEARCH('{M} MetricName=\"Y\"', 'Sum'))", [None] * 4),
    ],
)
def test_operators_functions_and_missing_points(expression: str, expected: Points) -> None:
    assert _values(expression, m1=[1, 2, None, None], m2=[4, None, 4, None], m3=[None] * 4) == expected


def test_a_function_of_an_array_applies_to_each_series() -> None:
    assert _of("FILL([m1, m2], m1)", m1=[1, 2], m2=[3, None]) == [[1, 2], [3, 2]]


SOME_POINTS = st.lists(st.one_of(st.none(), st.integers(-9, 9)), min_size=1, max_size=8)


@given(
    SOME_POINTS,
    SOME_POINTS,
    st.sampled_from(["m1 + m2", "m1 / m2", "SUM([m1, m2])", "IF(m1, m2, m1)"])
    | st.sampled_from(["FILL(m1, 0)", "m1 - MAX(m2)", "RUNNING_SUM(m1) / SUM(m2)"]),
)
def test_points_are_finite_or_missing_and_nothing_warns(m1: Points, m2: Points, expression: str) -> None:
    with warnings.catch_warnings(action="error"):
        (values,) = _of(expression, m1=m1, m2=m2)
    assert not np.isinf(values).any()


# Lines


def test_lines_become_curves_and_a_number_may_be_a_hidden_helper() -> None:
    rows: list[list[Any]] = [
        ["N", "Requests", {"id": "r", "color": "#111111", "yAxis": "right"}],
        [".", "Faults", {"id": "f", "visible": False}],
        [{"expression": "MAX(r)", "id": "most", "visible": False}],
        [{"expression": "f / most", "label": "share ${LABEL}", "color": "#222222"}],
    ]
    first, second, third = _curves(rows, _store(Requests=[10, 5], Faults=[1, 5]), 2)
    line = first.line
    assert (line.row, line.id, first.label, line.color, line.y_axis) == (0, "r", "Requests", "#111111", "right")
    assert (second.line.visible, second.period) == (False, 60)
    assert (third.label, third.line.color, third.values.tolist()) == ("share f / most", "#222222", [0.1, 0.5])


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ({"label": "Filled", "color": "#333333"}, ["Filled first", "Filled B"]),
        ({"label": ""}, ["first", "B"]),
        ({}, ["first", "B"]),
        ({"label": "${LABEL}!"}, ["first!", "B!"]),
    ],
)
def test_each_series_of_an_array_has_a_label_and_no_color(options: dict[str, str], labels: list[str]) -> None:
    rows: list[list[Any]] = [["N", "A", {"id": "a", "label": "first"}], ["N", "B", {"id": "b"}]]
    found = _curves([*rows, [{"expression": "[a, b]", **options}]], _store(A=[1], B=[2]))[2:]
    assert [(curve.label, curve.line.color) for curve in found] == [(label, None) for label in labels]


def test_search_returns_a_curve_per_metric() -> None:
    store = _store(Rejections=[3])
    for code, value in (("bad", 1), ("old", 2)):
        store.append(TimeSeries.of("N", "Rejections", {"code": code}), START * 1000, value)
    search = "SEARCH('{N,code} MetricName=\"Rejections\"', 'Sum', 60)"
    found = _curves([[{"expression": search, "label": "${PROP('Dim.code')}"}]], store, 1)
    assert [(curve.label, curve.values.tolist()) for curve in found] == [("bad", [1]), ("old", [2])]
    plain = [curve.label for curve in _curves([[{"expression": search}]], store, 1)]
    assert plain == ["Rejections bad", "Rejections old"]
    (total,) = _curves([[{"expression": f"SUM({search})"}]], store, 1)
    assert total.values.tolist() == [3]
    assert _curves([[{"expression": "SEARCH('{M} MetricName=\"Y\"', 'Sum', 60)"}]], store, 1) == []


def test_a_longer_period_has_its_points_where_it_begins() -> None:
    # GIVEN a graph of minutes that begins within a period of five minutes
    rows: list[list[Any]] = [["N", "A", {"id": "a"}], ["N", "A", {"period": 300}]]
    lines = expand({"metrics": rows, "stat": "Sum", "period": 60})
    short, long = evaluate(lines, _store(A=[1] * 10), START + 120, START + 480, 60)
    assert short.values.tolist() == [1] * 6
    # THEN the period that began earlier comes first, and the last one ignores later samples
    np.testing.assert_equal(long.values, [5, NAN, NAN, 3, NAN, NAN])
    # AND an empty time range has no points
    assert [len(curve.values) for curve in evaluate(lines, _store(A=[1]), START, START, 60)] == [0, 0]


def test_a_whole_time_range_may_be_one_period() -> None:
    lines = expand({"metrics": [["N", "A"]], "stat": "Sum", "period": 420})
    (curve,) = evaluate(lines, _store(A=[1] * 10), START + 90, START + 510, 420, anchor=START + 90)
    assert curve.values.tolist() == [7]


A: list[Any] = ["N", "A", {"id": "a"}]
OF_CODES = "SEARCH('{N} MetricName=\"Y\"', 'Sum')"


def _math(expression: str, **options: str) -> list[Any]:
    return [{"expression": expression, **options}]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([A, _math("SUM(a)", id="e")], "metric 2 (e) `SUM(a)`: returns no series, which a graph needs; write TIME_"),
        ([A, _math("m9 * 2")], "metric 2 `m9 * 2`: refers to `m9`, but no line has this id; known are a"),
        ([A, _math("e + 1", id="e")], "metric 2 (e) `e + 1`: refers to itself"),
        ([_math("e2", id="e1"), _math("e1", id="e2")], "metric 1 (e1) `e2`: refers to itself"),
        ([A, _math("-" * 2000 + "a")], "maximum recursion depth"),
        ([A, _math("NOT a")], "metric math has no `NOT a`; compare with 0 instead of NOT"),
        ([A, _math("max(a)")], "unknown function max; known are FILL, IF, MAX"),
        ([A, _math("PERIOD(a + 1) * a")], "PERIOD takes the id of a metric, not an expression"),
        ([A, _math("PERIOD(e) * a"), _math("a", id="e")], "PERIOD takes the id of a metric, not an expression"),
        ([A, _math("[a, a] > 3")], "> combines TS[] with S; the preview combines only numbers (S) and single series"),
        ([A, _math("'SEARCH'")], "returns no series"),
        *(([A, _math(text)], "an array takes only series") for text in ("['SEARCH']", "[a, 3]")),
        ([A, _math("a + 'SEARCH'")], "+ combines TS with text"),
        ([A, _math("TIME_SERIES(a)")], "TIME_SERIES cannot take (TS); write TIME_SERIES(S), where S is a number"),
        ([A, _math("FILL(MAX(a), 0)")], "FILL cannot take (S, S); write FILL(TS|TS[], S|TS)"),
        ([A, _math(f"FILL(a, {OF_CODES})")], "FILL cannot take (TS, TS[]); write FILL(TS|"),
        *(([A, _math(text)], "cannot take (") for text in ("FILL(a)", "FILL(a, 0, 0)", "SEARCH(a, 'Sum')")),
        (
            [A, ["N", "B", {"id": "b", "period": 300}], _math("a + b")],
            "metric 3 `a + b`: combines lines with periods of 60 s and 300 s; use the same period for these lines",
        ),
        ([["N", "A", {"period": 30}]], "metric 1: has a period of 30 s; use at least the graph's period of 60 s"),
        ([["N", "A", {"label": "${WORST}"}]], "has a variable; the preview knows only LABEL and PROP"),
    ],
)
def test_an_error_names_the_line_and_what_to_write(rows: list[list[Any]], message: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        _curves(rows, _store(A=[1], B=[1]))
    assert message in str(caught.value)


def test_variables_in_labels() -> None:
    label = "<${PROP('Dim.code')}|${PROP('Dim.nothing')}> ${LABEL}"
    (curve,) = _curves([["N", "R", "code", "bad", {"label": label}]], MetricStore())
    assert curve.label == "<bad|> R bad"

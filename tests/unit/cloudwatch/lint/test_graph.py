"""Expressions of a graph: each is evaluated, and what fails is a problem."""

from typing import Any

import pytest

from cloudwatch.lint.graph import Graph
from cloudwatch.syntax.graphed_metrics import expand

METRICS: list[list[Any]] = [["N", "A", {"id": "m"}], ["N", "B", {"id": "n", "visible": False}]]
SEARCHED = "SEARCH('{N,code} MetricName=\"R\"', 'Sum')"


def problems(*expressions: str) -> list[str]:
    rows = [[{"expression": text, "id": f"e{number}"}] for number, text in enumerate(expressions, 1)]
    return list(Graph(expand({"metrics": [*METRICS, *rows], "stat": "Sum", "period": 60})).problems())


@pytest.mark.parametrize(
    "text",
    ["m / n * 100", "IF(m > 3, m, n)", "FILL(n, MAX(m))", f"SUM({SEARCHED}) + n", "[m, n]", "TIME_SERIES(PERIOD(n))"],
)
def test_what_the_preview_can_draw_has_no_problem(text: str) -> None:
    assert problems(text, "n") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("m + k", "refers to `k`, but no line has this id; known ids: m, n, e1"),
        (f"{SEARCHED} * m", "* combines TS[] with TS"),
        ("SEARCH('{N}', 'Sum')", "a search must name its metric"),
        ("FILL(TIME_SERIES(1), 'SEARCH')", "FILL"),
    ],
)
def test_anything_else_is_named_with_its_line(text: str, message: str) -> None:
    found = problems(text, "n")
    assert any(message in each and each.startswith("metric 3") for each in found), found


def test_an_error_is_reported_once_where_it_is() -> None:
    (found,) = problems("m + k", "e1 * 2", "n")
    assert found.startswith("metric 3 (e1) `m + k`")

"""Types of expressions, and arguments that functions do not accept."""

import pytest

from cloudwatch.lint.graph import misfits, type_of, types_of
from cloudwatch.syntax.expression import parse_expression

IDS = {"m": "TS", "n": "TS", "many": "TS[]", "one": "S"}

GIVES = [
    ("1 + 2 * one", "S"),
    ("m", "TS"),
    ("m / n * 100", "TS"),
    ("-many + m", "TS[]"),
    ("[m, n]", "TS[]"),
    ("SUM(m)", "S"),
    ("SUM([m, n])", "TS"),
    ("MAX(many) / one", "TS"),
    ("FILL(m, 0)", "TS"),
    ("FILL(many, REPEAT)", "TS[]"),
    ("IF(m > 3, m, 0)", "TS"),
    ("METRICS()", "TS[]"),
    ("SUM(METRICS())", "TS"),
    ("TIME_SERIES(3)", "TS"),
    ("PERIOD(m)", "S"),
    ("SEARCH('{A,b} MetricName=\"c\"', 'Sum')", "TS[]"),
    ("unknown + 1", "unknown"),
    ("SUM(unknown)", "unknown"),
]


@pytest.mark.parametrize(("text", "kind"), GIVES)
def test_an_expression_returns_what_its_functions_return(text: str, kind: str) -> None:
    assert type_of(parse_expression(text), IDS) == kind


@pytest.mark.parametrize("text", [text for text, _ in GIVES])
def test_matching_arguments_are_no_misfits(text: str) -> None:
    assert list(misfits(parse_expression(text), IDS)) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FIRST(m)", "m is one time series, which FIRST does not accept; write FIRST(TS[])"),
        ("RATE(one)", "one is a number, which RATE does not accept"),
        ("PERIOD(many)", "many is several time series, which PERIOD does not accept"),
        ("IF(many, 1, 0)", "many is several time series, which IF does not accept"),
        ("SORT(MAX(many), SUM, DESC)", "MAX(many) is one time series, which SORT does not accept"),
        ("1 + FILL(SUM(m), 0)", "SUM(m) is a number, which FILL does not accept"),
        ("FILL(m, DESC)", "DESC is a keyword, which FILL does not accept; write FILL("),
        ("IF(m, 'x')", "'x' is a string, which IF does not accept"),
        ("m + REPEAT", "REPEAT has no value; it can only be an argument of a function"),
        ("m > 'high'", "'high' has no value"),
        ("'high'", "'high' has no value"),
    ],
)
def test_misfits_say_what_to_write(text: str, message: str) -> None:
    (found,) = misfits(parse_expression(text), IDS)
    assert found.startswith(message)


def test_the_order_of_expressions_does_not_matter() -> None:
    trees = {
        name: parse_expression(text)
        for name, text in {"c": "SUM(b)", "b": "a * 2", "a": "[m, m]", "x": "y", "y": "x"}.items()
    }
    assert types_of(trees, ["m"]) == {"m": "TS", "a": "TS[]", "b": "TS[]", "c": "TS", "x": "unknown", "y": "unknown"}

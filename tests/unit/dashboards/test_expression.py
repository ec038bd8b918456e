"""Metric math, rules of composites and searches: parsed as CloudWatch does, or an error that says what was expected."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.expression import (
    ParseError,
    dependencies,
    finds,
    holds,
    parse_expression,
    parse_rule,
    parse_search,
    written,
)
from dashboards.graphed_metrics import TimeSeries


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a OR b AND lambda", "(a OR (b AND lambda))"),
        ("a + 1 > .5 * -b / 007.5", "((a + 1) > ((.5 * (-b)) / 7.5))"),
        ("SUM([a,\n b])", "SUM([a, b])"),
        ("SEARCH('{A,b} MetricName=\"AND\"', 'p99')", "SEARCH('{A,b} MetricName=\"AND\"', 'p99')"),
    ],
)
def test_precedence_and_spelling(text: str, same: str) -> None:
    assert written(parse_expression(text)) == written(parse_expression(same))


RULE = 'ALARM("a") OR NOT OK("b")\n AND INSUFFICIENT_DATA("c d")'
OPERATOR = "expected one operator between two operands"
OPERAND = "expected a number such as 0.5, an id, a function with arguments"
CONDITION = 'expected a condition, as in ALARM("…"), with one of ALARM, OK, INSUFFICIENT_DATA'
SEARCH = "a search must name its metric: write whole values of MetricName"


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        *((parse_expression, text, f"{OPERATOR}, near character") for text in ("", "m1 +", "m1 m2", "m1 && m2")),
        (parse_expression, "m1 m2", "near character 4 of `m1 m2`; correct it"),
        (parse_expression, "SUM(m1", "'(' was never closed"),
        (parse_expression, "'abc", "unterminated string literal"),
        (parse_expression, "a + m1 ** m2", f"`m1 ** m2`: {OPERAND}"),
        (parse_expression, "m1 ^ m2", f"`m1 ^ m2`: {OPERAND}"),
        (parse_expression, "m1 > m2 > 3", f"`m1 > m2 > 3`: {OPERAND}"),
        *((parse_expression, text, OPERAND) for text in ("(m1, m2)", "m1[0]", "MAX(a)(b)", "MAX(a=b)")),
        *((parse_expression, text, OPERAND) for text in ("1e-6 * m1", "0x1", "1_000", "f'a'")),
        (parse_expression, "(" * 999, "too many nested parentheses"),
        (parse_expression, "a" * 2049, "the text has 2049 characters, but at most 2048 are allowed"),
        (parse_rule, "", OPERATOR),
        (parse_rule, 'ALARM("a") ALARM("b")', OPERATOR),
        *((parse_rule, text, CONDITION) for text in ("ALARM()", 'ALARM("")', "ALARM(a)", 'BAD("a")', "a", '"a"')),
        (parse_rule, 'ALARM("a") OR NOT "AND"', f"`'AND'`: {CONDITION}"),
        (parse_rule, 'ALARM("a") > OK("b")', CONDITION),
        (parse_rule, "a" * 10241, "at most 10240 are allowed"),
        *((parse_search, text, SEARCH) for text in ("{A", "{}", "{a}", "{a} MetricName=c", '{a,b} b="c"')),
        *((parse_search, f'{{a}} MetricName="c" {more}', SEARCH) for more in ('OR b="d"', 'b="c"', 'MetricName="d"')),
    ],
    ids=lambda each: getattr(each, "__name__", str(each)[:30]),
)
def test_an_error_says_what_was_expected(parse: Callable[[str], object], text: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert message in str(caught.value)


@pytest.mark.parametrize("parse", [parse_expression, parse_rule, parse_search])
@given(st.text(max_size=60) | st.text(st.sampled_from("()[]{}+-*/<>=!,'\" .0123456789abSUMIFORALMNTDK"), max_size=60))
def test_any_text_is_parsed_or_refused(parse: Callable[[str], object], text: str) -> None:
    try:
        parse(text)
    except ParseError as error:
        assert str(error)  # noqa: PT017, either outcome is right


@pytest.mark.parametrize(
    ("a", "b", "c", "expected"),
    [
        ("ALARM", "OK", "OK", True),
        ("OK", "ALARM", "INSUFFICIENT_DATA", True),
        ("OK", "OK", "INSUFFICIENT_DATA", False),
        ("OK", "ALARM", "OK", False),
    ],
)
def test_a_rule_holds_by_the_states_of_its_alarms(a: str, b: str, c: str, expected: bool) -> None:
    # GIVEN a rule in which AND binds tighter than OR, and NOT tightest
    assert dependencies({"AlarmRule": RULE}) == {"a", "b", "c d"}
    assert holds(parse_rule(RULE), {"a": a, "b": b, "c d": c}.__getitem__) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{Mine,stage,code} MetricName="Count"', True),
        ('{Mine, code, stage} MetricName="Count" stage = "dev"', True),
        ('{Mine,code,stage} MetricName="Count" code="none"', False),
        ('{Mine,code,stage} MetricName="Coun"', False),
        ('{Other,stage,code} MetricName="Count"', False),
        ('{Mine,stage} MetricName="Count"', False),
    ],
)
def test_a_search_finds_metrics_of_just_its_dimensions_that_meet_its_conditions(text: str, expected: bool) -> None:
    assert finds(parse_search(text), TimeSeries.of("Mine", "Count", {"stage": "dev", "code": "too_many"})) is expected

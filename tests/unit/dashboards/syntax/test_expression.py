"""Metric math, rules of composites and searches: parsed as CloudWatch does, or an error that says what was expected."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.syntax.expression import (
    Node,
    ParseError,
    dependencies,
    holds,
    parse_expression,
    parse_rule,
    parse_search,
)
from dashboards.syntax.graphed_metrics import TimeSeries


def written(node: Node) -> str:
    """The text of an expression, with brackets around each operation."""
    below = ", ".join(map(written, node.below))
    match node:
        case Node("call" | "array"):
            return f"{node.text}({below})"
        case Node("string"):
            return f'"{node.text}"'
        case Node("operator", sign, (operand,)):
            return f"({sign} {written(operand)})"
        case Node("operator", sign, operands):
            return f"({f' {sign} '.join(map(written, operands))})"
    return node.text


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a + b * c", "(a + (b * c))"),
        ("(a + b) * c", "((a + b) * c)"),
        ("a - b - c", "((a - b) - c)"),
        ("-a * b", "((- a) * b)"),
        ("a + 1 > .5", "((a + 1) > .5)"),
        *((f"a {sign} b", f"(a {sign} b)") for sign in ("==", "!=", "<", "<=", ">=", "/")),
        ("a OR b AND c OR in", "(a OR (b AND c) OR in)"),
        ("SUM([a,\n b])", "SUM((a, b))"),
        ("007 * 1.50", "(007 * 1.50)"),
        ("SEARCH('{A,b} MetricName=\"X\"', 'p99')", 'SEARCH("{A,b} MetricName="X"", "p99")'),
        ("SEARCH('\\n\n\0é\ud800', \"it's\")", 'SEARCH("\\n\n\0é\ud800", "it\'s")'),
    ],
)
def test_precedence_and_spelling(text: str, same: str) -> None:
    assert written(parse_expression(text)) == same


OPERAND = "expected a number, an id (which starts with a lower-case letter), a function with arguments, or"
TOKEN = "expected a plain number, a string in quotes, an id, a function, a bracket or one of the operators AND OR NOT -"
OPERATOR = "expected one operator between two operands"
BROKEN = [
    ("", 0, OPERATOR),
    ("-Errors", 1, OPERAND),
    ("m1 +", 4, OPERATOR),
    ("m1 m2", 3, OPERATOR),
    ("SUM(m1", 3, "'(' was never closed"),
    ("[m1, m2)", 7, "closing parenthesis ')' does not match opening parenthesis '['"),
    *(
        (text, 0, OPERAND)
        for text in ("(m1, m2)", "[]", "m1 > m2 > 3", "m1 ** m2", "MAX", "True", "In", "m1[0]", "(MAX)(a)")
    ),
    ("SEARCH('é', 'Sum') + Errors", 21, OPERAND),
    ("'abc", 0, TOKEN),
    *((text, 3, TOKEN) for text in ("m1 % 2", "m1 && m2", "m1 ^ 2")),
    *((text, 0, TOKEN) for text in ("1e-6 * m1", "'a' 'b'", "f'a'")),
    ("MXA(m1)", 0, "unknown function MXA; did you mean MAX?"),
    ("sum(m1)", 0, "unknown function sum; did you mean SUM?"),
    ("QQQ(m1)", 0, "unknown function QQQ; known functions: FILL, "),
    ("1 + FILL(m1)", 4, "FILL cannot take these arguments; expected FILL(TS|TS[], S|TS)"),
    ("FILL(m1, 'a')", 0, "FILL cannot take these arguments; expected FILL(TS|TS[], S|TS)"),
    ("SEARCH(m1, 'Sum')", 0, "SEARCH cannot take these arguments; expected SEARCH(text, text, S?)"),
    ("m1 + (NOT m2)", 6, "metric math has no NOT"),
    ("SELECT AVG(x) FROM y", 0, "a Metrics Insights query is not metric math"),
    ("(" * 999, 200, "too many nested parentheses"),
    ("-" * 2000 + "a", 0, "there are too many parts within one another"),
    ("a" * 2049, 2048, "at most 2048 are allowed"),
]


@pytest.mark.parametrize(("text", "at", "what"), BROKEN, ids=lambda each: str(each)[:30])
def test_an_error_says_where_and_what_was_expected(text: str, at: int, what: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_expression(text)
    assert what in str(caught.value)
    assert caught.value.at == at


@pytest.mark.parametrize("parse", [parse_expression, parse_rule, parse_search])
@given(st.text(max_size=60) | st.text(st.sampled_from("()[]{}+-*/<>=!,'\"\\ .0123456789abSUMIFORALMNTDK"), max_size=60))
def test_any_text_is_parsed_or_refused_with_the_position(parse: Callable[[str], object], text: str) -> None:
    try:
        parse(text)
    except ParseError as error:
        assert 0 <= error.at <= len(text)  # noqa: PT017, either outcome is right
        assert f"character {error.at + 1} " in str(error)  # noqa: PT017


# Rules of composites

RULE = 'ALARM("a") OR NOT OK("b")\n AND INSUFFICIENT_DATA("c d")'


def test_in_a_rule_and_binds_tighter_than_or_and_not_tightest() -> None:
    assert written(parse_rule(RULE)) == '(ALARM("a") OR ((NOT OK("b")) AND INSUFFICIENT_DATA("c d")))'
    assert dependencies({"AlarmRule": RULE}) == {"a", "b", "c d"}


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
    assert holds(parse_rule(RULE), {"a": a, "b": b, "c d": c}.__getitem__) is expected


# Searches

CUSTOM = TimeSeries.of("Mine", "Count", {"stage": "dev", "code": "too_many"})


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        ('{Mine,stage,code} MetricName="Count"', True),
        ('{Mine, code, stage}, MetricName="Count" stage="dev"', True),
        ('{Mine,code,stage} stage = "dev" AND MetricName="Count"', True),
        ('{Mine,code,stage} MetricName="Count" code="none"', False),
        ('{Mine,code,stage} MetricName="Coun"', False),
        ('{Other,stage,code} MetricName="Count"', False),
        ('{Mine,stage} MetricName="Count"', False),
    ],
)
def test_a_search_finds_metrics_of_just_its_dimensions_that_meet_its_conditions(text: str, finds: bool) -> None:
    assert parse_search(text).finds(CUSTOM) is finds


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_rule, "", f"{OPERATOR}; correct it, at character 1 of ``"),
        (parse_rule, 'ALARM("a") ALARM("b")', OPERATOR),
        (parse_rule, "ALARM()", "ALARM cannot take these arguments; expected ALARM(text), at character 1"),
        (parse_rule, 'ALARM("")', "ALARM cannot take these arguments"),
        (parse_rule, "ALARM(a)", "ALARM cannot take these arguments"),
        (parse_rule, 'BAD("a")', "unknown function BAD; known functions: ALARM, OK"),
        (parse_rule, 'ALARM("a") OR "a"', 'expected a condition, as in ALARM("…"), at character 15'),
        (parse_rule, 'NOT "AND"', 'expected a condition, as in ALARM("…"), at character 5'),
        (parse_rule, 'NOT [ALARM("a")]', 'expected a condition, as in ALARM("…"), at character 5'),
        (parse_rule, 'ALARM("a") > OK("b")', "expected a condition"),
        (parse_rule, 'ALARM("a")' + " " * 10240, "at most 10240 are allowed"),
        (parse_search, "{Faunalens", "expected the schema, as in {namespace,dimension,…}, at character 1"),
        (parse_search, "{}", "expected the schema"),
        (parse_search, "{a} MetricName=c", "expected a condition with a whole value, as in MetricName="),
        (parse_search, '{a} MetricName="c" OR MetricName="d"', "expected a condition with a whole value"),
        (parse_search, '{a} b="c"', "b has two conditions or is not in the schema; write at most one each of Metric"),
        (parse_search, '{a} MetricName="c" MetricName="d"', "MetricName has two conditions or is not in the schema"),
        (parse_search, "{a}", 'a search must name its metric, as in MetricName="Rejections"'),
    ],
    ids=lambda each: getattr(each, "__name__", str(each)[:30]),
)
def test_an_error_of_a_rule_or_a_search_says_what_was_expected(
    parse: Callable[[str], object], text: str, message: str
) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert message in str(caught.value)

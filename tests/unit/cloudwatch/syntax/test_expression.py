import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwatch.syntax.expression import (
    LONGEST,
    Array,
    Binary,
    Call,
    ExpressionError,
    Name,
    Negative,
    Node,
    Number,
    String,
    parse_expression,
    referenced_ids,
    walk,
)


@given(st.text(max_size=60) | st.text(st.sampled_from("()[]+-*/^<>=!&|,'\"\\ .0123456789abSUMIF"), max_size=60))
def test_any_text_is_parsed_or_refused_with_the_position(text: str) -> None:
    read = _read(text)
    if isinstance(read, ExpressionError):
        assert 0 <= read.at <= len(text)
        assert f"character {read.at + 1} " in str(read)


def _read(text: str) -> Node | ExpressionError:
    try:
        return parse_expression(text)
    except ExpressionError as error:
        return error


A, B, C = map(Name, "abc")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a + b * c", Binary("+", A, Binary("*", B, C))),
        ("(a + b) * c", Binary("*", Binary("+", A, B), C)),
        ("a - b - c", Binary("-", Binary("-", A, B), C)),
        ("-a ^ 2", Negative(Binary("^", A, Number(2)))),
        ("2 ^ -1", Binary("^", Number(2), Negative(Number(1)))),
        ("2 ^ 3 ^ 2", Binary("^", Number(2), Binary("^", Number(3), Number(2)))),
        ("-a * b", Binary("*", Negative(A), B)),
        ("a + 1 > b", Binary(">", Binary("+", A, Number(1)), B)),
        ("a > 1 && b || c", Binary("OR", Binary("AND", Binary(">", A, Number(1)), B), C)),
        ("a OR b AND c", Binary("OR", A, Binary("AND", B, C))),
        ("0.0000166667 * .5", Binary("*", Number(0.0000166667), Number(0.5))),
        ("SUM([a,\n b])", Call("SUM", (Array((A, B)),))),
        (
            r"SEARCH('{A,b} MetricName=\"X\"', 'p99')",
            Call("SEARCH", (String(r"{A,b} MetricName=\"X\""), String("p99"))),
        ),
    ],
)
def test_precedence_and_spelling(text: str, tree: Node) -> None:
    assert parse_expression(text) == tree


@pytest.mark.parametrize(
    ("text", "at", "what"),
    [
        ("", 0, "expected a number, a string, an id, a function, `(` or `[`, found the end"),
        ("m1 +", 4, "found the end"),
        ("m1 m2", 3, "expected an operator or the end of the expression, found `m2`"),
        ("SUM(m1", 6, "expected ), found the end"),
        ("[m1, m2)", 7, "expected ], found `)`"),
        ("[]", 1, "found `]`"),
        ("'abc", 0, "the string has no closing quote"),
        ("m1 % 2", 3, "expected an operator or the end of the expression, found `%`"),
        ("1e-6 * m1", 0, "expected a plain number, found 1e-6; write 0.000001"),
        ("m1 + Errors", 5, "`Errors` is not an id: ids start with a lower-case letter"),
        ("MXA(m1)", 0, "unknown function MXA; did you mean MAX?"),
        ("sum(m1)", 0, "unknown function sum; did you mean SUM?"),
        ("QQQ(m1)", 0, "unknown function QQQ; known functions: FILL, "),
        ("1 + FILL(m1)", 4, "FILL has 1 arguments; expected FILL(TS|TS[], S|TS)"),
        ("MAX", 0, "did you mean MAX(…)?"),
        ("SELECT AVG(x) FROM y", 0, "a Metrics Insights query is not metric math"),
        ("a" * (LONGEST + 1), LONGEST, f"at most {LONGEST} are allowed"),
    ],
)
def test_an_error_says_where_and_what_was_expected(text: str, at: int, what: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert what in str(caught.value)
    assert caught.value.at == at


def test_referenced_ids() -> None:
    tree = parse_expression("IF(errors > 5, FILL(errors / requests, 0), -SUM([m1, MAX('m2')]))")
    assert referenced_ids(tree) == {"errors", "requests", "m1"}
    assert [node.function for node in walk(tree) if isinstance(node, Call)] == ["IF", "FILL", "SUM", "MAX"]

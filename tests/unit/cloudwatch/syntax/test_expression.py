import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwatch.syntax.expression import (
    FUNCTIONS,
    LONGEST,
    Array,
    Binary,
    Call,
    ExpressionError,
    Keyword,
    Name,
    Negative,
    Node,
    Number,
    String,
    parse_expression,
    referenced_ids,
    to_text,
    walk,
)

NUMBERS = st.floats(min_value=0, max_value=1e15, allow_subnormal=False).filter(lambda x: x == 0 or x > 1e-12)
IDS = st.from_regex(r"[a-z][a-zA-Z0-9_]{0,8}", fullmatch=True)
QUOTED = st.text(st.sampled_from('abcXYZ {}=",.:-_/$'), max_size=20)


def _calls(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    series = st.one_of(IDS.map(Name), inner.filter(lambda node: not isinstance(node, Number)))
    return st.one_of(
        st.builds(lambda name, x: Call(name, (x,)), st.sampled_from(["ABS", "SUM", "RATE"]), series),
        st.builds(lambda x, how: Call("FILL", (x, Keyword(how))), series, st.sampled_from(["REPEAT", "LINEAR"])),
        st.builds(lambda *three: Call("IF", three), *[inner.filter(lambda node: not isinstance(node, Array))] * 3),
        st.builds(lambda text, stat: Call("SEARCH", (String(text), String(stat))), QUOTED, QUOTED),
        st.just(Call("METRICS", ())),
    )


TREES: st.SearchStrategy[Node] = st.recursive(
    st.one_of(NUMBERS.map(Number), IDS.map(Name)),
    lambda inner: st.one_of(
        _calls(inner),
        inner.map(Negative),
        st.builds(
            Binary,
            st.sampled_from(["+", "-", "*", "/", "^", "==", "!=", "<", "<=", ">", ">=", "AND", "OR"]),
            inner,
            inner,
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: Array(tuple(items))),
    ),
    max_leaves=8,
)


@given(TREES)
def test_text_of_a_tree_parses_to_the_same_tree(tree: Node) -> None:
    assert parse_expression(to_text(tree)) == tree


@given(st.text(max_size=60) | st.text(st.sampled_from("()[]+-*/^<>=!&|,'\"\\ .0123456789abSUMIF"), max_size=60))
def test_any_text_is_parsed_or_refused_with_the_position(text: str) -> None:
    read = _read(text)
    if isinstance(read, ExpressionError):
        assert 0 <= read.at <= len(text)
        assert f"character {read.at + 1} " in str(read)
    else:
        assert parse_expression(to_text(read)) == read


def _read(text: str) -> Node | ExpressionError:
    try:
        return parse_expression(text)
    except ExpressionError as error:
        return error


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a + b * c", "(a + (b * c))"),
        ("a - b - c", "((a - b) - c)"),
        ("a / b * 100", "((a / b) * 100)"),
        ("-a ^ 2", "(-(a ^ 2))"),
        ("2 ^ -1", "(2 ^ (-1))"),
        ("2 ^ 3 ^ 2", "(2 ^ (3 ^ 2))"),
        ("-a * b", "((-a) * b)"),
        ("a + 1 > b", "((a + 1) > b)"),
        ("a > 1 && b < 2 || c", "(((a > 1) AND (b < 2)) OR c)"),
        ("a OR b AND c", "(a OR (b AND c))"),
        ("(a + b) * c", "((a + b) * c)"),
        ("0.0000166667 * .5", "(0.0000166667 * 0.5)"),
        ("SUM([m1,\n m2])", "SUM([m1, m2])"),
        ("SORT(METRICS(), AVG, DESC, 5)", "SORT(METRICS(), AVG, DESC, 5)"),
        ('METRICS("errors")', "METRICS('errors')"),
        (r"SEARCH('{A,b} MetricName=\"X\"', 'p99')", r"SEARCH('{A,b} MetricName=\"X\"', 'p99')"),
    ],
)
def test_precedence_and_spelling(text: str, same: str) -> None:
    assert to_text(parse_expression(text)) == same


@pytest.mark.parametrize(
    ("text", "at", "what"),
    [
        ("", 0, "expected a number, a string, an id, a function, `(` or `[`, found the end"),
        ("m1 +", 4, "found the end"),
        ("m1 m2", 3, "expected an operator or the end of the expression, found `m2`"),
        ("SUM(m1", 6, "expected ) for the ( at character 4, found the end"),
        ("[m1, m2)", 7, "expected ] for the [ at character 1, found `)`"),
        ("[]", 1, "found `]`"),
        ("'abc", 0, "the string has no closing quote"),
        ("m1 % 2", 3, "expected an operator or the end of the expression, found `%`"),
        ("1e-6 * m1", 0, "expected a plain number, found 1e-6; write 0.000001"),
        ("m1 + Errors", 5, "`Errors` is not an id: ids start with a lower-case letter"),
        ("RTAE(m1)", 0, "unknown function RTAE; did you mean RATE?"),
        ("sum(m1)", 0, "unknown function sum; did you mean SUM?"),
        ("QQQ(m1)", 0, "unknown function QQQ; known functions: ABS, "),
        ("1 + FILL(m1)", 4, "FILL has 1 arguments; expected FILL(TS|TS[], S|TS|REPEAT|LINEAR)"),
        ("METRICS('a', 'b')", 0, "METRICS has 2 arguments; expected METRICS(text?)"),
        ("RATE", 0, "did you mean RATE(…)?"),
        ("SELECT AVG(x) FROM y", 0, "a Metrics Insights query is not metric math"),
        ("(" * 40 + "a" + ")" * 40, 30, "more than 30 levels of nesting"),
        ("+".join(["a"] * 150), 0, "more than 100 nested operations"),
        ("a" * (LONGEST + 1), LONGEST, f"at most {LONGEST} are allowed"),
    ],
)
def test_an_error_says_where_and_what_was_expected(text: str, at: int, what: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert what in str(caught.value)
    assert caught.value.at == at


def test_referenced_ids() -> None:
    tree = parse_expression("IF(errors > 5, FILL(errors / requests, REPEAT), -AVG([m1, METRICS('m2')]))")
    assert referenced_ids(tree) == {"errors", "requests", "m1"}
    assert [node.function for node in walk(tree) if isinstance(node, Call)] == ["IF", "FILL", "AVG", "METRICS"]


def test_functions_that_only_aws_evaluates_are_parsed() -> None:
    assert not FUNCTIONS["LAMBDA"].evaluated
    assert to_text(parse_expression("LAMBDA('name', m1, 2, 'x')")) == "LAMBDA('name', m1, 2, 'x')"

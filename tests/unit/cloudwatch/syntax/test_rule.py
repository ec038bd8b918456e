"""Rules of composites: parsed as CloudWatch does, or an error that says what was expected."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwatch.syntax.grammar import And, Not, Or
from cloudwatch.syntax.rule import Constant, InState, Rule, RuleError, alarms_in, parse_rule

STATES = st.sampled_from(["ALARM", "OK", "INSUFFICIENT_DATA"])
LEAVES = st.one_of(
    st.builds(InState, STATES, st.text("abz-_/. 09", min_size=1, max_size=9).filter(str.strip)),
    st.builds(Constant, st.booleans()),
)
RULES: st.SearchStrategy[Rule] = st.recursive(
    LEAVES,
    lambda below: st.one_of(
        st.builds(Not, below),
        st.builds(And, st.lists(below, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(below, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


def written(rule: Rule) -> str:
    match rule:
        case InState(state=state, alarm=alarm):
            return f'{state}("{alarm}")'
        case Constant(value=value):
            return str(value).upper()
        case Not(operand=inner):
            return f"NOT ({written(inner)})"
        case And(operands=rules):
            return " AND ".join(f"({written(each)})" for each in rules)
        case Or(operands=rules):
            return " OR ".join(f"({written(each)})" for each in rules)


@given(RULES)
def test_text_of_a_rule_parses_to_the_same_rule(rule: Rule) -> None:
    assert parse_rule(written(rule)) == rule


def test_and_binds_tighter_than_or_and_not_tightest() -> None:
    rule = parse_rule('ALARM("a") OR NOT OK(b)\n AND INSUFFICIENT_DATA("c d")')
    assert rule == Or((InState("ALARM", "a"), And((Not(InState("OK", "b")), InState("INSUFFICIENT_DATA", "c d")))))
    assert list(alarms_in(rule)) == ["a", "b", "c d"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "or (, found the end, at character 1 of ``"),
        ("ALARM(a) AND", "or (, found the end, at character 13 of `ALARM(a) AND`"),
        ("ALARM(a) ALARM(b)", "expected AND, OR or the end, found `ALARM`, at character 10"),
        ("ALARM a", "expected (, found `a`, at character 7"),
        ('ALARM("a"', "expected ), found the end"),
        ("ALARM()", "expected the name of an alarm in quotes, found `)`, at character 7"),
        ('ALARM("")', "expected the name of an alarm in quotes, found an empty name, at character 7"),
        ("BAD(a)", 'expected ALARM("…"), OK("…")'),
        ('"ALARM"(a)', 'expected ALARM("…"), OK("…")'),
        ("(TRUE", "expected ), found the end"),
        ('ALARM("a) AND OK("b")', "expected ), found `b`, at character 19"),
        ('ALARM("a', "the string has no closing quote, at character 7"),
        ("ALARM(a)" + " " * 10240, "at most 10240 are allowed"),
    ],
)
def test_an_error_says_where_and_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(RuleError) as error:
        parse_rule(text)
    assert message in str(error.value)


@given(st.text('ALRMOKNTD(")ab ', max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with suppress(RuleError):
        assert written(parse_rule(text))

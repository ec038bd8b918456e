"""Rules of composites: read as CloudWatch reads them, or an error that says what was expected."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwatch.syntax.rule import And, Constant, In, Not, Or, Rule, RuleError, alarms_of, parse_rule

STATES = st.sampled_from(["ALARM", "OK", "INSUFFICIENT_DATA"])
LEAVES = st.one_of(
    st.builds(In, STATES, st.text("abz-_/. 09", min_size=1, max_size=9).filter(str.strip)),
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
        case In(state=state, alarm=alarm):
            return f'{state}("{alarm}")'
        case Constant(value=value):
            return str(value).upper()
        case Not(rule=inner):
            return f"NOT ({written(inner)})"
        case And(rules=rules):
            return " AND ".join(f"({written(each)})" for each in rules)
        case Or(rules=rules):
            return " OR ".join(f"({written(each)})" for each in rules)


@given(RULES)
def test_a_rule_that_is_written_out_reads_back_the_same(rule: Rule) -> None:
    assert parse_rule(written(rule)) == rule


def test_and_binds_tighter_than_or_and_not_tightest() -> None:
    rule = parse_rule('ALARM("a") OR NOT OK(b)\n AND INSUFFICIENT_DATA("c d")')
    assert rule == Or((In("ALARM", "a"), And((Not(In("OK", "b")), In("INSUFFICIENT_DATA", "c d")))))
    assert list(alarms_of(rule)) == ["a", "b", "c d"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "but the rule ends"),
        ("ALARM(a) AND", "but the rule ends"),
        ("ALARM(a) ALARM(b)", "expected AND, OR or the end, found ALARM after `ALARM(a)`"),
        ("ALARM a", "expected (, found a after `ALARM`"),
        ('ALARM("a"', "expected ), but the rule ends"),
        ("ALARM()", "expected the name of an alarm in quotes, found ) after `ALARM(`"),
        ("BAD(a)", 'expected ALARM("…"), OK("…")'),
        ('"ALARM"(a)', 'expected ALARM("…"), OK("…")'),
        ("(TRUE", "expected ), but the rule ends"),
        ('ALARM("a) AND OK("b")', "expected ), found b"),
        ("NOT " * 60 + "TRUE", "more than 50 brackets or NOTs"),
        ("ALARM(a)" + " " * 10240, "at most 10240 are taken"),
    ],
)
def test_what_is_no_rule_is_said(text: str, said: str) -> None:
    with pytest.raises(RuleError) as error:
        parse_rule(text)
    assert said in str(error.value)


@given(st.text('ALRMOKNTD(")ab ', max_size=40))
def test_any_text_is_read_or_refused_with_words(text: str) -> None:
    with suppress(RuleError):
        assert written(parse_rule(text))

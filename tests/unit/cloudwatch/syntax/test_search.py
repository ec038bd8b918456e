import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwatch.syntax.grammar import And, Not, Or
from cloudwatch.syntax.graphed_metrics import TimeSeries
from cloudwatch.syntax.search import Match, SearchError, parse_search

CUSTOM = TimeSeries.of("My Namespace", "CustomCount1", {"stage": "dev", "code": "too_many"})
SCHEMA = '{"My Namespace",stage,code}'


def test_operators_bind_as_documented() -> None:
    read = parse_search('{N,a} (a="1" OR a="2") AND MetricName="M" NOT a="3" OR a="4"').term
    both = And((Or((Match("a", "1"), Match("a", "2"))), Match("MetricName", "M"), Not(Match("a", "3"))))
    assert read == Or((both, Match("a", "4")))


def test_quotes_and_backslashes() -> None:
    search = parse_search(r'{"My Namespace", "Dimension@Name"}, a="Europe\\France \(Network\)"')
    assert (search.namespace, search.dimensions) == ("My Namespace", ("Dimension@Name",))
    assert search.term == Match("a", r"Europe\France (Network)")


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        (SCHEMA, True),
        ('{"My Namespace",code,stage} MetricName="CustomCount1"', True),
        (f'{SCHEMA} stage="dev" NOT stage="prod"', True),
        (f'{SCHEMA} Namespace="My Namespace" AND (code="none" OR code="too_many")', True),
        ("{Other,stage,code}", False),
        ('{"My Namespace",stage}', False),
        (f'{SCHEMA} MetricName="Custom"', False),
        (f'{SCHEMA} region="dev"', False),
        (f'{SCHEMA} NOT code="too_many"', False),
    ],
)
def test_a_search_finds_metrics_of_just_its_dimensions_that_meet_its_conditions(text: str, finds: bool) -> None:
    assert parse_search(text).finds(CUSTOM) is finds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected the schema, as in {namespace,dimension,…}, found the end, at character 1"),
        ("Requests", "expected the schema, as in {namespace,dimension,…}, found `Requests`, at character 1"),
        ("{Faunalens", "expected }, found the end"),
        ("{}", "expected a namespace or a dimension, as in {namespace,dimension,…}, found `}`, at character 2"),
        ("{a} Requests", 'expected a condition, as in MetricName="Rejections", found `Requests`, at character 5'),
        ("{a} b=c", "expected a whole value in double quotes, found `c`, at character 7"),
        ('{a} (b="c"', "expected ), found the end, at character 11"),
        ('{a} b="c" OR', 'expected a condition, as in MetricName="Rejections", found the end, at character 13'),
        ('{a} b="c', "the string has no closing quote, at character 7"),
        ("a" * 1025, "at most 1024 are allowed"),
    ],
)
def test_an_error_says_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(SearchError) as caught:
        parse_search(text)
    assert message in str(caught.value)


@given(st.text(st.sampled_from('abAND OR NOT{},"=\\()1'), max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        search = parse_search(text)
    except SearchError:
        return
    assert search.finds(CUSTOM) in (True, False)

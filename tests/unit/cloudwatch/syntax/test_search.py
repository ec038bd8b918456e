import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwatch.syntax.grammar import And, Not, Or
from cloudwatch.syntax.graphed_metrics import TimeSeries
from cloudwatch.syntax.search import Match, Search, SearchError, parse_search

CUSTOM = TimeSeries.of("My Namespace", "CustomCount1", {"stage": "dev", "code": "too_many"})


def test_the_form_that_dashboards_use() -> None:
    text = '{Faunalens,code,service,stage} MetricName="Rejections" service="faunalens" stage="dev"'
    assert parse_search(text) == Search(
        "Faunalens",
        ("code", "service", "stage"),
        And(
            (
                Match("MetricName", "Rejections", exact=True),
                Match("service", "faunalens", exact=True),
                Match("stage", "dev", exact=True),
            )
        ),
    )


def test_operators_bind_as_documented() -> None:
    read = parse_search('(EC2 OR EBS) AND MetricName=ReadOps NOT "a b" OR x').term
    assert read == Or(
        (
            And(
                (
                    Or((Match(None, "EC2", exact=False), Match(None, "EBS", exact=False))),
                    Match("MetricName", "ReadOps", exact=False),
                    Not(Match(None, "a b", exact=True)),
                )
            ),
            Match(None, "x", exact=False),
        )
    )


def test_quotes_and_backslashes() -> None:
    search = parse_search(r'{"My Namespace", "Dimension@Name"}, "Europe\\France Traffic\(Network\)"')
    assert (search.namespace, search.dimensions) == ("My Namespace", ("Dimension@Name",))
    assert search.term == Match(None, r"Europe\France Traffic(Network)", exact=True)


@pytest.mark.parametrize(
    "text",
    [
        '{"My Namespace",code,stage}',
        '{"My Namespace",stage,code} MetricName="CustomCount1"',
        '{"My Namespace"} count',
        "Count",
        "COUNT",
        "CustomCount",
        "Count1",
        "customcount1",
        "custom-count",
        '"CustomCount1"',
        '"too_many"',
        '"code"',
        "many",
        'stage="dev"',
        'stage=dev NOT stage="prod"',
        "nothing OR Namespace=Namespace",
        "NOT (MetricName=Errors OR code=none)",
    ],
)
def test_matching_searches(text: str) -> None:
    assert parse_search(text).finds(CUSTOM)


@pytest.mark.parametrize(
    "text",
    [
        "{Other}",
        '{"My Namespace",stage}',
        "couNT",
        "customcount",
        '"customcount1"',
        '"Custom"',
        'code="dev"',
        'region="dev"',
        "Custom AND nothing",
        "NOT Custom",
        "---",
    ],
)
def test_searches_that_do_not_match(text: str) -> None:
    assert not parse_search(text).finds(CUSTOM)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected {namespace,dimension,…}, a text to match, or both, found the end, at character 1"),
        ("{Faunalens", "expected } for the { at character 1, found the end"),
        ("{}", "expected a namespace or a dimension, as in {namespace,dimension,…}, found `}`, at character 2"),
        ("{a,,b} x", "expected a namespace or a dimension, as in {namespace,dimension,…}, found `,b}`, at character 4"),
        ("(a", "expected ) for the ( at character 1, found the end, at character 3"),
        ("a)", "expected the end, found `)`, at character 2"),
        ("a OR", "expected a text to match, found the end, at character 5"),
        ("AND a", "expected {namespace,dimension,…}, a text to match, or both, found `AND`, at character 1"),
        ('stage="dev', 'the string has no closing quote, at character 7 of `stage="dev`'),
        ("(" * 60, "more than 50 levels of nesting"),
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

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwatch.syntax.statistic import SIMPLE, Statistic, StatisticError, parse_statistic


@pytest.mark.parametrize(
    ("name", "statistic"),
    [
        *((name, Statistic(name)) for name in SIMPLE),
        ("p50", Statistic("p", None, 50, percent=True)),
        ("p99.9", Statistic("p", None, 99.9, percent=True)),
        ("p100", Statistic("p", None, 100, percent=True)),
        ("tm99", Statistic("TM", None, 99, percent=True)),
        ("IQM", Statistic("TM", 25, 75, percent=True)),
        ("TM(2%:98%)", Statistic("TM", 2, 98, percent=True)),
        ("TC(:0.5)", Statistic("TC", None, 0.5)),
        ("TS(80%:)", Statistic("TS", 80, None, percent=True)),
        ("WM(10%:90%)", Statistic("WM", 10, 90, percent=True)),
        ("PR(:300)", Statistic("PR", None, 300)),
        ("PR(100:2000)", Statistic("PR", 100, 2000)),
        ("PR(10:)", Statistic("PR", 10, None)),
    ],
)
def test_statistics_of_cloudwatch_are_parsed(name: str, statistic: Statistic) -> None:
    assert parse_statistic(name) == statistic


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sum", "unknown statistic 'sum'; expected Average, Maximum"),
        ("p101", "unknown statistic 'p101'"),
        ("P99", "unknown statistic 'P99'"),
        ("TM99", "unknown statistic 'TM99'"),
        ("tm(2%:98%)", "unknown statistic"),
        ("PR(:)", "has no bound"),
        ("PR(.:2)", "has a bound that is not a number"),
        ("TM(2%:98)", "mixes percentiles and values"),
        ("TM(%:98%)", "mixes percentiles and values"),
        ("PR(2%:98%)", "PR accepts only values without %"),
        ("TM(2%:120%)", "percentiles go up to 100"),
        ("TM(9:9)", "the lower bound must be below the upper bound"),
        ("", "unknown statistic ''"),
    ],
)
def test_other_statistics_are_refused(name: str, message: str) -> None:
    with pytest.raises(StatisticError) as caught:
        parse_statistic(name)
    assert message in str(caught.value)


@given(st.text(st.sampled_from("pTMCSWRtmcswIQ()%:.0123456789")))
def test_any_name_is_parsed_or_refused(name: str) -> None:
    try:
        statistic = parse_statistic(name)
    except StatisticError as error:
        assert repr(name) in str(error)  # noqa: PT017 — either outcome is right
    else:
        assert statistic.low is None or statistic.high is None or statistic.low < statistic.high

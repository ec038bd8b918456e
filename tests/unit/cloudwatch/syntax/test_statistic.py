import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwatch.syntax.statistic import SIMPLE, Statistic, StatisticError, parse_statistic


@pytest.mark.parametrize(
    ("name", "statistic"),
    [
        *((name, Statistic(name)) for name in SIMPLE),
        ("p50", Statistic("p", None, 50)),
        ("p99.9", Statistic("p", None, 99.9)),
        ("p100", Statistic("p", None, 100)),
        ("PR(:300)", Statistic("PR", None, 300)),
        ("PR(100:2000)", Statistic("PR", 100, 2000)),
        ("PR(10:)", Statistic("PR", 10, None)),
    ],
)
def test_statistics_are_parsed(name: str, statistic: Statistic) -> None:
    assert parse_statistic(name) == statistic


@pytest.mark.parametrize(
    "name",
    [
        *("", "sum", "p101", "P99", "IQM", "PR(:)", "PR(.:2)", "PR(9:9)", "PR(2%:98%)"),
    ],
)
def test_other_statistics_are_refused(name: str) -> None:
    with pytest.raises(StatisticError, match="expected Average, Maximum") as caught:
        parse_statistic(name)
    assert f"unknown statistic {name!r}" in str(caught.value)


@given(st.text(st.sampled_from("pPR()%:.0123456789")))
def test_any_name_is_parsed_or_refused(name: str) -> None:
    try:
        statistic = parse_statistic(name)
    except StatisticError as error:
        assert repr(name) in str(error)  # noqa: PT017 — either outcome is right
    else:
        assert statistic.low is None or statistic.high is None or statistic.low < statistic.high

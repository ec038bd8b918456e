from collections.abc import Callable
from statistics import mean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.math.series import EvaluationError, Floats, Grid, aggregate

VALUES = st.lists(st.floats(0, 1e6, allow_subnormal=False).map(lambda x: round(x, 3)), min_size=1, max_size=40)
EIGHTHS = st.integers(0, 800).map(lambda eighths: eighths / 8)  # exact in binary, so that numpy's rank is exact too

PLAIN: tuple[tuple[str, Callable[[list[float]], float]], ...] = (
    *(("Sum", sum), ("Average", mean)),
    *(("Minimum", min), ("Maximum", max), ("SampleCount", len)),
)


def _of(stat: str, *periods: list[float]) -> Floats:
    """Return the statistic of one list of values per minute."""
    times = [60_000 * number + place for number, values in enumerate(periods) for place in range(len(values))]
    values = [value for period in periods for value in period]
    grid = Grid.covering(0, 60 * len(periods), 60)
    return aggregate(np.array([times, values], dtype=np.float64), grid, stat)


@pytest.mark.parametrize(
    ("start", "end", "period", "anchor", "begins"),
    [
        (119, 241, 60, 0, [60, 120, 180, 240]),
        (120, 240, 60, 0, [120, 180]),
        (1000, 1300, 300, 0, [900, 1200]),
        (500, 400, 60, 0, []),
        (1234, 1234 + 10800, 10800, 1234, [1234]),
        (1234.5, 1334.5, 60, 1234, [1234, 1294]),
    ],
)
def test_periods_are_multiples_of_their_length(
    start: float, end: float, period: int, anchor: int, begins: list[int]
) -> None:
    assert Grid.covering(start, end, period, anchor).begins.tolist() == begins


def test_samples_after_the_last_minute_are_ignored() -> None:
    # GIVEN a sample every half minute, and periods of five minutes until the middle of one
    times = np.arange(0.0, 600_000, 30_000)
    grid = Grid.covering(0, 400, 300)
    # THEN the last one ends with that minute
    assert aggregate(np.array([times, np.ones(20)]), grid, "Sum").tolist() == [10, 4]


@given(st.lists(VALUES | st.just([]), min_size=1, max_size=5))
def test_simple_statistics_are_those_of_each_period(periods: list[list[float]]) -> None:
    for stat, plain in PLAIN:
        expected = [float(plain(values)) if values else np.nan for values in periods]
        np.testing.assert_allclose(_of(stat, *periods), expected, rtol=1e-12)


@given(VALUES, EIGHTHS)
def test_percentiles_are_numpys_nearest_rank(values: list[float], percent: float) -> None:
    assert _of(f"p{percent}", values)[0] == np.percentile(values, percent, method="inverted_cdf")


@given(VALUES, st.integers(0, 1000), st.integers(1, 1000))
def test_a_share_leaves_out_the_lower_bound(values: list[float], low: int, width: int) -> None:
    high = low + width
    inside = [value for value in values if low < value <= high]
    np.testing.assert_allclose(_of(f"PR({low}:{high})", values), [100 * len(inside) / len(values)])


@pytest.mark.parametrize(("stat", "value"), [("p50", np.nan), ("PR(:1)", np.nan), ("Average", 0.5)])
def test_negative_values_have_no_percentiles(stat: str, value: float) -> None:
    np.testing.assert_equal(_of(stat, [-1.0, 2.0]), [value])


@pytest.mark.parametrize("stat", ["", "sum", "p101", "P99", "IQM", "PR(:)", "PR(.:2)", "PR(9:9)", "PR(2%:98%)"])
def test_other_statistics_are_refused(stat: str) -> None:
    with pytest.raises(EvaluationError, match="expected Average, Maximum") as caught:
        _of(stat, [1.0])
    assert f"unknown statistic {stat!r}" in str(caught.value)


@given(st.text(st.sampled_from("pPR()%:.0123456789")))
def test_any_statistic_is_computed_or_refused(stat: str) -> None:
    try:
        assert _of(stat, [1.0, 2.0])[0] >= 0
    except EvaluationError as error:
        assert repr(stat) in str(error)  # noqa: PT017, either outcome is right

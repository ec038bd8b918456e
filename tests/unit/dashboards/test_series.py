"""Samples from log lines, and the statistics of periods."""

import json
from collections.abc import Callable
from statistics import mean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.graphed_metrics import TimeSeries
from dashboards.series import EvaluationError, Floats, Grid, MetricStore, aggregate
from tests.unit.dashboards.metric_lines import DEV, metric_line

MINUTES = Grid.covering(60, 240, 60)


def _stat(store: MetricStore, name: str, stat: str, grid: Grid) -> list[float]:
    values: list[float] = aggregate(store.columns(TimeSeries.of("Faunalens", name, DEV)), grid, stat).tolist()
    return values


def test_a_line_is_a_sample_of_each_of_its_metrics() -> None:
    # GIVEN two requests in one minute and one two minutes later, text and bytes alike
    store = MetricStore()
    assert store.add(metric_line(60, {"Requests": 1, "Latency": 20.5}))
    assert store.add(metric_line(119.999, {"Requests": 1, "Latency": 10.5}).encode())
    assert store.add(metric_line(180, {"Requests": [1], "Latency": [30, 10]}))
    # THEN each period has its statistic, or NaN without samples
    np.testing.assert_equal(_stat(store, "Requests", "Sum", MINUTES), [2, np.nan, 1])
    np.testing.assert_equal(_stat(store, "Latency", "Average", MINUTES), [15.5, np.nan, 20])
    assert len(store) == 7
    assert store.span() == (60.0, 180.0)


def test_each_dimension_set_is_a_metric_and_search_returns_those_that_match() -> None:
    # GIVEN a line with three sets, one of them nested in another, and a metric of AWS
    store = MetricStore()
    entry = json.loads(metric_line(0, {"Latency": 7}, DEV | {"route": "/identify"}))
    entry["_aws"]["CloudWatchMetrics"][0]["Dimensions"] = [["stage", "service"], ["service", "stage", "route"], []]
    assert store.add(json.dumps(entry))
    store.add(metric_line(0, {"Errors": 2}, {"FunctionName": "f"}, "AWS/Lambda"))
    # THEN each is found under exactly its dimensions, sorted by namespace and dimensions
    sets: tuple[dict[str, str], ...] = ({}, {"route": "/identify", "stage": "dev", "service": "faunalens"}, DEV)
    of_aws = TimeSeries("AWS/Lambda", "Errors", (("FunctionName", "f"),))
    assert store.search() == [of_aws, *(TimeSeries.of("Faunalens", "Latency", each) for each in sets)]
    assert store.columns(TimeSeries.of("Faunalens", "Latency", {"service": "faunalens"})).size == 0
    # AND only those that match are found
    assert store.search(lambda metric: metric.name == "Errors") == [of_aws]


@pytest.mark.parametrize("value", ["null", '"12"', "true", "{}", "[]", '["1", null]', "NaN", "[Infinity]", "1e999"])
def test_values_that_are_no_finite_numbers_are_ignored(value: str) -> None:
    store = MetricStore()
    assert store.add(metric_line(0, {"A": -1, "B": 1}).replace("-1", value))
    assert [metric.name for metric in store.search()] == ["B"]
    assert len(store) == 1


@pytest.mark.parametrize(
    "line",
    [
        *("", "START RequestId: 1", '{"level": "INFO"}', '"_aws"', '{"_aws"', '["_aws"]', '{"_aws": 3}'),
        '{"_aws": {"Timestamp": "soon", "CloudWatchMetrics": []}}',
        '{"_aws": {"Timestamp": -1, "CloudWatchMetrics": []}}',
        '{"_aws": {"Timestamp": 0, "CloudWatchMetrics": [{"Namespace": "N", "Dimensions": 3, "Metrics": []}]}}',
        metric_line(0, {"A": 1}).replace('"Name": "A"', '"Name": []'),
        '{"_aws": ' + "[" * 100_000,
        b'{"_aws": "\xff"}',
    ],
)
def test_other_lines_are_ignored(line: str | bytes) -> None:
    store = MetricStore()
    assert not store.add(line)
    assert store.span() is None


ENTRIES = st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 9)), min_size=1, max_size=50)


@given(ENTRIES, st.integers(1, 60), st.sampled_from(["Sum", "SampleCount", "Average", "Maximum", "p90", "PR(:4)"]))
def test_lines_in_any_order_make_the_same_series(entries: list[tuple[int, int]], look_every: int, stat: str) -> None:
    # GIVEN lines out of order, and reads in between, and overlapping periods of five minutes
    store, in_order, grid = MetricStore(), MetricStore(), Grid(first=0, number=20, step=60, period=300)
    for number, (second, value) in enumerate(entries):
        store.add(metric_line(second, {"A": value}))
        if number % look_every == 0:
            _stat(store, "A", stat, grid)
    for second, value in sorted(entries):
        in_order.add(metric_line(second, {"A": value}))
    # THEN each period has the value of that period alone
    alone = [_stat(in_order, "A", stat, Grid(begin, 1, 300, 300))[0] for begin in grid.begins.tolist()]
    np.testing.assert_allclose(_stat(store, "A", stat, grid), alone)


def test_samples_that_are_too_many_are_dropped_oldest_first() -> None:
    # GIVEN a store of at most 100 samples, and a metric that is no longer emitted
    store = MetricStore(keep_samples=100)
    store.add(metric_line(0, {"Old": 1}))
    for second in range(1000):
        store.add(metric_line(second, {"A": second, "B": [1, 1] if second % 2 else 1}))
    assert 50 <= len(store) <= 100
    assert [metric.name for metric in store.search()] == ["A", "B"]
    oldest, newest = store.span() or (0, 0)
    assert newest == 999
    assert oldest > 900


# Statistics

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

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.math.metric_store import MetricStore, Samples
from dashboards.math.series import Grid
from dashboards.syntax.graphed_metrics import TimeSeries
from tests.unit.dashboards.metric_lines import DEV, metric_line


def _samples(store: MetricStore, name: str, dimensions: dict[str, str] | None = None) -> Samples:
    samples = store.of(TimeSeries.of("Faunalens", name, DEV if dimensions is None else dimensions))
    assert samples is not None
    return samples


def _stat(store: MetricStore, name: str, stat: str, start: float, end: float) -> list[float]:
    values: list[float] = _samples(store, name).on_grid(Grid.covering(start, end, 60), stat).tolist()
    return values


def test_a_line_is_a_sample_of_each_of_its_metrics() -> None:
    # GIVEN two requests in one minute and one two minutes later, text and bytes alike
    store = MetricStore()
    assert store.add(metric_line(60, {"Requests": 1, "Latency": 20.5}))
    assert store.add(metric_line(119.999, {"Requests": 1, "Latency": 10.5}).encode())
    assert store.add(metric_line(180, {"Requests": [1], "Latency": [30, 10]}))
    # THEN each period has its statistic, or NaN without samples
    np.testing.assert_equal(_stat(store, "Requests", "Sum", 60, 240), [2, np.nan, 1])
    np.testing.assert_equal(_stat(store, "Latency", "Average", 60, 240), [15.5, np.nan, 20])
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
    assert [len(_samples(store, "Latency", each)) for each in sets] == [1, 1, 1]
    assert store.of(TimeSeries.of("Faunalens", "Latency", {"service": "faunalens"})) is None
    # AND only those that match are found
    assert store.search(lambda metric: metric.name == "Errors") == [of_aws]


@pytest.mark.parametrize("value", ["null", '"12"', "true", "{}", "[]", '{"Values": [1]}', '["1", null]'])
@pytest.mark.parametrize("huge", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400])
def test_values_that_are_no_finite_numbers_are_ignored(value: str, huge: str) -> None:
    # GIVEN a line with values of another type, and with values that no double can hold, alone and in a list
    line = metric_line(0, {"A": -1, "B": -2, "C": [-2], "D": 1}).replace("-1", value).replace("-2", huge)
    store = MetricStore()
    assert store.add(line)
    # THEN only the number counts
    assert [metric.name for metric in store.search()] == ["D"]
    assert len(store) == 1


@pytest.mark.parametrize(
    "line",
    [
        *("", "START RequestId: 1", '{"level": "INFO"}', '"_aws"', '{"_aws"', '["_aws"]', '{"_aws": 3}'),
        '{"_aws": {"Timestamp": "soon", "CloudWatchMetrics": []}}',
        '{"_aws": {"Timestamp": -1, "CloudWatchMetrics": []}}',
        '{"_aws": {"Timestamp": 1e300, "CloudWatchMetrics": []}}',
        '{"_aws": {"Timestamp": 0, "CloudWatchMetrics": [{"Namespace": "N"}]}}',
        '{"_aws": {"Timestamp": 0, "CloudWatchMetrics": [{"Namespace": 1, "Dimensions": [], "Metrics": []}]}}',
        '{"_aws": {"Timestamp": 0, "CloudWatchMetrics": [{"Namespace": "N", "Dimensions": [[3]], "Metrics": []}]}}',
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


@given(ENTRIES, st.integers(1, 60))
def test_lines_in_any_order_make_the_same_series(entries: list[tuple[int, int]], look_every: int) -> None:
    # GIVEN lines out of order, and reads in between
    store, in_order = MetricStore(), MetricStore()
    for number, (second, value) in enumerate(entries):
        store.add(metric_line(second, {"A": value}))
        if number % look_every == 0:
            _stat(store, "A", "Sum", 0, 1560)
    for second, value in sorted(entries):
        in_order.add(metric_line(second, {"A": value}))
    for stat in ("Sum", "p90", "SampleCount"):
        np.testing.assert_equal(_stat(store, "A", stat, 0, 1560), _stat(in_order, "A", stat, 0, 1560))


@given(ENTRIES, st.sampled_from(["Sum", "SampleCount", "Average", "Maximum", "p90", "PR(:4)"]))
def test_overlapping_periods_equal_single_ones(entries: list[tuple[int, int]], stat: str) -> None:
    # GIVEN periods of five minutes, one beginning every minute
    store = MetricStore()
    for second, value in entries:
        store.add(metric_line(second, {"A": value}))
    grid, samples = Grid(first=0, number=20, step=60, period=300), _samples(store, "A")
    # THEN each has the value of that period alone
    alone = [samples.on_grid(Grid(begin, 1, 300, 300), stat)[0] for begin in grid.begins.tolist()]
    np.testing.assert_allclose(samples.on_grid(grid, stat), alone)


def test_samples_that_are_too_many_are_dropped_oldest_first() -> None:
    # GIVEN a store of at most 100 samples, which cleans up every 11, and a metric that is no longer emitted
    store = MetricStore(keep_samples=100)
    store.add(metric_line(0, {"Old": 1}))
    for second in range(1000):
        store.add(metric_line(second, {"A": second, "B": [1, 1] if second % 2 else 1}))
    assert 100 <= len(store) <= 120
    assert [metric.name for metric in store.search()] == ["A", "B"]
    oldest, newest = store.span() or (0, 0)
    assert newest == 999
    assert oldest > 900

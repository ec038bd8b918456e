import numpy as np
import pytest

from cloudwatch.preview import labels
from cloudwatch.preview.labels import default_label, expand_label
from cloudwatch.preview.series import EvaluationError, Grid, Series
from cloudwatch.syntax.graphed_metrics import GraphedMetric, TimeSeries

CODE = TimeSeries.of("Faunalens", "Rejections", {"code": "too_large", "stage": "dev"})


def _series(*values: float) -> Series:
    grid = Grid(1_764_000_000 // 60 * 60, len(values), 60, 60)
    return Series(np.array(values, dtype=float), grid, "too_large", CODE)


def test_a_metric_without_a_label_has_its_name_and_what_distinguishes_it() -> None:
    assert default_label(CODE) == "Rejections too_large"
    assert default_label(TimeSeries.of("Faunalens", "Faults", {"service": "faunalens", "stage": "dev"})) == "Faults"


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("plain", "plain"),
        ("<${PROP('Dim.code')}|${PROP('Dim.nothing')}>", "<too_large|>"),
        ("all ${LABEL}", "all too_large"),
    ],
)
def test_variables_in_labels(label: str, text: str) -> None:
    assert expand_label(label, _series(1)) == text


def test_a_series_that_is_no_metric_has_no_dimensions() -> None:
    assert expand_label("<${PROP('Dim.code')}>", Series(np.array([1.0]), Grid(0, 1, 60, 60))) == "<>"


@pytest.mark.parametrize("name", ["LAST", "PROP('AccountId')"])
def test_unknown_variables_are_named(name: str) -> None:
    with pytest.raises(EvaluationError, match="the preview knows only LABEL and") as caught:
        expand_label(f"${{{name}}}", _series(1))
    assert name in str(caught.value)


def line(namespace: str, name: str, stat: str = "Sum") -> GraphedMetric:
    return GraphedMetric(0, "m", TimeSeries(namespace, name), None, stat, 60)


@pytest.mark.parametrize(
    ("of", "unit"),
    [
        (line("Faunalens", "Latency", "p99"), "Milliseconds"),
        (line("Faunalens", "Latency", "PR(:2000)"), "Percent"),
        (line("Faunalens", "Latency", "SampleCount"), "Count"),
        (line("AWS/ElastiCache", "SuccessfulReadRequestLatency", "Average"), "Microseconds"),
        (line("AWS/RDS", "ACUUtilization", "Average"), "Percent"),
        (line("Faunalens", "NoSuchMetric"), None),
        (line("AWS/None", "NoSuchMetric"), None),
        (GraphedMetric(0, "e", None, "a / b", "Sum", 60), "Percent"),
    ],
)
def test_a_curve_has_the_unit_of_its_metric_an_expression_that_of_the_axis(of: GraphedMetric, unit: str | None) -> None:
    assert labels.unit_of_line(of, "% of requests") == unit


@pytest.mark.parametrize(
    ("label", "unit", "only"),
    [
        ("ms", "Milliseconds", True),
        ("US$, all in", "USD", False),
        ("% of most", "Percent", False),
        ("requests", None, False),
        ("", None, False),
    ],
)
def test_a_label_can_state_the_unit(label: str, unit: str | None, only: bool) -> None:
    assert labels.unit_of_label(label) == unit
    assert labels.is_only_a_unit(label) == only


@pytest.mark.parametrize(
    ("title", "unit"),
    [
        ("Served, %", "Percent"),
        ("US$ an hour, by part", "USD"),
        ("Requests a minute", None),
        ("Faults, by route", None),
        ("", None),
    ],
)
def test_a_title_can_state_the_unit(title: str, unit: str | None) -> None:
    assert labels.unit_of_title(title) == unit

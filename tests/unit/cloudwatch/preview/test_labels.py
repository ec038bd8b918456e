import pytest

from cloudwatch.preview import labels
from cloudwatch.syntax.graphed_metrics import GraphedMetric, TimeSeries


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

"""Metrics that files name, checked against what the app emits and what AWS documents."""

import pytest

from dashboards.graphed_metrics import TimeSeries
from dashboards.lint.known_metrics import Reference, aws_metrics, problems
from tests.unit.dashboards.lint.small_folder import use_metrics

COMMON = (("service", "faunalens"), ("stage", "STAGENAME"))
LAMBDA = (("FunctionName", "faunalens-STAGENAME"),)


@pytest.fixture(autouse=True)
def two_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    use_metrics(monkeypatch)


def of_aws(namespace: str, name: str, *dimensions: tuple[str, str], stat: str = "Sum") -> Reference:
    return Reference("f.json", "widget 1", TimeSeries(namespace, name, dimensions), stat)


def ours(name: str, *more: tuple[str, str]) -> Reference:
    return of_aws("Faunalens", name, *COMMON, *more)


BROKEN = [
    (ours("Reqests"), 'the app emits no metric "Reqests"; did you mean "Requests"?'),
    (ours("Latency", ("route", "/identify")), "nothing emits Latency (service, stage, route); write exactly"),
    (of_aws("Faunalens", "Latency", COMMON[0]), "write exactly the dimensions (service, stage)"),
    (ours("Requests", ("route", "/identfy")), 'route is "/identfy", which the app never emits; did you mean'),
    (of_aws("Faunalens", "Latency", COMMON[0], ("stage", "dev")), 'stage is "dev", which the app'),
    (of_aws("AWS/Lamda", "Duration", stat="p99"), 'unknown namespace "AWS/Lamda"; did you mean "AWS/Lambda"?'),
    (of_aws("AWS/Lambda", "Throttle", *LAMBDA, stat="Sum"), 'AWS/Lambda has no metric "Throttle"; did you mean'),
    (of_aws("AWS/Lambda", "Duration", stat="p99"), "nothing emits Duration (); write exactly the dimensions"),
    (of_aws("AWS/Lambda", "Errors", *LAMBDA, stat="p99"), "AWS does not document the statistic p99 of Errors; use Sum"),
    (of_aws("AWS/Lambda", "Errors", ("FunctionName", "faunalens-prod"), stat="Sum"), "the project deploys no"),
]


@pytest.mark.parametrize(
    ("reference", "message"), BROKEN, ids=lambda each: each if isinstance(each, str) else each.metric.name
)
def test_findings_of_wrong_references(reference: Reference, message: str) -> None:
    (found,) = problems(reference)
    assert message in found


def test_the_catalogue_is_consistent() -> None:
    # GIVEN every row of the table THEN a metric has one unit, known statistics, and no set twice
    known = {"Sum", "Average", "Minimum", "Maximum", "SampleCount", "IQM", "p"}
    for namespace in aws_metrics().values():
        for name, metric in namespace.items():
            assert set(metric.stats) <= known, name
            assert len(set(map(frozenset, metric.sets))) == len(metric.sets), name
            assert metric.unit, name

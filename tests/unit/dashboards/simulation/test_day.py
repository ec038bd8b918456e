"""The simulated day: deterministic, in the app's own format, with its outages at their times."""

import json
from collections.abc import Iterable
from itertools import islice
from random import Random
from typing import Any

import pytest

from chalicelib.telemetry.metrics import ALL_METRICS, NAMESPACE
from dashboards.alarms import timelines_of
from dashboards.files import Placeholders, read_files
from dashboards.graphed_metrics import expand, of_alarm
from dashboards.project import STAGE_VARIABLE
from dashboards.series import MetricStore
from dashboards.simulation import day, schedule
from dashboards.simulation.day import Case, drift_of_hour


def stored(texts: Iterable[str]) -> MetricStore:
    store = MetricStore()
    for line in (line for text in texts for line in text.splitlines()):
        store.add(line)
    return store


def test_one_seed_writes_one_day_and_another_a_different_one() -> None:
    first, again, other = (list(islice(day.lines(seed), 60)) for seed in (5, 5, 6))
    assert first == again != other


def test_lines_have_the_apps_format_and_aws_metrics_are_marked_as_simulated() -> None:
    # GIVEN the first hours
    texts = islice(day.lines(), 180)
    entries: list[dict[str, Any]] = [json.loads(line) for text in texts for line in text.splitlines()]
    ours = {(name, metric.unit) for name, metric in ALL_METRICS.items()}
    for entry in entries:
        (directive,) = entry["_aws"]["CloudWatchMetrics"]
        # THEN each line holds the metrics that it lists; the app's are registered, and only AWS's are marked
        assert all(metric["Name"] in entry for metric in directive["Metrics"])
        is_ours = directive["Namespace"] == NAMESPACE
        assert ("simulated" in entry) != is_ours
        assert not is_ours or {(metric["Name"], metric["Unit"]) for metric in directive["Metrics"]} <= ours
    assert sum("simulated" not in entry for entry in entries) > 300


def test_the_day_has_every_metric_of_aws_that_dashboards_and_alarms_name() -> None:
    # GIVEN the first minutes, and all lines of the files
    store = stored(islice(day.lines(), 10))
    files = read_files(Placeholders(stage=day.STAGE))
    named = {line.metric for alarm in files.alarms.values() for line in of_alarm(alarm)}
    for body in files.dashboards.values():
        body = json.loads(json.dumps(body).replace(STAGE_VARIABLE, day.STAGE))
        graphs = [widget["properties"] for widget in body["widgets"] if widget["type"] == "metric"]
        named |= {line.metric for graph in graphs for line in expand(graph)}
    of_aws = {metric for metric in named if metric and metric.namespace.startswith("AWS/")}
    assert len(of_aws) > 30
    # THEN each has samples, under just these dimensions
    assert {metric for metric in of_aws if not store.columns(metric).size} == set()


def test_on_a_bad_day_requests_exceed_the_containers_and_the_page_alarm_fires(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN an hour of a bad day, with its burst in the middle
    monkeypatch.setattr(schedule, "MINUTES", 60)
    monkeypatch.setattr(schedule, "LONG_BURST", schedule.Window(30, schedule.LONG_BURST.length))
    files = read_files(Placeholders(stage=day.STAGE))

    def fired(*, bad: bool) -> set[str]:
        store = stored(day.lines(bad=bad))
        found = timelines_of(files, store, schedule.START + 60, schedule.START + 3600)
        return {name for name, timeline in found.items() if "ALARM" in timeline.states}

    # THEN the alarms on the limit fire, and so does the page for failed requests
    assert fired(bad=True) >= {"lambda-concurrency", "lambda-throttles", "burn-fast", "page"}
    # AND on another day none fires
    assert fired(bad=False) == set()


@pytest.mark.parametrize(
    ("case", "expected"),
    [(None, set()), ("firmware", {"quality", "why_not"}), ("season", {"taxa"}), ("temperature", {"confidence"})],
)
def test_each_case_of_drift_raises_the_populations_that_it_should(case: Case | None, expected: set[str]) -> None:
    # GIVEN the last three hours of a day, which is as long as the alarm waits; its threshold is 0.25
    hours = [drift_of_hour(Random(5), schedule.START + 3600 * hour, case) for hour in (22, 23, 24)]
    found = [{each.dimensions["population"] for each in notes if each.metrics["Drift"] > 0.25} for notes in hours]
    assert set.intersection(*found) == expected

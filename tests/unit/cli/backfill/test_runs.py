"""How far a run is, and what it costs: from what Step Functions and CloudWatch say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli.backfill.runs import TRANSITIONS, Run, progress_of
from infra.cost import ASSUMPTIONS

RUN = Run("arn:run", "creek-1", "RUNNING", datetime(2026, 11, 1, tzinfo=UTC), None, can_resume=False, photos=1000)
COUNTS = {"pending": 400, "running": 100, "succeeded": 450, "failed": 30, "timedOut": 20, "aborted": 0, "total": 1000}


class Cloud:
    """An account that answers what a test says. It is its own clients."""

    function = "faunalens-dev-batch"

    def __init__(self) -> None:
        self.map_runs: list[dict[str, str]] = [{"mapRunArn": "arn:map"}]
        self.may_ask = True
        self.asked: list[dict[str, Any]] = []

    def client(self, _: str) -> "Cloud":
        return self

    def list_map_runs(self, **_: Any) -> Any:
        return {"mapRuns": self.map_runs}

    def describe_map_run(self, **_: Any) -> Any:
        return {"itemCounts": COUNTS, "executionCounts": {"succeeded": 4, "failed": 1, "running": 1}}

    def get_metric_statistics(self, **asked: Any) -> Any:
        if not self.may_ask:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetMetricStatistics")
        self.asked.append(asked)
        sums = {"Duration": [40_000.0, 20_000.0], "Invocations": [3.0, 2.0]}[asked["MetricName"]]
        return {"Datapoints": [{"Sum": each} for each in sums]}

    def get_function_configuration(self, **_: Any) -> Any:
        return {"MemorySize": 2048}


def test_photos_rate_time_left_and_cost() -> None:
    # GIVEN a run that began an hour ago
    run = replace(RUN, started=datetime.now(UTC) - timedelta(hours=1))
    found = progress_of(Cloud(), run)  # type: ignore[arg-type]
    assert found[:4] == (1000, 450, 100, 50)
    assert found.rate == pytest.approx(450 / 3600, abs=0.01)
    assert found.seconds_left == pytest.approx(500 * 3600 / 450, rel=0.01)
    # AND what it has cost by the table of prices, to a hundredth of a cent
    function = 60 * 2 * 0.0000166667 + 5 * 0.2e-6
    assert found.cost == pytest.approx({"function": function, "steps": 5 * 4 * 25e-6, "storage": 0.0029}, abs=5e-5)


def test_what_is_not_known_is_not_made_up() -> None:
    # GIVEN a run that has not begun, and an account whose metrics may not be read
    cloud = Cloud()
    cloud.map_runs, cloud.may_ask = [], False
    found = progress_of(cloud, RUN)  # type: ignore[arg-type]
    assert (found.photos, found.done, found.rate, found.seconds_left, found.cost) == (1000, 0, 0.0, None, None)
    # AND an ended run has nothing left
    ended = replace(RUN, status="SUCCEEDED", stopped=datetime.now(UTC))
    assert progress_of(Cloud(), ended).seconds_left is None  # type: ignore[arg-type]


def test_a_long_run_is_asked_for_in_longer_periods() -> None:
    cloud = Cloud()
    progress_of(cloud, replace(RUN, started=datetime.now(UTC) - timedelta(days=12)))  # type: ignore[arg-type]
    assert {asked["Period"] for asked in cloud.asked} == {900}  # 1,152 data points, of 1,440 at most


def test_a_batch_takes_as_many_transitions_as_the_model_of_cost_assumes() -> None:
    assert ASSUMPTIONS["batch_transitions"].value == TRANSITIONS

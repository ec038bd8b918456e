"""How far a run is, and what it costs: from what Step Functions and CloudWatch say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli.backfill import progress
from cli.backfill.progress import progress_of
from cli.backfill.runs import Run
from infra.cost import ASSUMPTIONS, current_prices

STARTED = datetime.now(UTC) - timedelta(hours=1)
RUN = Run("arn:run", "creek-1", "RUNNING", STARTED, None, can_resume=False, photos=1000)
COUNTS = {"pending": 400, "running": 100, "succeeded": 450, "failed": 30, "timedOut": 20, "aborted": 0, "total": 1000}


class Cloud:
    """An account that answers what a test says. `states`, `metrics` and `functions` are the account itself."""

    function = "faunalens-dev-batch"

    def __init__(self) -> None:
        self.states = self.metrics = self.functions = self
        self.map_runs: list[dict[str, str]] = [{"mapRunArn": "arn:map"}]
        self.may_ask = True
        self.asked: list[dict[str, Any]] = []

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
    found = progress_of(Cloud(), RUN)  # type: ignore[arg-type]
    assert (found.total, found.done, found.running, found.failed) == (1000, 450, 100, 50)
    assert found.rate == pytest.approx(450 / 3600, rel=0.5)  # the run goes on while the tests wait for it
    assert found.left == pytest.approx(500 / found.rate)
    assert found.cost
    assert found.cost.function == pytest.approx(60 * 2 * 0.0000166667 + 5 * 0.2e-6)
    assert found.cost.steps == pytest.approx(5 * 4 * 25e-6)
    assert found.cost.storage == pytest.approx(0.5 * 0.0058)


def test_what_is_not_known_is_not_made_up() -> None:
    # GIVEN a run that has not begun, and an account whose metrics may not be read
    cloud = Cloud()
    cloud.map_runs, cloud.may_ask = [], False
    found = progress_of(cloud, RUN)  # type: ignore[arg-type]
    assert (found.total, found.done, found.rate, found.left, found.cost) == (1000, 0, 0.0, None, None)
    # AND an ended run has nothing left
    ended = replace(RUN, status="SUCCEEDED", stopped=datetime.now(UTC))
    assert progress_of(Cloud(), ended).left is None  # type: ignore[arg-type]


def test_a_long_run_is_asked_for_in_longer_periods() -> None:
    cloud = Cloud()
    progress_of(cloud, replace(RUN, started=datetime.now(UTC) - timedelta(days=12)))  # type: ignore[arg-type]
    periods = {asked["Period"] for asked in cloud.asked}
    assert periods == {900}
    assert 12 * 86_400 / 900 <= 1440


def test_prices_are_those_of_the_table() -> None:
    prices = current_prices()
    assert prices["lambda_gb_second"] == progress.GB_SECOND
    assert prices["lambda_million_requests"] == progress.MILLION_CALLS
    assert prices["step_million_transitions"] == progress.MILLION_TRANSITIONS
    assert prices["s3_thousand_gets"] == progress.THOUSAND_GETS
    assert prices["s3_thousand_puts"] == progress.THOUSAND_PUTS
    assert ASSUMPTIONS["batch_transitions"].value == progress.TRANSITIONS

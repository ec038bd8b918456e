"""How far a run is, and what it costs: from what Step Functions and CloudWatch say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from faunalens.backfill.runs import Run, progress_of
from infra.cost import ASSUMPTIONS

RUN = Run("arn:run", "creek-1", "RUNNING", datetime(2026, 11, 1, tzinfo=UTC), None, can_resume=False, photos=1000)
COUNTS = {"pending": 400, "running": 100, "succeeded": 450, "failed": 30, "timedOut": 20, "aborted": 0, "total": 1000}
SUMS = {"Duration": [40_000.0, 20_000.0], "Invocations": [3.0, 2.0]}


@pytest.fixture
def cloud() -> Mock:
    """An account that answers what a test says. It is its own clients."""
    cloud = Mock(function="faunalens-dev-batch")
    cloud.client.return_value = cloud
    cloud.list_map_runs.return_value = {"mapRuns": [{"mapRunArn": "arn:map"}]}
    batches = {"succeeded": 4, "failed": 1, "running": 1}
    cloud.describe_map_run.return_value = {"itemCounts": COUNTS, "executionCounts": batches}
    cloud.get_metric_statistics.side_effect = lambda **asked: {
        "Datapoints": [{"Sum": each} for each in SUMS[asked["MetricName"]]]
    }
    cloud.get_function_configuration.return_value = {"MemorySize": 2048}
    return cloud


def test_photos_rate_time_left_and_cost(cloud: Mock) -> None:
    # GIVEN a run that began an hour ago
    run = replace(RUN, started=datetime.now(UTC) - timedelta(hours=1))
    found = progress_of(cloud, run)
    assert found[:4] == (1000, 450, 100, 50)
    assert found.rate == pytest.approx(450 / 3600, abs=0.01)
    assert found.seconds_left == pytest.approx(500 * 3600 / 450, rel=0.01)
    # AND what it has cost by the table of prices, to a hundredth of a cent
    function, steps = 60 * 2 * 0.0000166667 + 5 * 0.2e-6, 5 * ASSUMPTIONS["batch_transitions"].value * 25e-6
    assert found.cost == pytest.approx({"function": function, "steps": steps, "storage": 0.0029}, abs=5e-5)


def test_what_is_not_known_is_not_made_up(cloud: Mock) -> None:
    # GIVEN an ended run THEN nothing is left
    ended = replace(RUN, status="SUCCEEDED", stopped=datetime.now(UTC))
    assert progress_of(cloud, ended).seconds_left is None
    # GIVEN a run that has not begun, and an account whose metrics may not be read
    cloud.list_map_runs.return_value = {"mapRuns": []}
    cloud.get_metric_statistics.side_effect = ClientError({"Error": {"Code": "AccessDenied"}}, "GetMetricStatistics")
    found = progress_of(cloud, RUN)
    assert (found.photos, found.done, found.rate, found.seconds_left, found.cost) == (1000, 0, 0.0, None, None)


def test_a_long_run_is_asked_for_in_longer_periods(cloud: Mock) -> None:
    progress_of(cloud, replace(RUN, started=datetime.now(UTC) - timedelta(days=12)))
    periods = {each.kwargs["Period"] for each in cloud.get_metric_statistics.call_args_list}
    assert periods == {900}  # 1,152 data points, of 1,440 at most

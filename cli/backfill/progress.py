"""How far a run is: photos and batches by state, the rate, the time left, and the cost so far."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from cli.backfill.cloud import Cloud
from cli.backfill.runs import Run

GB_SECOND, MILLION_CALLS = 0.0000166667, 0.20
MILLION_TRANSITIONS, TRANSITIONS = 25.0, 4
THOUSAND_GETS, THOUSAND_PUTS = 0.0004, 0.005
"""US dollars, as in dashboards/prices.csv. A batch takes four transitions of Step Functions: its child execution
begins, calls the function and ends, and the map notes it."""
_PERIOD, _MOST_PERIODS = 300, 1_440
"""Seconds of a value of CloudWatch, and how many of them an answer has at most."""


class Cost(NamedTuple):
    """US dollars so far. `function`: Lambda, as CloudWatch has measured it. `steps`: Step Functions. `storage`: S3."""

    function: float
    steps: float
    storage: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, in photos: of `total`, `done` are in batches that succeeded, `failed` in batches that did not.

    `rate`: photos a second since it began, 0 if none is done. `left`: seconds, or None if unknown.
    `cost`: None if CloudWatch may not be asked.
    """

    total: int
    done: int
    running: int
    failed: int
    batches: Mapping[str, int]
    rate: float
    left: float | None
    cost: Cost | None


def progress_of(cloud: Cloud, run: Run) -> Progress:
    """Return how far a run is. Its counts are a few seconds old."""
    items, batches = _counts(cloud, run)
    done = items.get("succeeded", 0)
    failed = sum(items.get(name, 0) for name in ("failed", "timedOut", "aborted"))
    total = max(run.photos, items.get("total", 0))
    seconds = ((run.stopped or datetime.now(UTC)) - run.started).total_seconds()
    rate = done / seconds if seconds > 0 else 0.0
    left = (total - done - failed) / rate if rate and run.is_running else None
    cost = _cost(cloud, run, done + failed, sum(batches.get(name, 0) for name in ("succeeded", "failed", "timedOut")))
    return Progress(total, done, items.get("running", 0), failed, batches, rate, left, cost)


def _counts(cloud: Cloud, run: Run) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return the counts of photos and of batches; empty before the map has begun."""
    found = cloud.states.list_map_runs(executionArn=run.arn)["mapRuns"]
    if not found:
        return {}, {}
    about = cloud.states.describe_map_run(mapRunArn=found[0]["mapRunArn"])
    return about["itemCounts"], about["executionCounts"]


def _cost(cloud: Cloud, run: Run, photos: int, batches: int) -> Cost | None:
    from botocore.exceptions import ClientError

    try:
        seconds, calls = (_measured(cloud, run, name) for name in ("Duration", "Invocations"))
        memory = cloud.functions.get_function_configuration(FunctionName=cloud.function)["MemorySize"]
    except ClientError:
        return None
    return Cost(
        seconds / 1e3 * memory / 1024 * GB_SECOND + calls / 1e6 * MILLION_CALLS,
        batches * TRANSITIONS / 1e6 * MILLION_TRANSITIONS,
        photos / 1e3 * (2 * THOUSAND_GETS + THOUSAND_PUTS),  # the photo, its line, and reading that
    )


def _measured(cloud: Cloud, run: Run, metric: str) -> float:
    """Return the sum of a metric of the batch function while the run went on. The stream's calls count too."""
    end = run.stopped or datetime.now(UTC)
    periods = int((end - run.started).total_seconds() // _PERIOD)
    found: Any = cloud.metrics.get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "FunctionName", "Value": cloud.function}],
        StartTime=run.started,
        EndTime=end,
        Period=_PERIOD * (1 + periods // _MOST_PERIODS),
        Statistics=["Sum"],
    )
    return float(sum(each["Sum"] for each in found["Datapoints"]))

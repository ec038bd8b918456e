"""The runs of a study: executions of the stage's state machine, how far each is, and what it has cost."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, NamedTuple

from chalicelib.config.settings import ROOT
from faunalens.backfill.cloud import Cloud, S3Name
from faunalens.words import rows_of

PRICES = ROOT / "dashboards" / "prices.csv"
RUNNING, SUCCEEDED = ("RUNNING", "PENDING_REDRIVE"), "SUCCEEDED"
BATCHES, RUNS, RESULTS = "batches/", "batches/runs/", "results/"
"""Folders in the stage's bucket: of photos, of each run's manifest and Step Functions' reports, and of result lines."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the state machine. `can_resume`: AWS can repeat its failed batches. `photos`: number of its photos."""

    arn: str
    name: str
    status: str
    started: datetime
    stopped: datetime | None
    can_resume: bool
    photos: int

    @property
    def is_running(self) -> bool:
        return self.status in RUNNING


def study_id(study: S3Name) -> str:
    """Return the unique, readable name of a study. The names of its runs begin with it."""
    slug = re.sub(r"[^a-z0-9]+", "-", study.title.lower()).strip("-")[:40] or "study"
    return f"{slug}-{hashlib.sha256(str(study).encode()).hexdigest()[:8]}"


def results_of(cloud: Cloud, study: S3Name) -> S3Name:
    """Return the folder with the result lines of a study. Each run has a subfolder; later runs' names sort later."""
    return S3Name(cloud.bucket, f"{RESULTS}{study_id(study)}/")


def latest(cloud: Cloud, study: S3Name) -> Run | None:
    """Return the latest run of a study, or None if it has none. AWS forgets runs after 90 days."""
    pages = cloud.client("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=cloud.machine)
    prefix = f"{study_id(study)}-"
    found = (each for page in pages for each in page["executions"] if each["name"].startswith(prefix))
    newest = next(found, None)  # AWS lists the newest first
    return None if newest is None else describe(cloud, newest["executionArn"])


def describe(cloud: Cloud, arn: str) -> Run:
    """Return a run as AWS describes it now."""
    found = cloud.client("stepfunctions").describe_execution(executionArn=arn)
    can_resume, photos = found.get("redriveStatus") == "REDRIVABLE", json.loads(found["input"])["photos"]
    return Run(arn, found["name"], found["status"], found["startDate"], found.get("stopDate"), can_resume, photos)


def start(cloud: Cloud, study: S3Name, manifest: IO[bytes], photos: int) -> Run:
    """Start a run for the photos in a manifest, and return it. `photos`: their number."""
    now = datetime.now(UTC)
    name = f"{study_id(study)}-{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03}"  # AWS refuses a name that it has had
    folder = S3Name(cloud.bucket, f"{RUNS}{study_id(study)}/{name}/")
    manifest_key = f"{folder.key}manifest.jsonl"
    cloud.client("s3").upload_fileobj(manifest, folder.bucket, manifest_key)
    asked = {"run": name, "study": str(study), "photos": photos, "manifest": manifest_key}
    asked |= {"batches": f"{folder.key}batches/", "results": str(results_of(cloud, study) / f"{name}/")}
    text = json.dumps(asked, ensure_ascii=False, allow_nan=False)
    started = cloud.client("stepfunctions").start_execution(stateMachineArn=cloud.machine, name=name, input=text)
    return describe(cloud, started["executionArn"])


def resume(cloud: Cloud, run: Run) -> Run:
    """Let AWS resume a run: repeat the batches that failed, and begin the others. Return the run."""
    cloud.client("stepfunctions").redrive_execution(executionArn=run.arn)
    return describe(cloud, run.arn)


TRANSITIONS = 4
"""State transitions that AWS bills a batch: its child execution begins, calls the function, ends, and is noted."""
_PERIOD, _MOST_PERIODS = 300, 1_440
"""Seconds that one data point of CloudWatch covers, and the maximum number of data points in a response."""


class Progress(NamedTuple):
    """How far a run is. Of `photos`, `done` are in batches that succeeded, and `failed` in batches that did not.

    `batches`: number of batches by state. `rate`: photos a second since the run began. `seconds_left`: None if unknown.
    `cost`: US dollars so far, by service; None if this user may not read CloudWatch.
    """

    photos: int
    done: int
    running: int
    failed: int
    batches: Mapping[str, int]
    rate: float
    seconds_left: int | None
    cost: Mapping[str, float] | None


def progress_of(cloud: Cloud, run: Run) -> Progress:
    """Return how far a run is. Its counts are a few seconds old."""
    items, batches = _counts(cloud, run)
    done = items.get("succeeded", 0)
    failed = sum(items.get(name, 0) for name in ("failed", "timedOut", "aborted"))
    photos = max(run.photos, items.get("total", 0))
    seconds = ((run.stopped or datetime.now(UTC)) - run.started).total_seconds()
    rate = done / seconds if seconds > 0 else 0.0
    left = round((photos - done - failed) / rate) if rate and run.is_running else None
    cost = _cost(cloud, run, done + failed, sum(batches.get(name, 0) for name in ("succeeded", "failed", "timedOut")))
    begun = {name: count for name, count in batches.items() if count}
    return Progress(photos, done, items.get("running", 0), failed, begun, round(rate, 2), left, cost)


def _counts(cloud: Cloud, run: Run) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return how many photos and how many batches are in each state; both are empty before the Map Run has begun."""
    found = cloud.client("stepfunctions").list_map_runs(executionArn=run.arn)["mapRuns"]
    if not found:
        return {}, {}
    about = cloud.client("stepfunctions").describe_map_run(mapRunArn=found[0]["mapRunArn"])
    return about["itemCounts"], about["executionCounts"]


def _cost(cloud: Cloud, run: Run, photos: int, batches: int) -> Mapping[str, float] | None:
    """Return what a run has cost by service, in US dollars at list prices. `photos`, `batches`: how many have ended.

    None if AWS refuses the measurements that Lambda's cost needs.
    """
    from botocore.exceptions import ClientError

    try:
        seconds, calls = (_measured(cloud, run, name) for name in ("Duration", "Invocations"))
        memory = cloud.client("lambda").get_function_configuration(FunctionName=cloud.function)["MemorySize"]
    except ClientError:
        return None
    price = {row["name"]: float(row["value"]) for row in rows_of(PRICES)}
    cost = {
        "function": seconds / 1e3 * memory / 1024 * price["lambda_gb_second"]
        + calls / 1e6 * price["lambda_million_requests"],
        "steps": batches * TRANSITIONS / 1e6 * price["step_million_transitions"],
        # reading the photo, writing its line, and reading the line
        "storage": photos / 1e3 * (2 * price["s3_thousand_gets"] + price["s3_thousand_puts"]),
    }
    return {name: round(dollars, 4) for name, dollars in cost.items()}


def _measured(cloud: Cloud, run: Run, metric: str) -> float:
    """Return the sum of one of Lambda's metrics for the batch function during a run.

    It includes the function's calls for the stream of new photos, which CloudWatch does not separate.
    """
    end = run.stopped or datetime.now(UTC)
    periods = int((end - run.started).total_seconds() // _PERIOD)
    about = {"Namespace": "AWS/Lambda", "Dimensions": [{"Name": "FunctionName", "Value": cloud.function}]}
    span = {"StartTime": run.started, "EndTime": end, "Period": _PERIOD * (1 + periods // _MOST_PERIODS)}
    found = cloud.client("cloudwatch").get_metric_statistics(MetricName=metric, Statistics=["Sum"], **about, **span)
    return float(sum(each["Sum"] for each in found["Datapoints"]))

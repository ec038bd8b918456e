"""The runs of a study: executions of the stage's state machine, each with a folder of its own in S3."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

from cli.backfill.cloud import Cloud
from cli.backfill.s3_name import S3Name

RUNNING, SUCCEEDED = ("RUNNING", "PENDING_REDRIVE"), "SUCCEEDED"
BATCHES, RUNS, RESULTS = "batches/", "batches/runs/", "results/"
"""Folders in the stage's bucket: photos, what runs were asked and what Step Functions says of each batch, and lines."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run. `can_resume`: whether AWS can go on with the batches that failed. `photos`: how many it was asked."""

    arn: str
    name: str
    status: str
    started: datetime
    stopped: datetime | None
    can_resume: bool
    photos: int

    @property
    def is_running(self) -> bool:
        """Return whether it is still under way."""
        return self.status in RUNNING


def study_id(study: S3Name) -> str:
    """Return the name of a study, with which the names of its runs begin: readable, and no other study has it."""
    slug = re.sub(r"[^a-z0-9]+", "-", study.title.lower()).strip("-")[:40] or "study"
    return f"{slug}-{hashlib.sha256(str(study).encode()).hexdigest()[:8]}"


def results_of(cloud: Cloud, study: S3Name) -> S3Name:
    """Return the folder with the lines of all runs of a study, a folder for each. Those of later runs come later."""
    return S3Name(cloud.bucket, f"{RESULTS}{study_id(study)}/")


def latest(cloud: Cloud, study: S3Name) -> Run | None:
    """Return the latest run of a study, or None if there was none in the last 90 days, for which AWS knows runs."""
    pages = cloud.states.get_paginator("list_executions").paginate(stateMachineArn=cloud.machine)
    prefix = f"{study_id(study)}-"
    found = (each for page in pages for each in page["executions"] if each["name"].startswith(prefix))
    newest = next(found, None)  # AWS lists the newest first
    return None if newest is None else describe(cloud, newest["executionArn"])


def describe(cloud: Cloud, arn: str) -> Run:
    """Return the present state of a run."""
    found = cloud.states.describe_execution(executionArn=arn)
    return Run(
        arn,
        found["name"],
        found["status"],
        found["startDate"],
        found.get("stopDate"),
        found.get("redriveStatus") == "REDRIVABLE",
        json.loads(found["input"])["photos"],
    )


def start(cloud: Cloud, study: S3Name, manifest: IO[bytes], photos: int) -> Run:
    """Start a run of the photos in a manifest."""
    name = f"{study_id(study)}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    folder = S3Name(cloud.bucket, f"{RUNS}{study_id(study)}/{name}/")
    manifest_key = f"{folder.key}manifest.jsonl"
    cloud.s3.upload_fileobj(manifest, folder.bucket, manifest_key)
    asked = {
        "run": name,
        "study": str(study),
        "photos": photos,
        "manifest": manifest_key,
        "batches": f"{folder.key}batches/",
        "results": str(results_of(cloud, study) / f"{name}/"),
    }
    text = json.dumps(asked, ensure_ascii=False, allow_nan=False)
    started = cloud.states.start_execution(stateMachineArn=cloud.machine, name=name, input=text)
    return describe(cloud, started["executionArn"])


def resume(cloud: Cloud, run: Run) -> Run:
    """Let AWS go on with a run: the batches that failed, and those that had not begun."""
    cloud.states.redrive_execution(executionArn=run.arn)
    return describe(cloud, run.arn)


def wait(cloud: Cloud, run: Run, look: Callable[[Run], Any], pause: Callable[[], None]) -> Run:
    """Return a run once it has ended. `look`: called with each state of it. `pause`: waits until the next look."""
    while run.is_running:
        look(run)
        pause()
        run = describe(cloud, run.arn)
    look(run)
    return run

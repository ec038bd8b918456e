"""`faunalens batch`: identify a study in S3 on AWS: submit it, watch it, resume it, and merge the answers here."""

import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from faunalens.backfill import listing, runs
from faunalens.backfill.cloud import Cloud, S3Name, aws_errors, parse_folder, parse_object
from faunalens.backfill.listing import StoredPhoto, keep, write
from faunalens.backfill.merge import merge
from faunalens.backfill.runs import Run, progress_of
from faunalens.cli import options
from faunalens.cli.identify import print_summary
from faunalens.cli.options import argument, option
from faunalens.errors import CommandError, Exit
from faunalens.study.deployments import PlaceOptions, Where
from faunalens.study.listing import warn_of_changes, warn_of_homeless
from faunalens.study.results import ListedPhoto, ResultsFile
from faunalens.terminal import photo_progress, say, waiting, warn
from faunalens.words import count

PAUSE = 15.0  # seconds between two requests for a run's progress

STUDY = argument(options.Parsed("name", parse_folder), metavar="s3://BUCKET/FOLDER/")
STAGE = option("Stage (deployment on AWS) that identifies the photos.", default="prod", envvar="FAUNALENS_STAGE")
KEPT = option("The study's results file. It records which photos have an answer.", options.FILE, required=True)
WAIT = option("Wait until the run has ended, and show how far it is.")


@click.group()
def batch() -> None:
    """Identify the photos of a folder in S3 on AWS, a million overnight.

    Credentials and region are set as for AWS's own tools: by AWS_PROFILE, AWS_REGION and others.
    """


@options.command(of=batch)
def submit(
    study: S3Name = STUDY,
    results: Path = KEPT,
    stage: str = STAGE,
    given: PlaceOptions = options.PLACE,
    inventory: S3Name | None = option(
        "manifest.json of S3 Inventory.", options.Parsed("name", parse_object), metavar="s3://…"
    ),
    manifest: str | None = option("List of the photos, a local file or s3://…: JSON lines, or .csv.", options.ANY_PATH),
    wait: bool = WAIT,
) -> int:
    """Start identifying the photos of a folder, or continue where the last run ended.

    Run it again at any time. A run under way is left alone. One that failed is resumed, unless you give options about
    place or clock: these need a new run. A new run begins by merging the last one's answers into the results file, and
    has only the photos that are left. Options about place and clock hold for later runs until you change them.
    """
    if inventory and manifest:
        raise click.UsageError("--inventory contradicts --manifest; give one of them")
    cloud = Cloud(stage)
    with ResultsFile(results, write=True) as kept, aws_errors("the run is prepared"):
        _expect_readable(cloud, study)
        _expect_study(kept, study)
        run = runs.latest(cloud, study)
        if run and run.is_running:
            warn(f"the run {run.name} is under way; nothing was started")
            return _watch(cloud, run) if wait else Exit.RUNNING
        if run and run.can_resume and given == PlaceOptions():
            run = runs.resume(cloud, run)
            warn(f"the run {run.name} resumes with the batches that failed")
            return _watch(cloud, run) if wait else Exit.DONE
        if run:
            _merge(cloud, study, kept)
        where, s3 = given.keep(kept), cloud.client("s3")
        with waiting("listing photos"):
            photos = listing.named(s3, study, manifest) if manifest else listing.listed(s3, study)
            keep(kept, _placed(where, listing.inventoried(s3, study, inventory) if inventory else photos))
        warn_of_changes(kept)
        with tempfile.TemporaryFile() as file:
            number = write(kept, study, file)
            if not number:
                print_summary(kept, 0, 0.0)
                return _left(kept)
            file.seek(0)
            with waiting("sending the manifest"):
                run = runs.start(cloud, study, file, number)
    warn(f"the run {run.name} has {count(number, 'photo')}; `faunalens batch status {study}` says how far it is")
    with aws_errors("the run is watched"):
        return _watch(cloud, run) if wait else Exit.DONE


def _placed(where: Where, stored: Iterable[StoredPhoto]) -> Iterator[tuple[ListedPhoto, str]]:
    """Yield the photos with their deployments, places and ETags. Warn of photos in no deployment."""
    homeless = Counter[str]()
    for photo in stored:
        found = where.of(photo.path, photo.size, photo.modified)
        deployment = found.deployment if photo.station is None else photo.station
        is_homeless = deployment is None and not where.deployments.at(photo.path)
        homeless[photo.path.rpartition("/")[0]] += is_homeless
        yield found._replace(deployment=deployment, place=photo.place or found.place), photo.etag
    warn_of_homeless(homeless, where)


def _expect_study(results: ResultsFile, study: S3Name) -> None:
    """Record in the results file which study it belongs to. Raises `CommandError` if it belongs to another one."""
    known = results.study().get("folder")
    if known not in (None, str(study)):
        raise CommandError(f"{results.path} has the photos of {known}; choose another results file for {study}")
    results.describe(folder=str(study))


def _expect_readable(cloud: Cloud, study: S3Name) -> None:
    """Raise `CommandError` if the batch function may not read the photos: each would then count as missing."""
    is_below = study.key.startswith(runs.BATCHES) and not study.key.startswith(runs.RUNS)
    if study.bucket != cloud.bucket or not is_below:
        wanted = S3Name(cloud.bucket, runs.BATCHES)
        raise CommandError(f"the batch function cannot read {study}; put the photos below {wanted}")


@options.command(of=batch)
def status(study: S3Name = STUDY, stage: str = STAGE, wait: bool = WAIT, as_json: bool = options.JSON) -> int:
    """Say how far the latest run of a folder is: photos, rate, time left, and cost."""
    cloud = Cloud(stage)
    with aws_errors("the run's status is read"):
        run = runs.latest(cloud, study)
        if run is None:
            raise CommandError(f"no run of {study} in the last 90 days; `faunalens batch submit` starts one")
        if wait:
            _watch(cloud, run)
            run = runs.describe(cloud, run.arn)
        facts = {"run": run.name, "status": run.status, "can_resume": run.can_resume}
        facts |= progress_of(cloud, run)._asdict()
    if as_json:
        say(json.dumps(facts, allow_nan=False))
    else:
        for name, text in _in_words(facts):
            say(f"{name:10} {text}")
    if not run.is_running and run.status != runs.SUCCEEDED and run.can_resume:
        warn("`faunalens batch submit` resumes it with the batches that failed")
    return _code(run)


def _in_words(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "run", facts["run"]
    yield "status", facts["status"].lower().replace("_", " ")
    for name in ("photos", "done", "running", "failed"):
        yield name, f"{facts[name]:>12,}"
    yield "rate", f"{facts['rate']:>12,.1f} photos a second"
    if facts["seconds_left"] is not None:
        yield "left", f"{facts['seconds_left'] / 3600:>12.1f} hours"
    if cost := facts["cost"]:
        parts = ", ".join(f"{name} {dollars:.2f}" for name, dollars in cost.items())
        yield "cost", f"{sum(cost.values()):>12.2f} USD ({parts})"


@options.command(of=batch)
def results(study: S3Name = STUDY, results: Path = KEPT, stage: str = STAGE) -> int:
    """Merge the answers from the runs of a folder into the results file, for `faunalens export` and other commands.

    You may stop it and run it again, even while a run on AWS is under way: it reads only the answers that are new.
    """
    cloud, started = Cloud(stage), time.monotonic()
    with ResultsFile(results, write=True) as kept, aws_errors("the results are read"):
        _expect_study(kept, study)
        number = _merge(cloud, study, kept)
        PlaceOptions().keep(kept).settle()
        print_summary(kept, number, time.monotonic() - started)
        return _left(kept)


def _merge(cloud: Cloud, study: S3Name, kept: ResultsFile) -> int:
    number, lines = 0, merge(cloud.client("s3"), study, runs.results_of(cloud, study), kept)
    with closing(lines), photo_progress(0, kept.counts().total, "merging") as reach:
        for some in lines:
            number += some
            reach(number)
    return number


def _left(kept: ResultsFile) -> int:
    counts = kept.counts()
    return Exit.SOME_FAILED if counts.failed or counts.unreadable or counts.left else Exit.DONE


def _watch(cloud: Cloud, run: Run) -> int:
    with photo_progress(0, run.photos) as reach:
        reach(progress_of(cloud, run).done)
        while run.is_running:
            time.sleep(PAUSE)
            run = runs.describe(cloud, run.arn)
            reach(progress_of(cloud, run).done)
    if run.status != runs.SUCCEEDED:
        warn(f"the run {run.name} ended: {run.status.lower()}; `faunalens batch submit` resumes it")
    return _code(run)


def _code(run: Run) -> int:
    ended = Exit.DONE if run.status == runs.SUCCEEDED else Exit.FAILED
    return Exit.RUNNING if run.is_running else ended

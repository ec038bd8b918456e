"""`faunalens batch` against moto, whose state machine calls the real batch function: submit, kill, resume, merge."""

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import patch

import pytest
from moto.core.responses import ActionResult
from moto.stepfunctions.responses import StepFunctionResponse

from chalicelib.batch.handler import BatchFunction
from chalicelib.config.settings import ModelSettings, Settings
from chalicelib.config.stores import S3Settings
from chalicelib.deadline import Deadline
from chalicelib.features.cell_features import CellFeatures
from chalicelib.lazy import Lazy
from chalicelib.services import Services
from chalicelib.stores.objects import Objects
from faunalens.backfill import runs
from faunalens.backfill.cloud import S3Name
from faunalens.cli import batch
from faunalens.cli.__main__ import run
from faunalens.errors import Exit
from faunalens.study.results import ResultsFile
from tests.support import tiny_model
from tests.support.aws import BUCKET, FUNCTION, STAGE, Account, account, state_machine
from tests.support.in_memory import InMemoryCache, InMemoryStore
from tests.support.pictures import jpeg

DEPLOYMENTS = """\
deploymentID,folder,latitude,longitude,timezone
north,N,-1.2345,36.789,Africa/Nairobi
south,S,-33.9,151.2,+10:00
"""
PHOTO = jpeg()
BATCH = 10


class Killed(Exception):
    """Ends the batch function in the middle of a batch, as Lambda does."""


class Function:
    """The batch function with a small model. `kills`: lines after which the first call for each batch ends."""

    def __init__(self, aws: Account, folder: Path) -> None:
        path = tiny_model.write(folder, tiny_model.tiny_model())
        self._settings = Settings(model=ModelSettings(path=path, second_look=False), s3=S3Settings(bucket=BUCKET))
        self.calls: list[dict[str, Any]] = []
        self.kills: list[int] = []
        self.may_go_on = Event()
        self.may_go_on.set()
        self.store = InMemoryStore()
        features = CellFeatures(InMemoryCache(), self.store, self._settings.features)
        self._services, self._s3 = Services.build(self._settings, features), aws.client("s3")

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        """Answer in a process of its own, as far as what is killed is concerned."""
        self.calls.append(event)
        self.may_go_on.wait(30)
        left = self.kills.pop(0) if self.kills and event["Attempt"] == 0 else None
        objects = Objects(self._settings.deployment.region, self._settings.s3, connections=3)
        objects._client = Lazy(lambda: self._s3)
        log, write = logging.getLogger("faunalens.test"), objects.write
        function = BatchFunction(self._settings, log, lambda _: None, self._services, objects)

        def until_killed(*values: Any, **options: Any) -> None:
            nonlocal left
            if left == 0:
                raise KeyboardInterrupt  # nothing in the function catches it, as nothing catches the end of a process
            left = left and left - 1
            write(*values, **options)

        with patch.object(objects, "write", until_killed):
            try:
                return function.answer(event, "r-1", Deadline.after(300))
            except KeyboardInterrupt:
                raise Killed from None


@pytest.fixture(scope="module")
def aws() -> Iterator[Account]:
    with (
        account() as running,
        patch.dict(os.environ, running.environment),
        patch.object(batch, "PAUSE", 0.2),
        state_machine(running, BATCH),
    ):
        yield running


@pytest.fixture
def function(aws: Account, tmp_path: Path) -> Function:
    found = Function(aws, tmp_path)
    aws.functions[FUNCTION] = found
    return found


@pytest.fixture
def study(aws: Account, request: pytest.FixtureRequest) -> str:
    """A folder in S3 with 29 different photos of two stations, one that is none, and a file of another kind."""
    folder = f"batches/{request.node.name}/"
    s3 = aws.client("s3")
    for station, photos in {"N": 15, "S": 14}.items():
        for number in range(photos):
            s3.put_object(Bucket=BUCKET, Key=f"{folder}{station}/{number:03}.JPG", Body=PHOTO + bytes([number]))
    s3.put_object(Bucket=BUCKET, Key=f"{folder}S/broken.jpg", Body=b"no photo")
    s3.put_object(Bucket=BUCKET, Key=f"{folder}notes.txt", Body=b"hello")
    return str(S3Name(BUCKET, folder))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "deployments.csv").write_text(DEPLOYMENTS, encoding="utf-8")
    return tmp_path / "deployments.csv"


def submit(study: str, results: Path, *more: object) -> int:
    options = ("--results", results, "--stage", STAGE, "--wait", *more)
    return run(["batch", "submit", study, *map(str, options)])


def merged(study: str, results: Path) -> int:
    return run(["batch", "results", study, "--results", str(results), "--stage", STAGE])


def answers(results: Path) -> dict[str, tuple[Any, ...]]:
    query = "select path, state, deployment, latitude, longitude, answer, code from photo order by path"
    with ResultsFile(results, write=False) as kept:
        return {row["path"]: tuple(row)[1:] for row in kept.rows(query)}


def test_a_study_is_identified_and_exported(
    function: Function, study: str, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a table with a wrong folder WHEN a study is submitted THEN that is said before the night
    results, wrong = tmp_path / "study.db", tmp_path / "wrong.csv"
    wrong.write_text(DEPLOYMENTS.replace(",S,", ",typo,"), encoding="utf-8")
    with patch.object(batch, "write", lambda *_: 0):
        submit(study, results, "--deployments", wrong)
    assert "15 photos are in no deployment's folder" in capsys.readouterr().err
    # WHEN it is submitted with the right one and a correction of the clock, and its results are merged
    assert submit(study, results, "--deployments", table, "--shift", "-1h") == Exit.DONE
    assert merged(study, results) == Exit.SOME_FAILED
    # THEN each photo was in one batch, those of a station together, and each station was looked up once
    asked = [[item["station"] for item in call["Items"]] for call in function.calls]
    assert [len(batch) for batch in asked] == [BATCH] * 3
    assert sum(len(set(batch)) for batch in asked) == 4
    assert len(function.store.queries) <= 4
    # AND the file has every answer, with its place
    found = answers(results)
    assert len(found) == 30
    assert found["N/000.JPG"][:4] == ("done", "north", -1.2345, 36.789)
    assert found["S/broken.jpg"][0] == "unreadable"
    # AND there is no warning of photos without a deployment, for there are none; and the status says so
    assert "in no deployment's folder" not in capsys.readouterr().err
    capsys.readouterr()
    assert run(["batch", "status", study, "--stage", STAGE, "--json"]) == Exit.DONE
    status = json.loads(capsys.readouterr().out)
    assert (status["status"], status["photos"], status["batches"]["succeeded"]) == ("SUCCEEDED", 30, 3)
    # AND a second submission without options has nothing to do, and the correction of the clock stays
    calls = len(function.calls)
    assert submit(study, results) == Exit.SOME_FAILED
    assert len(function.calls) == calls
    assert {item["shift"] for call in function.calls for item in call["Items"]} == {-3600.0}
    with ResultsFile(results, write=False) as kept:
        assert {row["shift"] for row in kept.rows("select shift from photo")} == {-3600.0}


@pytest.mark.usefixtures("function")
def test_kills_in_between_give_the_same_lines(aws: Account, study: str, table: Path, tmp_path: Path) -> None:
    # GIVEN a run without a fault
    assert submit(study, tmp_path / "whole.db", "--deployments", table) == Exit.DONE
    assert merged(study, tmp_path / "whole.db") == Exit.SOME_FAILED
    whole = answers(tmp_path / "whole.db")
    # WHEN all run again, without these lines, and the function is killed at the first photo, in the middle and at the
    # last one, and called again
    other = Function(aws, tmp_path)
    aws.functions[FUNCTION] = other
    other.kills = [0, 4, 9]
    with patch("faunalens.cli.batch._merge", lambda *_: 0):
        assert submit(study, tmp_path / "killed.db", "--deployments", table) == Exit.DONE
    merged(study, tmp_path / "killed.db")
    assert len(other.calls) == 6
    # THEN there is one line a photo, with the same answers
    assert answers(tmp_path / "killed.db") == whole


def test_a_run_that_failed_is_resumed(
    aws: Account, function: Function, study: str, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a run that is stopped while its batches are worked on
    results, options = tmp_path / "study.db", ("--deployments", str(table), "--stage", STAGE)
    function.may_go_on.clear()
    assert run(["batch", "submit", study, "--results", str(results), *options]) == Exit.DONE
    assert run(["batch", "submit", study, "--results", str(results), *options]) == Exit.RUNNING
    assert run(["batch", "status", study, "--stage", STAGE]) == Exit.RUNNING
    assert "photos a second" in capsys.readouterr().out
    states = aws.client("stepfunctions")
    (arn,) = [each["stateMachineArn"] for each in states.list_state_machines()["stateMachines"]]
    newest = states.list_executions(stateMachineArn=arn)["executions"][0]["executionArn"]
    states.stop_execution(executionArn=newest)
    function.kills = [0] * 30  # what was under way has written nothing
    function.may_go_on.set()
    assert run(["batch", "status", study, "--stage", STAGE, "--wait"]) == Exit.FAILED
    assert "aborted; `faunalens batch submit` resumes it" in capsys.readouterr().err
    # WHEN AWS says that it can be redriven, which moto does not, and it is submitted again
    redriven: list[str] = []
    latest = runs.latest

    def redrive(response: StepFunctionResponse) -> ActionResult:
        redriven.append(response._get_param("executionArn"))
        return ActionResult({"redriveDate": 1.0})

    def redrivable(*given: Any) -> Any:
        found = latest(*given)
        return found and replace(found, can_resume=True)

    with (
        patch.object(StepFunctionResponse, "redrive_execution", redrive, create=True),
        patch.object(runs, "latest", redrivable),
    ):
        run(["batch", "submit", study, "--results", str(results), "--stage", STAGE])
        # THEN it goes on
        assert redriven == [newest]
        assert "with the batches that failed" in capsys.readouterr().err
        # WHEN a table of deployments is given, or AWS cannot redrive it, as after two weeks
        function.kills = []
        assert submit(study, results, "--deployments", table) == Exit.DONE
    # THEN another run has the photos that are left
    assert redriven == [newest]
    assert merged(study, results) == Exit.SOME_FAILED
    assert {state for state, *_ in answers(results).values()} == {"done", "unreadable"}


def test_what_cannot_be_done_is_said(study: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = tmp_path / "study.db"
    for stage, said in ((STAGE, "no run of"), ("none", "check --stage")):
        assert run(["batch", "status", study, "--stage", stage]) == Exit.FAILED
        assert said in capsys.readouterr().err
    with ResultsFile(results, write=True) as kept:
        kept.describe(folder="s3://other/")
    assert submit(study, results) == Exit.FAILED
    assert "has the photos of s3://other/" in capsys.readouterr().err
    for elsewhere in ("s3://other/batches/creek/", f"s3://{BUCKET}/creek/", f"s3://{BUCKET}/batches/runs/creek/"):
        assert submit(elsewhere, tmp_path / "other.db") == Exit.FAILED
        assert "cannot read" in capsys.readouterr().err

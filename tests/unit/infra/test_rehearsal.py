"""A rehearsed command: it cannot reach AWS, even with the user's credentials at hand."""

import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT
from infra import rehearsal
from infra.recorded_call import parsed_call, recorded_call

ASK = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    monkeypatch.setenv("AWS_PROFILE", "of-the-user")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-the-user")
    return dict(rehearsal.environment(ROOT, tmp_path, "us-east-1"))


def run(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, timeout=60)


def test_a_process_prints_its_calls_and_gets_answers(environment: dict[str, str], tmp_path: Path) -> None:
    rehearsal.hook(tmp_path, "rehearse")
    done = run(environment)
    call, answer = done.stdout.splitlines()
    assert parsed_call(call) == recorded_call("sts", "GetCallerIdentity", {})
    assert answer == "111122223333"


def test_a_process_without_the_hook_reaches_no_one(environment: dict[str, str]) -> None:
    # GIVEN the same environment, and a hook that is missing WHEN a process calls AWS
    done = run(environment | {"AWS_MAX_ATTEMPTS": "1"})
    # THEN it asks a port of this machine where nothing listens
    assert done.returncode == 1
    assert 'Could not connect to the endpoint URL: "http://127.0.0.1:9/"' in done.stderr
    assert not any("of-the-user" in value for value in environment.values())

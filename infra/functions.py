"""The app on Lambda: put there and taken away by Chalice's own commands, and its functions called."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from infra.deployed import ROOT
from infra.package import command_line
from infra.step import PreconditionFailed, Say

PAUSE = 5.0
"""Seconds between two calls of a function that is not ready."""
PATIENCE = 330.0
"""Longest wait, seconds, for a function that is not ready: a command of the administrative one takes 300 at most."""


def chalice(command: str, stage: str, region: str, say: Say, project: Path = ROOT) -> None:
    """Run one of Chalice's commands for a stage, and tell what it says. Raises `PreconditionFailed` with its last words.

    Chalice knows no option for a region; what boto3 reads leads it there.
    """
    arguments = command_line(project, command, "--stage", stage)
    last = ""
    environment = {**os.environ, "AWS_DEFAULT_REGION": region}
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=project, env=environment
    ) as running:
        for line in running.stdout or ():
            if line.strip():
                last = line.strip()
                say(last)
    if running.returncode:
        raise PreconditionFailed(f"chalice {command} ended with code {running.returncode}: {last}")


def administer(client: Any, stage: str, command: Sequence[str], say: Say) -> None:
    """Have the administrative function run one of `python -m database`'s commands. Raises `PreconditionFailed` with its words.

    `client`: of boto3, for `lambda`.
    """
    answer = call(client, f"faunalens-{stage}-admin", {"command": list(command)}, say)
    for line in str(answer["said"]).splitlines():
        say(line)
    if answer["code"]:
        raise PreconditionFailed(f"database {command[0]}: {answer['said'].strip().splitlines()[-1]}")


def call(client: Any, function: str, event: dict[str, Any], say: Say) -> dict[str, Any]:
    """Call a function and wait for what it returns. Raises `PreconditionFailed` if it failed.

    It may be at work still on what a killed command asked of it, or not be ready: just made, just changed, or put to
    rest by Lambda after weeks without a call. That is waited for.
    """
    busy = (client.exceptions.TooManyRequestsException, client.exceptions.ResourceConflictException)
    started, told = monotonic(), False
    while True:
        try:
            response = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
            break
        except client.exceptions.ResourceNotFoundException as error:
            raise PreconditionFailed(f"there is no function {function}; make it with the step app") from error
        except busy as error:
            if monotonic() - started > PATIENCE:
                raise PreconditionFailed(f"{function} takes no call after {PATIENCE:.0f} seconds: {error}") from error
            if not told:
                say(f"{function} is not ready, or at work for somebody else; waited for")
                told = True
        sleep(PAUSE)
    payload = response["Payload"].read()
    if "FunctionError" in response:
        said = json.loads(payload)
        raise PreconditionFailed(
            f"{function} failed: {said.get('errorMessage', said)}; its log is /aws/lambda/{function}"
        )
    answer: dict[str, Any] = json.loads(payload)
    return answer

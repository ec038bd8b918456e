"""The app on Lambda: put there and taken away by Chalice's own commands, and its functions called."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra.step import Refused, Say

ROOT = Path(__file__).parent.parent
_CHALICE = "import sys; from chalice.cli import main; sys.exit(main())"


def chalice(command: str, stage: str, say: Say, project: Path = ROOT) -> None:
    """Run one of Chalice's commands for a stage, and tell what it says. Raises `Refused` with its last words."""
    arguments = [sys.executable, "-c", _CHALICE, "--project-dir", str(project), command, "--stage", stage]
    last = ""
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=project
    ) as running:
        for line in running.stdout or ():
            if line.strip():
                last = line.strip()
                say(last)
    if running.returncode:
        raise Refused(f"chalice {command} ended with code {running.returncode}: {last}")


def deployed(stage: str, project: Path = ROOT) -> dict[str, dict[str, Any]]:
    """What Chalice noted of the last deployment: each resource by name. Raises `Refused` if there is none."""
    path = project / ".chalice" / "deployed" / f"{stage}.json"
    if not path.is_file():
        raise Refused(f"stage {stage} was not deployed from this checkout; run: python -m infra up --stage {stage}")
    return {each["name"]: each for each in json.loads(path.read_text(encoding="utf-8"))["resources"]}


def administer(client: Any, stage: str, command: Sequence[str], say: Say) -> None:
    """Have the administrative function run one of `python -m database`'s commands. Raises `Refused` with its words.

    `client`: of boto3, for `lambda`.
    """
    answer = call(client, f"faunalens-{stage}-admin", {"command": list(command)})
    for line in str(answer["said"]).splitlines():
        say(line)
    if answer["code"]:
        raise Refused(f"database {command[0]}: {answer['said'].strip().splitlines()[-1]}")


def call(client: Any, function: str, event: dict[str, Any]) -> dict[str, Any]:
    """Call a function and wait for what it returns. Raises `Refused` if it failed."""
    response = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    payload = response["Payload"].read()
    if "FunctionError" in response:
        said = json.loads(payload)
        raise Refused(f"{function} failed: {said.get('errorMessage', said)}; its log is /aws/lambda/{function}")
    answer: dict[str, Any] = json.loads(payload)
    return answer

"""The GitHub workflows: actionlint finds nothing, actions are pinned, and there is no key."""

import re
import shlex
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from cfnlint.decode.cfn_yaml import loads

from chalicelib.config.settings import ROOT
from infra.__main__ import _parser
from infra.stage import Stage
from infra.up import Up

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LINT = Path(sys.executable).with_name("jactionlint")


def lint(*arguments: str | Path, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run jactionlint on files, without shellcheck and pyflakes, which a machine may lack."""
    command = [LINT, "--strict-exit", "--no-online", "--shellcheck=", "--pyflakes=", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_the_linter_finds_nothing() -> None:
    done = lint(*WORKFLOWS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_linter_would_find_something(tmp_path: Path) -> None:
    # GIVEN a workflow that runs untrusted input
    broken = tmp_path / "broken.yml"
    broken.write_text(
        "on: issues\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n"
        "      - run: echo ${{ github.event.issue.title }} ${{ nothing.such }}\n"
    )
    done = lint(broken, folder=tmp_path)
    assert done.returncode == 1
    assert "potentially untrusted" in done.stdout
    assert 'undefined variable "nothing"' in done.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_key_is_kept_and_actions_are_pinned(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"secrets\.|aws-access-key|AWS_SECRET", text)
    for used in re.findall(r"uses: (\S+)", text):
        assert used.startswith("./") or re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", used), used


def test_what_the_deployment_runs_is_there() -> None:
    # GIVEN the workflow's commands THEN they parse, and their stages and steps exist
    text = (ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8")
    commands = re.findall(r"\.venv/bin/python -m infra (.+)$", text, re.MULTILINE)
    assert len(commands) == 3
    known = [step.name for step in Up(Stage("", "", None, {})).steps()]
    stages = re.findall(r"options: \[(.+)\]$", text, re.MULTILINE)[0].split(", ")
    for command, stage in product(commands, stages):
        options = _parser().parse_args(shlex.split(command.replace("$STAGE", stage)))
        assert options.stage == stage
        for step in (getattr(options, "only", ""), getattr(options, "first", ""), *getattr(options, "skipped", [])):
            assert not step or step in known
    jobs = loads(text)["jobs"]
    assert jobs["deploy"]["needs"] == "test"
    assert jobs["deploy"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert "id-token" not in str(jobs["test"])

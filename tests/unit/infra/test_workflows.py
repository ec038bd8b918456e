"""The GitHub workflows: actionlint finds nothing, actions are pinned, and there is no key."""

import json
import re
import shlex
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from cfnlint.decode.cfn_yaml import loads

from chalicelib.config.settings import ROOT, Settings
from database.__main__ import build_parser as database_parser
from infra.__main__ import build_parser
from infra.stage import Stage
from infra.template import declared_parameters
from infra.up import DATABASE_PATIENCE, Up
from testing.cloudformation import template

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LINT = Path(sys.executable).with_name("jactionlint")


def lint(*arguments: str | Path, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run jactionlint on files, without shellcheck and pyflakes, which a machine may lack."""
    command = [LINT, "--strict-exit", "--no-online", "--shellcheck=", "--pyflakes=", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_the_linter_finds_nothing() -> None:
    done = lint(*WORKFLOWS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_key_is_kept_and_actions_are_pinned(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"secrets\.|aws-access-key|AWS_SECRET", text)
    for used in re.findall(r"uses: (\S+)", text):
        assert used.startswith("./") or re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", used), used


JOBS = {path.stem: loads(path.read_text(encoding="utf-8"))["jobs"] for path in WORKFLOWS}


def test_only_a_job_without_packages_may_ask_for_an_aws_role() -> None:
    # GIVEN the jobs that may ask for GitHub's token, with which AWS gives them a role
    jobs = {f"{workflow}/{name}": job for workflow, each in JOBS.items() for name, job in each.items()}
    asking = {name: job for name, job in jobs.items() if "id-token" in job["permissions"]}
    assert asking.keys() == {"deploy/deploy"}
    job = asking["deploy/deploy"]
    # THEN they run neither the checkout's code nor that of its packages
    assert job["permissions"] == {"id-token": "write"}
    used = {step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step}
    assert used == {"actions/download-artifact", "aws-actions/configure-aws-credentials"}
    scripts = "".join(step.get("run", "") for step in job["steps"])
    assert not re.search(r"python|pip|make|npm|npx|uv |\.venv|build/\S+\.sh", scripts)
    # AND the environment decides who may start them, and from which branch
    assert "inputs.stage" in job["environment"]
    assert not [name for name, job in jobs.items() if "environment" in job and name not in asking]


def test_the_deployment_gives_cloudformation_its_role_and_functions_their_boundary() -> None:
    scripts = "".join(step.get("run", "") for step in JOBS["deploy"]["deploy"]["steps"])
    assert '--role-arn "$CLOUDFORMATION_ROLE"' in scripts
    assert "PermissionsBoundary: $boundary" in scripts
    # AND it names stack and parameters that there are
    declared = {*declared_parameters(), *template("web.yaml")["Parameters"]}
    for name in re.findall(r"(\w+): \$\w+", scripts):
        assert name in declared
    variables = set(re.findall(r"vars\.(\w+)", (ROOT / ".github/workflows/deploy.yml").read_text(encoding="utf-8")))
    guide = (ROOT / "docs" / "reference" / "infra.md").read_text(encoding="utf-8")
    assert not {name for name in variables if f"`{name}`" not in guide}


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_commands_for_the_database_are_those_of_infra_up(stage: str) -> None:
    # GIVEN the events that the workflow sends to the administrative function
    scripts = "".join(step.get("run", "") for step in JOBS["deploy"]["deploy"]["steps"])
    sent = [line.replace("'\"$STAGE\"'", stage) for line in re.findall(r"^admin '(.+)'$", scripts, re.MULTILINE)]
    prepare, load = (json.loads(each)["command"] for each in sent)
    # THEN its parser accepts them: REDIS_URL, which the function has, is the default of --redis-url
    user = template("faunalens.yaml")["Outputs"]["DatabaseUser"]["Value"]["Fn::Sub"].replace("${Stage}", stage)
    assert prepare == ["prepare", user, "--patience", DATABASE_PATIENCE]
    assert load == ["load", "--patience", DATABASE_PATIENCE]
    for command in (prepare, load):
        assert database_parser(Settings()).parse_args(command).command


def test_what_the_deployment_runs_is_there() -> None:
    # GIVEN the workflow's commands THEN they parse, and their stages and steps exist
    text = (ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8")
    commands = re.findall(r"\.venv/bin/python -m infra (.+)$", text, re.MULTILINE)
    assert len(commands) == 1
    known = [step.name for step in Up(Stage("", "", None, {})).steps()]
    stages = re.findall(r"options: \[(.+)\]$", text, re.MULTILINE)[0].split(", ")
    for command, stage in product(commands, stages):
        options = build_parser().parse_args(shlex.split(command.replace("$STAGE", stage)))
        assert options.stage == stage
        for step in (getattr(options, "only", ""), getattr(options, "first", ""), *getattr(options, "skipped", [])):
            assert not step or step in known
    # AND nothing is deployed that was not tested
    assert [JOBS["deploy"][name]["needs"] for name in ("build", "deploy", "smoke")] == ["test", "build", "deploy"]

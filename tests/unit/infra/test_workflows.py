"""The GitHub workflows: actionlint finds nothing, actions are pinned, and there is no key."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest
from cfnlint.decode.cfn_yaml import loads

from chalicelib.api.page import page_key
from chalicelib.config.settings import ROOT, Settings
from faunalens.data.__main__ import build_parser as database_parser
from infra.__main__ import build_parser as infra_parser
from infra.functions import FUNCTIONS, function_name
from infra.invoke import DATABASE_PATIENCE
from infra.release import ALIAS
from infra.release.releases import KEPT
from infra.template import declared_parameters
from tests.support.cloudformation import template

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LINT = Path(sys.executable).with_name("jactionlint")


def test_the_linter_finds_nothing() -> None:
    # without shellcheck and pyflakes, which a machine may lack
    command: list[str | Path] = [LINT, "--strict-exit", "--no-online", "--shellcheck=", "--pyflakes=", *WORKFLOWS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_key_is_kept_and_actions_are_pinned(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"secrets\.|aws-access-key|AWS_SECRET", text)
    for used in re.findall(r"uses: (\S+)", text):
        assert used.startswith("./") or re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", used), used


JOBS = {path.stem: loads(path.read_text(encoding="utf-8"))["jobs"] for path in WORKFLOWS}


def test_only_a_job_without_packages_may_ask_for_an_aws_role() -> None:
    # GIVEN the jobs that may ask for GitHub's token, with which AWS gives them a role; others only hand it on
    jobs = {f"{workflow}/{name}": job for workflow, each in JOBS.items() for name, job in each.items()}
    asking = {name: job for name, job in jobs.items() if "id-token" in job["permissions"] and "uses" not in job}
    assert asking.keys() == {"stage/deploy", "stage/back", "stage/prune"}
    for job in asking.values():
        # THEN they run neither the checkout's code nor that of its packages
        assert job["permissions"] == {"id-token": "write"}
        used = {step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step}
        assert used <= {"actions/download-artifact", "aws-actions/configure-aws-credentials"}
        scripts = "".join(step.get("run", "") for step in job["steps"])
        assert not re.search(r"python|pip|make|npm|npx|uv |\.venv|build/\S+\.sh", scripts)
        # AND the environment decides who may start them, and from which branch
        assert "inputs.stage" in job["environment"]
    assert not [name for name, job in jobs.items() if "environment" in job and name not in asking]


def test_prod_takes_the_artefact_of_the_commit_that_passed_dev_s_smoke_test() -> None:
    # GIVEN one build for both stages WHEN dev has been deployed and tested THEN prod gets the same files
    deploy, stage = JOBS["deploy"], JOBS["stage"]
    assert [deploy[name]["needs"] for name in ("build", "dev", "prod")] == ["test", "build", "dev"]
    assert deploy["dev"]["uses"] == deploy["prod"]["uses"] == "./.github/workflows/stage.yml"
    uploaded = [step["with"]["name"] for step in deploy["build"]["steps"] if "upload-artifact" in step.get("uses", "")]
    taken = [step["with"]["name"] for step in stage["deploy"]["steps"] if "download-artifact" in step.get("uses", "")]
    assert uploaded == taken == ["stages"]
    # AND the smoke test belongs to the stage, of which no other release is deployed meanwhile
    assert stage["smoke"]["needs"] == "deploy"
    for name in ("dev", "prod"):
        concurrency = {"group": f"deploy-{name}", "cancel-in-progress": False}
        assert (deploy[name]["with"], deploy[name]["concurrency"]) == ({"stage": name}, concurrency)
        assert 'python -m infra template --stage "$stage"' in scripts_of("deploy", "build")


def test_the_smoke_test_asks_the_stage_by_its_url_and_without_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN what the deployment handed on
    url, asked = "https://abc.execute-api.eu-west-1.amazonaws.com/dev/", Mock()
    for name, value in {"URL": url, "STAGE": "dev", "HEALTH": '{"status": "ok"}'}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("infra.smoke.check", asked.check)
    monkeypatch.setattr("infra.smoke.check_upload", asked.check_upload)
    # WHEN the job runs its program
    (code,) = re.findall(r"python -c '(.+?)'", scripts_of("stage", "smoke"), re.DOTALL)
    exec(code, {})  # noqa: S102  the workflow's own
    # THEN the API and an upload are tried with the page's key, and the health is the one that the deployment saw
    (tried, _, ask_health, key), uploaded = asked.check.call_args.args, asked.check_upload.call_args.args
    assert (tried, ask_health(), key) == (url, {"status": "ok"}, page_key("dev", "abc"))
    assert (uploaded[0], uploaded[2]) == (url, key)


def test_the_health_is_asked_until_all_parts_are_signed_in(tmp_path: Path) -> None:
    # GIVEN a new container, whose sign-in to the database takes longer than two requests wait
    (step,) = [each for each in JOBS["stage"]["deploy"]["steps"] if each.get("id") == "health"]
    jq = 'jq() { test "$1" != -e || test "$(grep -c invoke calls)" -ge 3; }; sleep() { :; }'
    calls = run_bash(f"{jq}\n{step['run']}", tmp_path, STAGE="dev", GITHUB_OUTPUT="output")
    # THEN the third answer goes to the smoke test, which cannot ask by itself
    assert [call[1] for call in calls] == ["invoke"] * 3


def test_a_smoke_test_that_fails_takes_the_aliases_back() -> None:
    back = JOBS["stage"]["back"]
    assert "failure()" in back["if"]
    assert "needs.smoke.result == 'failure'" in back["if"]
    # GIVEN the versions that ran before the deployment WHEN the test fails THEN each alias names its own again
    names = re.findall(r'"(faunalens-\$STAGE[\w-]*)"', scripts_of("stage", "deploy").partition("get-alias")[0])
    assert names == ["faunalens-$STAGE", *(f"faunalens-$STAGE-{each}" for each in ("batch", "warm", "admin"))]
    assert {each.replace("$STAGE", "dev") for each in names} == {function_name("dev", key) for key in FUNCTIONS}
    assert f"--name {ALIAS} --function-version" in scripts_of("stage", "back")
    # AND nothing but the alias is called
    for call in re.findall(r"aws lambda invoke .*", scripts_of("stage", "deploy")):
        assert f"--qualifier {ALIAS}" in call


def run_bash(script: str, folder: Path, **environment: str) -> list[list[str]]:
    """Run a script with an `aws` that notes its calls and says what AWS would. Return the calls."""
    aws = """
        aws() {
            printf '%s\\037' "$@" >>calls; echo >>calls
            case "$*" in
                *get-alias*) echo 2 ;;
                *describe-alarms*) echo "$ALARM" ;;
                *describe-stacks*) echo "$STACK" ;;
                *list-versions*) printf '$LATEST\\t1\\t2\\t3\\t10\\t9\\n8\\t7\\t12\\t11\\t6\\n' ;;
            esac
        }"""
    variables = {"PATH": os.environ["PATH"], **environment}
    command = ["bash", "-euo", "pipefail", "-c", f"{aws}\n{script}"]
    subprocess.run(command, cwd=folder, env=variables, check=True, timeout=30)
    return [line.split("\x1f")[:-1] for line in (folder / "calls").read_text(encoding="utf-8").splitlines()]


def test_versions_older_than_the_last_releases_are_deleted_and_never_the_one_that_runs(tmp_path: Path) -> None:
    (step,) = [each for each in JOBS["stage"]["prune"]["steps"] if "run" in each]
    assert step["env"]["KEPT"] == KEPT
    calls = run_bash(step["run"], tmp_path, STAGE="dev", KEPT=str(KEPT))
    # THEN of each function all but the last five go, and version 2, which runs, stays
    deleted = [(call[3], call[5]) for call in calls if "delete-function" in call]
    names = [function_name("dev", key) for key in FUNCTIONS]
    assert sorted(deleted) == sorted((name, version) for name in names for version in ("1", "3", "6", "7"))


def scripts_of(workflow: str, job: str) -> str:
    return "".join(step.get("run", "") for step in JOBS[workflow][job]["steps"])


def change_set(folder: Path, **environment: str) -> list[str]:
    """Return the call that makes a change set. `environment`: what AWS says of the `ALARM` and of the `STACK`."""
    (step,) = [each for each in JOBS["stage"]["deploy"]["steps"] if "change()" in each.get("run", "")]
    (folder / "build").mkdir()
    jq = 'jq() { case "$*" in *Traffic*) echo 10 ;; esac; }'
    script = f"{jq}\n{step['run']}\n. functions\nchange faunalens-dev app.json chosen.json"
    names = {"PACKAGE_BUCKET": "packages", "AWS_DEFAULT_REGION": "eu-west-1", "CLOUDFORMATION_ROLE": "role"}
    runner = {"RUNNER_TEMP": ".", "GITHUB_ENV": "env", "GITHUB_SHA": "aaa", "GITHUB_RUN_ID": "1"}
    given = {**names, **runner, "GITHUB_RUN_ATTEMPT": "1", "STAGE": "dev", **environment}
    (call,) = [each for each in run_bash(script, folder, **given) if "create-change-set" in each]
    return call


WATCHED = "RollbackTriggers=[{Arn=arn:1,Type=AWS::CloudWatch::CompositeAlarm}],MonitoringTimeInMinutes=10"


@pytest.mark.parametrize(
    ("alarm", "stack", "option", "value"),
    [
        # the alarm of a stack takes a change back
        ("arn:1", "UPDATE_COMPLETE", "--rollback-configuration", WATCHED),
        # unless it is on: CloudFormation would use the alarm of the last change again
        ("", "UPDATE_COMPLETE", "--rollback-configuration", "RollbackTriggers=[],MonitoringTimeInMinutes=0"),
        ("", "UPDATE_COMPLETE", "--change-set-type", "UPDATE"),
        # a stack whose first change set failed is created still
        ("", "REVIEW_IN_PROGRESS", "--change-set-type", "CREATE"),
    ],
)
def test_a_change_set_is_watched_and_of_the_type_that_the_stack_needs(
    alarm: str, stack: str, option: str, value: str, tmp_path: Path
) -> None:
    call = change_set(tmp_path, ALARM=alarm, STACK=stack)
    assert call[call.index(option) + 1] == value


def test_the_deployment_gives_cloudformation_its_role_and_functions_their_boundary() -> None:
    scripts = scripts_of("stage", "deploy")
    assert '--role-arn "$CLOUDFORMATION_ROLE"' in scripts
    # AND each stack changes by a change set
    assert "aws cloudformation deploy" not in scripts
    assert "PermissionsBoundary: $boundary" in scripts
    # AND it names stack and parameters that there are
    declared = {*declared_parameters(), *template("web.yaml")["Parameters"]}
    for name in re.findall(r"(\w+): \$\w+", scripts):
        assert name in declared
    variables = set(re.findall(r"vars\.(\w+)", "".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)))
    guide = (ROOT / "docs" / "reference" / "infra.md").read_text(encoding="utf-8")
    assert not {name for name in variables if f"`{name}`" not in guide}


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_commands_for_the_database_are_those_of_infra_up(stage: str) -> None:
    # GIVEN the events that the workflow sends to the administrative function
    scripts = scripts_of("stage", "deploy")
    sent = [line.replace("'\"$STAGE\"'", stage) for line in re.findall(r"^admin '(.+)'$", scripts, re.MULTILINE)]
    prepare, load = (json.loads(each)["command"] for each in sent)
    # THEN its parser accepts them: REDIS_URL, which the function has, is the default of --redis-url
    user = template("faunalens.yaml")["Outputs"]["DatabaseUser"]["Value"]["Fn::Sub"].replace("${Stage}", stage)
    assert prepare == ["prepare", user, "--patience", DATABASE_PATIENCE]
    assert load == ["load", "--patience", DATABASE_PATIENCE]
    for command in (prepare, load):
        assert database_parser(Settings()).parse_args(command).command


def test_what_the_deployment_runs_is_there() -> None:
    # GIVEN the workflow's command THEN it parses, and its stages exist
    text = (ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8")
    (command,) = re.findall(r"\.venv/bin/python -m infra (.+)$", text, re.MULTILINE)
    for stage in re.findall(r"for stage in (.+); do$", text, re.MULTILINE)[0].split():
        assert infra_parser().parse_args(shlex.split(command.replace("$stage", stage))).stage == stage

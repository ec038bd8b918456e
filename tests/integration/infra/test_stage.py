"""A whole stage up and down again with one command, against an account simulated by moto.

moto lacks some resources (`moto_stack.LEFT_OUT`), so their outputs are invented. It has no public URL for the API, so
the test skips the last step. docs/how-to/deploy.md says so too. `make test` brings it up and down; each
night it also comes up a second time.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chalicelib.config.settings import ROOT
from faunalens.data.__main__ import run_event
from infra.template import declared_parameters
from tests.support.aws import ACCOUNT, CONCURRENCY, REGION, Account, definition

GIVEN = {"LogDays": "7", "BackfillConcurrency": CONCURRENCY, "BackfillWebhook": "https://example.org/hook"}
UP = ("up", "--skip", "smoke", *(word for name, value in GIVEN.items() for word in ("--set", f"{name}={value}")))


def infra(account: Account, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m infra` for another region than the environment's."""
    return subprocess.run(
        [sys.executable, "-m", "infra", *arguments, "--stage", "dev", "--region", REGION],
        cwd=ROOT,
        env=os.environ | account.environment | {"AWS_DEFAULT_REGION": "us-west-2", "AWS_REGION": "us-west-2"},
        capture_output=True,
        text=True,
        timeout=1200,  # patience for a busy machine: no claim of the test
    )


@pytest.mark.usefixtures("package")  # packed once a session, so `up` need not
@pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning")  # moto creates no alarms and queries from a template
@pytest.mark.parametrize("is_examined", [False, pytest.param(True, marks=pytest.mark.alone)], ids=["plain", "examined"])
def test_a_stage_comes_up_and_goes_down(
    aws: Account, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_examined: bool
) -> None:
    # GIVEN an empty account, whose administrative function uses a real database, and loads few ranges to be quick
    commands: list[list[str]] = []
    monkeypatch.setenv("DATABASE_URL", database_url)
    (tmp_path / "ranges.csv").write_text(
        "taxon,areas,status,certainty,extent,season,source,note\nphascolarctos-cinereus,AU,,,,,mdd,\n"
    )

    def admin(event: dict[str, Any]) -> dict[str, Any]:
        commands.append(event["command"])
        return _administer(event, data=tmp_path)

    aws.functions["faunalens-dev-admin"] = admin

    # WHEN someone looks at what would change THEN there is a preview, and afterwards nothing but the bucket of packages
    looked = infra(aws, *UP, "--dry-run")
    assert looked.returncode == 0, looked.stdout + looked.stderr
    assert re.search(r"add \d+ resources: ", looked.stdout)
    assert stacks_of(aws) == {"faunalens-dev-packages"}

    # WHEN the stage is brought up THEN the command prints account and URL
    up = infra(aws, *UP, "--yes")
    assert up.returncode == 0, up.stdout + up.stderr
    assert up.stdout.startswith(f"Account {ACCOUNT}, region {REGION}, stage dev\n")
    assert re.search(rf"Stage dev is up: https://\S+\.execute-api\.{REGION}\.amazonaws\.com/dev/\n", up.stdout)
    assert "python -m infra smoke --stage dev" in up.stdout
    # AND packages and templates are in the bucket once, under the names of their content
    bucket = f"faunalens-dev-packages-{REGION}-{ACCOUNT}"
    uploaded = aws.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert sorted(each["Key"].rpartition(".")[2] for each in uploaded) == ["template", "template", "zip", "zip"]
    assert "sent" not in up.stdout, "the dry run has sent them"
    # AND the functions are there, and the queue of new photos calls one of them
    functions = {each["FunctionName"] for each in aws.client("lambda").list_functions()["Functions"]}
    own = ("", "-warm", "-batch", "-admin", "-gate", "-backfill-webhook")
    assert functions == {f"faunalens-dev{suffix}" for suffix in own}
    (stream,) = aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert stream["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    outputs = outputs_of(aws)
    # AND the chosen parameter is that of the stack, which gets all others too: it would keep values of its own
    (stack,) = aws.client("cloudformation").describe_stacks(StackName="faunalens-dev")["Stacks"]
    parameters = {each["ParameterKey"]: each.get("ParameterValue") for each in stack["Parameters"]}
    assert parameters["LogDays"] == "7"
    assert parameters.keys() == declared_parameters().keys()
    # AND the database was prepared and loaded, by the normal loader
    assert [command[0] for command in commands] == ["prepare", "load"]
    assert run_event({"command": ["list", "--database-url", database_url]})["said"].rstrip().endswith("active")
    # AND dashboards exist
    assert aws.client("cloudwatch").list_dashboards()["DashboardEntries"]
    # AND the backfill is there as the template says, and its webhook
    machines = aws.client("stepfunctions")
    names = {each["name"]: each["stateMachineArn"] for each in machines.list_state_machines()["stateMachines"]}
    assert names.keys() == {"faunalens-dev-backfill", "faunalens-dev-backfill-webhook"}
    found = machines.describe_state_machine(stateMachineArn=names["faunalens-dev-backfill"])
    assert json.loads(found["definition"]) == definition()
    rules = aws.client("events").list_rules()["Rules"]
    (ended,) = [json.loads(each["EventPattern"]) for each in rules if "EventPattern" in each]
    assert ended["detail"]["stateMachineArn"] == [names["faunalens-dev-backfill"]]
    webhook = aws.client("lambda").get_function_configuration(FunctionName="faunalens-dev-backfill-webhook")
    assert webhook["Environment"]["Variables"]["URL"] == GIVEN["BackfillWebhook"]
    assert f"batches at a time: {CONCURRENCY}; secret of the webhook: " in up.stdout

    # AND it says what runs
    listed = infra(aws, "releases")
    assert re.search(r"\n +1  20\S+ \S+ UTC  \S+ +[0-9a-f]{12} +100%\ndataset: \S+\n", listed.stdout), listed.stderr
    # AND there is no way back from the first release
    back = infra(aws, "rollback")
    assert (back.returncode, "error: there is no release to go back to" in back.stderr) == (1, True)

    if is_examined:
        check_second_up(aws)

    # WHEN it is taken down THEN nothing is left
    aws.client("s3").put_object(Bucket=outputs["PhotoBucket"], Key="uploads/one", Body=b"a photo")
    down = infra(aws, "down", "--yes")
    assert down.returncode == 0, down.stdout + down.stderr
    assert "photos deleted: 1" in down.stdout
    assert re.search(r"packages deleted: [34]", down.stdout)
    roles = [each["RoleName"] for each in aws.client("iam").list_roles()["Roles"]]
    assert all(each.startswith("AWSServiceRoleFor") for each in roles), "those of services stay with the account"
    assert down.stdout.rstrip().endswith("Stage dev is gone.")
    assert stacks_of(aws) == set()
    assert aws.client("lambda").list_functions()["Functions"] == []
    assert aws.client("s3").list_buckets()["Buckets"] == []


def check_second_up(aws: Account) -> None:
    """A second time, the same template has no changes, and the dataset is active already."""
    again = infra(aws, *UP, "--yes")
    assert again.returncode == 0, again.stdout + again.stderr
    for message in ("stack faunalens-dev is up to date", "already active"):
        assert message in again.stdout
    assert " sent\n" not in again.stdout


def _administer(event: dict[str, Any], data: Path) -> dict[str, Any]:
    """Run the command as the function does, but without the cache and the database role, on the dataset in `data`."""
    command = [each for each in event["command"] if not each.startswith(("rediss:", "--redis-url"))]
    if command[0] == "prepare":
        return {"code": 0, "said": "faunalens_app may read\n"}
    return run_event({"command": [*command, "--from", str(data)] if command[0] == "load" else command})


def stacks_of(aws: Account) -> set[str]:
    return {each["StackName"] for each in aws.client("cloudformation").describe_stacks()["Stacks"]}


def outputs_of(aws: Account) -> dict[str, str]:
    (stack,) = aws.client("cloudformation").describe_stacks(StackName="faunalens-dev")["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

"""A whole stage up and down again with one command, against an account simulated by moto.

moto has no network, database, cache, firewall and usage plan in CloudFormation, so the test removes these resources
from the templates and invents their outputs. It has no public URL for the API, so the test skips the last step.
docs/how-to/deploy.md says so too. `make test` brings it up and down; what a dry run, a second `up` and the proofs find
out about the stage meanwhile is looked at each night.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

from database.admin_function import run
from infra import rehearsal
from infra.empty_account import ACCOUNT as EXAMPLE_ACCOUNT
from infra.package import Package
from infra.recorded_call import RecordedCall, parsed_call
from testing.aws import ACCOUNT, REGION, Account, account
from tests.integration.infra.checkout import copy_to, use_small_package

UNKNOWN_TO_MOTO = (
    "AWS::RDS::",
    "AWS::ElastiCache::",
    "AWS::EC2::",  # moto creates, but does not delete them
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::S3::BucketPolicy",
    "AWS::Budgets::",
    "AWS::WAFv2::",
    "AWS::ApiGateway::",
)
UP = ("up", "--skip", "smoke", "--set", "ApiKeys=required")
INVENTED = {"DatabasePort": "5432", "CachePort": "6379", "SubnetIds": "subnet-a,subnet-b"}


@dataclass(frozen=True, slots=True)
class Workplace:
    """A copy of the checkout, and an account."""

    folder: Path
    aws: Account

    calls: list[RecordedCall] = field(default_factory=list)
    """Every call of the last command, in order."""

    def infra(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m infra` for another region than the environment's, and record its calls."""
        rehearsal.hook(self.folder / "hooks", "record")
        path = f"{self.folder}{os.pathsep}{self.folder / 'hooks'}"
        done = subprocess.run(
            [sys.executable, "-m", "infra", *arguments, "--stage", "dev", "--yes", "--region", REGION],
            cwd=self.folder,
            env=os.environ
            | self.aws.environment
            | {"PYTHONPATH": path, "AWS_DEFAULT_REGION": "us-west-2", "AWS_REGION": "us-west-2"},
            capture_output=True,
            text=True,
            timeout=1200,  # patience for a busy machine: no claim of the test
        )
        lines = done.stdout.splitlines(keepends=True)
        self.calls[:] = [call for call in map(parsed_call, lines) if call]
        done.stdout = "".join(line for line in lines if not parsed_call(line))
        return done


@pytest.fixture
def workplace(tmp_path: Path, package: Package) -> Iterator[Workplace]:
    assert package.layer.is_file()  # already packed in ROOT, so the copy can have zips of the same names
    folder = copy_to(tmp_path / "checkout")
    use_small_package(folder)
    for template in (folder / "infra" / "faunalens.yaml", folder / "infra" / "edge.yaml"):
        template.write_text(json.dumps(as_moto_can(template)), encoding="utf-8")
    with account() as aws:
        yield Workplace(folder, aws)


def as_moto_can(template: Path) -> dict[str, Any]:
    """Return the template without the resources that moto lacks, and with invented outputs for them."""
    document: dict[str, Any] = json.loads(json.dumps(cfn_yaml.load(str(template))))
    resources = document["Resources"]
    gone = {name for name, each in resources.items() if each["Type"].startswith(UNKNOWN_TO_MOTO)}
    document["Resources"] = {name: each for name, each in resources.items() if name not in gone}
    for each in document["Resources"].values():
        each.pop("DependsOn", None)
    for name, output in document["Outputs"].items():
        if set(re.findall(r'"(?:Ref|Fn::GetAtt)": \[?"(\w+)', json.dumps(output))) & gone:
            output["Value"] = INVENTED.get(name, f"made-up-{name.lower()}")
    return document


@pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning")  # moto creates no alarms and queries from a template
@pytest.mark.parametrize("is_examined", [False, pytest.param(True, marks=pytest.mark.alone)], ids=["plain", "examined"])
def test_a_stage_comes_up_and_goes_down(
    workplace: Workplace, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_examined: bool
) -> None:
    # GIVEN an empty account, whose administrative function uses a real database, and loads few ranges to be quick
    commands: list[Sequence[str]] = []
    monkeypatch.setenv("DATABASE_URL", database_url)
    (tmp_path / "ranges.csv").write_text(
        "taxon,areas,status,certainty,extent,season,source,note\nphascolarctos-cinereus,AU,,,,,mdd,\n"
    )

    def admin(event: dict[str, Any]) -> dict[str, Any]:
        commands.append(event["command"])
        return _administer(event, data=tmp_path)

    workplace.aws.functions["faunalens-dev-admin"] = admin

    # WHEN the stage is brought up THEN the command prints account and URL
    up = workplace.infra(*UP)
    assert up.returncode == 0, up.stdout + up.stderr
    assert up.stdout.startswith(f"Account {ACCOUNT}, region {REGION}, stage dev\n")
    assert re.search(rf"Stage dev is up: https://\w+\.execute-api\.{REGION}\.amazonaws\.com/dev/\n", up.stdout)
    assert "python -m infra smoke --stage dev" in up.stdout
    calls = [*workplace.calls]
    # AND both zips went through the stack's bucket, once for four functions, and the template of the dashboards too
    assert "faunalens-dev-managed-layer: 0.0 of " in up.stdout
    uploaded = workplace.aws.client("s3").list_objects_v2(Bucket=f"faunalens-dev-packages-{ACCOUNT}")["Contents"]
    assert sorted(each["Key"].rpartition(".")[2] for each in uploaded) == ["json", "zip", "zip"]
    # AND the functions have the stack's network and addresses
    functions = {each["FunctionName"]: each for each in workplace.aws.client("lambda").list_functions()["Functions"]}
    assert set(functions) == {"faunalens-dev", "faunalens-dev-warm", "faunalens-dev-batch", "faunalens-dev-admin"}
    outputs = outputs_of(workplace.aws)
    for each in functions.values():
        assert each["VpcConfig"]["SubnetIds"] == outputs["SubnetIds"].split(",")
        assert each["VpcConfig"]["SecurityGroupIds"] == [outputs["FunctionSecurityGroup"]]
        assert each["Environment"]["Variables"]["REDIS_URL"].startswith("rediss://made-up-cacheuser@")
    assert "faunalens_app@" in functions["faunalens-dev"]["Environment"]["Variables"]["DATABASE_URL"]
    assert "devfauna@" in functions["faunalens-dev-admin"]["Environment"]["Variables"]["DATABASE_URL"]
    # AND a failed asynchronous call of another function than the API's is not repeated
    for name in ("faunalens-dev-warm", "faunalens-dev-batch", "faunalens-dev-admin"):
        config = workplace.aws.client("lambda").get_function_event_invoke_config(FunctionName=name)
        assert config["MaximumRetryAttempts"] == 0
    # AND the queue of new photos calls the batch function, as often as its share allows
    (stream,) = workplace.aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert stream["FunctionArn"].endswith(":faunalens-dev-batch")
    assert (stream["FunctionResponseTypes"], stream["BatchSize"]) == (["ReportBatchItemFailures"], 10)
    assert stream["ScalingConfig"] == {"MaximumConcurrency": 2}
    # AND the API demands keys where a request costs something, and each method has its limits
    (definition,) = workplace.aws.imported
    assert definition["paths"]["/identify"]["post"]["security"] == [{"api_key": []}]
    assert "security" not in definition["paths"]["/health"]["get"]
    variables = functions["faunalens-dev"]["Environment"]["Variables"]
    assert variables["API_KEYS"] == "true"
    assert "* key-day=10000/86400" in variables["RATE_LIMITS"]
    (api,) = workplace.aws.client("apigateway").get_rest_apis()["items"]
    limits = workplace.aws.client("apigateway").get_stage(restApiId=api["id"], stageName="dev")["methodSettings"]
    assert limits["~1identify/POST"]["throttlingRateLimit"] == 7.0
    # AND the database was prepared and loaded, by the normal loader
    assert [command[0] for command in commands] == ["prepare", "load"]
    assert run({"command": ["list", "--database-url", database_url]})["said"].rstrip().endswith("active")
    # AND dashboards exist
    assert workplace.aws.client("cloudwatch").list_dashboards()["DashboardEntries"]

    if is_examined:
        check_dry_run(workplace, calls)
        check_second_up(workplace)
        check_proofs(workplace)

    # WHEN it is taken down, after an earlier try was killed between a function and its role, THEN nothing is left
    workplace.aws.client("lambda").delete_function(FunctionName="faunalens-dev-warm")
    photo = {"Bucket": outputs["PhotoBucket"], "Key": "uploads/one"}
    workplace.aws.client("s3").put_object(**photo, Body=b"a photo")
    down = workplace.infra("down")
    assert down.returncode == 0, down.stdout + down.stderr
    assert "1 photos deleted" in down.stdout
    assert "3 packages deleted" in down.stdout
    assert "faunalens-dev-admin is detached" in down.stdout
    assert workplace.aws.client("iam").list_roles()["Roles"] == []
    assert down.stdout.rstrip().endswith("Stage dev is gone.")
    assert workplace.aws.client("lambda").list_functions()["Functions"] == []
    assert workplace.aws.client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
    assert "QueueUrls" not in workplace.aws.client("sqs").list_queues()
    assert workplace.aws.client("apigateway").get_rest_apis()["items"] == []
    assert workplace.aws.client("s3").list_buckets()["Buckets"] == []
    assert workplace.aws.client("cloudwatch").list_dashboards()["DashboardEntries"] == []
    assert "subnet_ids" not in (workplace.folder / ".chalice" / "config.json").read_text()
    if is_examined:
        # AND what was proved stays proved
        later = workplace.infra("prove", "--only", "rights", "--only", "gone")
        assert "the stage is not up, so nothing is tried" in later.stdout
        assert "| x | `rights` |" in (workplace.folder / "build" / "proof-dev.md").read_text(encoding="utf-8")


def check_dry_run(workplace: Workplace, calls: Sequence[RecordedCall]) -> None:
    """A dry run prints the very calls that the command made, in order."""
    command = [sys.executable, "-m", "infra", *UP, "--stage", "dev", "--dry-run"]
    planned = subprocess.run(command, cwd=workplace.folder, capture_output=True, text=True, timeout=600)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert printed_calls(planned.stdout) == made_calls(calls)


def check_second_up(workplace: Workplace) -> None:
    """From another checkout, which has no record, the parts are reported as existing, and nothing is sent again.

    Not so the stack: moto updates it without a change.
    """
    apis = workplace.aws.client("apigateway").get_rest_apis()["items"]
    (workplace.folder / ".chalice" / "deployed" / "dev.json").unlink()
    again = workplace.infra(*UP)
    assert again.returncode == 0, again.stdout + again.stderr
    for message in ("already there", "already active"):
        assert message in again.stdout
    assert "uploaded" not in again.stdout
    # AND there is no second API
    now = workplace.aws.client("apigateway").get_rest_apis()["items"]
    assert [each["id"] for each in now] == [each["id"] for each in apis]


def check_proofs(workplace: Workplace) -> None:
    """The stage's claims are tried as far as AWS's own interfaces can tell, and each has its outcome in the report."""
    tried = ("database-sign-in", "load-time", "network-denial", "rights", "recipients", "cold-start")
    proved = workplace.infra("prove", *(word for claim in tried for word in ("--only", claim)))
    assert proved.returncode == 1, proved.stdout + proved.stderr
    report = (workplace.folder / "build" / "proof-dev.md").read_text(encoding="utf-8")
    outcomes = dict(re.findall(r"^\| [x ] \| `([\w-]+)` \| .* \| (proved|refuted|open) \|", report, re.MULTILINE))
    expected = {"database-sign-in": "proved", "network-denial": "proved", "rights": "proved"}
    assert {name: outcomes[name] for name in tried} == expected | {
        "recipients": "refuted",  # the stage has no address for alarms
        "load-time": "open",  # moto has no metrics of functions
        "cold-start": "open",
    }
    assert "alarms reach no one: their topic has no subscription" in report
    assert ACCOUNT not in report


Call = tuple[str, str, str, str]
"""Effect, service, operation and name of a call."""


def printed_calls(output: str) -> list[Call]:
    """Return the calls that a dry run printed."""
    line = r"^ +(read|change) +(\w+) (\w+)(?: ([^\s,]+))?(?:, [\d.]+ [kM]B)?(?:, (\d+) times)?$"
    return [
        _without_id((effect, service, operation, name))
        for effect, service, operation, name, times in re.findall(line, output, re.MULTILINE)
        for _ in range(int(times or 1))
    ]


def made_calls(calls: Sequence[RecordedCall]) -> list[Call]:
    return [
        _without_id(("change" if each.changes else "read", each.service, each.operation, each.name)) for each in calls
    ]


def _without_id(call: Call) -> Call:
    """Return the call without what AWS makes up: the id of an API, an output of a stack, the account in a name."""
    made_up = ("UpdateRestApi", "ListSubscriptionsByTopic", "GetUsagePlanKeys", "PutObject")
    return (*call[:3], "" if call[2] in made_up else call[3].removesuffix(EXAMPLE_ACCOUNT).removesuffix(ACCOUNT))


def _administer(event: dict[str, Any], data: Path) -> dict[str, Any]:
    """Run the command as the function does, but without the cache and the database role, on the dataset in `data`."""
    command = [each for each in event["command"] if not each.startswith(("rediss:", "--redis-url"))]
    if command[0] == "prepare":
        return {"code": 0, "said": "faunalens_app may read\n"}
    return run({"command": [*command, "--from", str(data)] if command[0] == "load" else command})


def outputs_of(aws: Account) -> dict[str, str]:
    (stack,) = aws.client("cloudformation").describe_stacks(StackName="faunalens-dev")["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

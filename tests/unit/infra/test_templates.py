"""The templates: parameters and outputs are documented, and names match those in logs, dashboards and policies."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.api.uploads import FOLDER
from chalicelib.config.settings import ROOT
from infra import down, preconditions
from infra.functions import function_settings
from infra.step import PreconditionFailed
from infra.template import parameters_of
from tests.support.cloudformation import STAGES, parameters, resources, template

NAMES = ("faunalens.yaml", "packages.yaml", "edge.yaml", "stream.yaml", "web.yaml", "backfill.yaml")


GLOBAL: dict[str, Callable[[Any], Any]] = {
    "AWS::Budgets::Budget": lambda properties: properties["Budget"]["BudgetName"],
    "AWS::CloudFront::Function": lambda properties: properties["Name"],
    "AWS::IAM::ManagedPolicy": lambda properties: properties.get("ManagedPolicyName"),
    "AWS::IAM::Role": lambda properties: properties.get("RoleName"),
    "AWS::S3::Bucket": lambda properties: properties.get("BucketName"),
}
"""How the types of resources are named whose names are taken in all regions of an account, or of the world."""


@pytest.mark.parametrize("name", [*NAMES, "pipeline.yaml", "release.yaml"])
def test_a_stage_can_be_in_two_regions_at_once(name: str) -> None:
    for logical, resource in template(name)["Resources"].items():
        name_of = GLOBAL.get(resource["Type"])
        if name_of and (named := name_of(resource.get("Properties", {}))) is not None:
            assert "${AWS::Region}" in named["Fn::Sub"], logical
            longest = named["Fn::Sub"].replace("${Stage}", "s" * 10).replace("${AWS::Region}", "ap-southeast-2")
            assert len(longest.replace("${AWS::AccountId}", "1" * 12)) <= 63


@pytest.mark.parametrize(("minimum", "pauses"), [("0", True), ("0.5", False)])
def test_the_database_pauses_only_if_its_least_capacity_is_nothing(minimum: str, pauses: bool) -> None:
    # WHEN a stage is deployed with that capacity
    database = resources("faunalens.yaml", {**parameters("dev"), "DatabaseMinCapacity": minimum})["Database"]
    # THEN it has the time until a pause or not: AWS refuses it for a database that never pauses
    assert ("SecondsUntilAutoPause" in database["Properties"]["ServerlessV2ScalingConfiguration"]) is pauses


def test_names_are_those_that_logs_policies_and_commands_use() -> None:
    # GIVEN functions that may not create log groups THEN each has its own, and the database the two that it exports
    found = resources("faunalens.yaml", parameters("prod"))
    logs = {each["Properties"]["LogGroupName"] for each in found.values() if each["Type"] == "AWS::Logs::LogGroup"}
    functions = {f"/aws/lambda/faunalens-prod{suffix}" for suffix in ("", "-warm", "-batch", "-admin")}
    exported = found["Database"]["Properties"]["EnableCloudwatchLogsExports"]
    assert logs == functions | {f"/aws/rds/cluster/faunalens-prod/{kind}" for kind in exported}
    # AND photos are uploaded into the folder that the network's endpoint and the policies let through
    endpoint = template("faunalens.yaml")["Resources"]["S3Endpoint"]["Properties"]["PolicyDocument"]
    assert endpoint["Statement"][0]["Resource"][0]["Fn::Sub"].endswith(f"/{FOLDER}*")
    assert f"/{FOLDER}*" in (ROOT / ".chalice" / "policy-api.json").read_text(encoding="utf-8")
    # AND the buckets that `infra down` empties first are outputs of the stacks
    for part, (output, _) in down.BUCKETS.items():
        assert output in template(f"{part or 'faunalens'}.yaml")["Outputs"]


def test_the_administrators_name_is_one_that_rds_takes_for_every_stage_that_is_allowed() -> None:
    # GIVEN CreateDBCluster: "1 to 16 letters or numbers", the first a letter WHEN a stage has the longest name allowed
    stack = template("faunalens.yaml")
    allowed, name = stack["Parameters"]["Stage"]["AllowedPattern"], stack["Resources"]["Database"]["Properties"]
    longest = max((f"a{'b' * count}" for count in range(40) if re.fullmatch(allowed, f"a{'b' * count}")), key=len)
    assert re.fullmatch("[a-z][a-z0-9]{0,15}", name["MasterUsername"]["Fn::Sub"].replace("${Stage}", longest))


def test_every_resource_that_can_have_tags_is_tagged() -> None:
    untagged = ("SNS::Subscription", "Policy", "Budget", "VPCEndpoint", "RouteTableAssociation", "SecurityGroupEgress")
    for name, each in template("faunalens.yaml")["Resources"].items():
        if not each["Type"].endswith(untagged):
            assert {"Key": "project", "Value": "faunalens"} in each["Properties"]["Tags"], name


def test_a_photo_in_the_inbox_is_looked_at_and_a_line_is_not() -> None:
    # GIVEN AWS's advice for queues of functions THEN no message returns while the function still works on it
    found, whole = resources("faunalens.yaml", parameters("prod")), template("faunalens.yaml")["Resources"]
    timeout = function_settings("prod")["batch"]["lambda_timeout"]
    assert found["Inbox"]["Properties"]["VisibilityTimeout"] == 6 * timeout
    # AND lines that the function writes into the same bucket do not start it again
    (notified,) = whole["Photos"]["Properties"]["NotificationConfiguration"]["QueueConfigurations"]
    assert notified["Filter"] == {"S3Key": {"Rules": [{"Name": "prefix", "Value": "inbox/"}]}}
    # AND the queue's policy, which S3 checks first, is there first, and does not refer to the bucket
    assert whole["Photos"]["DependsOn"] == "InboxPolicy"
    assert not re.search(r'"Photos"|\$\{Photos', json.dumps(whole["InboxPolicy"]))


@pytest.mark.parametrize("stage", STAGES)
def test_the_streams_share_fits_the_batch_functions_concurrency(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reserved = function_settings(stage)["batch"]["reserved_concurrency"]
    preconditions.check_batch_callers(stage, parameters_of(stage, {}))
    for chosen, reason in {"1": "SQS accepts only 2 or more", str(reserved + 1): "are more than the reserved"}.items():
        with pytest.raises(PreconditionFailed, match=reason):
            preconditions.check_batch_callers(stage, parameters_of(stage, {"StreamConcurrency": chosen}))
    # AND a function that shares the account's concurrency has no limit of its own
    monkeypatch.setattr(preconditions, "reservations", lambda _: {})
    preconditions.check_batch_callers(stage, parameters_of(stage, {"StreamConcurrency": "900"}))

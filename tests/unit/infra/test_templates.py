"""The templates: parameters and outputs are documented, and names match those in logs, dashboards and policies."""

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from chalicelib.config.settings import ROOT
from infra import preconditions
from infra.functions import function_settings
from infra.step import PreconditionFailed
from infra.template import PACKAGES, as_text, declared_parameters, parameters_of, read_template, refers_to
from tests.support.cloudformation import STAGES, parameters, resources, template

NAMES = ("faunalens.yaml", "packages.yaml", "edge.yaml", "stream.yaml", "web.yaml", "backfill.yaml", "athena.yaml")


def test_the_template_of_the_bucket_needs_no_bucket() -> None:
    assert len(as_text(read_template(PACKAGES)).encode()) <= 51_200, "CloudFormation takes no more in a request"


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


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_gives_only_parameters_that_there_are_with_values_that_they_take(stage: str) -> None:
    declared = {**template("web.yaml")["Parameters"], **declared_parameters()}
    for name, value in parameters(stage).items():
        assert isinstance(value, str)
        assert value in map(str, declared[name].get("AllowedValues", [value]))
        assert re.fullmatch(declared[name].get("AllowedPattern", ".*"), value)
        assert declared[name].get("MinValue", 0) <= (float(value) if declared[name]["Type"] == "Number" else 0)


@pytest.mark.parametrize(("minimum", "pauses"), [("0", True), ("0.5", False)])
def test_the_database_pauses_only_if_its_least_capacity_is_nothing(minimum: str, pauses: bool) -> None:
    # WHEN a stage is deployed with that capacity
    database = resources("faunalens.yaml", {**parameters("dev"), "DatabaseMinCapacity": minimum})["Database"]
    # THEN it has the time until a pause or not: AWS refuses it for a database that never pauses
    assert ("SecondsUntilAutoPause" in database["Properties"]["ServerlessV2ScalingConfiguration"]) is pauses


def test_names_are_those_that_logs_dashboards_and_policies_use() -> None:
    found = resources("faunalens.yaml", parameters("prod"))
    logs = {each["Properties"]["LogGroupName"] for each in found.values() if each["Type"] == "AWS::Logs::LogGroup"}
    functions = {f"/aws/lambda/faunalens-prod{suffix}" for suffix in ("", "-warm", "-batch", "-admin")}
    database = {f"/aws/rds/cluster/faunalens-prod/{kind}" for kind in ("postgresql", "iam-db-auth-error")}
    assert logs == functions | database
    exported = found["Database"]["Properties"]["EnableCloudwatchLogsExports"]
    assert {f"/aws/rds/cluster/faunalens-prod/{kind}" for kind in exported} == database


def test_the_administrators_name_is_one_that_rds_takes_for_every_stage_that_is_allowed() -> None:
    # GIVEN CreateDBCluster: "1 to 16 letters or numbers", the first a letter WHEN a stage has the longest name allowed
    stack = template("faunalens.yaml")
    allowed, name = stack["Parameters"]["Stage"]["AllowedPattern"], stack["Resources"]["Database"]["Properties"]
    longest = max((f"a{'b' * count}" for count in range(40) if re.fullmatch(allowed, f"a{'b' * count}")), key=len)
    # THEN the name is still valid
    assert re.fullmatch("[a-z][a-z0-9]{0,15}", name["MasterUsername"]["Fn::Sub"].replace("${Stage}", longest))
    # AND users of the database are those that policies name
    for stage, (output, function) in product(STAGES, {"DatabaseUser": "api", "DatabaseAdmin": "admin"}.items()):
        user = stack["Outputs"][output]["Value"]["Fn::Sub"].replace("${Stage}", stage)
        policy = (ROOT / ".chalice" / f"policy-{stage}-{function}.json").read_text(encoding="utf-8")
        assert f'dbuser:*/{user}"' in policy


def test_every_resource_that_can_have_tags_is_tagged() -> None:
    untagged = ("SNS::Subscription", "Policy", "Budget", "VPCEndpoint", "RouteTableAssociation", "SecurityGroupEgress")
    for name, each in template("faunalens.yaml")["Resources"].items():
        if not each["Type"].endswith(untagged):
            assert {"Key": "project", "Value": "faunalens"} in each["Properties"]["Tags"], name


def test_the_upload_folder_is_the_one_that_the_code_writes_to() -> None:
    from chalicelib.api.uploads import FOLDER

    endpoint = template("faunalens.yaml")["Resources"]["S3Endpoint"]["Properties"]["PolicyDocument"]
    assert endpoint["Statement"][0]["Resource"][0]["Fn::Sub"].endswith(f"/{FOLDER}*")
    for path in Path(ROOT, ".chalice").glob("policy-*-api.json"):
        assert f"/{FOLDER}*" in path.read_text(encoding="utf-8")


def test_a_photo_in_the_inbox_is_looked_at_and_a_line_is_not() -> None:
    # GIVEN AWS's advice for queues of functions THEN no message returns while the function still works on it
    found, whole = resources("faunalens.yaml", parameters("prod")), template("faunalens.yaml")["Resources"]
    queue = found["Inbox"]["Properties"]
    assert queue["VisibilityTimeout"] == 6 * function_settings("prod")["batch"]["lambda_timeout"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 5
    # AND lines that the function writes into the same bucket do not start it again
    (notified,) = whole["Photos"]["Properties"]["NotificationConfiguration"]["QueueConfigurations"]
    assert notified["Filter"] == {"S3Key": {"Rules": [{"Name": "prefix", "Value": "inbox/"}]}}
    # AND the queue's policy, which S3 checks first, is there first, and does not refer to the bucket
    assert whole["Photos"]["DependsOn"] == "InboxPolicy"
    assert not refers_to(whole["InboxPolicy"], "Photos")
    # AND no more messages are taken than the function may work on, which would end among the dead letters unread
    stream = resources("stream.yaml", {"Stage": "dev", "StreamConcurrency": "2"})["Stream"]["Properties"]
    assert stream["ScalingConfig"] == {"MaximumConcurrency": "2"}


@pytest.mark.parametrize("stage", STAGES)
def test_the_streams_share_fits_the_batch_functions_concurrency(stage: str) -> None:
    reserved = function_settings(stage)["batch"]["reserved_concurrency"]
    preconditions.check_batch_callers(parameters_of(stage, {}), reserved)
    for chosen, reason in {"1": "SQS accepts only 2 or more", str(reserved + 1): "are more than the reserved"}.items():
        with pytest.raises(PreconditionFailed, match=reason):
            preconditions.check_batch_callers(parameters_of(stage, {"StreamConcurrency": chosen}), reserved)
    preconditions.check_batch_callers(parameters_of(stage, {"StreamConcurrency": "900"}), None)

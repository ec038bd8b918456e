"""The functions' policies: named actions on named resources; each exception is listed here with its reason."""

import json
import re
from typing import Any

import pytest

from chalicelib.batch.handler import RESULTS
from chalicelib.config.settings import ROOT
from infra.functions import policy_in

FUNCTIONS = {"api": "faunalens-{}", **{name: f"faunalens-{{}}-{name}" for name in ("warm", "batch", "admin")}}

NAMELESS = {
    "ec2:CreateNetworkInterface": "Lambda creates the interface, so there is no name before",
    "ec2:DeleteNetworkInterface": "AWS: with a resource, the function may lose its network",
    "ec2:DescribeNetworkInterfaces": "AWS supports no resource for it",
    "ec2:DescribeSubnets": "AWS supports no resource for it",
    "ec2:AssignPrivateIpAddresses": "on interfaces that Lambda creates",
    "ec2:UnassignPrivateIpAddresses": "on interfaces that Lambda creates",
    "xray:PutTraceSegments": "AWS supports no resource for it",
    "xray:PutTelemetryRecords": "AWS supports no resource for it",
}
"""Actions that are allowed on `*`, and why. The function's own code is denied those of EC2."""

NEEDS = {"logs", "rds-db", "elasticache", "ec2", "xray"}
NEEDS_TOO: dict[str, set[str]] = {"api": {"s3"}, "batch": {"s3", "sqs"}}

each_policy = pytest.mark.parametrize("function", FUNCTIONS)


def statements(stage: str, function: str) -> list[dict[str, Any]]:
    text = (ROOT / ".chalice" / f"policy-{function}.json").read_text(encoding="utf-8")
    policy = policy_in(stage, json.loads(text))
    assert policy["Version"] == "2012-10-17"
    return list(policy["Statement"])


@each_policy
def test_actions_are_named_and_on_named_things(function: str) -> None:
    for each in statements("dev", function):
        assert "*" not in str(each["Action"])
        assert not each.keys() & {"NotAction", "NotResource"}
        for resource in each["Resource"]:
            if resource == "*":
                assert set(each["Action"]) <= NAMELESS.keys()
            else:
                # account and region are unknown before deployment; the name is complete
                assert re.fullmatch(r"arn:aws:[a-z0-9-]+:\*?:\*?:.*[a-z].*", resource)
                assert "faunalens-dev" in resource or re.search("/dev(_faunalens_app|fauna)$", resource)


@each_policy
def test_a_function_may_do_what_it_needs_and_nothing_else(function: str) -> None:
    allowed = {action for each in statements("dev", function) if each["Effect"] == "Allow" for action in each["Action"]}
    assert {action.partition(":")[0] for action in allowed} == NEEDS | NEEDS_TOO.get(function, set())
    # No function may create a log group, which would keep its logs for ever, or read another function's.
    assert {action for action in allowed if action.startswith("logs:")} == {"logs:CreateLogStream", "logs:PutLogEvents"}
    # With s3:ListBucket, a stolen role could list the ids of uploads, and have the API identify each.
    on_objects = {"s3:GetObject", "s3:PutObject"} | ({"s3:DeleteObject"} if function == "batch" else set())
    assert {action for action in allowed if action.startswith("s3:")} <= on_objects


@each_policy
def test_a_functions_own_code_cannot_touch_the_network(function: str) -> None:
    # GIVEN the rights that Lambda needs to attach a function to the network THEN its code is denied them
    policy = statements("dev", function)
    allowed = {a for each in policy if each["Effect"] == "Allow" for a in each["Action"] if a.startswith("ec2:")}
    (denial,) = [each for each in policy if each["Effect"] == "Deny"]
    assert set(denial["Action"]) == allowed
    arn = f"arn:aws:lambda:*:*:function:{FUNCTIONS[function].format('dev')}"
    # AND so is that of each version, whether AWS names the version or not
    assert denial["Condition"] == {"ArnLike": {"lambda:SourceFunctionArn": [arn, f"{arn}:*"]}}


@each_policy
def test_a_function_writes_its_own_log_and_signs_in_as_its_own_user(function: str) -> None:
    policy = {each["Sid"]: each["Resource"] for each in statements("dev", function)}
    assert policy["WriteLog"] == [f"arn:aws:logs:*:*:log-group:/aws/lambda/{FUNCTIONS[function].format('dev')}:*"]
    user = "devfauna" if function == "admin" else "dev_faunalens_app"
    assert policy["SignInToDatabase"] == [f"arn:aws:rds-db:*:*:dbuser:*/{user}"]


def test_photos_are_those_of_the_account_itself() -> None:
    # GIVEN an ARN without the account's number THEN a condition excludes buckets of other accounts
    both = [*statements("dev", "api"), *statements("dev", "batch")]
    photos = [each for each in both if "s3" in each["Action"][0]]
    assert len(photos) == 3
    own = {"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}
    assert all(each["Condition"] == own for each in photos)
    # AND the batch function reads photos of batches, not those of the website, and changes lines alone
    folders = {each["Sid"]: each["Resource"] for each in photos if each in statements("dev", "batch")}
    own_folders = {"KeepLines": [f"{RESULTS}*"], "GetPhotos": ["inbox/*", "batches/*"]}
    bucket = "arn:aws:s3:::faunalens-dev-photos-*/"
    assert folders == {sid: [f"{bucket}{each}" for each in found] for sid, found in own_folders.items()}

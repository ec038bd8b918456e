"""API keys of clients, by the command, against an account simulated by moto."""

import json
import re

import pytest

from infra.__main__ import main
from infra.keys import Keys
from infra.stage import Stage
from tests.support.aws import REGION, Account

EDGE = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"KeyPlanId": {"Value": "plan-id"}}}
"""The stack of firewall and keys, with an output in place of the usage plan, which moto cannot create by a stack."""


@pytest.fixture
def aws(aws: Account) -> Account:
    """An account with a stage dev, whose usage plan exists and has the page's key."""
    gateway = aws.client("apigateway")
    plan = gateway.create_usage_plan(name="faunalens-dev")["id"]
    gateway.create_api_key(name="faunalens-dev-page", value="faunalensdevpagea1b2c3d4e5", enabled=True)
    gateway.create_api_key(name="faunalens-prod-zoo", enabled=True)
    template = json.dumps(EDGE).replace("plan-id", plan)
    aws.client("cloudformation").create_stack(StackName="faunalens-dev", TemplateBody=template)
    return aws


def plan_keys(aws: Account) -> dict[str, str]:
    """Return the ids of the keys in the plan, by name."""
    gateway = aws.client("apigateway")
    (plan,) = gateway.get_usage_plans()["items"]
    return {each["name"]: each["id"] for each in gateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"]}


def test_a_key_is_added_listed_and_revoked(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    # WHEN a key is added THEN it is printed, and belongs to the plan
    assert main(["keys", "add", "zoo", "--stage", "dev"]) == 0
    value = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r"\w{20,128}", value)
    key = plan_keys(aws)["faunalens-dev-zoo"]
    assert aws.client("apigateway").get_api_key(apiKey=key, includeValue=True)["value"] == value

    # WHEN it was used and the keys are listed THEN its use is there, but no value, and no key of others
    aws.usage[key] = [*([[5, 9_995]] * 29), [1_234, 8_766]]
    assert main(["keys", "list", "--stage", "dev"]) == 0
    output = capsys.readouterr().out
    assert re.search(r"^zoo +\d{4}-\d\d-\d\d +1,234 +1,379$", output, re.MULTILINE)
    assert value not in output
    assert "page" not in output
    assert output.count("zoo") == 1

    # WHEN it is revoked THEN it is gone, and only this one
    assert main(["keys", "revoke", "zoo", "--stage", "dev"]) == 0
    names = {each["name"] for each in aws.client("apigateway").get_api_keys()["items"]}
    assert names == {"faunalens-dev-page", "faunalens-prod-zoo"}
    assert main(["keys", "list", "--stage", "dev"]) == 0
    assert "there are no keys" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", "page"], "page is not a name for a key; use lower-case letters"),
        (["add", "Zoo Berlin"], "Zoo Berlin is not a name for a key"),
        (["revoke", "zoo"], "stage dev has no key zoo; its keys are: aviary"),
        (["revoke", "page"], "stage dev has no key page"),
        (["add", "aviary"], "stage dev has a key aviary already; revoke it, or add another"),
        (["add", "zoo", "--stage", "prod"], '"ApiKeys": "required" into infra/stages/prod.json'),
    ],
)
@pytest.mark.usefixtures("aws")
def test_what_cannot_be_done_is_said(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "add", "aviary", "--stage", "dev"]) == 0
    assert main(["keys", arguments[0], "--stage", "dev", *arguments[1:]]) == 1
    assert message in capsys.readouterr().err


def test_a_key_that_cannot_join_the_plan_does_not_stay(
    aws: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a plan that was deleted by hand
    gateway = aws.client("apigateway")

    def refuse(**_: object) -> None:
        raise gateway.exceptions.NotFoundException({"Error": {"Code": "NotFoundException"}}, "CreateUsagePlanKey")

    # WHEN a key is added THEN that fails, and leaves no key whose value is lost
    monkeypatch.setattr(gateway, "create_usage_plan_key", refuse)
    client = Stage.client
    monkeypatch.setattr(Stage, "client", lambda *each, **_: gateway if each[1] == "apigateway" else client(*each))
    assert main(["keys", "add", "zoo", "--stage", "dev"]) == 1
    assert "AWS refused" in capsys.readouterr().err
    assert "faunalens-dev-zoo" not in {each["name"] for each in gateway.get_api_keys()["items"]}


def test_keys_survive_that_a_stage_demands_none_for_a_while(aws: Account) -> None:
    import boto3

    # GIVEN a key, and a usage plan that was deleted and created again
    stage = Stage("dev", REGION, boto3.Session(), {})
    Keys(stage).add("zoo")
    gateway = aws.client("apigateway")
    (plan,) = gateway.get_usage_plans()["items"]
    gateway.delete_usage_plan_key(usagePlanId=plan["id"], keyId=plan_keys(aws)["faunalens-dev-zoo"])
    # WHEN the stage comes up THEN the key belongs to the plan again, but not the page's, which has another plan
    assert Keys(stage).attach() == ["zoo"]
    assert plan_keys(aws).keys() == {"faunalens-dev-zoo"}
    assert Keys(stage).attach() == []
    # AND when the stage goes down THEN the keys of its clients go with it
    assert Keys(stage).revoke_all() == 1
    assert {each["name"] for each in gateway.get_api_keys()["items"]} == {"faunalens-dev-page", "faunalens-prod-zoo"}

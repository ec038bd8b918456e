"""The stack of the web tier comes up, against an account simulated by moto."""

import json
from typing import Any

import boto3
import pytest

from infra.stage import Stage
from infra.template import as_text
from infra.template.web import web_template
from infra.up import Up
from tests.support.aws import REGION, Account
from tests.support.cloudformation import IMAGE

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning")  # moto lacks policies of buckets

NOT_IN_MOTO = (
    "AWS::ApplicationAutoScaling::",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::Logs::QueryDefinition",
    "AWS::Logs::ResourcePolicy",
    "AWS::S3::BucketPolicy",
)
"""Resources that moto's CloudFormation cannot create."""


@pytest.fixture
def _template(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the step send what moto can create. It lacks Fn::Cidr, and the attribute TargetGroupFullName."""

    def for_moto(stage: str, runbook: str, _tasks: int) -> dict[str, Any]:
        text = as_text(web_template(stage, runbook)).replace("Targets.TargetGroupF", "Balancer.LoadBalancerF")
        document: dict[str, Any] = json.loads(text)
        for number, name in enumerate(("SubnetA", "SubnetB")):
            document["Resources"][name]["Properties"]["CidrBlock"] = f"10.21.0.{64 * number}/26"
        for name, each in [*document["Resources"].items()]:
            each.pop("DependsOn", None)
            if each["Type"].startswith(NOT_IN_MOTO):
                del document["Resources"][name]
        return document

    monkeypatch.setattr("infra.up.web_template", for_moto)


@pytest.mark.usefixtures("_template")
def test_the_tier_comes_up_and_says_that_it_has_no_tls(aws: Account) -> None:
    # WHEN the step runs with an image
    said, stage = list[str](), Stage("dev", REGION, boto3.Session(region_name=REGION), {"WebImage": IMAGE})
    next(each for each in Up(stage).steps() if each.name == "web").action(said.append)
    # THEN there is a service whose tasks run this image behind a load balancer
    ecs = aws.client("ecs")
    (service,) = ecs.describe_services(cluster="faunalens-dev", services=["web"])["services"]
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    assert task["containerDefinitions"][0]["image"] == IMAGE
    (balancer,) = aws.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert f"website: http://{balancer['DNSName']}/" in said
    # AND the trial is loud
    assert any(line.startswith("WARNING: the website has no TLS") for line in said)
    # AND the stack has brought the dashboard of the tier
    dashboards = aws.client("cloudwatch").list_dashboards()["DashboardEntries"]
    assert [each["DashboardName"] for each in dashboards] == ["faunalens-dev-web-eu-west-1"]

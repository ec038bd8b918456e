"""The stack of the web tier: a firewall like the API's, and alarms that refer to its own load balancer."""

import json
from typing import Any

import pytest

from cloudwatch.files import Placeholders, read_files
from infra.web_stack import as_text, web_template
from testing.cloudformation import resources, template

TEMPLATE = web_template("dev", "https://example.org/runbook")
FOUND = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, Any]:
    return {name: each["Properties"] for name, each in FOUND.items() if each["Type"] == kind}


def test_the_firewall_is_that_of_the_api_under_a_name_of_its_own() -> None:
    own, of_api = FOUND["WebAcl"]["Properties"], template("edge.yaml")["Resources"]["WebAcl"]["Properties"]
    assert {**own, "Name": ""} == {**of_api, "Name": ""}
    assert own["Name"] == {"Fn::Sub": "faunalens-${Stage}-web"}
    # AND it is in front of the load balancer
    assert FOUND["WebAclOfBalancer"]["Properties"]["ResourceArn"] == {"Ref": "Balancer"}


@pytest.mark.parametrize(("firewall", "there"), [("no", False), ("yes", True)])
def test_one_parameter_switches_both_firewalls(firewall: str, there: bool) -> None:
    for name, association in (("edge.yaml", "WebAclOfApi"), ("web.yaml", "WebAclOfBalancer")):
        found = resources(name, {"Stage": "dev", "Firewall": firewall})
        assert ("WebAcl" in found, association in found) == (there, there)


def test_what_belongs_to_the_tier_is_in_its_stack_and_nothing_else() -> None:
    files = read_files(Placeholders("dev"), tier=True)
    alarms = of_type("AWS::CloudWatch::Alarm") | of_type("AWS::CloudWatch::CompositeAlarm")
    assert {each["AlarmName"] for each in alarms.values()} == {
        f"faunalens-dev-{name}" for name in [*files.alarms, *files.composites]
    }
    assert [each["DashboardName"] for each in of_type("AWS::CloudWatch::Dashboard").values()] == ["faunalens-dev-web"]
    assert {each["Name"] for each in of_type("AWS::Logs::QueryDefinition").values()} == {
        f"faunalens/dev/{name}" for name in files.queries
    }


def test_alarms_refer_to_the_load_balancer_and_wait_for_its_tasks() -> None:
    metric = FOUND["AlarmWebNoTasks"]["Properties"]["Metrics"][0]["MetricStat"]["Metric"]
    assert metric["Dimensions"] == [
        {"Name": "LoadBalancer", "Value": {"Fn::Sub": "${Balancer.LoadBalancerFullName}"}},
        {"Name": "TargetGroup", "Value": {"Fn::Sub": "${Targets.TargetGroupFullName}"}},
    ]
    assert FOUND["AlarmWebNoTasks"]["DependsOn"] == ["Service"]
    assert {"AlarmWebFaults", "Service"} < set(FOUND["CompositeWebPage"]["DependsOn"])


def test_names_are_those_that_alarms_watch() -> None:
    found = resources("web.yaml", {"Stage": "dev"})
    assert found["RolledBack"]["Properties"]["Name"] == "faunalens-dev-web-rolled-back"
    assert found["Log"]["Properties"]["LogGroupName"] == "/aws/ecs/faunalens-dev-web"
    assert found["DeploymentLog"]["Properties"]["LogGroupName"] == "/aws/events/faunalens-dev-web"
    assert (found["Cluster"]["Properties"]["ClusterName"], found["Service"]["Properties"]["ServiceName"]) == (
        *("faunalens-dev", "web"),
    )


def test_the_text_leaves_out_notes_for_reviewers() -> None:
    assert "Metadata" in FOUND["Log"]
    assert not any("Metadata" in each for each in json.loads(as_text(TEMPLATE))["Resources"].values())

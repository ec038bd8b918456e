"""The order in which CloudFormation creates resources, on cfn-lint's graph of references and DependsOn."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode.cfn_json import load
from cfnlint.template import Template

from infra.template import as_text
from infra.template.web import web_template
from tests.support.cloudformation import resources

BALANCING = "AWS::ElasticLoadBalancingV2::"
CERTIFICATE = {"WebCertificate": "arn:x", "WebHost": "a.example"}


def waits(document: Mapping[str, Any], folder: Path) -> Any:
    """Return the graph of resources: an edge goes to what a resource waits for."""
    path = folder / "template.json"
    path.write_text(as_text(document), encoding="utf-8")
    return Template(str(path), load(str(path))).graph.graph


def all_before(graph: Any, name: str) -> set[str]:
    """Return everything that a resource waits for, also by way of others."""
    found, left = set[str](), [name]
    while left:
        new = set(graph.successors(left.pop())) - found
        found |= new
        left += new
    return found


@pytest.mark.parametrize("given", [{}, CERTIFICATE, {"WebCdn": "yes"}, {"WebCdn": "yes", **CERTIFICATE}])
def test_every_service_waits_for_every_listener_that_forwards_to_its_group(
    given: dict[str, str], tmp_path: Path
) -> None:
    # GIVEN the tier with and without a certificate, and the resources that it has then
    found, document = resources("web.yaml", {"Stage": "dev", **given}), web_template("dev")
    graph = waits({**document, "Resources": found, "Conditions": {}, "Outputs": {}}, tmp_path)
    services = {name: each for name, each in found.items() if each["Type"] == "AWS::ECS::Service"}
    listeners = {name: each for name, each in found.items() if each["Type"] == f"{BALANCING}Listener"}
    checked = 0
    for name, service in services.items():
        groups = [each["TargetGroupArn"] for each in service["Properties"]["LoadBalancers"]]
        for listener, each in listeners.items():
            if any(one.get("TargetGroupArn") in groups for one in each["Properties"]["DefaultActions"]):
                # THEN the service comes after the listener: ECS refuses a group that no listener has
                assert listener in all_before(graph, name), f"{name} does not wait for {listener}"
                checked += 1
    assert checked == 1, json.dumps(listeners)

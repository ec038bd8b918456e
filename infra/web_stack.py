"""The template of the web tier's stack: web.yaml, the firewall of edge.yaml, and the tier's dashboard and alarms.

One stack, so that all of it comes and goes together, and refers to the load balancer by the name that AWS gave it.
"""

import json
from collections.abc import Mapping
from typing import Any

from cloudwatch.deploy import template as dashboards
from cloudwatch.project import RUNBOOK
from infra.intrinsics import merge_unique
from infra.parameters import EDGE, WEB, read_template

SHARED = ("Firewall", "RequestsPerAddress")
"""Parameters of the API's firewall, which the tier's firewall has too."""


def web_template(stage: str, runbook: str = RUNBOOK) -> dict[str, Any]:
    """Return the template of a stage's web tier. `runbook`: URL that its alarms link to."""
    web, edge = read_template(WEB), read_template(EDGE)
    parameters = merge_unique(web["Parameters"], {name: edge["Parameters"][name] for name in SHARED})
    parameters["Stage"] = {**parameters["Stage"], "AllowedValues": [stage]}  # alarms contain its name
    return {
        **web,
        "Parameters": parameters,
        "Conditions": merge_unique(web["Conditions"], {"HasFirewall": edge["Conditions"]["HasFirewall"]}),
        "Resources": merge_unique(web["Resources"], _firewall(edge["Resources"]["WebAcl"]), _watching(stage, runbook)),
    }


def as_text(template: Mapping[str, Any]) -> str:
    """Return a template as short JSON, without notes for reviewers: CloudFormation takes 51,200 bytes in a request."""
    resources = {
        name: {key: each[key] for key in each if key != "Metadata"} for name, each in template["Resources"].items()
    }
    return json.dumps({**template, "Resources": resources}, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _firewall(acl: Mapping[str, Any]) -> dict[str, Any]:
    """Return a firewall like the API's, and its association with the load balancer."""
    own = {**acl, "Properties": {**acl["Properties"], "Name": {"Fn::Sub": "faunalens-${Stage}-web"}}}
    association = {
        "Type": "AWS::WAFv2::WebACLAssociation",
        "Condition": acl["Condition"],
        "Properties": {"WebACLArn": {"Fn::GetAtt": ["WebAcl", "Arn"]}, "ResourceArn": {"Ref": "Balancer"}},
    }
    return {"WebAcl": own, "WebAclOfBalancer": association}


def _watching(stage: str, runbook: str) -> dict[str, Any]:
    """Return dashboard, alarms and saved queries of the tier. They wait for its first tasks, or would fire at once."""
    balancer, targets = "Balancer.LoadBalancerFullName", "Targets.TargetGroupFullName"
    resources = dashboards.template(stage, runbook, balancer=balancer, targets=targets)["Resources"]
    return {name: {**each, "DependsOn": [*each.get("DependsOn", []), "Service"]} for name, each in resources.items()}

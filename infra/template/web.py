"""The template of the web tier's stack: web.yaml, the firewall of edge.yaml, and the tier's dashboard and alarms.

It is one stack, so all of it comes and goes together, and can refer to the load balancer by the name that AWS gives it.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from dashboards.files import Placeholders
from dashboards.project import RUNBOOK
from dashboards.template import resources_of
from infra.api_stage import TIER_SHARE
from infra.functions import containers_of_api
from infra.step import PreconditionFailed
from infra.template import EDGE, WEB, merge_unique, read_template

SHARED = ("Firewall", "RequestsPerAddress")  # parameters of the API's firewall, which the tier's firewall has too
CDN_PREFIX_LIST = "com.amazonaws.global.cloudfront.origin-facing"
"""Name of the prefix list with the addresses from which CloudFront calls load balancers."""
VISITOR = "x-visitor"  # the header that web.yaml's function of CloudFront sets, for rules of the firewall
REQUESTS_PER_TASK = 12_000
"""Requests of one address in five minutes for each task: twice what a task answers before others join (web.yaml)."""
_AS_IS = [{"Priority": 0, "Type": "NONE"}]

WATCHED = ("AlarmWebFaults", "AlarmWebLatency")
"""Alarms that take a deployment of tasks back (web.yaml). They stay silent without tasks, so they are made first."""


class TaskSize(NamedTuple):
    """The virtual cores and the memory (MB) of one task of the web tier."""

    vcpu: float
    memory_mb: int


@cache
def task_size() -> TaskSize:
    """Return the size of a task of the web tier, read from infra/web.yaml."""
    task = read_template(WEB)["Resources"]["Task"]["Properties"]
    return TaskSize(int(task["Cpu"]) / 1024, int(task["Memory"]))


def workers(stage: str, tasks: int) -> int:
    """Return how many photos each task of the web tier may have identified at a time.

    `tasks`: the largest number of tasks. The tier and the API call the same function. All tasks together use at most
    the share `TIER_SHARE` of its reserved concurrency. Bursts of the API fit into the rest, so neither starves the
    other.
    """
    return max(1, int(containers_of_api(stage) * TIER_SHARE) // tasks)


def web_template(stage: str, runbook: str = RUNBOOK, tasks: int = 8) -> dict[str, Any]:
    """Return the template of a stage's web tier. `runbook`: URL that its alarms link to. `tasks`: largest number."""
    web, edge = read_template(WEB), read_template(EDGE)
    (container,) = web["Resources"]["Task"]["Properties"]["ContainerDefinitions"]
    container["Environment"].append({"Name": "HTTP_WORKERS", "Value": str(workers(stage, tasks))})
    web["Resources"]["Service"]["DependsOn"] += WATCHED
    firewall = _firewall(edge["Resources"]["WebAcl"], tasks)
    parameters = merge_unique(web["Parameters"], {name: edge["Parameters"][name] for name in SHARED})
    parameters["Stage"] = {**parameters["Stage"], "AllowedValues": [stage]}  # alarms contain its name
    return {
        **web,
        "Parameters": parameters,
        "Conditions": merge_unique(web["Conditions"], {"HasFirewall": edge["Conditions"]["HasFirewall"]}),
        "Resources": merge_unique(web["Resources"], firewall, _watching(stage, runbook)),
    }


def check_names(values: Mapping[str, str]) -> None:
    """Raise `PreconditionFailed` for a certificate without WebHost, and for WebHost on a CDN without a certificate."""
    certificate = "WebCdnCertificate" if values["WebCdn"] == "yes" else "WebCertificate"
    if values[certificate] and not values["WebHost"]:
        raise PreconditionFailed(f"{certificate} is set, but not WebHost, the name that it is for; set both")
    if values["WebCdn"] == "yes" and values["WebHost"] and not values["WebCdnCertificate"]:
        raise PreconditionFailed(
            "WebCdn=yes needs WebCdnCertificate, a certificate for WebHost in us-east-1; or leave out WebHost, and "
            "visitors use CloudFront's name"
        )


def has_tls(values: Mapping[str, str]) -> bool:
    """Return whether visitors reach the website by TLS. Requests from CloudFront to the tier stay in AWS's network."""
    return bool(values["WebCertificate"]) or values["WebCdn"] == "yes"


def _firewall(acl: Mapping[str, Any], tasks: int) -> dict[str, Any]:
    """Return a firewall like the API's, and its association with the load balancer.

    Behind CloudFront, it counts requests by the header with the visitor's address, not by CloudFront's addresses. It
    also blocks requests without the header and, in case of forged headers, limits the requests from each address to
    what all tasks can answer.
    """
    too_often, *others = acl["Properties"]["Rules"]
    by_address = too_often["Statement"]["RateBasedStatement"]
    key = {"Header": {"Name": VISITOR, "TextTransformations": _AS_IS}}
    by_visitor = {**by_address, "AggregateKeyType": "CUSTOM_KEYS", "CustomKeys": [key]}
    header = {"FieldToMatch": {"SingleHeader": {"Name": VISITOR}}, "TextTransformations": _AS_IS}
    has_visitor = {"SizeConstraintStatement": {**header, "ComparisonOperator": "GT", "Size": 0}}
    limit = {"RateBasedStatement": {"Fn::If": ["HasCdn", by_visitor, by_address]}}
    most = {"RateBasedStatement": {**by_address, "Limit": tasks * REQUESTS_PER_TASK}}
    behind_cdn = {"too-often-by-address": most, "without-visitor": {"NotStatement": {"Statement": has_visitor}}}
    rules = [{**too_often, "Statement": limit}, *others]
    for name, statement in behind_cdn.items():
        visible = {**too_often["VisibilityConfig"], "MetricName": name}
        rule = {"Name": name, "Priority": len(rules), "Action": {"Block": {}}, "Statement": statement}
        rules.append({"Fn::If": ["HasCdn", {**rule, "VisibilityConfig": visible}, {"Ref": "AWS::NoValue"}]})
    named = {"Name": {"Fn::Sub": "faunalens-${Stage}-web"}, "Rules": rules}
    own = {**acl, "Properties": {**acl["Properties"], **named}}
    association = {
        "Type": "AWS::WAFv2::WebACLAssociation",
        "Condition": acl["Condition"],
        "Properties": {"WebACLArn": {"Fn::GetAtt": ["WebAcl", "Arn"]}, "ResourceArn": {"Ref": "Balancer"}},
    }
    return {"WebAcl": own, "WebAclOfBalancer": association}


def _watching(stage: str, runbook: str) -> dict[str, Any]:
    """Return the web tier's dashboard, alarms and queries. Most alarms come after its tasks, or would fire at once."""
    names = {"balancer": "Balancer.LoadBalancerFullName", "targets": "Targets.TargetGroupFullName"}
    return {
        name: each if name in WATCHED else {**each, "DependsOn": [*each.get("DependsOn", []), "Service"]}
        for name, each in resources_of(Placeholders(stage, runbook=runbook, **names)).items()
    }

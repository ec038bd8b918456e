"""Make the CloudFormation resources of dashboards, alarms and saved queries, for the templates of infra/.

Account, region and partition are CloudFormation's pseudo parameters, so one template works in any account. The
resources contain the stage and the URL of the runbook as plain text. The web tier's resources are part of the tier's
own stack (infra/template/web.py), which knows its load balancer.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dashboards.expression import dependencies
from dashboards.files import Placeholders, map_strings, read_files
from dashboards.project import DASHBOARDS, SERVICE, prefix

_MARK = "\ue000"
_MARKED = re.compile(f"{_MARK}([\\w:.]+){_MARK}")
"""Matches the marked name of a parameter or resource, which stands in the files until a reference replaces it."""


def resources_of(placeholders: Placeholders, folder: Path = DASHBOARDS) -> dict[str, Any]:
    """Return a stage's dashboards, alarms and queries as CloudFormation resources. Raises `FileError`.

    Region, account and partition of `placeholders` are ignored. Its `topic`, `balancer` and `targets` are references to
    the alarms' topic, and to the names of the web tier's load balancer and its target group. With a balancer, only the
    web tier's resources are returned; without it, all others.
    """
    stage = placeholders.stage
    marked = replace(
        placeholders,
        region=_marked("AWS::Region"),
        account=_marked("AWS::AccountId"),
        partition=_marked("AWS::Partition"),
        topic=_marked(placeholders.topic),
        balancer=_marked(placeholders.balancer),
        targets=_marked(placeholders.targets),
    )
    files = read_files(marked, folder, tier=bool(placeholders.balancer))
    alarms = {body["AlarmName"]: logical_id("alarm", name) for name, body in files.alarms.items()}
    alarms |= {body["AlarmName"]: logical_id("composite", name) for name, body in files.composites.items()}
    resources = {alarms[body["AlarmName"]]: _resource("CloudWatch::Alarm", body) for body in files.alarms.values()}
    for body in files.composites.values():
        needs = {"DependsOn": sorted(alarms[name] for name in dependencies(body) if name in alarms)}
        resources[alarms[body["AlarmName"]]] = _resource("CloudWatch::CompositeAlarm", body) | needs
    for name, body in files.dashboards.items():
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        # An account has one dashboard of each name, whatever the region.
        properties = {"DashboardName": f"{prefix(stage)}{name}-{marked.region}", "DashboardBody": text}
        resources[logical_id("dashboard", name)] = _resource("CloudWatch::Dashboard", properties)
    for name, query in files.queries.items():
        shown = f"{SERVICE}/{stage}/{name}"  # the console shows slashes as folders
        named = {"Name": shown, "QueryString": query.text, "LogGroupNames": [*query.log_groups]}
        resources[logical_id("query", name)] = _resource("Logs::QueryDefinition", named)
    return resources


def _resource(kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": map_strings(dict(properties), _with_references)}


def logical_id(kind: str, name: str) -> str:
    """Return a logical id, which consists of letters and digits: `AlarmBurnFastShort` for alarm burn-fast-short."""
    return "".join(word.capitalize() for word in [kind, *re.split(r"[^A-Za-z0-9]+", name)])


def _marked(reference: str) -> str:
    return f"{_MARK}{reference}{_MARK}" if reference else ""


def _with_references(text: str) -> Any:
    """Replace marked names in a string with references. Escape the `${` of CloudWatch's dynamic labels."""
    if not _MARKED.search(text):
        return text
    if (only := _MARKED.fullmatch(text)) and only[1].isalnum():
        return {"Ref": only[1]}
    return {"Fn::Sub": _MARKED.sub(r"${\1}", text.replace("${", "${!"))}

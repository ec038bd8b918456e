"""The resources that the files define, in a form that can be compared with the resources in AWS.

The content of a resource leaves out AWS's defaults and sorts lists whose order does not matter, so that they do not
count as differences.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cloudwatch.files import Files, Kind
from cloudwatch.project import prefix, query_prefix
from cloudwatch.syntax.rule import RuleError, dependencies

DEFAULTS: Mapping[str, Any] = {
    "ActionsEnabled": True,
    "TreatMissingData": "missing",
    "EvaluateLowSampleCountPercentile": "evaluate",
}
"""Defaults of PutMetricAlarm and PutCompositeAlarm."""

_UNORDERED = ("AlarmActions", "OKActions", "InsufficientDataActions", "Dimensions", "logGroupNames")
_EMPTY: tuple[object, ...] = (None, "", [])


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of an account. `handle` is its ARN or id in AWS; empty if the resource comes from a file."""

    kind: Kind
    name: str
    content: Mapping[str, Any]
    handle: str = ""

    @property
    def title(self) -> str:
        """The kind and the name, for messages."""
        return f"{self.kind} {self.name}"

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the operation that puts the resource, without tags."""
        if self.kind == "dashboard":
            body = json.dumps(self.content, ensure_ascii=False, separators=(",", ":"))
            return {"DashboardName": self.name, "DashboardBody": body}
        return {"name" if self.kind == "query" else "AlarmName": self.name, **self.content}


def desired(files: Files) -> list[Resource]:
    """Return the resources that the files define, each after the resources that it depends on."""
    composites = [Resource("composite", body["AlarmName"], alarm_content(body)) for body in files.composites.values()]
    return [
        *(Resource("alarm", body["AlarmName"], alarm_content(body)) for body in files.alarms.values()),
        *in_dependency_order(composites),
        *(Resource("dashboard", prefix(files.stage) + name, body) for name, body in files.dashboards.items()),
        *(
            Resource("query", query_prefix(files.stage) + name, query_content(each.text, each.log_groups))
            for name, each in files.queries.items()
        ),
    ]


def alarm_content(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters of PutMetricAlarm or PutCompositeAlarm in comparable form, without name, tags and defaults."""
    content = {
        key: _comparable(key, value)
        for key, value in sorted(parameters.items())
        if key not in ("AlarmName", "Tags") and value not in _EMPTY and DEFAULTS.get(key) != value
    }
    if content.get("DatapointsToAlarm") == content.get("EvaluationPeriods"):
        content.pop("DatapointsToAlarm", None)
    return content


def query_content(text: str, log_groups: Iterable[str]) -> dict[str, Any]:
    """Return the content of a saved query."""
    return {"logGroupNames": sorted(log_groups), "queryString": text}


def in_dependency_order(composites: Iterable[Resource]) -> list[Resource]:
    """Return composites, each after the composites in its rule. AWS refuses cycles; composites in a cycle come last."""
    left = {each.name: each for each in composites}
    ordered: list[Resource] = []
    while left:
        ready = [each for each in left.values() if not children(each) & left.keys()] or list(left.values())
        ordered += ready
        for each in ready:
            del left[each.name]
    return ordered


def children(resource: Resource) -> set[str]:
    """Return the alarms that a composite depends on; none for other kinds or if its rule cannot be parsed."""
    try:
        return dependencies(resource.content) if resource.kind == "composite" else set()
    except RuleError:
        return set()


def _comparable(key: str, value: Any) -> Any:
    """Return a parameter of an alarm without empty parts and defaults. Sort lists whose order does not matter."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        items = [_comparable("", each) for each in value]
        return sorted(items, key=str) if key in _UNORDERED else items
    if isinstance(value, dict):
        # A metric is returned unless ReturnData is false.
        given = {name: item for name, item in sorted(value.items()) if item not in _EMPTY}
        return {name: _comparable(name, item) for name, item in given.items() if (name, item) != ("ReturnData", True)}
    return value

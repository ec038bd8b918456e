"""What the files make in an account: dashboards, alarms, composites and saved queries, in a form that can be compared.

The content of a resource is what is put, less what AWS would take anyway: a default that is said and one that is left
out are the same, and so are lists whose order means nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
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
"""What PutMetricAlarm and PutCompositeAlarm take where nothing is said."""

_UNORDERED = ("AlarmActions", "OKActions", "InsufficientDataActions", "Dimensions", "logGroupNames")


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing in an account. `handle`: what AWS calls it (ARN or id) where the name is not enough."""

    kind: Kind
    name: str
    content: Mapping[str, Any]
    handle: str = ""

    @property
    def title(self) -> str:
        """How people are told of it."""
        return f"{self.kind} {self.name}"


def desired(files: Files) -> list[Resource]:
    """All that the files make, each after what it depends on."""
    composites = [_alarm("composite", body) for body in files.composites.values()]
    return [
        *(_alarm("alarm", body) for body in files.alarms.values()),
        *in_order(composites),
        *(Resource("dashboard", prefix(files.stage) + name, body) for name, body in files.dashboards.items()),
        *(
            Resource("query", query_prefix(files.stage) + name, query_content(each.text, each.log_groups))
            for name, each in files.queries.items()
        ),
    ]


def alarm_content(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of PutMetricAlarm or PutCompositeAlarm, less name, tags and what goes without saying."""
    content = {
        key: _settled(key, value)
        for key, value in parameters.items()
        if key not in ("AlarmName", "Tags") and value not in (None, "", []) and DEFAULTS.get(key) != value
    }
    if content.get("DatapointsToAlarm") == content.get("EvaluationPeriods"):
        content.pop("DatapointsToAlarm", None)
    return dict(sorted(content.items()))


def query_content(text: str, log_groups: Iterable[str]) -> dict[str, Any]:
    """What a saved query is made of."""
    return {"logGroupNames": sorted(log_groups), "queryString": text}


def in_order(composites: Iterable[Resource]) -> list[Resource]:
    """Composites, each after those that its rule asks for; those in a circle, which AWS would refuse, come last."""
    left = {each.name: each for each in composites}
    ordered: list[Resource] = []
    while left:
        free = [each for each in left.values() if not children(each) & left.keys()] or list(left.values())
        ordered += free
        for each in free:
            del left[each.name]
    return ordered


def children(resource: Resource) -> set[str]:
    """Names of the alarms that a composite depends on; none for what is no composite, or has a rule of another form."""
    try:
        return dependencies(resource.content)
    except RuleError:
        return set()


def _alarm(kind: Kind, body: Mapping[str, Any]) -> Resource:
    return Resource(kind, body["AlarmName"], alarm_content(body))


def _settled(key: str, value: Any) -> Any:
    """A value in the one form in which it is compared."""
    if key == "Metrics":
        return [_query(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        items = [
            {name: _settled(name, item) for name, item in _said(each)} if isinstance(each, dict) else each
            for each in value
        ]
        return sorted(items, key=str) if key in _UNORDERED else items
    return {name: _settled(name, item) for name, item in _said(value)} if isinstance(value, dict) else value


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    """One of an alarm's Metrics; it is returned unless that is forbidden."""
    settled = {name: _settled(name, item) for name, item in _said(query) if (name, item) != ("ReturnData", True)}
    return dict(sorted(settled.items()))


def _said(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, item) for name, item in sorted(value.items()) if item not in (None, "", []))

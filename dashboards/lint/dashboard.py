"""Check one dashboard: its structure, its grid, its widgets and CloudWatch's limits."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dashboards.lint import LintFinding, query, structure_errors, suggest
from dashboards.lint.graph import Graph
from dashboards.project import STAGE_VARIABLE, alarm_of, belongs_to_tier, prefix
from dashboards.syntax.graphed_metrics import GraphedMetricsError, expand

if TYPE_CHECKING:
    from dashboards.lint.known_metrics import Reference

_PREFIX = prefix(STAGE_VARIABLE)
_LINK = re.compile(rf"#dashboards[:/](?:dashboard/|name=){_PREFIX}([\w-]+)")
"""Matches a link to another dashboard in the console. The group is the file name of that dashboard, with `_REGION`."""
_REGION = "-REGIONNAME"

COLUMNS = 24
"""Columns of the grid on which widgets are placed."""

MOST_METRICS = 2500
"""Maximum number of metrics in all graphs of a dashboard, including hidden metrics (CloudWatch service quotas)."""

MOST_BYTES = 1_000_000
"""Maximum size of a body in a request to CloudWatch and in a CloudFormation template."""


class Rectangle(NamedTuple):
    """The place of a widget; `title` names the widget in findings."""

    title: str
    x: int
    y: int
    width: int
    height: int


def overlap(one: Rectangle, other: Rectangle) -> bool:
    """Return whether two widgets share a cell of the grid."""
    columns = max(one.x, other.x) < min(one.x + one.width, other.x + other.width)
    return columns and max(one.y, other.y) < min(one.y + one.height, other.y + other.height)


def grid_problems(places: Sequence[Rectangle]) -> Iterator[tuple[str, str]]:
    """Yield the title of each misplaced widget, with the problem."""
    for place in places:
        if (right := place.x + place.width) > COLUMNS:
            yield place.title, f"reaches column {right} of {COLUMNS}; write a width of at most {COLUMNS - place.x}"
    for one, other in combinations(places, 2):
        if overlap(one, other):
            right, bottom = one.x + one.width, one.y + one.height
            taken = f"columns {one.x} to {right - 1}, rows {one.y} to {bottom - 1}"
            yield other.title, f"overlaps {one.title} ({taken}); move it, for instance to y {bottom}"


class DashboardCheck:
    """Checks one dashboard. `findings` has its problems, and `references` has the metrics that it names."""

    def __init__(self, file: str, body: dict[str, Any]) -> None:
        self.file = file
        self.findings: list[LintFinding] = []
        self.references: list[Reference] = []
        self._alarms: list[tuple[str, str]] = []
        self._links: list[tuple[str, str]] = []
        self.widgets = body["widgets"] if isinstance(body.get("widgets"), list) else []
        self.metrics = 0
        self._add("", structure_errors(body, "dashboard"))
        self._check_variables(body)
        places = [place for number, widget in enumerate(self.widgets, 1) if (place := self._check(number, widget))]
        for title, problem in grid_problems(places):
            self._add(title, [problem])
        size = len(json.dumps(body).encode())
        for count, most, what in ((self.metrics, MOST_METRICS, "metrics"), (size, MOST_BYTES, "bytes")):
            if count > most:
                self._add("", [f"the dashboard has {count:,} {what}, but at most {most:,} are allowed; split it"])

    def unknown(self, alarms: Collection[str], dashboards: Collection[str]) -> Iterator[LintFinding]:
        """Yield findings for alarms and dashboards that widgets show or link to, but that no file defines."""
        linked = [each + _REGION for each in dashboards]
        for what, places, names in (("alarm", self._alarms, alarms), ("dashboard", self._links, linked)):
            for place, name in places:
                if name not in names:
                    yield LintFinding(self.file, place, f'no file defines the {what} "{name}"; {suggest(name, names)}')

    def _add(self, place: str, messages: Iterable[str]) -> bool:
        """Add a finding for each message. Return whether there was a message."""
        found = [LintFinding(self.file, place, message) for message in messages]
        self.findings += found
        return bool(found)

    def _check_variables(self, body: dict[str, Any]) -> None:
        variables = body["variables"] if isinstance(body.get("variables"), list) else []
        for number, variable in enumerate(variables, 1):
            self._add(f"variable {number}", structure_errors(variable, "variable"))
        if belongs_to_tier(Path(self.file).stem):  # only its stack knows the name of the load balancer
            return
        if not any(isinstance(each, dict) and each.get("pattern") == STAGE_VARIABLE for each in variables):
            missing = f"no variable has the pattern {STAGE_VARIABLE}, so readers cannot choose a stage; add one"
            self._add("variables", [missing])

    def _check(self, number: int, widget: Any) -> Rectangle | None:
        """Check one widget. Return its place on the grid, or None if the widget is invalid."""
        title = title_of(number, widget)
        if self._add(title, structure_errors(widget, "widget")):
            return None
        kind, properties = widget["type"], widget["properties"]
        if not self._add(title, structure_errors(properties, f"{kind}_properties")):
            match kind:
                case "metric":
                    self._check_graph(title, properties)
                case "log":
                    self._add(title, query.problems(properties["query"]))
                case "alarm":
                    self._alarms += [(title, alarm_of(arn, STAGE_VARIABLE)) for arn in properties["alarms"]]
                case "text":
                    self._links += [(title, name) for name in _LINK.findall(properties["markdown"])]
        return Rectangle(title, widget["x"], widget["y"], widget["width"], widget["height"])

    def _check_graph(self, title: str, properties: dict[str, Any]) -> None:
        self._add(title, _axis_problems(properties))
        arns = properties.get("annotations", {}).get("alarms", [])
        self._alarms += [(title, alarm_of(arn, STAGE_VARIABLE)) for arn in arns]
        rows = properties.get("metrics", [])
        errors = [error for number, row in enumerate(rows, 1) for error in _option_problems(number, row, properties)]
        try:
            entries = [] if errors else expand(properties)
        except GraphedMetricsError as error:
            errors = [str(error)]
        if not self._add(title, errors):
            graph = Graph(entries)
            self.metrics += len(entries)
            self._add(title, graph.problems())
            self.references += graph.references(self.file, title)


def title_of(number: int, widget: Any) -> str:
    """Return the name of a widget in findings: its number and its title, or the first words of its text."""
    properties = widget.get("properties") if isinstance(widget, dict) else None
    shown = properties if isinstance(properties, dict) else {}
    first, *_ = str(shown.get("title") or shown.get("markdown") or "").strip().splitlines() or [""]
    return f'widget {number} "{first.lstrip("# ")[:40]}"' if first else f"widget {number}"


def _option_problems(number: int, row: Any, properties: dict[str, Any]) -> Iterator[str]:
    """Yield the problems in the options of a row of `metrics`. `expand` checks the row's other items."""
    options = row[-1] if isinstance(row, list) and row and isinstance(row[-1], dict) else {}
    yield from (f"metric {number}: {error}" for error in structure_errors(options, "options"))
    if "expression" not in options and "stat" not in options and "stat" not in properties:
        yield f'metric {number}: stat is missing, so CloudWatch would use Average; write "stat" here or in the widget'


def _axis_problems(properties: dict[str, Any]) -> Iterator[str]:
    for side, axis in properties.get("yAxis", {}).items():
        if axis.get("min", float("-inf")) >= axis.get("max", float("inf")):
            yield f"yAxis.{side}.min must be below yAxis.{side}.max; swap the two"

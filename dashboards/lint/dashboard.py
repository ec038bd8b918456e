"""Check one dashboard: its structure, its grid, its widgets and CloudWatch's limits."""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from dashboards.graphed_metrics import GraphedMetricsError, expand
from dashboards.lint import LintFinding, query, structure_errors, suggest
from dashboards.lint.known_metrics import Graph, Reference
from dashboards.project import STAGE_VARIABLE, alarm_of, belongs_to_tier, prefix

_LINK = re.compile(rf"#dashboards[:/](?:dashboard/|name=){prefix(STAGE_VARIABLE)}([\w-]+)")
"""Matches a link to another dashboard in the console. The group is the file name of that dashboard, with `_REGION`."""
_REGION = "-REGIONNAME"

COLUMNS = 24
"""Columns of the grid on which widgets are placed."""
MOST_METRICS = 2500
"""Maximum number of metrics in all graphs of a dashboard, including hidden metrics (CloudWatch service quotas)."""
MOST_BYTES = 1_000_000
"""Maximum size of a body in a request to CloudWatch and in a CloudFormation template."""


class DashboardCheck:
    """Checks one dashboard. `findings` has its problems, and `references` has the metrics that it names."""

    def __init__(self, file: str, body: dict[str, Any]) -> None:
        self.file = file
        self.findings: list[LintFinding] = []
        self.references: list[Reference] = []
        self._named: list[tuple[str, str, str]] = []
        """What widgets show or link to: the widget, `alarm` or `dashboard`, and its name."""
        self._taken: dict[tuple[int, int], str] = {}
        """The cells of the grid, each with the widget that is there."""
        self._metrics = 0
        self._add("", structure_errors(body, "dashboard"))
        variables, widgets = (_list(body, name) for name in ("variables", "widgets"))
        for number, variable in enumerate(variables, 1):
            self._add(f"variable {number}", structure_errors(variable, "variable"))
        has_stage = any(isinstance(each, dict) and each.get("pattern") == STAGE_VARIABLE for each in variables)
        if not has_stage and not belongs_to_tier(Path(file).stem):  # only the tier's stack knows its load balancer
            missing = f"no variable has the pattern {STAGE_VARIABLE}, so readers cannot choose a stage; add one"
            self._add("variables", [missing])
        for number, widget in enumerate(widgets, 1):
            self._check(title_of(number, widget), widget)
        size = len(json.dumps(body).encode())
        for count, most, what in ((self._metrics, MOST_METRICS, "metrics"), (size, MOST_BYTES, "bytes")):
            if count > most:
                self._add("", [f"the dashboard has {count:,} {what}, but at most {most:,} are allowed; split it"])

    def unknown(self, alarms: Collection[str], dashboards: Collection[str]) -> Iterator[LintFinding]:
        """Yield findings for alarms and dashboards that widgets show or link to, but that no file defines."""
        known = {"alarm": alarms, "dashboard": [each + _REGION for each in dashboards]}
        for place, what, name in self._named:
            if name not in known[what]:
                message = f'no file defines the {what} "{name}"; {suggest(name, known[what])}'
                yield LintFinding(self.file, place, message)

    def _add(self, place: str, messages: Iterable[str]) -> bool:
        """Add a finding for each message. Return whether there was a message."""
        found = [LintFinding(self.file, place, message) for message in messages]
        self.findings += found
        return bool(found)

    def _check(self, title: str, widget: Any) -> None:
        if self._add(title, structure_errors(widget, "widget")):
            return
        self._add(title, self._place_problems(title, *(widget[each] for each in ("x", "y", "width", "height"))))
        kind, properties = widget["type"], widget["properties"]
        if self._add(title, structure_errors(properties, f"{kind}_properties")):
            return
        match kind:
            case "metric":
                self._add(title, self._graph_problems(title, properties))
            case "log":
                self._add(title, query.problems(properties["query"]))
            case "text":
                self._named += [(title, "dashboard", name) for name in _LINK.findall(properties["markdown"])]
        arns = properties.get("alarms", []) + properties.get("annotations", {}).get("alarms", [])
        self._named += [(title, "alarm", alarm_of(arn, STAGE_VARIABLE)) for arn in arns]

    def _place_problems(self, title: str, x: int, y: int, width: int, height: int) -> Iterator[str]:
        if (right := x + width) > COLUMNS:
            yield f"reaches column {right} of {COLUMNS}; write a width of at most {COLUMNS - x}"
        cells = [(column, row) for column in range(x, right) for row in range(y, y + height)]
        for other in dict.fromkeys(self._taken[cell] for cell in cells if cell in self._taken):
            yield f"overlaps {other}; move it"
        self._taken |= dict.fromkeys(cells, title)

    def _graph_problems(self, title: str, properties: dict[str, Any]) -> Iterator[str]:
        for side, axis in properties.get("yAxis", {}).items():
            if axis.get("min", float("-inf")) >= axis.get("max", float("inf")):
                yield f"yAxis.{side}.min must be below yAxis.{side}.max; swap the two"
        rows = enumerate(properties.get("metrics", []), 1)
        if errors := [error for number, row in rows for error in _option_problems(number, row, properties)]:
            yield from errors
            return
        try:
            graph = Graph(expand(properties))
        except GraphedMetricsError as error:
            yield str(error)
            return
        self._metrics += len(graph.entries)
        self.references += graph.references(self.file, title)
        yield from graph.problems()


def _list(body: dict[str, Any], name: str) -> list[Any]:
    return body[name] if isinstance(body.get(name), list) else []


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

"""One dashboard: its structure, its grid, its widgets and their limits."""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from cloudwatch.files import STAGE_VARIABLE, prefix
from cloudwatch.lint import grid, lines, query, structure
from cloudwatch.lint.finding import Finding, instead
from cloudwatch.syntax.lines import LinesError, expand

if TYPE_CHECKING:
    from cloudwatch.lint.reference import Reference

_LINK = re.compile(rf"#dashboards[:/](?:dashboard/|name=){prefix(STAGE_VARIABLE)}([\w-]+)")
"""The page of another dashboard in the console, and the name of its file."""

MOST_METRICS = 2500
"""Lines of all graphs of a dashboard, hidden ones included (CloudWatch service quotas)."""

MOST_BYTES = 1_000_000
"""Of a body: what a request to CloudWatch, and a CloudFormation template, can hold."""


class Dashboard:
    """Reads one body; `findings` and `references` are what there is to say."""

    def __init__(self, file: str, body: dict[str, Any]) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self.references: list[Reference] = []
        self.is_whole = True
        """Whether all metrics that it names could be read."""
        self._alarms: list[tuple[str, str]] = []
        self._links: list[tuple[str, str]] = []
        self.widgets = body["widgets"] if isinstance(body.get("widgets"), list) else []
        self.lines = 0
        self._say("", structure.dashboard_errors(body))
        self._check_variables(body)
        places = [place for number, widget in enumerate(self.widgets, 1) if (place := self._check(number, widget))]
        for title, problem in grid.check(places):
            self._say(title, [problem])
        self._check_first(places)
        if self.lines > MOST_METRICS:
            self._say("", [f"{self.lines} lines in its graphs, at most {MOST_METRICS} are shown; split the dashboard"])
        if (size := len(json.dumps(body).encode())) > MOST_BYTES:
            self._say("", [f"{size:,} bytes, at most {MOST_BYTES:,} can be put; split the dashboard"])

    def unknown(self, alarms: Collection[str], dashboards: Collection[str]) -> Iterator[Finding]:
        """Alarms that widgets show, and dashboards that texts lead to, and no file makes."""
        for what, places, names in (("alarm", self._alarms, alarms), ("dashboard", self._links, dashboards)):
            for place, name in places:
                if name not in names:
                    yield Finding(self.file, place, f'no file makes the {what} "{name}"; {instead(name, names)}')

    def _say(self, place: str, messages: Iterable[str]) -> None:
        self.findings += [Finding(self.file, place, message) for message in messages]

    def _check_variables(self, body: dict[str, Any]) -> None:
        variables = body["variables"] if isinstance(body.get("variables"), list) else []
        for number, variable in enumerate(variables, 1):
            self._say(f"variable {number}", structure.dashboard_errors(variable, "variable"))
        if not any(isinstance(each, dict) and each.get("pattern") == STAGE_VARIABLE for each in variables):
            self._say(
                "variables",
                [f"none has the pattern {STAGE_VARIABLE}, and widgets would show a stage of that name; add one"],
            )

    def _check(self, number: int, widget: Any) -> grid.Place | None:
        """Say what is wrong with one widget; its place, if it has one."""
        title = title_of(number, widget)
        errors = list(structure.dashboard_errors(widget, "widget"))
        self._say(title, errors)
        if errors:
            self.is_whole = False
            return None
        kind, properties = widget["type"], widget["properties"]
        errors = list(structure.dashboard_errors(properties, f"{kind}_properties"))
        self._say(title, errors)
        if kind == "metric":
            self._check_graph(title, properties, well_formed=not errors)
        if kind == "log" and not errors:
            self._say(title, query.problems(properties["query"]))
        if kind == "alarm" and not errors:
            self._alarms += [(title, _name_of(arn)) for arn in properties["alarms"]]
        if kind == "text" and not errors:
            self._links += [(title, name) for name in _LINK.findall(properties["markdown"])]
        return grid.Place(title, widget["x"], widget["y"], widget["width"], widget["height"])

    def _check_graph(self, title: str, properties: dict[str, Any], *, well_formed: bool) -> None:
        if not well_formed:
            self.is_whole = False
            return
        self._say(title, _wrong_view(properties))
        self._alarms += [(title, _name_of(arn)) for arn in properties.get("annotations", {}).get("alarms", [])]
        rows = properties.get("metrics", [])
        errors = [error for number, row in enumerate(rows, 1) for error in _wrong_row(number, row, properties)]
        try:
            expanded = [] if errors else expand(properties)
        except LinesError as error:
            errors = [str(error).replace("row ", "line ", 1)]
        self.is_whole = self.is_whole and not errors
        self._say(title, errors)
        if not errors:
            self.lines += len(expanded)
            self._say(title, lines.problems(expanded))
            self.references += lines.references(expanded, self.file, title)

    def _check_first(self, places: list[grid.Place]) -> None:
        """The first thing to read says what the dashboard is for, and where the runbook is."""
        texts = {title_of(number, each): each for number, each in enumerate(self.widgets, 1)}
        if not places:
            return
        first = texts[min(places, key=lambda place: (place.y, place.x)).title]
        if first["type"] != "text" or "RUNBOOKURL" not in str(first["properties"].get("markdown")):
            self._say(
                "",
                ["the widget at the upper left is no text that says what it is for and links RUNBOOKURL; add one"],
            )


def title_of(number: int, widget: Any) -> str:
    """How people are told of a widget: its number and its title, or the first words of its text."""
    properties = widget.get("properties") if isinstance(widget, dict) else None
    shown = properties if isinstance(properties, dict) else {}
    first, *_ = str(shown.get("title") or shown.get("markdown") or "").strip().splitlines() or [""]
    return f'widget {number} "{first.lstrip("# ")[:40]}"' if first else f"widget {number}"


def _name_of(arn: str) -> str:
    """The name of an alarm's file."""
    return arn.rpartition(":alarm:")[2].removeprefix(prefix(STAGE_VARIABLE))


def _wrong_row(number: int, row: Any, properties: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the options of a line; what is wrong with its metric is told when it is written out."""
    options = row[-1] if isinstance(row, list) and row and isinstance(row[-1], dict) else {}
    yield from (f"line {number}: {error}" for error in structure.dashboard_errors(options, "options"))
    if "expression" not in options and "stat" not in options and "stat" not in properties:
        yield f'line {number}: it has no stat, and would show an average; write "stat", here or for the widget'


def _wrong_view(properties: dict[str, Any]) -> Iterator[str]:
    view = properties["view"]
    if not properties.get("metrics") and not properties.get("annotations", {}).get("alarms"):
        yield "it has neither metrics nor an alarm among its annotations, and would be empty; add metrics"
    if properties.get("stacked") and view != "timeSeries":
        yield f'stacked is for the view "timeSeries", not for "{view}"; remove it'
    for key in ("sparkline", "singleValueFullPrecision"):
        if key in properties and view != "singleValue":
            yield f'{key} is for the view "singleValue", not for "{view}"; remove it'
    if "table" in properties and view != "table":
        yield f'table is for the view "table", not for "{view}"; remove it'
    if properties.get("setPeriodToTimeRange") and view == "timeSeries":
        yield "setPeriodToTimeRange makes one point of a curve; remove it, or choose another view"
    axes = properties.get("yAxis", {})
    if view == "gauge" and not {"min", "max"} <= axes.get("left", {}).keys():
        yield 'a gauge needs both ends of its scale; write "yAxis": {"left": {"min": 0, "max": 100}}'
    for side, axis in axes.items():
        if axis.get("min", float("-inf")) >= axis.get("max", float("inf")):
            yield f"yAxis.{side} has its min at or above its max; exchange them"

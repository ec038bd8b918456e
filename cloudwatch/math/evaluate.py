"""Evaluate the lines of a graph: metrics from the store, and metric math over them.

Each line has its own period, but the operands of an expression must have the same period. If a line cannot be
evaluated, an error is raised; an empty curve would hide the problem.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from cloudwatch.math.functions import call_function, combine
from cloudwatch.math.metric_store import MetricStore
from cloudwatch.math.series import EvaluationError, Floats, Grid, Series, Value
from cloudwatch.syntax.expression import Node, ParseError, parse_expression, parse_search
from cloudwatch.syntax.graphed_metrics import GraphedMetric, TimeSeries

_parse = lru_cache(4096)(parse_expression)
_parse_search = lru_cache(512)(parse_search)
_VARIABLE = re.compile(r"\$\{\s*(?:PROP\(\s*'Dim\.(?P<dimension>[^']*)'\s*\)|(?P<name>[^}]*?))\s*\}")
"""Matches a variable of a label: "Using dynamic labels" in the CloudWatch user guide."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve to draw, with one value for each period of the graph. NaN marks a period without data.

    If `period` (seconds) is longer than the graph's period, each value is at the point where its period begins. If an
    expression returns an array, each series of the array becomes a curve with the same line but without a color.
    """

    line: GraphedMetric
    label: str
    values: Floats
    period: int


def evaluate(
    lines: Sequence[GraphedMetric], store: MetricStore, start: float, end: float, period: int, *, anchor: int = 0
) -> list[Curve]:
    """Return the curves of a graph from `start` to `end` (seconds since 1970) with a point every `period` seconds.

    Periods are aligned to `anchor` (seconds since 1970) and follow one another without gaps. To make the whole time
    range one period, pass `period=ceil(end - int(start))` and `anchor=int(start)`.

    Raises:
        EvaluationError: a line cannot be evaluated; the message names it.
    """
    evaluator = Evaluator(lines, store, lambda length: Grid.covering(start, end, length, anchor))
    graph = Grid.covering(start, end, period, anchor)
    return [curve for line in lines for curve in _curves(line, evaluator, graph)]


def _curves(line: GraphedMetric, evaluator: "Evaluator", graph: Grid) -> list[Curve]:
    value = evaluator.value(line)
    if isinstance(value, float):
        if line.visible:
            raise _line_error(
                line, "returns a number but a graph takes only series; write TIME_SERIES(…) around the expression"
            )
        return []
    if isinstance(value, Series):
        return [Curve(line, value.label, _align(line, value, graph), value.grid.period)]
    plain = replace(line, color=None)
    return [Curve(plain, series.label, _align(line, series, graph), series.grid.period) for series in value]


def _align(line: GraphedMetric, series: Series, graph: Grid) -> Floats:
    """Put each value at the point of the graph where its period begins.

    The value of a period that begins before the graph goes to the first point.
    """
    if series.grid == graph:
        return series.values
    if series.grid.period < graph.period:
        expected = f"use at least the graph's period of {graph.period} s"
        raise _line_error(line, f"has a period of {series.grid.period} s; {expected}")
    values = np.full(graph.number, np.nan)
    if graph.number:
        values[np.maximum(series.grid.begins - graph.first, 0) // graph.step] = series.values
    return values


class Evaluator:
    """Evaluates lines that may refer to one another. `grids` returns the grid for a period in seconds."""

    def __init__(self, lines: Sequence[GraphedMetric], store: MetricStore, grids: Callable[[int], Grid]) -> None:
        self._by_id = {line.id: line for line in lines if line.id is not None}
        self._store = store
        self._grids = grids
        self._values: dict[int, Value] = {}
        self._evaluating: list[int] = []

    def value(self, line: GraphedMetric) -> Value:
        """Return the value of a line, with the label to show.

        Raises:
            EvaluationError: the line cannot be evaluated; the message names it.
        """
        if line.row not in self._values:
            if line.row in self._evaluating:
                raise _line_error(line, "refers to itself")
            self._evaluating.append(line.row)
            try:
                self._values[line.row] = self._with_label(line, self._of(line))
            except _LineError:
                raise
            except (EvaluationError, ParseError) as error:
                raise _line_error(line, str(error)) from error
            finally:
                self._evaluating.pop()
        return self._values[line.row]

    def _of(self, line: GraphedMetric) -> Value:
        if line.metric is not None:
            return self._metric(line.metric, line.stat, self._grids(line.period))
        return self._node(_parse(line.expression or ""), line)

    def _metric(self, metric: TimeSeries, stat: str, grid: Grid) -> Series:
        samples = self._store.of(metric)
        values = np.full(grid.number, np.nan) if samples is None else samples.on_grid(grid, stat)
        return Series(values, grid, default_label(metric), metric)

    def _with_label(self, line: GraphedMetric, value: Value) -> Value:
        """Return a value with the label of its line. The label of an array goes before the name of each series."""
        if isinstance(value, float):
            return value
        if isinstance(value, Series):
            name = value.label if line.metric is not None else line.id or line.expression or ""
            value = replace(value, label=name)
            return value if line.label is None else replace(value, label=expand_label(line.label, value))
        if not line.label:
            return value
        label = line.label if "${" in line.label else f"{line.label} ${{LABEL}}"
        return tuple(replace(series, label=expand_label(label, series)) for series in value)

    def _node(self, node: Node, line: GraphedMetric) -> Value:
        match node:
            case Node("number", number):
                return float(number)
            case Node("id", name):
                return self._named(name)
            case Node("operator", _, (operand,)):
                return combine("*", self._node(operand, line), -1.0)
            case Node("operator", operator, (left, right)):
                return combine(operator, self._node(left, line), self._node(right, line))
            case Node("array"):
                return self._array([self._node(item, line) for item in node.below])
            case Node("call"):
                return self._call(node, line)
        raise EvaluationError(f"'{node.text}' is a string; write a number or a time series")

    def _named(self, name: str) -> Value:
        if name not in self._by_id:
            raise EvaluationError(
                f"refers to `{name}`, but no line has this id; known ids: {', '.join(self._by_id) or 'none'}"
            )
        return self.value(self._by_id[name])

    def _array(self, values: list[Value]) -> tuple[Series, ...]:
        """Flatten nested arrays into one array."""
        series: list[Series] = []
        for value in values:
            if isinstance(value, float):
                raise EvaluationError(
                    "an array contains a number but takes only series; write TIME_SERIES(…) around the number"
                )
            series.extend(value if isinstance(value, tuple) else (value,))
        return tuple(series)

    def _call(self, node: Node, line: GraphedMetric) -> Value:
        if node.text == "PERIOD":
            (named,) = node.below
            value = self._named(named.text) if named.kind == "id" else None
            if isinstance(value, Series) and self._by_id[named.text].metric is not None:
                return float(value.grid.period)
            raise EvaluationError("PERIOD takes the id of a metric, not an expression")
        if node.text == "SEARCH":
            text, stat, *period = (each.text for each in node.below)
            # A long time range lengthens the period of the line, so the longer of the two periods is used.
            grid = self._grids(max(int(float(period[0])) if period else 0, line.period))
            return tuple(self._metric(metric, stat, grid) for metric in self._store.search(_parse_search(text).finds))
        return call_function(node.text, [self._node(each, line) for each in node.below], self._grids(line.period))


class _LineError(EvaluationError):
    """An error whose message already names its line."""


def _line_error(line: GraphedMetric, what: str) -> EvaluationError:
    named = f" ({line.id})" if line.id else ""
    shown = f" `{line.expression}`" if line.expression else ""
    return _LineError(f"metric {line.row + 1}{named}{shown}: {what}")


def default_label(metric: TimeSeries) -> str:
    """Return the label of a metric without one: its name, and the values of the dimensions that only some have."""
    return " ".join([metric.name, *(value for name, value in metric.dimensions if name not in ("service", "stage"))])


def expand_label(label: str, series: Series) -> str:
    """Return the label with `${LABEL}` and `${PROP('Dim.…')}` replaced. Raises `EvaluationError` for others."""

    def value(match: re.Match[str]) -> str:
        if match["dimension"] is not None:
            return dict(series.metric.dimensions).get(match["dimension"], "") if series.metric else ""
        if match["name"] != "LABEL":
            known = "the preview knows only LABEL and PROP('Dim.…')"
            raise EvaluationError(f"label {label!r} has the variable {match['name']}; {known}")
        return series.label

    return _VARIABLE.sub(value, label)

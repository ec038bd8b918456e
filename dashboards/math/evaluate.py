"""Evaluate the lines of a graph: metrics from the store, and metric math over them.

Each line has its own period, but the operands of an expression must have the same period. If a line cannot be
evaluated, an error is raised; an empty curve would hide the problem.

Missing points follow the CloudWatch user guide. If a point is missing in one operand of two series, it counts as 0. If
it is missing in both, it is missing in the result. A number combined with a missing point is a missing point. The
result of a division by zero is also a missing point. Comparisons and logical operators return 0 or 1. In an array, SUM
counts a missing point as 0, and MAX skips it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial, reduce
from math import nan
from typing import Any, NamedTuple

import numpy as np

from dashboards.math.metric_store import MetricStore
from dashboards.math.series import EvaluationError, Floats, Grid, Series, Value, common_grid, kind
from dashboards.syntax.expression import FUNCTIONS, TYPES, Node, ParseError, parse_expression, parse_search, signature
from dashboards.syntax.graphed_metrics import GraphedMetric, TimeSeries

_parse = lru_cache(4096)(parse_expression)
_parse_search = lru_cache(512)(parse_search)
_VARIABLE = re.compile(r"\$\{\s*(?:PROP\(\s*'Dim\.(?P<dimension>[^']*)'\s*\)|(?P<name>[^}]*?))\s*\}")
"""Matches a variable of a label: "Using dynamic labels" in the CloudWatch user guide."""


class Curve(NamedTuple):
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
    range one period, pass `period=ceil(end - int(start))` and `anchor=int(start)`. Raises `EvaluationError`.
    """
    evaluator = Evaluator(lines, store, lambda length: Grid.covering(start, end, length, anchor))
    graph, curves = Grid.covering(start, end, period, anchor), list[Curve]()
    for line in lines:
        value = evaluator.value(line)
        if isinstance(value, float):
            if line.visible:
                what = "returns a number but a graph takes only series; write TIME_SERIES(…) around the expression"
                raise _line_error(line, what)
            continue
        drawn, shown = (line, (value,)) if isinstance(value, Series) else (replace(line, color=None), value)
        curves += [Curve(drawn, series.label, _align(line, series, graph), series.grid.period) for series in shown]
    return curves


def _align(line: GraphedMetric, series: Series, graph: Grid) -> Floats:
    """Put each value at the graph's point where its period begins; at the first point if that is before the graph."""
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
        """Return the value of a line, with the label to show. Raises `EvaluationError`, which names the line."""
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
            if line.metric is None:
                value = replace(value, label=line.id or line.expression or "")
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
            case Node("operator", operator, operands):
                return reduce(partial(combine, operator), [self._node(each, line) for each in operands])
            case Node("array"):
                return self._array([self._node(item, line) for item in node.below])
            case Node("call"):
                return self._call(node, line)
        raise EvaluationError(f"'{node.text}' is a string; write a number or a time series")

    def _named(self, name: str) -> Value:
        if name not in self._by_id:
            known = ", ".join(self._by_id) or "none"
            raise EvaluationError(f"refers to `{name}`, but no line has this id; known ids: {known}")
        return self.value(self._by_id[name])

    def _array(self, values: list[Value]) -> tuple[Series, ...]:
        """Flatten nested arrays into one array."""
        items = [each for value in values for each in (value if isinstance(value, tuple) else (value,))]
        series = tuple(each for each in items if isinstance(each, Series))
        if len(series) < len(items):
            what = "an array contains a number but takes only series; write TIME_SERIES(…) around the number"
            raise EvaluationError(what)
        return series

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
    """Return the label of a metric that has none: its name, and the values of its dimensions but service and stage."""
    return " ".join([metric.name, *(value for name, value in metric.dimensions if name not in ("service", "stage"))])


def expand_label(label: str, series: Series) -> str:
    """Return the label with `${LABEL}` and `${PROP('Dim.…')}` replaced. Raises `EvaluationError` for other `${…}`."""

    def value(match: re.Match[str]) -> str:
        if match["dimension"] is not None:
            return dict(series.metric.dimensions).get(match["dimension"], "") if series.metric else ""
        if match["name"] != "LABEL":
            known = "the preview knows only LABEL and PROP('Dim.…')"
            raise EvaluationError(f"label {label!r} has the variable {match['name']}; {known}")
        return series.label

    return _VARIABLE.sub(value, label)


# Operators and functions. `syntax/expression.py` lists the functions and their arguments.

_OPERATORS: Mapping[str, Callable[[Floats, Floats], object]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "AND": np.logical_and,
    "OR": np.logical_or,
}


def combine(operator: str, left: Value, right: Value) -> Value:
    """Return `left operator right`. Raises `EvaluationError` for arrays, and for series with different periods."""
    if isinstance(left, tuple) or isinstance(right, tuple):
        what = f"{operator} combines {kind(left)} with {kind(right)}"
        raise EvaluationError(f"{what}; the preview combines only numbers and single series")
    one, other = (np.asarray(side.values if isinstance(side, Series) else side) for side in (left, right))
    if isinstance(left, Series) and isinstance(right, Series):
        common_grid(left, right)
        missing = np.isnan(one) & np.isnan(other)
        one, other = np.nan_to_num(one, nan=0.0), np.nan_to_num(other, nan=0.0)
    else:
        missing = np.isnan(one) | np.isnan(other)
    with np.errstate(all="ignore"):
        result = np.where(missing, nan, np.asarray(_OPERATORS[operator](one, other), dtype=np.float64))
    for side in (left, right):
        if isinstance(side, Series):
            return side.with_values(result)
    return float(result) if np.isfinite(result) else nan


def call_function(function: str, arguments: list[Value], grid: Grid) -> Value:
    """Return the result of a function. `grid`: that of TIME_SERIES(number). Raises `EvaluationError`."""
    for place, (argument, types) in enumerate(zip(arguments, FUNCTIONS[function].split(", "), strict=False), 1):
        if kind(argument) not in types.removesuffix("?").split("|"):
            given = f"argument {place} of {function} is {TYPES[kind(argument)]}"
            raise EvaluationError(f"{given}; write {signature(function)}")
    first: Any = arguments[0]
    if isinstance(first, Series) and first.grid.sliding and function in (*_AGGREGATIONS, "RUNNING_SUM"):
        reason = "its value depends on the number of points that AWS fetches; use a longer period or an array of series"
        raise EvaluationError(f"{function} of one series cannot be used in an alarm: {reason}")
    if function == "TIME_SERIES":
        return Series(np.full(grid.number, first), grid)
    if function in _AGGREGATIONS:
        aggregate = _AGGREGATIONS[function]
        if isinstance(first, Series):  # a number; NaN if the series has no points
            return nan if np.isnan(first.values).all() else float(aggregate(first.values[:, np.newaxis])[0])
        return _aggregate(aggregate, first, grid)
    if isinstance(first, tuple):
        return tuple(_FUNCTIONS[function](series, *arguments[1:]) for series in first)
    result: Series = _FUNCTIONS[function](first, *arguments[1:])
    return result


type _Aggregation = Callable[[Floats], Floats]
_AGGREGATIONS: Mapping[str, _Aggregation] = {
    "SUM": lambda rows: np.nansum(rows, axis=0),
    "MAX": lambda rows: np.fmax.reduce(rows, axis=0),
}
"""Functions that turn a series into a number, and an array into a series."""


def _aggregate(aggregation: _Aggregation, series: tuple[Series, ...], grid: Grid) -> Series:
    grid = common_grid(*series) if series else grid  # a search may find no metric
    rows = np.array([each.values for each in series]).reshape(len(series), grid.number)
    values, exists = np.full(grid.number, nan), ~np.isnan(rows).all(axis=0)
    values[exists] = aggregation(rows[:, exists])
    return Series(values, grid)


def _running_sum(series: Series) -> Series:
    """Return the sum of the points up to each point. Missing points stay missing."""
    return series.with_values(np.where(np.isnan(series.values), nan, np.nancumsum(series.values)))


def _fill(series: Series, by: Series | float) -> Series:
    if isinstance(by, Series):
        common_grid(series, by)
    filling: Any = by.values if isinstance(by, Series) else by
    return series.with_values(np.where(np.isnan(series.values), filling, series.values))


def _if(condition: Series, yes: Series | float, no: Series | float = nan) -> Series:
    """Return `yes` where the condition is not 0, and `no` where it is 0.

    If a point is missing in the condition, it is missing in the result. A missing point of `no` stays missing. A
    missing point of `yes` counts as 0, as in the user guide.
    """
    common_grid(condition, *(value for value in (yes, no) if isinstance(value, Series)))
    then = np.nan_to_num(yes.values, nan=0.0) if isinstance(yes, Series) else yes
    otherwise = no.values if isinstance(no, Series) else no
    values = np.where(condition.values != 0, then, otherwise)
    return condition.with_values(np.where(np.isnan(condition.values), np.nan, values))


_FUNCTIONS: Mapping[str, Callable[..., Series]] = {"FILL": _fill, "IF": _if, "RUNNING_SUM": _running_sum}

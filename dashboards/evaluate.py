"""Evaluate the lines of a graph: metrics from the store, and metric math over them.

Each line has its own period, but the operands of an expression must have the same period. If a line cannot be
evaluated, an error is raised; an empty curve would hide the problem.

Missing points follow the CloudWatch user guide. If a point is missing in one operand of two series, it counts as 0. If
it is missing in both, it is missing in the result. A number combined with a missing point is a missing point. The
result of a division by zero is also a missing point. Comparisons and logical operators return 0 or 1. In an array, SUM
counts a missing point as 0, and MAX skips it.

Only the functions and operators of the user guide ("Using metric math") that dashboards and alarms use are known.
"""

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial, reduce
from math import nan
from typing import Any, NamedTuple

import numpy as np

from dashboards.expression import OPERATORS, ParseError, finds, parse_expression, parse_search, written
from dashboards.graphed_metrics import GraphedMetric, TimeSeries
from dashboards.series import EvaluationError, Floats, Grid, MetricStore, Series, aggregate

type Value = str | float | Series | tuple[Series, ...]
FUNCTIONS = {
    "FILL": "TS|TS[], S|TS",
    "IF": "TS, S|TS, S|TS?",
    "MAX": "TS|TS[]",
    "PERIOD": "TS",
    "RUNNING_SUM": "TS|TS[]",
    "SEARCH": "text, text, S?",
    "SUM": "TS|TS[]",
    "TIME_SERIES": "S",
}
"""The functions and the types of their arguments, as the guide abbreviates them: a number, a time series, an array of
series. `|` separates the types of an argument, and `?` marks an optional one."""
_parse = lru_cache(4096)(parse_expression)
_DIMENSION = re.compile(r"\$\{PROP\('Dim\.([^']*)'\)\}")
"""Matches a dimension in a label: "Using dynamic labels" in the CloudWatch user guide."""


def kind(value: Value) -> str:
    """Return the type of a value as CloudWatch abbreviates it: S (number), TS (series), TS[] (array); or text."""
    names = {float: "S", str: "text", Series: "TS"}
    return next((name for of, name in names.items() if isinstance(value, of)), "TS[]")


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
        if isinstance(value, str | float):
            if line.visible:
                what = "returns no series, which a graph needs; write TIME_SERIES(…) around a number"
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
        self._open: list[int] = []
        """The rows that are being evaluated."""

    def value(self, line: GraphedMetric) -> Value:
        """Return the value of a line, with the label to show. Raises `EvaluationError`, which names the line."""
        if line.row in self._open:
            raise _line_error(line, "refers to itself")
        if line.row not in self._values:
            self._open.append(line.row)
            try:
                self._values[line.row] = self._with_label(line, self._of(line))
            except (EvaluationError, ParseError, RecursionError) as error:
                raise error if isinstance(error, _LineError) else _line_error(line, str(error)) from error
            finally:
                self._open.pop()
        return self._values[line.row]

    def _of(self, line: GraphedMetric) -> Value:
        grid = self._grids(line.period)
        metric = line.metric
        return self._metric(metric, line.stat, grid) if metric else self._node(_parse(line.expression or ""), line)

    def _metric(self, metric: TimeSeries, stat: str, grid: Grid) -> Series:
        others = [value for name, value in metric.dimensions if name not in ("service", "stage")]
        label = " ".join([metric.name, *others])
        return Series(aggregate(self._store.columns(metric), grid, stat), grid, label, metric)

    def _with_label(self, line: GraphedMetric, value: Value) -> Value:
        """Return a value with the label of its line. The label of an array goes before the name of each series."""
        if isinstance(value, Series):
            if line.metric is None:
                value = replace(value, label=line.id or line.expression or "", metric=None)
            return value if line.label is None else replace(value, label=expand_label(line.label, value))
        if isinstance(value, tuple) and line.label:
            label = line.label if "${" in line.label else f"{line.label} ${{LABEL}}"
            return tuple(replace(series, label=expand_label(label, series)) for series in value)
        return value

    def _node(self, node: ast.expr, line: GraphedMetric) -> Value:
        match node:
            case ast.Constant(value):
                return value if isinstance(value, str) else float(value)  # type: ignore[arg-type]
            case ast.Name(name):
                if name not in self._by_id:
                    raise EvaluationError(f"refers to `{name}`, but no line has this id; {_known(self._by_id)}")
                return self.value(self._by_id[name])
            case ast.UnaryOp(ast.USub(), operand):
                return combine(ast.Mult, self._node(operand, line), -1.0)
            case ast.BinOp(left, operator, right) | ast.Compare(left, [operator], [right]):
                return combine(type(operator), self._node(left, line), self._node(right, line))
            case ast.BoolOp(operator, operands):
                return reduce(partial(combine, type(operator)), [self._node(each, line) for each in operands])
            case ast.List(items):
                return self._array([self._node(item, line) for item in items])
            case ast.Call(ast.Name(function), arguments):
                return self._call(function, arguments, line)
        raise EvaluationError(f"metric math has no `{written(node)}`; compare with 0 instead of NOT")

    def _array(self, values: list[Value]) -> tuple[Series, ...]:
        """Flatten nested arrays into one array."""
        items = [each for value in values for each in (value if isinstance(value, tuple) else (value,))]
        series = tuple(each for each in items if isinstance(each, Series))
        if len(series) < len(items):
            raise EvaluationError("an array takes only series; write TIME_SERIES(…) around a number")
        return series

    def _call(self, function: str, nodes: list[ast.expr], line: GraphedMetric) -> Value:
        if function not in FUNCTIONS:
            raise EvaluationError(f"unknown function {function}; {_known(FUNCTIONS)}")
        arguments, grid = [self._node(each, line) for each in nodes], self._grids(line.period)
        wanted, given = FUNCTIONS[function].split(", "), list(map(kind, arguments))
        least = sum(not each.endswith("?") for each in wanted)
        fits = [have in types.removesuffix("?").split("|") for have, types in zip(given, wanted, strict=False)]
        if not (least <= len(given) <= len(wanted) and all(fits)):
            what = f"cannot take ({', '.join(given)}); write {function}({FUNCTIONS[function]})"
            raise EvaluationError(f"{function} {what}, where S is a number, TS a time series, TS[] several")
        first: Any = arguments[0]
        if isinstance(first, Series) and first.grid.sliding and function in (*_AGGREGATIONS, "RUNNING_SUM"):
            reason = "its value depends on the number of points that AWS fetches; use a longer period or an array"
            raise EvaluationError(f"{function} of one series cannot be used in an alarm: {reason} of series")
        match function:
            case "PERIOD":
                if not isinstance(nodes[0], ast.Name) or first.metric is None:
                    raise EvaluationError("PERIOD takes the id of a metric, not an expression")
                return float(first.grid.period)
            case "SEARCH":
                text, stat, *period = arguments
                # A long time range lengthens the period of the line, so the longer of the two periods is used.
                grid = self._grids(max([line.period, *(int(each) for each in period if isinstance(each, float))]))
                found = self._store.search(partial(finds, parse_search(str(text))))
                return tuple(self._metric(metric, str(stat), grid) for metric in found)
            case "TIME_SERIES":
                return Series(np.full(grid.number, first), grid)
            case "SUM" | "MAX":
                return _aggregate(_AGGREGATIONS[function], first, grid)
        if isinstance(first, tuple):
            return tuple(_FUNCTIONS[function](series, *arguments[1:]) for series in first)
        return _FUNCTIONS[function](first, *arguments[1:])


class _LineError(EvaluationError):
    """An error whose message already names its line."""


def _line_error(line: GraphedMetric, what: str) -> EvaluationError:
    named = f" ({line.id})" if line.id else ""
    shown = f" `{line.expression}`" if line.expression else ""
    return _LineError(f"metric {line.row + 1}{named}{shown}: {what}")


def _known(names: Mapping[str, object]) -> str:
    return f"known are {', '.join(names) or 'none'}"


def expand_label(label: str, series: Series) -> str:
    """Return the label with `${LABEL}` and `${PROP('Dim.…')}` replaced. Raises `EvaluationError` for other `${…}`."""
    dimensions = dict(series.metric.dimensions) if series.metric else {}
    label = _DIMENSION.sub(lambda match: dimensions.get(match[1], ""), label)
    if "${" in (rest := label.replace("${LABEL}", "")):
        raise EvaluationError(f"label {rest!r} has a variable; the preview knows only LABEL and PROP('Dim.…')")
    return label.replace("${LABEL}", series.label)


# Operators and functions

_OPERATORS: Mapping[type[ast.AST], Callable[[Floats, Floats], Any]] = (
    {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide}
    | {ast.Eq: np.equal, ast.NotEq: np.not_equal, ast.Lt: np.less, ast.LtE: np.less_equal}
    | {ast.Gt: np.greater, ast.GtE: np.greater_equal, ast.And: np.logical_and, ast.Or: np.logical_or}
)


def combine(operator: type[ast.AST], left: Value, right: Value) -> Value:
    """Return `left operator right`. Raises `EvaluationError` for arrays, and for series with different periods."""
    if {kind(left), kind(right)} & {"text", "TS[]"}:
        what = f"{OPERATORS[operator]} combines {kind(left)} with {kind(right)}"
        raise EvaluationError(f"{what}; the preview combines only numbers (S) and single series (TS)")
    series = [side for side in (left, right) if isinstance(side, Series)]
    sides: list[Any] = [side.values if isinstance(side, Series) else side for side in (left, right)]
    if len(series) == 2:
        common_grid(*series)
        missing = np.isnan(sides[0]) & np.isnan(sides[1])
        sides = [np.nan_to_num(side, nan=0.0) for side in sides]
    else:
        missing = np.isnan(sides[0]) | np.isnan(sides[1])
    with np.errstate(all="ignore"):
        result = np.where(missing, nan, _OPERATORS[operator](*sides))
    if series:
        return series[0].with_values(result)
    return float(result) if np.isfinite(result) else nan


def common_grid(*series: Series) -> Grid:
    """Return the grid of the series. Raises `EvaluationError` if their grids differ."""
    grids = {each.grid for each in series}
    if len(grids) > 1:
        lengths = " and ".join(f"{period} s" for period in sorted({grid.period for grid in grids}))
        raise EvaluationError(f"combines lines with periods of {lengths}; use the same period for these lines")
    return grids.pop()


_AGGREGATIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "SUM": lambda rows: np.nansum(rows, axis=0),
    "MAX": lambda rows: np.fmax.reduce(rows, axis=0),
}
"""Functions that turn a series into a number, and an array into a series."""


def _aggregate(aggregation: Callable[[Floats], Floats], value: Series | tuple[Series, ...], grid: Grid) -> Value:
    if isinstance(value, Series):  # a number; NaN if the series has no points
        return nan if np.isnan(value.values).all() else float(aggregation(value.values[:, np.newaxis])[0])
    grid = common_grid(*value) if value else grid  # a search may find no metric
    rows = np.array([each.values for each in value]).reshape(len(value), grid.number)
    values, exists = np.full(grid.number, nan), ~np.isnan(rows).all(axis=0)
    values[exists] = aggregation(rows[:, exists])
    return Series(values, grid)


def _running_sum(series: Series) -> Series:
    """Return the sum of the points up to each point. Missing points stay missing."""
    return series.with_values(np.where(np.isnan(series.values), nan, np.nancumsum(series.values)))


def _points(series: Series, value: Series | float) -> Any:
    """Return the points of a value on the grid of a series."""
    common_grid(series, *([value] if isinstance(value, Series) else []))
    return value.values if isinstance(value, Series) else value


def _fill(series: Series, by: Series | float) -> Series:
    return series.with_values(np.where(np.isnan(series.values), _points(series, by), series.values))


def _if(condition: Series, yes: Series | float, no: Series | float = nan) -> Series:
    """Return `yes` where the condition is not 0, and `no` where it is 0.

    If a point is missing in the condition, it is missing in the result. A missing point of `no` stays missing. A
    missing point of `yes` counts as 0, as in the user guide.
    """
    then = np.nan_to_num(_points(condition, yes), nan=0.0) if isinstance(yes, Series) else yes
    values = np.where(condition.values != 0, then, _points(condition, no))
    return condition.with_values(np.where(np.isnan(condition.values), nan, values))


_FUNCTIONS: Mapping[str, Callable[..., Series]] = {"FILL": _fill, "IF": _if, "RUNNING_SUM": _running_sum}

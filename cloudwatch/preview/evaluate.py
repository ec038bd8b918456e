"""The lines of a graph evaluated: metrics from the store, metric math over them.

Each line has its own period, and what an expression combines must have the same. A line that cannot be evaluated is an
error, never a blank.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from cloudwatch.preview import labels
from cloudwatch.preview.calls import call
from cloudwatch.preview.operators import combine, negative
from cloudwatch.preview.periods import Floats, Grid
from cloudwatch.preview.series import Store
from cloudwatch.preview.values import EvaluationError, Series, Value
from cloudwatch.syntax.expression import ExpressionError, parse_expression
from cloudwatch.syntax.expression_tree import (
    Array,
    Binary,
    Call,
    Keyword,
    Name,
    Negative,
    Node,
    Number,
    String,
    to_text,
)
from cloudwatch.syntax.graphed_metrics import GraphedMetric, Metric
from cloudwatch.syntax.metric_functions import FUNCTIONS
from cloudwatch.syntax.search import SearchError, parse_search
from cloudwatch.syntax.statistic import StatisticError, parse_statistic

__all__ = ["Curve", "EvaluationError", "Evaluator", "evaluate"]

_parse = lru_cache(4096)(parse_expression)
_parse_search = lru_cache(512)(parse_search)
_statistic = lru_cache(512)(parse_statistic)


@dataclass(frozen=True, slots=True)
class Curve:
    """One line as it is drawn: `values` has one for each period of the graph, NaN where there is no data.

    A line whose own `period` (seconds) is longer has its values where its periods begin. `row` is that of its line,
    counted from 0; an expression that gives an array has several curves with its row, its id and no colour.
    """

    row: int
    id: str | None
    label: str
    values: Floats
    visible: bool
    color: str | None
    y_axis: str
    period: int


def evaluate(
    lines: Sequence[GraphedMetric], store: Store, start: float, end: float, period: int, *, anchor: int = 0
) -> list[Curve]:
    """The curves of a graph from `start` to `end` (seconds since 1970), which has a point every `period` seconds.

    Periods are counted from `anchor`, by default from 1970. To have the whole range as one period, begin with it:
    `evaluate(lines, store, start, end, ceil(end - int(start)), anchor=int(start))`.

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
            raise _wrong(line, "gives a number; a graph takes series, so write TIME_SERIES(…) around it")
        return []
    several = isinstance(value, tuple)
    return [
        Curve(
            row=line.row,
            id=line.id,
            label=series.label,
            values=_placed(line, series, graph),
            visible=line.visible,
            color=None if several else line.color,
            y_axis=line.y_axis,
            period=series.grid.period,
        )
        for series in (value if isinstance(value, tuple) else (value,))
    ]


def _placed(line: GraphedMetric, series: Series, graph: Grid) -> Floats:
    """The values where the series' periods begin on the graph; one that begins before the graph does is its first."""
    if series.grid == graph:
        return series.values
    if series.grid.period < graph.period:
        raise _wrong(
            line, f"has a period of {series.grid.period} s, which is shorter than the graph's {graph.period} s"
        )
    values = np.full(graph.number, np.nan)
    if graph.number:
        values[np.maximum(series.grid.begins - graph.first, 0) // graph.step] = series.values
    return values


class Evaluator:
    """Evaluates lines that may name one another, each once. `grids` gives the grid of a period (seconds)."""

    def __init__(self, lines: Sequence[GraphedMetric], store: Store, grids: Callable[[int], Grid]) -> None:
        self._lines = lines
        self._by_id = {line.id: line for line in lines if line.id is not None}
        self._store = store
        self._grids = grids
        self._values: dict[int, Value] = {}
        self._under_way: list[int] = []
        metrics = [(line, line.metric) for line in lines if line.metric]
        self._names = dict(
            zip(
                (line.row for line, _ in metrics),
                labels.defaults([(metric, line.stat) for line, metric in metrics]),
                strict=True,
            )
        )

    def value(self, line: GraphedMetric) -> Value:
        """What a line is, with the label that it is shown with.

        Raises:
            EvaluationError: it cannot be evaluated; the message names the line.
        """
        if line.row not in self._values:
            if line.row in self._under_way:
                raise _wrong(line, "refers to itself")
            self._under_way.append(line.row)
            try:
                self._values[line.row] = self._labelled(line, self._of(line))
            except _LineError:
                raise
            except (EvaluationError, ExpressionError, SearchError, StatisticError) as error:
                raise _wrong(line, str(error)) from error
            finally:
                self._under_way.pop()
        return self._values[line.row]

    def _of(self, line: GraphedMetric) -> Value:
        if line.metric is not None:
            return self._metric(line.metric, line.stat, self._grids(line.period), self._names[line.row])
        return self._node(_parse(line.expression or ""), line)

    def _metric(self, metric: Metric, stat: str, grid: Grid, name: str) -> Series:
        samples = self._store.of(metric)
        wanted = _statistic(stat)
        values = np.full(grid.number, np.nan) if samples is None else samples.on(grid, wanted)
        return Series(values, grid, name, metric, stat)

    def _labelled(self, line: GraphedMetric, value: Value) -> Value:
        match value:
            case float():
                return value
            case Series():
                name = value.label if line.metric is not None else line.id or line.expression or ""
                named = replace(value, label=name)
                return named if line.label is None else replace(named, label=self._label(line, line.label, named))
            case _:
                return tuple(replace(series, label=self._label_of_many(line, series)) for series in value)

    def _label_of_many(self, line: GraphedMetric, series: Series) -> str:
        """A plain label goes before what each series of an array is called; one with variables stands for itself."""
        if not line.label:
            return series.label
        return self._label(line, line.label if "${" in line.label else f"{line.label} ${{LABEL}}", series)

    def _label(self, line: GraphedMetric, label: str, series: Series) -> str:
        return labels.with_values(label, series, line.region)

    def _node(self, node: Node, line: GraphedMetric) -> Value:
        match node:
            case Number(value=number):
                return number
            case Name(id=name):
                return self._named(name)
            case Negative(operand=operand):
                return negative(self._node(operand, line))
            case Binary(operator=operator, left=left, right=right):
                return combine(operator, self._node(left, line), self._node(right, line))
            case Array(items=items):
                return self._array([self._node(item, line) for item in items])
            case Call():
                return self._call(node, line)
            case String() | Keyword():
                raise EvaluationError(f"{to_text(node)} is text, which has no value")

    def _named(self, name: str) -> Value:
        if name not in self._by_id:
            raise EvaluationError(
                f"names `{name}`, but no line has this id; there are {', '.join(self._by_id) or 'none'}"
            )
        return self.value(self._by_id[name])

    def _array(self, values: list[Value]) -> tuple[Series, ...]:
        """Arrays in an array are put in line."""
        series: list[Series] = []
        for value in values:
            if isinstance(value, float):
                raise EvaluationError("an array holds a number; it takes series, so write TIME_SERIES(…) around it")
            series.extend(value if isinstance(value, tuple) else (value,))
        return tuple(series)

    def _call(self, node: Call, line: GraphedMetric) -> Value:
        if not FUNCTIONS[node.function].evaluated:
            raise EvaluationError(f"{node.function} is evaluated by AWS only; the preview cannot show it")
        match node:
            case Call(function="METRICS", arguments=arguments):
                part = arguments[0].text if arguments and isinstance(arguments[0], String) else ""
                found = [other for other in self._lines if other.metric is not None and part in (other.id or "")]
                return self._array([self.value(other) for other in found])
            case Call(function="PERIOD", arguments=(Name(id=name),)):
                value = self._named(name)
                if isinstance(value, Series) and self._by_id[name].metric is not None:
                    return float(value.grid.period)
                raise EvaluationError(f"PERIOD is of `{name}`, an expression; it takes the id of a metric")
            case Call(function="PERIOD"):
                raise EvaluationError("PERIOD is of an expression; it takes the id of a metric")
            case Call(function="SEARCH", arguments=(String(text=text), String(text=stat), *period)):
                own = int(period[0].value) if period and isinstance(period[0], Number) else 0
                # the line's if that is longer: a page lengthens the periods of lines to fit its time range
                return self._search(text, stat, self._grids(max(own, line.period)))
        values: list[Value | str] = [
            argument.word if isinstance(argument, Keyword) else self._node(argument, line)
            for argument in node.arguments
        ]
        return call(node.function, values, self._grids(line.period))

    def _search(self, text: str, stat: str, grid: Grid) -> tuple[Series, ...]:
        """What is found now, each under the name that tells it from the others."""
        found = [metric for metric, _ in self._store.search(matches=_parse_search(text).finds)]
        names = labels.defaults([(metric, stat) for metric in found])
        return tuple(self._metric(metric, stat, grid, name) for metric, name in zip(found, names, strict=True))


class _LineError(EvaluationError):
    """An error that names its line already."""


def _wrong(line: GraphedMetric, what: str) -> EvaluationError:
    named = f" ({line.id})" if line.id else ""
    shown = f" `{line.expression}`" if line.expression else ""
    return _LineError(f"metric {line.row + 1}{named}{shown}: {what}")

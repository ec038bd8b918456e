"""Check the metrics and expressions of one graph or alarm, and collect the metrics that they name.

Expressions are checked by evaluating them as the preview does, with a sample of each metric that they name. A SEARCH
names its metrics in full:

    SEARCH('{Faunalens,service,stage,code} MetricName="Rejections" service="faunalens" stage="STAGENAME"', 'Sum', 60)
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from cloudwatch.lint.known_metrics import Reference
from cloudwatch.math.evaluate import Evaluator
from cloudwatch.math.metric_store import MetricStore
from cloudwatch.math.series import EvaluationError, Grid, Value
from cloudwatch.syntax.expression import Call, ExpressionError, Node, String, parse_expression, referenced_ids, walk
from cloudwatch.syntax.grammar import leaves
from cloudwatch.syntax.graphed_metrics import GraphedMetric
from cloudwatch.syntax.search import SearchError, parse_search


class Graph:
    """The metrics and expressions of one graph or alarm."""

    def __init__(self, entries: Sequence[GraphedMetric]) -> None:
        self.entries = entries
        self._trees: dict[str, Node] = {}
        for entry in entries:
            if entry.expression is not None:
                try:
                    self._trees[entry.key] = parse_expression(entry.expression)
                except ExpressionError:
                    continue  # evaluation reports it
        self.values: dict[str, Value] = {}
        """What each entry returns, by `GraphedMetric.key`, if it can be evaluated."""
        self.errors = list(dict.fromkeys(self._evaluate()))

    def problems(self) -> Iterator[str]:
        """Yield the problems of the entries. `known_metrics.py` checks the metrics that they name."""
        yield from self.errors
        for entry in self.entries:
            try:
                for text, _ in _searches(self._trees.get(entry.key)):
                    list(searched_metrics(text))
            except SearchError as error:
                yield f"{entry.title}: SEARCH: {error}"
        used = {name for tree in self._trees.values() for name in referenced_ids(tree)}
        for entry in self.entries:
            if not entry.visible and entry.id not in used and not self.errors:
                advice = "show it, use its id in an expression, or remove it"
                yield f"{entry.title}: hidden, but no expression uses it; {advice}"

    def references(
        self, file: str, place: str, units: Mapping[int, str | None] = MappingProxyType({})
    ) -> Iterator[Reference]:
        """Yield every metric that the entries name, directly or in a search.

        `units`: the unit that an alarm sets for an entry, by the entry's row in the list.
        """
        for entry in self.entries:
            where = f"{place}, {entry.title}"
            if metric := entry.metric:
                unit = units.get(entry.row)
                yield Reference(file, where, metric.namespace, metric.name, metric.dimensions, entry.stat, unit)
                continue
            try:
                for text, stat in _searches(self._trees.get(entry.key)):
                    yield from (Reference(file, where, *metric, stat) for metric in searched_metrics(text))
            except SearchError:
                continue  # `problems` reports it

    def _evaluate(self) -> Iterator[str]:
        """Evaluate each entry over an hour, and yield the errors."""
        store = MetricStore()
        for each in self.references("", ""):
            dimensions = {name: value or "any" for name, value in each.dimensions}
            directive = {"Namespace": each.namespace, "Dimensions": [[*dimensions]], "Metrics": [{"Name": each.name}]}
            stamp = {"Timestamp": 0, "CloudWatchMetrics": [directive]}
            store.add(json.dumps({"_aws": stamp, **dimensions, each.name: 1}))
        evaluator = Evaluator(self.entries, store, lambda period: Grid.covering(0, 3600, period))
        for entry in self.entries:
            try:
                self.values[entry.key] = evaluator.value(entry)
            except EvaluationError as error:
                yield str(error)


type Pattern = tuple[str, str, tuple[tuple[str, str | None], ...]]
"""Namespace, metric and dimensions. The value None stands for any value of a dimension."""


def searched_metrics(text: str) -> Iterator[Pattern]:
    """Yield the metrics that the first argument of SEARCH names. Raises `SearchError` if it is invalid."""
    search = parse_search(text)
    values: dict[str, list[str]] = {}
    for leaf in leaves(search.term, negated=False) if search.term else ():
        values.setdefault(leaf.property, []).append(leaf.text)
    if not values.get("MetricName"):
        raise SearchError(text, 0, 'a search must name its metrics, such as MetricName="Rejections"')
    if unknown := sorted(values.keys() - {"MetricName", "Namespace", *search.dimensions}):
        what = f"{', '.join(unknown)} is not a dimension of the schema; add it to the schema, or remove the condition"
        raise SearchError(text, text.find(unknown[0]), what)
    given = {name: values.get(name, []) for name in search.dimensions}
    for metric in values["MetricName"]:
        # A dimension with several values stands for several metrics; each value is checked at least once.
        for turn in range(max([1, *map(len, given.values())])):
            last = {name: each[min(turn, len(each) - 1)] if each else None for name, each in given.items()}
            yield search.namespace, metric, tuple(last.items())


def _searches(tree: Node | None) -> Iterator[tuple[str, str]]:
    """Yield the first and second argument of every SEARCH."""
    for node in walk(tree) if tree else ():
        match node:
            case Call(function="SEARCH", arguments=(String(text=text), String(text=stat), *_)):
                yield text, stat

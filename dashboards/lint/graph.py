"""Check the metrics and expressions of one graph or alarm, and collect the metrics that they name.

Expressions are checked by evaluating them as the preview does, with a sample of each metric that they name. A SEARCH
names its metric in full:

    SEARCH('{Faunalens,service,stage,code} MetricName="Rejections" service="faunalens" stage="STAGENAME"', 'Sum', 60)
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress

from dashboards.lint.known_metrics import Reference
from dashboards.math.evaluate import Evaluator
from dashboards.math.metric_store import MetricStore
from dashboards.math.series import EvaluationError, Grid, Value
from dashboards.syntax.expression import Node, ParseError, parse_expression, parse_search, walk
from dashboards.syntax.graphed_metrics import GraphedMetric


class Graph:
    """The metrics and expressions of one graph or alarm."""

    def __init__(self, entries: Sequence[GraphedMetric]) -> None:
        self.entries = entries
        self._nodes: dict[str, list[Node]] = {}
        """The nodes of each expression that can be parsed; evaluation reports the others."""
        for entry in entries:
            with suppress(ParseError):
                self._nodes[entry.key] = list(walk(parse_expression(entry.expression))) if entry.expression else []
        self.values: dict[str, Value] = {}
        """What each entry returns, by `GraphedMetric.key`, if it can be evaluated."""
        self.errors = list(dict.fromkeys(self._evaluate()))

    def problems(self) -> Iterator[str]:
        """Yield the problems of the entries. `known_metrics.py` checks the metrics that they name."""
        yield from self.errors
        used = {node.text for nodes in self._nodes.values() for node in nodes if node.kind == "id"}
        for entry in self.entries:
            if not entry.visible and entry.id not in used and not self.errors:
                advice = "show it, use its id in an expression, or remove it"
                yield f"{entry.title}: hidden, but no expression uses it; {advice}"

    def references(self, file: str, place: str) -> Iterator[Reference]:
        """Yield every metric that the entries name, directly or in a search."""
        for entry in self.entries:
            where = f"{place}, {entry.title}"
            if metric := entry.metric:
                yield Reference(file, where, metric.namespace, metric.name, metric.dimensions, entry.stat)
            for node in self._nodes.get(entry.key, ()):
                with suppress(ParseError):  # evaluation reports it
                    if (node.kind, node.text) == ("call", "SEARCH"):
                        found, stat = parse_search(node.below[0].text), node.below[1].text
                        yield Reference(file, where, found.namespace, found.name, found.dimensions, stat)

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

"""Check the metrics and expressions of one graph or alarm, and collect the metrics that they name."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from cloudwatch.lint.cycles import in_cycle
from cloudwatch.lint.expression_types import misfits, types_of
from cloudwatch.lint.finding import suggest
from cloudwatch.lint.metric_check import Reference
from cloudwatch.lint.searched_metrics import metrics_of
from cloudwatch.syntax.expression import ExpressionError, parse_expression
from cloudwatch.syntax.expression_tree import Call, Node, String, referenced_ids, walk
from cloudwatch.syntax.graphed_metrics import GraphedMetric
from cloudwatch.syntax.search import SearchError
from cloudwatch.syntax.statistic import StatisticError, parse_statistic


class Graph:
    """The metrics and expressions of one graph or alarm.

    `trees`: the parsed expressions. `types`: the type that each entry returns. The keys of both are
    `GraphedMetric.key`.
    """

    def __init__(self, entries: Sequence[GraphedMetric]) -> None:
        self.entries = entries
        self.trees: dict[str, Node] = {}
        self._unparsed: list[str] = []
        for entry in entries:
            if entry.expression is not None:
                try:
                    self.trees[entry.key] = parse_expression(entry.expression)
                except ExpressionError as error:
                    self._unparsed.append(f"{entry.title}: {error}")
        self.types = types_of(self.trees, {entry.key for entry in entries if entry.metric})

    def problems(self) -> Iterator[str]:
        """Yield the problems of the entries. `metric_check.py` checks the metrics that they name."""
        yield from self._unparsed
        titles = {entry.key: entry.title for entry in self.entries}
        ids = {entry.id for entry in self.entries if entry.id}
        for entry in self.entries:
            if entry.metric:
                yield from (f"{entry.title}: {problem}" for problem in _statistic_problems(entry.stat))
        for name, tree in self.trees.items():
            for other in sorted(referenced_ids(tree) - ids):
                yield f'{titles[name]}: no metric or expression has the id "{other}"; {suggest(other, ids - {name})}'
            for problem in [*misfits(tree, self.types), *_search_problems(tree)]:
                yield f"{titles[name]}: {problem}"
        if cycle := in_cycle({name: referenced_ids(tree) for name, tree in self.trees.items()}):
            yield f"{', '.join(cycle)}: these expressions refer to one another in a cycle; change one of them"
        if not self._unparsed:
            yield from self._unused()

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
            elif tree := self.trees.get(entry.key):
                try:
                    for text, stat in _searches(tree):
                        yield from (Reference(file, where, *metric, stat) for metric in metrics_of(text))
                except SearchError:
                    continue  # `problems` reports it

    def _unused(self) -> Iterator[str]:
        used = {name for tree in self.trees.values() for name in referenced_ids(tree)}
        calls = {node.function for tree in self.trees.values() for node in walk(tree) if isinstance(node, Call)}
        for entry in self.entries:
            if not entry.visible and entry.id not in used and "METRICS" not in calls:
                yield (
                    f"{entry.title}: hidden, but no expression uses it; "
                    "show it, use its id in an expression, or remove it"
                )


def _statistic_problems(stat: str) -> Iterator[str]:
    try:
        parse_statistic(stat)
    except StatisticError as error:
        yield str(error)


def _searches(tree: Node) -> Iterator[tuple[str, str]]:
    """Yield the first and second argument of every SEARCH."""
    for node in walk(tree):
        match node:
            case Call(function="SEARCH", arguments=(String(text=text), String(text=stat), *_)):
                yield text, stat


def _search_problems(tree: Node) -> Iterator[str]:
    for text, stat in _searches(tree):
        try:
            list(metrics_of(text))
        except SearchError as error:
            yield f"SEARCH: {error}"
        yield from (f"SEARCH: {problem}" for problem in _statistic_problems(stat))

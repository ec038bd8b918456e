"""Check the metrics and expressions of one graph or alarm, and collect the metrics that they name.

Expressions are checked by their types: `S` is a number, `TS` one time series, `TS[]` several. The table of functions in
`syntax/expression.py` lists the types that each function accepts and returns.

A SEARCH names its metrics in full:

    SEARCH('{Faunalens,service,stage,code} MetricName="Rejections" service="faunalens" stage="STAGENAME"', 'Sum', 60)
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from cloudwatch.lint import suggest
from cloudwatch.lint.known_metrics import Reference
from cloudwatch.syntax.expression import (
    FUNCTIONS,
    TYPES,
    Array,
    Binary,
    Call,
    ExpressionError,
    Keyword,
    Name,
    Negative,
    Node,
    String,
    children,
    parse_expression,
    referenced_ids,
    to_text,
    walk,
)
from cloudwatch.syntax.grammar import leaves
from cloudwatch.syntax.graphed_metrics import GraphedMetric
from cloudwatch.syntax.search import SearchError, parse_search
from cloudwatch.syntax.statistic import StatisticError, parse_statistic

UNKNOWN = "unknown"
"""The type of an id that does not exist or is part of a cycle. Other checks report such ids."""


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
        """Yield the problems of the entries. `known_metrics.py` checks the metrics that they name."""
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
                        yield from (Reference(file, where, *metric, stat) for metric in searched_metrics(text))
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


def in_cycle(dependencies: Mapping[str, Collection[str]]) -> list[str]:
    """Return the names that depend on themselves, directly or through others, sorted."""

    def below(start: str) -> set[str]:
        found: set[str] = set()
        pending = list(dependencies[start])
        while pending:
            if (name := pending.pop()) not in found:
                found.add(name)
                pending += dependencies.get(name, ())
        return found

    return [name for name in sorted(dependencies) if name in below(name)]


def types_of(trees: Mapping[str, Node], series: Iterable[str]) -> dict[str, str]:
    """Return the type of every entry of a graph, by id. `trees`: the expressions; `series`: the ids of the metrics."""
    types = dict.fromkeys(series, "TS")
    left = dict(trees)
    while ready := [name for name, tree in left.items() if not referenced_ids(tree) & left.keys()]:
        types |= {name: type_of(left.pop(name), types) for name in ready}
    return types | dict.fromkeys(left, UNKNOWN)


def type_of(node: Node, ids: Mapping[str, str]) -> str:
    """Return the type of a node. `ids`: the type of every id."""
    match node:
        case Name(id=name):
            return ids.get(name, UNKNOWN)
        case String():
            return "text"
        case Keyword(word=word):
            return word
        case Array():
            return "TS[]"
        case Negative(operand=operand):
            return type_of(operand, ids)
        case Binary(left=left, right=right):
            sides = type_of(left, ids), type_of(right, ids)
            return next((widest for widest in (UNKNOWN, "TS[]", "TS") if widest in sides), "S")
        case Call(function=function, arguments=arguments):
            first = type_of(arguments[0], ids) if arguments else "TS[]"
            returns = FUNCTIONS[function].returns
            folded = {"TS[]": "TS", "TS": "S", UNKNOWN: UNKNOWN}.get(first, "S")
            return {"same": first, "folded": folded}.get(returns, returns)
        case _:
            return "S"


def misfits(tree: Node, ids: Mapping[str, str]) -> Iterator[str]:
    """Yield a message for each argument whose type the function does not accept, and for words without a value."""
    for node in walk(tree):
        if isinstance(node, Call):
            function = FUNCTIONS[node.function]
            for place, argument in enumerate(node.arguments):
                allowed = function.parameters[min(place, len(function.parameters) - 1)]
                type_ = type_of(argument, ids)
                if type_ != UNKNOWN and type_ not in allowed:
                    given = f"{to_text(argument)} is {TYPES.get(type_, 'a keyword')}"
                    yield f"{given}, which {node.function} does not accept; write {function.signature}"
        elif isinstance(node, Binary | Negative) or node is tree:
            for word in (each for each in (node, *children(node)) if isinstance(each, Keyword | String)):
                yield f"{to_text(word)} has no value; it can only be an argument of a function"


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
            list(searched_metrics(text))
        except SearchError as error:
            yield f"SEARCH: {error}"
        yield from (f"SEARCH: {problem}" for problem in _statistic_problems(stat))

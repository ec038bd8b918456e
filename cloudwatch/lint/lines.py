"""Lines of a graph or an alarm: statistics, expressions, ids, and the metrics that they name."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from cloudwatch.lint.circles import in_circle
from cloudwatch.lint.finding import instead
from cloudwatch.lint.kinds import kinds_of, misfits
from cloudwatch.lint.reference import Reference
from cloudwatch.lint.search import searched
from cloudwatch.syntax.expression import ExpressionError, Node, names, parse, walk
from cloudwatch.syntax.lines import Line
from cloudwatch.syntax.nodes import Call, String
from cloudwatch.syntax.search import SearchError
from cloudwatch.syntax.statistic import StatisticError
from cloudwatch.syntax.statistic import read as read_statistic


def title_of(line: Line) -> str:
    """How people are told of a line."""
    return f"line {line.row + 1}" + (f' "{line.id}"' if line.id else "")


def problems(lines: Sequence[Line]) -> Iterator[str]:
    """What is wrong with the lines of one graph, but for the metrics that they name."""
    ids = {line.id for line in lines if line.id}
    trees, unread = trees_of(lines)
    titles = {line.id or title_of(line): title_of(line) for line in lines}
    yield from unread
    for line in lines:
        if line.metric:
            yield from _wrong_statistic(line)
    kinds = kinds_of(trees, {line.id for line in lines if line.id and line.metric})
    for name, tree in trees.items():
        for other in sorted(names(tree) - ids):
            yield f'{titles[name]}: no line has the id "{other}"; {instead(other, ids - {name})}'
        for problem in [*misfits(tree, kinds), *_wrong_searches(tree)]:
            yield f"{titles[name]}: {problem}"
    if circle := in_circle({name: names(tree) for name, tree in trees.items()}):
        yield f"{', '.join(circle)} are made from one another in a circle; let one be made from metrics only"
    if not unread:
        yield from _unused(lines, trees)


def trees_of(lines: Sequence[Line]) -> tuple[dict[str, Node], list[str]]:
    """Trees of the expressions, by id (or title, without one), and what is wrong with those that cannot be read."""
    trees: dict[str, Node] = {}
    unread: list[str] = []
    for line in lines:
        if line.expression is not None:
            try:
                trees[line.id or title_of(line)] = parse(line.expression)
            except ExpressionError as error:
                unread.append(f"{title_of(line)}: {error}")
    return trees, unread


def references(
    lines: Sequence[Line], file: str, place: str, units: Mapping[int, str | None] = MappingProxyType({})
) -> Iterator[Reference]:
    """Every metric that the lines name, in searches too. `units`: what is asked of some rows."""
    for line in lines:
        where = f"{place}, {title_of(line)}"
        if line.metric:
            metric = line.metric
            yield Reference(
                file, where, metric.namespace, metric.name, metric.dimensions, line.stat, units.get(line.row)
            )
        elif line.expression:
            yield from _searched(line.expression, file, where)


def _wrong_statistic(line: Line) -> Iterator[str]:
    try:
        read_statistic(line.stat)
    except StatisticError as error:
        yield f"{title_of(line)}: {error}"


def _searches(tree: Node) -> Iterator[tuple[str, str]]:
    """First and second argument of every SEARCH."""
    for node in walk(tree):
        match node:
            case Call(function="SEARCH", arguments=(String(text=text), String(text=stat), *_)):
                yield text, stat


def _wrong_searches(tree: Node) -> Iterator[str]:
    for text, stat in _searches(tree):
        try:
            searched(text)
            read_statistic(stat)
        except (SearchError, StatisticError) as error:
            yield f"{error}, in SEARCH('{text}', '{stat}')"


def _searched(expression: str, file: str, place: str) -> Iterator[Reference]:
    try:
        for text, stat in _searches(parse(expression)):
            search = searched(text)
            for name in search.metrics:
                # a dimension with several values is as many metrics; each value is held against what is emitted
                most = max((len(values) for _, values in search.dimensions), default=0)
                for turn in range(max(1, most)):
                    dimensions = tuple(
                        (each, values[min(turn, len(values) - 1)] if values else None)
                        for each, values in search.dimensions
                    )
                    yield Reference(file, place, search.namespace, name, dimensions, stat)
    except (ExpressionError, SearchError):
        return  # said by `problems`


def _unused(lines: Sequence[Line], trees: dict[str, Node]) -> Iterator[str]:
    used = {name for tree in trees.values() for name in names(tree)}
    if any(isinstance(node, Call) and node.function == "METRICS" for tree in trees.values() for node in walk(tree)):
        return
    for line in lines:
        if not line.visible and line.id not in used:
            yield f"{title_of(line)}: it is not visible and no expression uses it; show it, use its id, or remove it"

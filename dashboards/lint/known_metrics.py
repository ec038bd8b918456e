"""The metrics that exist, those of AWS and those of the app, and a check that graphs and alarms name no others.

aws_metrics.csv lists the AWS metrics that dashboards and alarms may use, as AWS documents them. Each row has one or
more metrics that share a set of dimensions: `namespace,metric,dimensions,unit,stats,source`. Spaces separate metrics,
dimensions and statistics; `p` among the statistics allows percentiles and trimmed means.

Only this module of lint imports the app. Its metrics come from the registry that its emitter uses, its fields from
records and a log line in which every field is set.
"""

import ast
import csv
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import NamedTuple

from chalicelib.features.features import degraded
from chalicelib.features.warming import WarmingReport
from chalicelib.shadow import of_comparison
from chalicelib.telemetry import metrics
from chalicelib.telemetry.drift import Shift, of_shift
from chalicelib.telemetry.logs import FIELDS, JsonLines
from chalicelib.telemetry.record import Failure, Outcome, Record, of_features, of_warming
from dashboards.evaluate import Evaluator, Value
from dashboards.expression import ANY, ParseError, parse_expression, parse_search
from dashboards.graphed_metrics import GraphedMetric, TimeSeries
from dashboards.lint import suggest
from dashboards.project import DASHBOARDS, RESOURCES
from dashboards.series import EvaluationError, Grid, MetricStore

OURS = metrics.NAMESPACE
COMMON = metrics.COMMON
"""The dimensions of every metric of the app."""
_TIERED = (*COMMON, "tier")
"""The dimensions of every metric of the web tier."""
type Key = tuple[str, frozenset[str]]
"""The name of a metric and its set of dimensions, in any order."""


class KnownMetric(NamedTuple):
    """A metric that exists: its unit, its sets of dimensions, and its documented statistics (empty if all are).

    `spare`: further sets of dimensions, which dashboards and alarms may use but need not.
    """

    unit: str
    sets: list[tuple[str, ...]]
    stats: tuple[str, ...] = ()
    spare: tuple[tuple[str, ...], ...] = ()


@cache
def aws_metrics() -> Mapping[str, Mapping[str, KnownMetric]]:
    """Return AWS's metrics by namespace and name."""
    found: dict[str, dict[str, KnownMetric]] = {}
    with (DASHBOARDS / "aws_metrics.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for name in row["metric"].split():
                new = KnownMetric(row["unit"], [], tuple(row["stats"].split()))
                known = found.setdefault(row["namespace"], {}).setdefault(name, new)
                known.sets.append(tuple(row["dimensions"].split()))
    return found


def app_metrics() -> dict[str, KnownMetric]:
    """Return the app's metrics by name. The web tier emits the API's metrics too; dashboards need not show both."""

    def sets(common: tuple[str, ...], metric: metrics.Metric) -> list[tuple[str, ...]]:
        return [common, *((*common, extra) for extra in metric.by)]

    of_api = {
        name: KnownMetric(each.unit, sets(COMMON, each), spare=tuple(sets(_TIERED, each)))
        for name, each in metrics.METRICS.items()
    }
    return of_api | {name: KnownMetric(each.unit, sets(_TIERED, each)) for name, each in metrics.TIER_METRICS.items()}


def known_metrics() -> dict[str, Mapping[str, KnownMetric]]:
    """Return all metrics by namespace and name."""
    return {OURS: app_metrics(), **aws_metrics()}


def fields() -> set[str]:
    """Return the names of all fields in metric lines and log lines. Queries of Logs Insights may use them."""
    record = Record("", "", seconds={"fetch": 0.0}, failure=Failure(0, ""))
    record.note(of_features(0, degraded(("redis_timeout",))))
    record.note(Outcome("none", "", "", 0.0, None, None, "", {}).notes())
    runs = of_warming("", WarmingReport()), of_comparison("model", "missed"), of_shift("", Shift(0.0, ""), 0, 0)
    log = logging.makeLogRecord(dict.fromkeys(FIELDS, "") | {"exc_info": (ValueError, ValueError(), None)})
    found = {*metrics.ALL_METRICS, *metrics.DIMENSIONS, *json.loads(JsonLines({}).format(log))}
    return found.union(*(each.properties for each in (record.summary(), *runs)))


class Reference(NamedTuple):
    """One metric that a widget or an alarm names. A dimension in a SEARCH has the value `ANY` if any value matches."""

    file: str
    place: str
    metric: TimeSeries
    stat: str

    @property
    def key(self) -> Key:
        """The name and the set of dimensions, which identify the metric."""
        return self.metric.name, frozenset(name for name, _ in self.metric.dimensions)


def problems(reference: Reference) -> Iterator[str]:
    """Yield each mistake in a reference to a metric, such as an unknown name or statistic."""
    (namespace, metric, dimensions), stat = reference.metric, reference.stat
    is_ours, namespaces = namespace == OURS, known_metrics()
    hint = "" if is_ours else " (a new one must be added to aws_metrics.csv)"
    if (found := namespaces.get(namespace)) is None:
        yield f'unknown namespace "{namespace}"; {suggest(namespace, namespaces)}{hint}'
        return
    if (known := found.get(metric)) is None:
        who = "the app emits" if is_ours else f"{namespace} has"
        yield f'{who} no metric "{metric}"; {suggest(metric, found)}{hint}'
        return
    if reference.key[1] not in map(frozenset, [*known.sets, *known.spare]):
        names = sorted((name for name, _ in dimensions), key=lambda name: (name not in COMMON, name))
        choice = " or ".join(f"({', '.join(each)})" for each in known.sets)
        yield f"nothing emits {with_dimensions(metric, names)}; write exactly the dimensions {choice}"
    values = {**{name: dimension.values for name, dimension in metrics.DIMENSIONS.items()}, **RESOURCES}
    for name, value in dimensions:
        possible = values.get(name)
        if value != ANY and possible and value not in possible:
            why = "which the app never emits" if is_ours else "but the project deploys no resource of this name"
            yield f'{name} is "{value}", {why}; {suggest(value, possible)}'
    if known.stats and stat not in known.stats and not ("p" in known.stats and not stat.isalpha()):
        stats = ", ".join("percentiles (p99)" if stat == "p" else stat for stat in known.stats)
        yield f"AWS does not document the statistic {stat} of {metric}; use {stats}"


def with_dimensions(metric: str, dimensions: Iterable[str]) -> str:
    """Return `metric (dimension, dimension)`, for messages."""
    return f"{metric} ({', '.join(dimensions)})"


class Graph:
    """The metrics and expressions of one graph or alarm.

    Expressions are checked by evaluating them as the preview does, with a sample of each metric that they name.
    `values`: what each entry returns, by row, if it can be evaluated.
    """

    def __init__(self, entries: Sequence[GraphedMetric]) -> None:
        self.entries = entries
        self._nodes: dict[int, list[ast.AST]] = {}
        for entry in entries:
            with suppress(ParseError):  # evaluation reports it
                self._nodes[entry.row] = list(ast.walk(parse_expression(entry.expression))) if entry.expression else []
        self.values: dict[int, Value] = {}
        self._errors = list(dict.fromkeys(self._evaluate()))

    def problems(self) -> Iterator[str]:
        """Yield the problems of the entries, apart from those of the metrics that they name."""
        yield from self._errors
        used = {node.id for nodes in self._nodes.values() for node in nodes if isinstance(node, ast.Name)}
        for entry in self.entries:
            if not entry.visible and entry.id not in used and not self._errors:
                advice = "show it, use its id in an expression, or remove it"
                yield f"{entry.title}: hidden, but no expression uses it; {advice}"

    def references(self, file: str, place: str) -> Iterator[Reference]:
        """Yield every metric that the entries name, directly or in a search."""
        for entry in self.entries:
            where = f"{place}, {entry.title}"
            if entry.metric:
                yield Reference(file, where, entry.metric, entry.stat)
            for node in self._nodes.get(entry.row, ()):
                match node:
                    case ast.Call(ast.Name("SEARCH"), [ast.Constant(str(text)), ast.Constant(str(stat)), *_]):
                        with suppress(ParseError):
                            yield Reference(file, where, parse_search(text), stat)

    def _evaluate(self) -> Iterator[str]:
        """Evaluate each entry over an hour, and yield the errors."""
        store = MetricStore()
        for each in self.references("", ""):
            store.append(each.metric, 0, 1)
        evaluator = Evaluator(self.entries, store, lambda period: Grid.covering(0, 3600, period))
        for entry in self.entries:
            try:
                self.values[entry.row] = evaluator.value(entry)
            except EvaluationError as error:
                yield str(error)

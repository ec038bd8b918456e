"""Find metrics, prices and limits that no file uses, and wrong counts in the table of prices."""

import csv
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from cloudwatch.errors import FileError
from cloudwatch.limits import LIMITS, read_limits, stages_of
from cloudwatch.lint import emitted
from cloudwatch.lint.finding import Finding, suggest, with_dimensions
from cloudwatch.lint.metric_check import Key, Reference
from cloudwatch.prices import Price
from cloudwatch.project import BATCH_COST, COST, METRICS, TIER, TIER_COST, belongs_to_tier

QUERY_ONLY = "query_only.csv"
"""A table of metrics that only queries need, with the columns `metric`, `by` and `reason`. `by` is the dimension in
addition to service and stage; it may be empty."""

_PRICE = re.compile(r'prices\["([a-z0-9_]+)"\]')
_COLUMNS = ("metric", "by", "reason")


def check_metrics(references: Collection[Reference], folder: Path) -> Iterator[Finding]:
    """Yield findings for metrics that the app emits but that no file uses, and for invalid lines of `QUERY_ONLY`."""
    shown = {reference.key for reference in references if reference.namespace == emitted.NAMESPACE}
    emits = {(name, frozenset(each)): each for name, metric in emitted.catalogue().items() for each in metric.sets}
    gone = sorted({name for name, _ in shown} - {name for name, _ in emits})
    renamed = f"; if it replaces {' or '.join(gone)}, change the name in dashboards and alarms" if gone else ""
    excused: set[Key] = set()
    file = f"{folder.name}/{QUERY_ONLY}"
    for number, row in _rows(folder / QUERY_ONLY):
        place = f"line {number}"
        if tuple(row) != _COLUMNS or not all(row[column] for column in ("metric", "reason")):
            yield Finding(
                file, place, f"a value is missing; write {','.join(_COLUMNS)}; reason says why no widget is needed"
            )
            continue
        dimensions = (*emitted.COMMON, *row["by"].split())
        key = (row["metric"], frozenset(dimensions))
        excused.add(key)
        if key not in emits:
            names = {with_dimensions(name, each) for (name, _), each in emits.items()}
            meant = suggest(with_dimensions(row["metric"], dimensions), names)
            yield Finding(file, place, f"the app does not emit {row['metric']} with by = '{row['by']}'; {meant}")
        elif key in shown:
            yield Finding(
                file, place, f"{row['metric']} is listed as unused, but a widget or an alarm uses it; remove this line"
            )
    for (name, _), dimensions in ((key, each) for key, each in emits.items() if key not in shown | excused):
        unused = f"no widget and no alarm uses this metric; show it, or give a reason in {file}{renamed}"
        yield Finding(METRICS, with_dimensions(name, dimensions), unused)


def check_prices(prices: Mapping[str, Price], used: Collection[str], folder: Path) -> Iterator[Finding]:
    """Yield findings for unused prices, and for prices that infra/cost.py and the like use but the table lacks.

    `used`: placeholders in the files. infra/ is next to `folder`.
    """
    paths = [folder.parent / each for each in (COST, TIER_COST, BATCH_COST)]
    text = "".join(path.read_text(encoding="utf-8") for path in paths if path.exists())
    calculated = set(_PRICE.findall(text))
    for price in prices.values():
        if price.placeholder not in used and price.name not in calculated:
            unused = (
                f'no file uses {price.placeholder}, and {COST} does not use prices["{price.name}"]; remove the price'
            )
            yield Finding(f"{folder.name}/prices.csv", price.name, unused)
    for name in sorted(calculated - prices.keys()):
        missing = f"{folder.name}/prices.csv does not have this price; {suggest(name, prices)}"
        yield Finding(COST, f'prices["{name}"]', missing)


def check_limits(used: Collection[str], root: Path) -> Iterator[Finding]:
    """Yield findings for limits that a stage does not set, and for limits that no file uses.

    `used`: placeholders in the files. `root` contains infra/ and .chalice/.
    """
    stages = stages_of(root)
    for stage in stages:
        try:
            read_limits(stage, root)
        except FileError as error:
            yield Finding(error.file, "", error.detail)
    for name in LIMITS if stages else ():
        if name not in used:
            yield Finding("cloudwatch/limits.py", name, "no alarm or widget uses this limit; use it, or remove it")


def check_counts(
    prices: Mapping[str, Price],
    alarms: Mapping[str, Mapping[str, Any]],
    composites: Collection[str],
    dashboards: Collection[str],
    folder: Path,
) -> Iterator[Finding]:
    """Yield findings for wrong counts in the table of prices, from which the cost of monitoring is calculated.

    `alarms`: their bodies by name. `composites`, `dashboards`: their names.
    """
    counts = {"series_count": emitted.billed(), f"{TIER}_series_count": emitted.billed_of_tier()}
    for start, of_tier in (("", False), (f"{TIER}_", True)):
        metrics = [_billed_metrics(body) for name, body in alarms.items() if belongs_to_tier(name) == of_tier]
        counts[f"{start}alarm_metric_count"] = sum(metrics)
        counts[f"{start}composite_count"] = sum(belongs_to_tier(name) == of_tier for name in composites)
        counts[f"{start}dashboard_count"] = sum(belongs_to_tier(name) == of_tier for name in dashboards)
    for name, count in counts.items():
        if name in prices and prices[name].value != count:
            wrong = f"the count is {prices[name].text} but should be {count}; write {count}"
            yield Finding(f"{folder.name}/prices.csv", name, wrong)


def _billed_metrics(alarm: Mapping[str, Any]) -> int:
    """Return the number of metrics that AWS bills for an alarm."""
    return sum("MetricStat" in each for each in alarm["Metrics"]) if "Metrics" in alarm else 1


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            yield from ((rows.line_num, row) for row in rows)

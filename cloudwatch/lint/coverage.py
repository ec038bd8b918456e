"""The other way round: everything that the app emits is looked at by somebody, every price and limit is put to use."""

import csv
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from chalicelib.telemetry.metrics import NAMESPACE, billed
from cloudwatch.limits import LIMITS, LimitError, read_limits, stages_of
from cloudwatch.lint import emitted
from cloudwatch.lint.finding import Finding, instead, quoted
from cloudwatch.lint.reference import Reference
from cloudwatch.prices import Price

QUERY_ONLY = "query_only.csv"
"""`metric,by,reason`: metrics with a dimension set that only queries and people look at; `by` is the dimension besides
service and stage, empty for none."""

COST = "infra/cost.py"
_PRICE = re.compile(r'prices\["([a-z0-9_]+)"\]')
_COLUMNS = ("metric", "by", "reason")


def check_metrics(references: Collection[Reference], folder: Path) -> Iterator[Finding]:
    """What is emitted and not shown, and what the list of exceptions says in vain."""
    shown = {reference.key for reference in references if reference.namespace == NAMESPACE}
    everything = emitted.emitted()
    gone = sorted({name for name, _ in shown} - {name for name, _ in everything})
    renamed = f"; if it is what {' or '.join(gone)} was, write it there" if gone else ""
    excused: dict[tuple[str, frozenset[str]], int] = {}
    file = f"{folder.name}/{QUERY_ONLY}"
    for number, row in _rows(folder / QUERY_ONLY):
        place = f"line {number}"
        if tuple(row) != _COLUMNS or not all(row[column] for column in ("metric", "reason")):
            yield Finding(file, place, f"write {','.join(_COLUMNS)}, and why a query is enough")
            continue
        key = (row["metric"], frozenset((*emitted.common(), *row["by"].split())))
        excused[key] = number
        if key not in everything:
            names = {quoted(name, each) for (name, _), each in everything.items()}
            meant = instead(quoted(row["metric"], (*emitted.common(), *row["by"].split())), names)
            yield Finding(file, place, f"the app emits no {row['metric']} by ({row['by']}); {meant}")
        elif key in shown:
            yield Finding(file, place, f"{row['metric']} is shown by a widget or watched by an alarm; remove the line")
    for key, each in everything.items():
        if key not in shown and key not in excused:
            name = key[0]
            yield Finding(
                "chalicelib/telemetry/metrics.py",
                quoted(name, each),
                f"no widget shows it and no alarm watches it; show it, or give a reason in {file}{renamed}",
            )


def check_prices(prices: Mapping[str, Price], used: Collection[str], root: Path, folder: Path) -> Iterator[Finding]:
    """Prices that no file and no calculation uses, and prices that the calculation asks for in vain.

    `used`: placeholders in the files. `root`: what infra/cost.py lies in, the calculation that writes docs/explanation/cost.md.
    """
    calculation = root / COST
    text = calculation.read_text(encoding="utf-8") if calculation.exists() else ""
    counted = set(_PRICE.findall(text))
    for price in prices.values():
        if price.placeholder not in used and price.name not in counted:
            unused = f'no file has {price.placeholder}, and {COST} no prices["{price.name}"]; use it, or remove it'
            yield Finding(f"{folder.name}/prices.csv", price.name, unused)
    for name in sorted(counted - prices.keys()):
        yield Finding(COST, f'prices["{name}"]', f"no such price in {folder.name}/prices.csv; {instead(name, prices)}")


def check_limits(used: Collection[str], root: Path) -> Iterator[Finding]:
    """Limits that a stage does not say, though alarms compare with them, and limits that no file compares with.

    `used`: placeholders in the files. `root`: what infra/stages and .chalice lie in.
    """
    stages = stages_of(root)
    for stage in stages:
        try:
            read_limits(stage, root)
        except LimitError as error:
            yield Finding(error.file, "", error.detail)
    for name in LIMITS if stages else ():
        if name not in used:
            yield Finding("cloudwatch/limits.py", name, "no file has it; use it, or remove it")


def counts(alarms: Collection[Mapping[str, Any]], composites: int, dashboards: int) -> dict[str, int]:
    """What the table of prices counts: what watching costs by."""
    return {
        "series_count": billed(),
        "alarm_metric_count": sum(map(metrics_of, alarms)),
        "composite_count": composites,
        "dashboard_count": dashboards,
    }


def check_counts(prices: Mapping[str, Price], counted: Mapping[str, int], folder: Path) -> Iterator[Finding]:
    """Numbers in the table of prices that are not what is here."""
    for name, count in counted.items():
        if name in prices and prices[name].value != count:
            yield Finding(
                f"{folder.name}/prices.csv", name, f"is {prices[name].text}, but there are {count}; write that"
            )


def metrics_of(alarm: Mapping[str, Any]) -> int:
    """How many metrics an alarm reads, as it is billed."""
    return sum("MetricStat" in each for each in alarm["Metrics"]) if "Metrics" in alarm else 1


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            yield from ((rows.line_num, row) for row in rows)

"""Write the reference pages that are made from the code: settings, errors, metrics, cost. `python -m docs.generate`.

tests/unit/docs/test_generate.py fails if a page is not what this would write.
"""

import csv
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from chalicelib.api.openapi import http_errors
from chalicelib.config.settings import ROOT, Settings
from chalicelib.telemetry.metrics import COMMON, DIMENSIONS, METRICS, NAMESPACE, max_billed_metrics
from cloudwatch.lint.usage import usage
from infra import cost_page as cost

HERE = Path(__file__).parent

PRICES = HERE.parent / "dashboards" / "prices.csv"
METRICS_HEAD = f"""\
In CloudWatch's embedded metric format, namespace `{NAMESPACE}`, with the dimensions
{" and ".join(f"`{each}`" for each in COMMON)}. A metric that has something in the column *also by* is emitted once more
with that dimension besides. Cell, animal, route, model version and request are properties of the line, for Logs
Insights. [logs.md](logs.md) shows a line. Made from `chalicelib/telemetry/metrics.py`."""


def pages() -> dict[Path, str]:
    """Each page's file and text."""
    return {
        HERE / "reference" / "settings.md": settings_page(),
        HERE / "reference" / "errors.md": errors_page(),
        HERE / "reference" / "metrics.md": metrics_page(),
        HERE / "explanation" / "cost.md": cost.page(),
    }


def settings_page() -> str:
    """Every setting: variable, default, unit, meaning."""
    rows = [
        f"| `{each.metadata['variable']}` | {_default(each.default, each.metadata)} | {each.metadata['help']} |"
        for each in fields(Settings)
    ]
    return _page(
        "Settings",
        "Read from the environment once, at start; an empty variable counts as unset. A value that cannot be used "
        "stops the start with a sentence that names the variable. Made from `chalicelib/config/settings.py`.",
        "| variable | default | meaning |",
        rows,
    )


def errors_page() -> str:
    """Every error that a client can be told."""
    rows = [
        f"| {each.status} | `{each.code}` | {each.title} | {(each.__doc__ or '').splitlines()[0]} |"
        for each in sorted(http_errors(), key=lambda each: each.status)
    ]
    return _page(
        "Errors",
        "Every error is a problem detail (RFC 9457, `application/problem+json`): `type`, `title`, `status`, `detail` "
        "(what happened, what was expected, what to do), `code` and `request_id`. 429 and 503 come with `Retry-After`. "
        "Made from `chalicelib/errors.py`.",
        "| status | code | title | when |",
        rows,
    )


def metrics_page() -> str:
    """Every metric: name, unit, further dimensions, meaning; then the dimensions, and what it all costs."""
    seen = usage()
    rows = [
        f"| `{name}` | {metric.unit} | {', '.join(f'`{each}`' for each in metric.by)} | {metric.help} "
        f"| {', '.join([*seen[name].dashboards, *(f'[{each}](../how-to/runbook.md#{each})' for each in seen[name].alarms)])} |"
        for name, metric in METRICS.items()
    ]
    metrics = _page("Metrics", METRICS_HEAD, "| metric | unit | also by | meaning | dashboards, alarms |", rows)
    dimensions = [
        f"| `{name}` | {each.help} | {', '.join(f'`{value}`' for value in each.values) or 'one a deployment'} |"
        for name, each in DIMENSIONS.items()
    ]
    table = _table("| dimension | tells apart | values |", dimensions)
    return "\n".join([metrics, "## Dimensions", "", table, "", "## What it costs", "", metrics_cost(), ""])


def metrics_cost() -> str:
    """What one deployment's metrics cost at most."""
    with PRICES.open(encoding="utf-8", newline="") as rows:
        price = next(float(row["value"]) for row in csv.DictReader(rows) if row["name"] == "series_month")
    warming = sum(name.startswith("Warming") for name in METRICS)
    return f"""\
Each combination of dimension values that was emitted in an hour is a metric on that hour's bill. One deployment emits
at most **{max_billed_metrics()}** of them; a test keeps it at 100 or less. At {price:.2f} USD each
([prices](../../dashboards/prices.csv)) that is at most **{max_billed_metrics() * price:.2f} USD a month**; with the cell or the animal
as a dimension it would be hundreds of times as much. A quiet stage pays only for the hours in which it emits: a night
without requests for the {warming} metrics of warming alone. Codes and ranks that nobody meets cost nothing. Lines are
paid by size, which [logs.md](logs.md#what-it-costs) counts."""


def _default(value: Any, metadata: Mapping[str, Any]) -> str:
    if value in (None, ""):
        return "not set"
    return f"`{_shown(value)}` {metadata['unit']}".strip()


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


def _page(title: str, text: str, head: str, rows: list[str]) -> str:
    return "\n".join([f"# {title}", "", text, "", _table(head, rows), ""])


def _table(head: str, rows: list[str]) -> str:
    return "\n".join([head, "|" + " --- |" * (head.count("|") - 1), *rows])


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")

"""Write the reference pages that are made from the code: settings, errors, metrics. `python -m docs.reference`.

tests/unit/docs/test_reference.py fails if a page is not what this would write.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from chalicelib.metrics import METRICS, NAMESPACE
from chalicelib.openapi import http_errors
from chalicelib.settings import ROOT, Settings

HERE = Path(__file__).parent


def pages() -> dict[Path, str]:
    """Each page's file and text."""
    return {
        HERE / "settings.md": settings_page(),
        HERE / "errors.md": errors_page(),
        HERE / "metrics.md": metrics_page(),
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
        "stops the start with a sentence that names the variable. Made from `chalicelib/settings.py`.",
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
        "(what happened, what was expected, what to do), `code` and `request_id`. 503 comes with `Retry-After`. "
        "Made from `chalicelib/errors.py`.",
        "| status | code | title | when |",
        rows,
    )


def metrics_page() -> str:
    """Every metric: name, unit, meaning."""
    rows = [f"| `{name}` | {metric.unit} | {metric.help} |" for name, metric in METRICS.items()]
    return _page(
        "Metrics",
        f"One line a request in CloudWatch's embedded metric format, namespace `{NAMESPACE}`, with the dimensions "
        "`service` and `stage`. Cell, animal, route, model version and request are properties of the line, for Logs "
        "Insights. Made from `chalicelib/metrics.py`.",
        "| metric | unit | meaning |",
        rows,
    )


def _default(value: Any, metadata: Mapping[str, Any]) -> str:
    if value in (None, ""):
        return "not set"
    return f"`{_shown(value)}` {metadata['unit']}".strip()


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


def _page(title: str, text: str, head: str, rows: list[str]) -> str:
    rule = "|" + " --- |" * (head.count("|") - 1)
    return "\n".join([f"# {title}", "", text, "", head, rule, *rows, ""])


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote docs/{path.name}")

"""Write the pages of docs/ that are made from the code: `python -m docs.generate`.

tests/unit/docs/test_generate.py fails if a page is not what this would write.
"""

import argparse
import ast
import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from tabulate import tabulate

from chalicelib.api.openapi import http_errors
from chalicelib.config.settings import ROOT, Settings
from chalicelib.telemetry.metrics import COMMON, DIMENSIONS, METRICS, NAMESPACE, max_billed_metrics
from cloudwatch.__main__ import COMMANDS as CLOUDWATCH_COMMANDS
from cloudwatch.lint.usage import usage
from cloudwatch.prices import read_prices
from database.__main__ import _parser as database_parser
from infra import cost_page
from infra.__main__ import _parser as infra_parser
from infra.parameters import EDGE, STACK, read_template
from web.settings import WebSettings

HERE = Path(__file__).parent
RUNBOOK = "../how-to/runbook.md"
TARGET = re.compile(r"^(?P<name>[a-z-]+):.*## (?P<help>.*)$", re.MULTILINE)
OWN_NAME = re.compile(r": `python -m [^`]+`\.$")
"""The end of a docstring that names the module's command, which the table has already."""
INTERNAL = {"local/lambda_sim/bootstrap.py", "local/lambda_sim/enter_sandbox.py"}
"""Programs that other programs start."""


def pages() -> dict[Path, str]:
    """Return the text of each page by its file."""
    return {
        HERE / "reference" / "settings.md": settings_page(),
        HERE / "reference" / "errors.md": errors_page(),
        HERE / "reference" / "metrics.md": metrics_page(),
        HERE / "reference" / "commands.md": commands_page(),
        HERE / "reference" / "infra.md": infra_page(),
        HERE / "explanation" / "cost.md": cost_page.page(),
    }


def settings_page() -> str:
    """Return the page of every setting: variable, default, unit, meaning."""
    return f"""\
# Settings

The app reads its settings from the environment once, at start. An empty variable counts as unset. If a value cannot be
used, the process does not start, and the error names the variable. Made from `chalicelib/config/settings.py`.

{_settings_table(Settings)}

## The HTTP server

`make run` and `python -m web` read these too; on Lambda, API Gateway does their job. Made from `web/settings.py`.

{_settings_table(WebSettings)}
"""


def _settings_table(kind: type[Settings] | type[WebSettings]) -> str:
    rows = [
        (f"`{each.metadata['variable']}`", _default(each.default, each.metadata), each.metadata["help"])
        for each in fields(kind)
    ]
    return table(["variable", "default", "meaning"], rows)


def errors_page() -> str:
    """Return the page of every error that a client can receive."""
    rows = [
        (each.status, f"`{each.code}`", each.title, (each.__doc__ or "").splitlines()[0])
        for each in sorted(http_errors(), key=lambda each: each.status)
    ]
    return f"""\
# Errors

Every error is a problem detail (RFC 9457, `application/problem+json`) with `type`, `title`, `status`, `code`,
`request_id` and `detail`, which says what happened, what was expected and what to do. 429 and 503 come with
`Retry-After`. Made from `chalicelib/errors.py`.

{table(["status", "code", "title", "when"], rows)}
"""


def metrics_page() -> str:
    """Return the page of every metric and every dimension, and of what they cost."""
    seen = usage()
    metrics = [
        (
            f"`{name}`",
            metric.unit,
            _codes(metric.by),
            metric.help,
            ", ".join([*seen[name].dashboards, *(f"[{each}]({RUNBOOK}#{each})" for each in seen[name].alarms)]),
        )
        for name, metric in METRICS.items()
    ]
    dimensions = [
        (f"`{name}`", each.help, _codes(each.values) or "one for each deployment") for name, each in DIMENSIONS.items()
    ]
    price = read_prices()["series_month"].value
    warming = sum(name.startswith("Warming") for name in METRICS)
    return f"""\
# Metrics

Every metric is in the namespace `{NAMESPACE}` and has the dimensions {" and ".join(_codes([each]) for each in COMMON)}.
A metric with an entry under *also by* is emitted a second time with that dimension added. Cell, animal, route, model
version and request are properties of the line, for Logs Insights: [logs.md](logs.md) shows a line. Made from
`chalicelib/telemetry/metrics.py`.

{table(["metric", "unit", "also by", "meaning", "dashboards, alarms"], metrics)}

## Dimensions

{table(["dimension", "meaning", "values"], dimensions)}

## What it costs

CloudWatch bills each combination of dimension values that was emitted in an hour as one metric. One deployment emits
at most **{max_billed_metrics()}**; a test keeps the number at 100 or less. At {price:.2f} USD each
([prices](../../dashboards/prices.csv)) that is at most **{max_billed_metrics() * price:.2f} USD a month**. With the
cell or the animal as a dimension it would be hundreds of times as much. A quiet stage pays only for the hours in which
it emits: in a night without requests, only the {warming} metrics of warming. Codes and ranks that do not occur cost
nothing. CloudWatch bills the lines themselves by size: see [logs.md](logs.md#what-it-costs).
"""


def commands_page() -> str:
    """Return the page of every Make target and every Python command."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [(f"`make {each['name']}`", each["help"]) for each in TARGET.finditer(makefile)]
    commands = [(f"`python -m {name}`", summary) for name, summary in _programs()]
    cloudwatch = [(f"`{name}`", summary) for name, (_, summary) in CLOUDWATCH_COMMANDS.items()]
    return f"""\
# Commands

`python` is `.venv/bin/python`, which `make setup` makes; run it from the checkout. `--help` after a command lists its
options. Made from the Makefile and the modules.

## Make

{table(["target", "does"], targets)}

## Python

{table(["command", "does"], commands)}

### `python -m cloudwatch`

{table(["command", "does"], cloudwatch)}

### `python -m infra`

{_help_of(infra_parser())}

### `python -m database`

{_help_of(database_parser(Settings()))}
"""


def infra_page() -> str:
    """Return the page about infrastructure with the tables of both templates' parameters and outputs."""
    text = (HERE / "reference" / "infra.md").read_text(encoding="utf-8")
    for name in (STACK, EDGE):
        template = read_template(name)
        outputs = [(f"`{each}`", declared["Description"]) for each, declared in template["Outputs"].items()]
        text = _filled(text, f"parameters of {name}", _parameters(template["Parameters"]))
        text = _filled(text, f"outputs of {name}", table(["output", "is"], outputs))
    return text


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table with the texts as they are: no number is aligned or formatted."""
    text = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    lines = tabulate(text, head, tablefmt="github", disable_numparse=True).splitlines()
    return "\n".join(re.sub(r" {2,}", " ", re.sub(r"-{3,}", "---", line)) for line in lines)


def _parameters(declared: Mapping[str, Any]) -> str:
    files = [path for path in sorted((ROOT / "infra" / "stages").glob("*.json")) if path.name != "limits.json"]
    stages = {path.stem: json.loads(path.read_text(encoding="utf-8"))["Parameters"] for path in files}
    rows = [
        (
            f"`{name}`",
            str(each.get("Default", "")).replace("*", "\\*"),
            *(given.get(name, "") for given in stages.values()),
            each["Description"],
        )
        for name, each in declared.items()
    ]
    return table(["parameter", "default", *stages, "meaning"], rows)


def _filled(page: str, name: str, text: str) -> str:
    """Return a page with the text between `<!-- table: name -->` and the next `<!-- end -->` replaced."""
    before, _, rest = page.partition(f"<!-- table: {name} -->")
    _, end, after = rest.partition("<!-- end -->")
    if not end:
        raise ValueError(f"the page has no place for {name}; write <!-- table: {name} --> and <!-- end -->")
    return f"{before}<!-- table: {name} -->\n\n{text}\n\n<!-- end -->{after}"


def _programs() -> list[tuple[str, str]]:
    """Return every module that can be run and the first paragraph of its docstring."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    found = []
    for name in sorted(set(listed.stdout.split()) - INTERNAL):
        text = (ROOT / name).read_text(encoding="utf-8")
        if '\nif __name__ == "__main__":' in text:
            summary = " ".join((ast.get_docstring(ast.parse(text)) or "").partition("\n\n")[0].split())
            module = name.removesuffix(".py").removesuffix("/__main__").replace("/", ".")
            found.append((module, OWN_NAME.sub(".", summary)))
    return found


def _help_of(parser: argparse.ArgumentParser) -> str:
    parser.formatter_class = partial(argparse.HelpFormatter, width=100)
    return f"```text\n{parser.format_help().strip()}\n```"


def _default(value: Any, metadata: Mapping[str, Any]) -> str:
    if value in (None, ""):
        return "not set"
    return f"`{_shown(value)}` {metadata['unit']}".strip()


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{each}`" for each in names)


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")

"""Write the tables of docs/ that are made from the code: `python -m docs.generate`.

tests/unit/docs/test_generate.py fails if a page differs from the one that this program would write.
"""

import argparse
import ast
import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
from tabulate import tabulate

from chalicelib.api.openapi import http_errors
from chalicelib.config.field import Variable, variables
from chalicelib.config.settings import ROOT, Settings
from chalicelib.telemetry.metrics import COMMON, DIMENSIONS, METRICS, NAMESPACE, TIER_METRICS, max_billed_metrics
from cli.__main__ import faunalens
from cloudwatch.__main__ import COMMANDS as CLOUDWATCH_COMMANDS
from cloudwatch.figures import read_prices
from cloudwatch.lint.folder import usage
from database.__main__ import _parser as database_parser
from infra import cost_page, daily_cost
from infra.__main__ import _parser as infra_parser
from infra.chalice_config import stages as infra_stages
from infra.claims import read_claims
from infra.parameters import ATHENA, BACKFILL, EDGE, STACK, STREAM, WEB, read_template
from infra.stage import Stage
from infra.step import duration
from infra.throttling import api_methods, method_limits, throttle_limits
from infra.up import Up
from web.settings import WebSettings

HERE = Path(__file__).parent
RUNBOOK = "../how-to/runbook.md"
TARGET = re.compile(r"^(?P<name>[a-z-]+):.*## (?P<help>.*)$", re.MULTILINE)
OWN_NAME = re.compile(r": `python -m [^`]+`\.$")
"""The end of a docstring that repeats the module's command, which is in another column of the table."""
INTERNAL = {"local/lambda_sim/enter_sandbox.py", "testing/faults/freezing_container.py"}
"""Programs that only other programs start."""


def pages() -> dict[Path, str]:
    """Return the text of each page, by its file."""
    tables = {
        HERE / "reference" / "settings.md": settings_tables(),
        HERE / "reference" / "errors.md": {"errors": error_table()},
        HERE / "reference" / "metrics.md": metric_tables(),
        HERE / "reference" / "commands.md": command_tables(),
        HERE / "reference" / "cli.md": {"faunalens": cli_help()},
        HERE / "reference" / "infra.md": infra_tables(),
        HERE / "how-to" / "deploy.md": {"claims": claim_table()},
        HERE / "how-to" / "first-deployment.md": first_deployment_tables(),
    }
    return {path: with_tables(path, each) for path, each in tables.items()} | {
        HERE / "explanation" / "cost.md": cost_page.page()
    }


def settings_tables() -> dict[str, str]:
    """Return the tables of settings by table name. The columns: variable, default and unit, meaning."""
    tables = {}
    for name, kind in (("settings of the app", Settings), ("settings of the HTTP server", WebSettings)):
        rows = [(f"`{name}`", _default(each), each.help) for name, each in variables(kind).items()]
        tables[name] = table(["variable", "default", "meaning"], rows)
    return tables


def error_table() -> str:
    """Return the table of the errors that a client can receive."""
    rows = [
        (each.status, f"`{each.code}`", each.title, (each.__doc__ or "").splitlines()[0])
        for each in sorted(http_errors(), key=lambda each: each.status)
    ]
    return table(["status", "code", "title", "when"], rows)


def metric_tables() -> dict[str, str]:
    """Return the tables of metrics, of dimensions and of the cost of both, by name."""
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
    price, most = read_prices()["series_month"].value, max_billed_metrics()
    warming = sum(name.startswith("Warming") for name in METRICS)
    cost = [
        ("price of one metric, USD a month", f"{price:.2f}"),
        ("metrics of one deployment, at most", most),
        ("price of these, USD a month", f"**{most * price:.2f}**"),
        ("metrics of warming", warming),
    ]
    return {
        "namespace": table(["namespace", "dimensions of every metric"], [(f"`{NAMESPACE}`", _codes(COMMON))]),
        "metrics": table(["metric", "unit", "also by", "meaning", "dashboards, alarms"], metrics),
        "metrics of the tier": table(["metric", "unit", "meaning"], _rows_of_tier()),
        "dimensions": table(["dimension", "meaning", "values"], dimensions),
        "cost": table(["figure", "value"], cost),
    }


def _rows_of_tier() -> list[tuple[str, str, str]]:
    return [(f"`{name}`", metric.unit, metric.help) for name, metric in TIER_METRICS.items()]


def command_tables() -> dict[str, str]:
    """Return the tables of Make targets and of Python commands, and the help of two commands, by name."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [(f"`make {each['name']}`", each["help"]) for each in TARGET.finditer(makefile)]
    commands = [(f"`python -m {name}`", summary) for name, summary in _programs()]
    cloudwatch = [(f"`{name}`", summary) for name, (_, summary) in CLOUDWATCH_COMMANDS.items()]
    return {
        "make": table(["target", "does"], targets),
        "python": table(["command", "does"], commands),
        "python -m cloudwatch": table(["command", "does"], cloudwatch),
        "python -m infra": _help_of(infra_parser()),
        "python -m database": _help_of(database_parser(Settings())),
    }


def cli_help() -> str:
    """Return the help of `faunalens` and of each of its commands."""
    parent = faunalens.make_context("faunalens", [], resilient_parsing=True, terminal_width=100)
    helps = [("faunalens", faunalens.get_help(parent))]
    names = faunalens.list_commands(parent)
    for name, command in [(name, found) for name in names if (found := faunalens.get_command(parent, name))]:
        context = command.make_context(name, [], parent, resilient_parsing=True, terminal_width=100)
        helps.append((f"faunalens {name}", command.get_help(context)))
        for inner, part in command.commands.items() if isinstance(command, click.Group) else ():
            below = part.make_context(inner, [], context, resilient_parsing=True, terminal_width=100)
            helps.append((f"faunalens {name} {inner}", part.get_help(below)))
    return "\n\n".join(f"## `{name}`\n\n```text\n{text}\n```" for name, text in helps)


def infra_tables() -> dict[str, str]:
    """Return the tables of throttling, and of the parameters and outputs of the templates, by name."""
    tables = {"throttling": _throttling()}
    for name in (STACK, EDGE, STREAM, WEB, BACKFILL, ATHENA):
        template = read_template(name)
        tables[f"parameters of {name}"] = _parameters(template["Parameters"])
        if given := template.get("Outputs"):
            outputs = [(f"`{each}`", declared["Description"]) for each, declared in given.items()]
            tables[f"outputs of {name}"] = table(["output", "is"], outputs)
    return tables


def claim_table() -> str:
    """Return the table of the claims that only AWS can prove."""
    rows = [
        (f"`{each.name}`", each.claim, each.source, "a command" if each.proof else "a person") for each in read_claims()
    ]
    return table(["claim", "says", "we believe it because", "proved by"], rows)


def first_deployment_tables() -> dict[str, str]:
    """Return the tables of what a day costs, and of the steps of `infra up`."""
    costs = [(f"`{stage}`", f"{idle:.2f}", f"{quiet:.2f}") for stage, (idle, quiet) in daily_cost.days().items()]
    steps = [(f"`{step.name}`", step.summary, duration(step.minutes)) for step in Up(Stage("", "", None, {})).steps()]
    return {
        "a day": table(["stage", "US dollars a day, idle", "with 330 identifications a day"], costs),
        "steps": table(["step", "does", "takes, the first time"], steps),
    }


def with_tables(path: Path, tables: Mapping[str, str]) -> str:
    """Return a page with each table in its place: between `<!-- table: name -->` and the next `<!-- end -->`."""
    page = path.read_text(encoding="utf-8")
    for name, text in tables.items():
        before, _, rest = page.partition(f"<!-- table: {name} -->")
        _, end, after = rest.partition("<!-- end -->")
        if not end:
            raise ValueError(
                f"{path.name} has no place for the table {name}; add <!-- table: {name} --> and <!-- end -->"
            )
        page = f"{before}<!-- table: {name} -->\n\n{text}\n\n<!-- end -->{after}"
    return page


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table. Numbers in the rows are neither aligned nor reformatted."""
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


def _throttling() -> str:
    """Return the limits of each method, for each stage: requests a second, and at once."""
    stages = {stage: method_limits(stage) for stage in infra_stages()}
    total = {stage: throttle_limits(stage) for stage in stages}
    rows = [
        (f"`{each.name} {each.path}`", *(f"{limits[each].rate:g}, {limits[each].burst}" for limits in stages.values()))
        for each in api_methods()
    ]
    rows.append(("all", *(f"{each.rate:g}, {each.burst}" for each in total.values())))
    return table(["method", *(f"{stage}: a second, at once" for stage in stages)], rows)


def _programs() -> list[tuple[str, str]]:
    """Return every module that is a program, and the first paragraph of its docstring."""
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


def _default(variable: Variable) -> str:
    value = variable.default
    if value in (None, ""):
        return "not set"
    if isinstance(value, bool):
        value = str(value).lower()
    elif isinstance(value, Path):
        value = value.relative_to(ROOT)
    return f"`{value}` {variable.unit}".strip()


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{each}`" for each in names)


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")

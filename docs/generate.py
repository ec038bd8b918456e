"""Write the tables of docs/ that are made from the code: `python -m docs.generate`.

tests/unit/docs/test_generate.py fails if a page differs from what this program would write.
"""

import ast
import dataclasses
import inspect
import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, cast

import click
from tabulate import tabulate

from chalicelib.api.openapi import document
from chalicelib.config.field import Variable, variables
from chalicelib.config.settings import ROOT, Settings
from chalicelib.errors import http_errors
from chalicelib.photo.formats import FORMATS
from chalicelib.routes import ROUTES
from chalicelib.telemetry.metrics import COMMON, DIMENSIONS, METRICS, NAMESPACE, TIER_METRICS, max_billed_metrics
from dashboards.figures import read_prices
from dashboards.lint.folder import usage
from faunalens.cli.__main__ import faunalens
from faunalens.cli.options import log_option
from faunalens.tables.tables import columns
from faunalens.web.settings import WebSettings
from infra import cost
from infra.api_stage import api_methods, method_limits, throttle_limits
from infra.cost import page
from infra.functions import stages as infra_stages
from infra.proof.report import read_claims
from infra.stage import Stage
from infra.step import duration
from infra.template import BACKFILL, EDGE, PACKAGES, RELEASE, STACK, STREAM, WEB, read_template
from infra.up import Up

HERE = Path(__file__).parent
RUNBOOK = "../how-to/runbook.md"
LIMITS = "../explanation/dashboards.md#limits-of-a-stage"
TARGET = re.compile(r"^(?P<name>[a-z-]+):.*## (?P<help>.*)$", re.MULTILINE)
MADE = re.compile(r"<!-- (?!end -->)[^>]+ -->.*?<!-- end -->", re.DOTALL)
"""A part of a page that a program wrote: generated from the code, or printed by a benchmark."""
ANSWERS = {"POST /identify": "200", "POST /uploads": "201", "GET /taxa/{id}": "200", "GET /health": "200"}
"""The answers whose fields the API's page lists, with their status."""
CODE = re.compile(r"^```.*?^```|^ {4}.*?$", re.MULTILINE | re.DOTALL)
WORD = re.compile(r"\S*\w\S*")
INTERNAL = {"tests/faults/containers.py"}
"""Programs that only other programs start."""


def pages() -> dict[Path, str]:
    """Return the text of each page that has generated tables, with these up to date, by the page's path."""
    tables = {
        HERE / "architecture.md": {"house": house_table()},
        HERE / "reference" / "settings.md": settings_tables(),
        HERE / "reference" / "api.md": api_tables(),
        HERE / "reference" / "errors.md": {"errors": error_table()},
        HERE / "reference" / "metrics.md": metric_tables(),
        HERE / "reference" / "commands.md": {"make": make_table(), "python": program_table()},
        HERE / "reference" / "cli.md": {"faunalens": cli_table()},
        HERE / "reference" / "study-formats.md": {"columns": columns()},
        HERE / "reference" / "infra.md": infra_tables(),
        HERE / "how-to" / "runbook.md": alarm_tables(),
        HERE / "how-to" / "deploy.md": {"claims": claim_table()},
        HERE / "how-to" / "first-deployment.md": first_deployment_tables(),
        HERE / "explanation" / "cost.md": page.tables(),
    }
    return {path: with_tables(path, each) for path, each in tables.items()}


def words() -> tuple[int, int]:
    """Return the number of words in docs/ that are written by hand, and of all words, both without code and signs."""
    texts = [CODE.sub("", path.read_text(encoding="utf-8")) for path in HERE.rglob("*.md")]
    return sum(len(WORD.findall(MADE.sub("", text))) for text in texts), sum(len(WORD.findall(text)) for text in texts)


def house_table() -> str:
    """Return the table of the rooms, and of the folders of the two that are packed, each with its docstring."""
    paths = sorted(chain(*(ROOT.glob(f"{each}*/__init__.py") for each in ("", "chalicelib/", "faunalens/"))))
    said = [(path.parent, ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "") for path in paths]
    rows = [(f"`{folder.relative_to(ROOT)}/`", text.partition("\n")[0]) for folder, text in said]
    return table(["folder", "contents"], rows)


def settings_tables() -> dict[str, str]:
    """Return the tables of settings by table name. The columns: variable, default and unit, meaning."""
    tables = {}
    for name, kind in (("settings of the app", Settings), ("settings of the HTTP server", WebSettings)):
        said = meanings(kind)
        rows = [(f"`{each}`", _default(variable), said[each]) for each, variable in variables(kind).items()]
        tables[name] = table(["variable", "default", "meaning"], rows)
    return tables


def meanings(kind: Any) -> dict[str, str]:
    """Return the docstring of each setting of a dataclass and of those nested in it, by environment variable."""
    texts: dict[str, str] = {}
    for each in reversed(kind.__mro__[:-1]):
        (defined,) = ast.parse(inspect.getsource(each)).body
        for field, text in pairwise(cast("ast.ClassDef", defined).body):
            match field, text:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as said)):
                    texts[name] = " ".join(said.split())
    found: dict[str, str] = {}
    for each in dataclasses.fields(kind):
        variable = each.metadata.get("")
        found |= {variable.name: texts[each.name]} if variable else meanings(type(each.default))
    return found


def api_tables() -> dict[str, str]:
    """Return the tables of query parameters, photo formats, and fields of the main answers, by table name."""
    contract = document(ROUTES, "1", "/")
    parameters: dict[tuple[str, str], list[str]] = {}
    for path, operations in contract["paths"].items():
        for each in chain.from_iterable(operation.get("parameters", ()) for operation in operations.values()):
            if each["in"] == "query" and (path != "/uploads/{id}/identify" or each["name"] == "also"):
                parameters.setdefault((each["name"], each["description"]), []).append(f"`{path}`")
    rows = [(f"`{name}`", ", ".join(paths), text) for (name, text), paths in parameters.items()]
    formats = [(each.name, _codes(each.media_types), _codes(f".{end}" for end in each.extensions)) for each in FORMATS]
    tables = {
        "parameters": table(["parameter", "of", "meaning"], rows),
        "formats": table(["format", "Content-Type", "endings"], formats),
    }
    for name, code in ANSWERS.items():
        method, path = name.split()
        answer = contract["paths"][path][method.lower()]["responses"][code]["content"]["application/json"]["schema"]
        tables[name] = table(["field", "meaning"], _answer_fields(answer, contract["components"]["schemas"]))
    return tables


def _answer_fields(answer: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    """Yield name and meaning of each field of an answer and of its nested objects; each type of object once."""
    waiting, seen = [("", answer)], set()
    while waiting:
        above, schema = waiting.pop(0)
        for name, field in _inner(schema, schemas)[1].get("properties", {}).items():
            kind, inner = _inner(field, schemas)
            values = inner.get("enum", [])
            meaning = field.get("description", "") or inner.get("description", "")
            yield f"`{above}{name}`", f"{meaning} {_codes(map(str, values))}".strip()
            if inner.get("properties") and kind not in seen:
                seen.add(kind)
                waiting.append((f"{above}{name}.", inner))


def _inner(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the name and the schema of the object in a field, even if the field is a list of these or may be null."""
    for each in (schema, *schema.get("anyOf", ()), schema.get("items", {})):
        if "$ref" in each:
            name = each["$ref"].rpartition("/")[2]
            return name, schemas[name]
        if each is not schema and (each.get("items") or "enum" in each):
            return _inner(each, schemas)
    return "", schema


def error_table() -> str:
    """Return the table of the errors that a client can receive."""
    rows = [
        (each.status, f"`{each.code}`", each.title, (each.__doc__ or "").splitlines()[0])
        for each in sorted(http_errors(), key=lambda each: each.status)
    ]
    return table(["status", "code", "title", "when"], rows)


def metric_tables() -> dict[str, str]:
    """Return the tables of metrics, their dimensions and their cost, by table name."""
    seen = usage()
    metrics = []
    for name, metric in METRICS.items():
        uses = ", ".join([*seen[name][0], *(f"[{each}]({RUNBOOK}#{each})" for each in seen[name][1])])
        metrics.append((f"`{name}`", metric.unit, _codes(metric.by), metric.help, uses))
    dimensions = [
        (f"`{name}`", each.help, _codes(each.values) or "one for each deployment") for name, each in DIMENSIONS.items()
    ]
    price, most = float(read_prices()["series_month"]), max_billed_metrics()
    cost = [("price of one metric, USD a month", f"{price:.2f}"), ("metrics of one deployment, at most", most)]
    cost.append(("price of these, USD a month", f"**{most * price:.2f}**"))
    tier = [(f"`{name}`", metric.unit, metric.help) for name, metric in TIER_METRICS.items()]
    return {
        "namespace": table(["namespace", "dimensions of every metric"], [(f"`{NAMESPACE}`", _codes(COMMON))]),
        "metrics": table(["metric", "unit", "also by", "meaning", "dashboards, alarms"], metrics),
        "metrics of the tier": table(["metric", "unit", "meaning"], tier),
        "dimensions": table(["dimension", "meaning", "values"], dimensions),
        "cost": table(["figure", "value"], cost),
    }


def make_table() -> str:
    """Return the table of the Makefile's targets."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return table(["target", "does"], [(f"`make {each['name']}`", each["help"]) for each in TARGET.finditer(makefile)])


def program_table() -> str:
    """Return a table of all modules that are programs, each with the first sentence of its docstring."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    rows = []
    for name in sorted(set(listed.stdout.split()) - INTERNAL):
        if not (ROOT / name).exists():
            continue
        text = (ROOT / name).read_text(encoding="utf-8")
        if '\nif __name__ == "__main__":' in text:
            summary = " ".join((ast.get_docstring(ast.parse(text)) or "").partition("\n\n")[0].split())
            module = name.removesuffix(".py").removesuffix("/__main__").replace("/", ".")
            rows.append((f"`python -m {module}`", re.split(r"[.:] (?=[A-Z`])|[.:]$", summary)[0]))
    return table(["command", "does"], rows)


def cli_table() -> str:
    """Return the table of the commands of `faunalens`, with their arguments and options. All of them have `--log`."""
    return table(["command", "does", "options"], _commands("faunalens", faunalens))


def _commands(name: str, group: click.Group) -> Iterator[Sequence[str]]:
    context = click.Context(group)
    for inner in group.list_commands(context):
        command = group.get_command(context, inner)
        if isinstance(command, click.Group):
            yield from _commands(f"{name} {inner}", command)
        elif command:
            arguments = [each.make_metavar(context) for each in command.params if isinstance(each, click.Argument)]
            options = [
                each.opts[0] for each in command.params if isinstance(each, click.Option) and each is not log_option
            ]
            yield f"`{' '.join([name, inner, *arguments])}`", command.get_short_help_str(200), _codes(options)


def infra_tables() -> dict[str, str]:
    """Return the tables of throttling, and of the templates' parameters and outputs, by table name."""
    tables = {"throttling": _throttling()}
    for name in (STACK, PACKAGES, EDGE, STREAM, RELEASE, WEB, BACKFILL):
        template = read_template(name)
        tables[f"parameters of {name}"] = _parameters(template["Parameters"])
        if given := template.get("Outputs"):
            outputs = [(f"`{each}`", declared["Description"]) for each, declared in given.items()]
            tables[f"outputs of {name}"] = table(["output", "is"], outputs)
    return tables


def alarm_tables() -> dict[str, str]:
    """Return how the runbook's section on each alarm and composite begins, by its name: heading and message."""
    return {
        path.stem: f"## {path.stem}\n\n{_alarm(path)}" for path in sorted((ROOT / "dashboards").glob("[ac]*/*.json"))
    }


def _alarm(path: Path) -> str:
    alarm = json.loads(path.read_text(encoding="utf-8"))
    message = alarm["AlarmDescription"].partition(" What to do")[0]
    message = re.sub(r"(LIMIT_\w+)", rf"[`\1`]({LIMITS})", message.replace("stage LIMITSTAGE", "the stage"))
    if "AlarmRule" in alarm:
        return message
    queries = alarm.get("Metrics", [alarm])
    (watched,) = (each.get("Label") or each["MetricName"] for each in queries if each.get("ReturnData", True))
    periods = {each["Period"] for each in (alarm, *(one.get("MetricStat", {}) for one in queries)) if "Period" in each}
    sign = {"GreaterThanThreshold": ">", "GreaterThanOrEqualToThreshold": "≥", "LessThanThreshold": "<"}
    limit = f"{sign[alarm['ComparisonOperator']]} {alarm['Threshold']:,}"
    times = f"{alarm['DatapointsToAlarm']} of {alarm['EvaluationPeriods']} × {periods.pop():,} s"
    silence = "; silence counts as such" if alarm["TreatMissingData"] == "breaching" else ""
    return f"{message} (`{watched}` {limit}, {times}{silence})"


def claim_table() -> str:
    """Return the table of the claims that can be proved only on AWS."""
    rows = [(f"`{each.name}`", each.claim, "a command" if each.proof else "a person") for each in read_claims()]
    return table(["claim", "says", "proved by"], rows)


def first_deployment_tables() -> dict[str, str]:
    """Return the tables of a stage's daily cost and of the steps of `infra up`, by table name."""
    costs = [(f"`{stage}`", f"{idle:.2f}", f"{quiet:.2f}") for stage, (idle, quiet) in cost.cost_of_days().items()]
    steps = [(f"`{step.name}`", step.summary, duration(step.minutes)) for step in Up(Stage("", "", None, {})).steps()]
    return {
        "a day": table(["stage", "US dollars a day, idle", "with 330 identifications a day"], costs),
        "steps": table(["step", "does", "takes, the first time"], steps),
    }


def with_tables(path: Path, tables: Mapping[str, str]) -> str:
    """Return a page with each table in its place: between `<!-- table: name -->` and the next `<!-- end -->`.

    A table without a place in the page, such as the section of a new alarm, is put at the end.
    """
    page = path.read_text(encoding="utf-8")
    for name, text in tables.items():
        place = f"<!-- table: {name} -->"
        if place not in page:
            page += f"\n{place}\n<!-- end -->\n"
        before, _, rest = page.partition(place)
        old, end, after = rest.partition("<!-- end -->")
        if not end or "<!-- table: " in old:
            raise ValueError(f"{path.name}: table {name} has no end; add <!-- end --> behind it")
        page = f"{before}{place}\n\n{text}\n\n{end}{after}"
    return page


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table. `head`: the columns' names. Numbers in the rows are neither aligned nor reformatted."""
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
    """Return a table of each method's limits in each stage: requests per second, and burst."""
    stages = {stage: method_limits(stage) for stage in infra_stages()}
    alike: dict[tuple[str, ...], list[str]] = {}
    for each in api_methods():
        limits = tuple(f"{given[each].rate:g}, {given[each].burst}" for given in stages.values())
        alike.setdefault(limits, []).append(f"`{each.name} {each.path}`")
    by_names = sorted(alike.items(), key=lambda each: len(each[1]) >= 5)
    rows = [(", ".join(names) if len(names) < 5 else "each other method", *limits) for limits, names in by_names]
    rows.append(("all", *(f"{each.rate:g}, {each.burst}" for each in map(throttle_limits, stages))))
    return table(["methods", *(f"{stage}: a second, at once" for stage in stages)], rows)


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
    by_hand, in_all = words()
    print(f"wrote {len(pages())} pages; docs/ has {by_hand:,} words by hand, {in_all:,} in all")

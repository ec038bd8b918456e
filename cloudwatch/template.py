"""Make the CloudFormation template of dashboards, alarms and saved queries: `python -m cloudwatch template`.

Account, region and partition are CloudFormation's pseudo parameters, so one template works in any account. The
template contains the stage and the URL of the runbook as plain text, and also the topic if it is given.
What belongs to the web tier is part of the tier's own stack (infra/template/web.py), which knows its load balancer.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cloudwatch.figures import ACCOUNT, FileError
from cloudwatch.files import Placeholders, map_strings, read_files
from cloudwatch.lint.folder import lint
from cloudwatch.project import DASHBOARDS, ROOT, RUNBOOK, TOOLS_GUIDE, prefix, query_prefix, runbook_url
from cloudwatch.syntax.expression import dependencies

MOST_BYTES = 1_000_000
"""Maximum size of a template in S3 (CloudFormation quotas)."""
MOST_INLINE_BYTES = 51_200
"""Maximum size of a template in a request."""

_MARK = "\ue000"
_MARKED = re.compile(f"{_MARK}([\\w:.]+){_MARK}")
"""Matches a reference while the files are read, such as that to a pseudo parameter. JSON keeps the marks."""


def template(placeholders: Placeholders, folder: Path = DASHBOARDS) -> dict[str, Any]:
    """Return the template of one stage. Raises `FileError`, for instance for a stage without limits.

    Region, account and partition of `placeholders` are ignored. Its `balancer` and `targets` are references to the
    names of the web tier's load balancer and its target group. With them, the template has only what belongs to the
    tier; without them, everything else.
    """
    stage = placeholders.stage
    marked = replace(
        placeholders,
        region=_marked("AWS::Region"),
        account=_marked("AWS::AccountId"),
        partition=_marked("AWS::Partition"),
        balancer=_marked(placeholders.balancer),
        targets=_marked(placeholders.targets),
    )
    files = read_files(marked, folder, tier=bool(placeholders.balancer))
    alarms = {body["AlarmName"]: _logical_id("alarm", name) for name, body in files.alarms.items()}
    alarms |= {body["AlarmName"]: _logical_id("composite", name) for name, body in files.composites.items()}
    resources = {alarms[body["AlarmName"]]: _resource("CloudWatch::Alarm", body) for body in files.alarms.values()}
    for body in files.composites.values():
        needs = {"DependsOn": sorted(alarms[name] for name in dependencies(body) if name in alarms)}
        resources[alarms[body["AlarmName"]]] = _resource("CloudWatch::CompositeAlarm", body) | needs
    for name, body in files.dashboards.items():
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        properties: dict[str, Any] = {"DashboardName": prefix(stage) + name, "DashboardBody": text}
        resources[_logical_id("dashboard", name)] = _resource("CloudWatch::Dashboard", properties)
    for name, query in files.queries.items():
        properties = {
            "Name": query_prefix(stage) + name,
            "QueryString": query.text,
            "LogGroupNames": [*query.log_groups],
        }
        resources[_logical_id("query", name)] = _resource("Logs::QueryDefinition", properties)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Faunalens {stage}: dashboards, alarms and saved queries",
        "Resources": resources,
    }


def as_text(made: Mapping[str, Any]) -> str:
    """Return a template as JSON text."""
    return json.dumps(made, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _resource(kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": map_strings(dict(properties), _with_references)}


def _logical_id(kind: str, name: str) -> str:
    """Return a logical id, which consists of letters and digits: `AlarmBurnFastShort` for alarm burn-fast-short."""
    return "".join(word.capitalize() for word in [kind, *re.split(r"[^A-Za-z0-9]+", name)])


def _marked(reference: str) -> str:
    return f"{_MARK}{reference}{_MARK}"


def _with_references(text: str) -> Any:
    """Replace the marks in a string with references. Escape the `${` of CloudWatch's dynamic labels."""
    if not _MARKED.search(text):
        return text
    return {"Fn::Sub": _MARKED.sub(r"${\1}", text.replace("${", "${!"))}


def main(arguments: Sequence[str]) -> int:
    """Print the template or write it to a file. Return 0, or 1 after an error message on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m cloudwatch template",
        description="Print dashboards, alarms, composites and saved queries as a CloudFormation template. "
        "CloudFormation fills in the account, region and partition of the stack.",
        epilog=f"`python -m infra up` deploys the same as part of the whole stage. {TOOLS_GUIDE} has more.",
    )
    parser.add_argument("--stage", required=True, help="stage, such as dev; the names of all resources contain it")
    parser.add_argument(
        "--topic", default="", help="ARN of the SNS topic that alarms notify (default: faunalens-STAGE-alarms)"
    )
    parser.add_argument(
        "--runbook", help=f"URL of the runbook (default: {RUNBOOK} on the website of git's remote origin)"
    )
    parser.add_argument(
        "--containers",
        type=int,
        default=int(ACCOUNT),
        metavar="N",
        help="the account's limit of containers; used if the stage has no reserved_concurrency (default: %(default)s)",
    )
    parser.add_argument(
        "--folder", type=Path, default=DASHBOARDS, help="folder of the dashboard and alarm files (default: dashboards)"
    )
    parser.add_argument("--out", type=Path, help="file to write instead of standard output")
    options = parser.parse_args(arguments)
    folder = options.folder.resolve()
    if findings := lint(folder).findings:
        print(*findings, "error: no template was written; fix the findings above first", sep="\n", file=sys.stderr)
        return 1
    runbook = options.runbook or runbook_url(ROOT)
    placeholders = Placeholders(options.stage, runbook=runbook, topic=options.topic, containers=str(options.containers))
    try:
        text = as_text(template(placeholders, folder))
    except FileError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    size = len(text.encode())
    how = "only from S3 (aws cloudformation deploy --s3-bucket …)" if size > MOST_INLINE_BYTES else "directly"
    print(f"the template has {size:,} bytes (limit: {MOST_BYTES:,}); CloudFormation accepts it {how}", file=sys.stderr)
    return 0

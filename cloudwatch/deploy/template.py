"""`python -m cloudwatch template`: print the files as a CloudFormation template, for teams that deploy stacks.

Account, region and partition are CloudFormation's pseudo parameters, so one template works in any account. The
template contains the stage and the URL of the runbook as plain text, and also the topic if it is given as an option.
What belongs to the web tier is part of the tier's own stack (infra/web_stack.py), which knows its load balancer.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cloudwatch.deploy.arguments import add_common
from cloudwatch.deploy.deployment import TAG
from cloudwatch.deploy.resources import Resource, children, desired
from cloudwatch.deploy.runbook_url import runbook_url
from cloudwatch.errors import FileError
from cloudwatch.files import Placeholders, map_strings, read_files
from cloudwatch.limits import ACCOUNT
from cloudwatch.lint.folder import lint
from cloudwatch.project import DASHBOARDS, ROOT, RUNBOOK

TYPES = {
    "alarm": "AWS::CloudWatch::Alarm",
    "composite": "AWS::CloudWatch::CompositeAlarm",
    "dashboard": "AWS::CloudWatch::Dashboard",
    "query": "AWS::Logs::QueryDefinition",
}
MOST_BYTES = 1_000_000
"""Maximum size of a template in S3 (CloudFormation quotas)."""
MOST_INLINE_BYTES = 51_200
"""Maximum size of a template in a request."""

_MARK = "\ue000"
_MARKED = re.compile(f"{_MARK}([\\w:.]+){_MARK}")
"""Matches a reference while the files are read, such as that to a pseudo parameter. JSON keeps the marks."""


def template(
    stage: str,
    runbook: str = RUNBOOK,
    topic: str = "",
    folder: Path = DASHBOARDS,
    containers: str = ACCOUNT,
    *,
    balancer: str = "",
    targets: str = "",
) -> dict[str, Any]:
    """Return the template of one stage. Raises `FileError`, for instance for a stage without limits.

    If `topic` is empty, alarms notify the topic `faunalens-STAGE-alarms`. `containers` is the account's limit of Lambda
    containers, which applies to a stage without reserved concurrency. `balancer` and `targets` are references to the
    names of the web tier's load balancer and its target group; the template then has what belongs to the tier, and
    otherwise all else.
    """
    marks = Placeholders(
        stage,
        region=_marked("AWS::Region"),
        account=_marked("AWS::AccountId"),
        runbook=runbook,
        topic=topic,
        partition=_marked("AWS::Partition"),
        containers=containers,
        balancer=_marked(balancer),
        targets=_marked(targets),
    )
    resources = desired(read_files(marks, folder, tier=bool(balancer)))
    known = {each.name: _logical_id(each) for each in resources if each.kind in ("alarm", "composite")}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Faunalens {stage}: dashboards, alarms and saved queries",
        "Resources": {_logical_id(each): _resource(each, stage, known) for each in resources},
    }


def _resource(resource: Resource, stage: str, known: Mapping[str, str]) -> dict[str, Any]:
    properties: dict[str, Any] = {key[0].upper() + key[1:]: value for key, value in resource.parameters().items()}
    if resource.kind != "query":
        properties["Tags"] = [{"Key": TAG, "Value": stage}]
    made: dict[str, Any] = {
        "Type": TYPES[resource.kind],
        "Properties": map_strings(properties, _with_references),
    }
    if needs := sorted(known[name] for name in children(resource) if name in known):
        made["DependsOn"] = needs
    return made


def _logical_id(resource: Resource) -> str:
    """Return a logical id, which consists of letters and digits: `AlarmBurnFastShort` for alarm burn-fast-short."""
    *_, name = resource.name.split("-", 2) if resource.kind != "query" else resource.name.split("/")
    return "".join(word.capitalize() for word in [resource.kind, *re.split(r"[^A-Za-z0-9]+", name)])


def _marked(reference: str) -> str:
    return f"{_MARK}{reference}{_MARK}"


def _with_references(text: str) -> Any:
    """Replace the marks in a string with references. Escape the `${` of CloudWatch's dynamic labels."""
    if not _MARKED.search(text):
        return text
    return {"Fn::Sub": _MARKED.sub(r"${\1}", text.replace("${", "${!"))}


def main(arguments: Sequence[str]) -> int:
    """Print the template or write it to a file. Return 0, or 1 after an error message on standard error."""
    options = _parser().parse_args(arguments)
    folder = options.folder.resolve()
    if findings := lint(folder).findings:
        print(*findings, sep="\n", file=sys.stderr)
        return _failed("no template was written; fix the findings above first")
    try:
        runbook = options.runbook or runbook_url(ROOT)
        made = template(options.stage, runbook, options.topic, folder, options.containers)
    except FileError as error:
        return _failed(str(error))
    text = json.dumps(made, ensure_ascii=False, indent=1) + "\n"
    size = len(text.encode())
    if size > MOST_BYTES:
        return _failed(
            f"the template has {size:,} bytes, but CloudFormation allows only {MOST_BYTES:,}; use deploy instead"
        )
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    how = "only from S3 (aws cloudformation deploy --s3-bucket …)" if size > MOST_INLINE_BYTES else "directly"
    print(f"the template has {size:,} bytes (limit: {MOST_BYTES:,}); CloudFormation accepts it {how}", file=sys.stderr)
    return 0


def _failed(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cloudwatch template",
        description="Print dashboards, alarms, composites and saved queries as a CloudFormation template. "
        "CloudFormation fills in the account, region and partition of the stack.",
        epilog="Use either template or deploy for a stage: a stack cannot take over resources that exist already.",
    )
    add_common(parser)
    parser.add_argument("--out", type=Path, help="file to write instead of standard output")
    return parser

"""`python -m cloudwatch template`: the same files as a CloudFormation template, for who deploys by stacks.

Account, region and partition are CloudFormation's own pseudo parameters, so that one template serves any account; the
stage is put in, as are a topic and a runbook's URL if they are given.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cloudwatch.deploy import origin
from cloudwatch.deploy.account import TAG
from cloudwatch.deploy.arguments import add_common
from cloudwatch.deploy.resources import Resource, children, desired
from cloudwatch.errors import FileError
from cloudwatch.files import Placeholders, read_files
from cloudwatch.limits import ACCOUNT
from cloudwatch.lint.folder import lint
from cloudwatch.project import DASHBOARDS, ROOT

TYPES = {
    "alarm": "AWS::CloudWatch::Alarm",
    "composite": "AWS::CloudWatch::CompositeAlarm",
    "dashboard": "AWS::CloudWatch::Dashboard",
    "query": "AWS::Logs::QueryDefinition",
}
MOST_BYTES = 1_000_000
"""Of a template that CloudFormation reads from S3; 51,200 of one that is sent to it (CloudFormation quotas)."""
MOST_SENT = 51_200

_PSEUDO = re.compile("\ue000(Region|AccountId|Partition)\ue000")
"""Where a pseudo parameter belongs, while the files are read: characters that nobody writes and JSON leaves alone."""


def template(
    stage: str,
    runbook: str = origin.PLAIN,
    topic: str = "",
    folder: Path = DASHBOARDS,
    containers: str = ACCOUNT,
) -> dict[str, Any]:
    """The template for one stage. Raises `FileError`, `FileError`, or `FileError` for a stage without limits.

    A topic that is not given is the stage's own, `faunalens-STAGE-alarms`. `containers`: how many the account lets
    run, for a stage that reserves none.
    """
    marks = Placeholders(
        stage,
        region="\ue000Region\ue000",
        account="\ue000AccountId\ue000",
        runbook=runbook,
        topic=topic,
        partition="\ue000Partition\ue000",
        containers=containers,
    )
    resources = desired(read_files(marks, folder))
    known = {each.name: _logical(each) for each in resources if each.kind in ("alarm", "composite")}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Faunalens {stage}: dashboards, alarms and saved queries",
        "Resources": {_logical(each): _resource(each, stage, known) for each in resources},
    }


def _resource(resource: Resource, stage: str, known: Mapping[str, str]) -> dict[str, Any]:
    content = dict(resource.content)
    tags = [{"Key": TAG, "Value": stage}]
    if resource.kind == "dashboard":
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        properties: dict[str, Any] = {"DashboardName": resource.name, "DashboardBody": body, "Tags": tags}
    elif resource.kind == "query":
        properties = {
            "Name": resource.name,
            "QueryString": content["queryString"],
            "LogGroupNames": content["logGroupNames"],
        }
    else:
        properties = {"AlarmName": resource.name, **content, "Tags": tags}
    made: dict[str, Any] = {"Type": TYPES[resource.kind], "Properties": _substituted(properties)}
    if needs := sorted(known[name] for name in children(resource) if name in known):
        made["DependsOn"] = needs
    return made


def _logical(resource: Resource) -> str:
    """A logical id, which has letters and digits only: `AlarmBurnFastShort` for alarm burn-fast-short."""
    *_, name = resource.name.split("-", 2) if resource.kind != "query" else resource.name.split("/")
    return "".join(word.capitalize() for word in [resource.kind, *re.split(r"[^A-Za-z0-9]+", name)])


def _substituted(value: Any) -> Any:
    """The value with marks as pseudo parameters; `${` that CloudWatch is meant to see is escaped where that matters."""
    if isinstance(value, str):
        if not _PSEUDO.search(value):
            return value
        return {"Fn::Sub": _PSEUDO.sub(r"${AWS::\1}", value.replace("${", "${!"))}
    if isinstance(value, list):
        return [_substituted(each) for each in value]
    if isinstance(value, dict):
        return {key: _substituted(each) for key, each in value.items()}
    return value


def main(arguments: Sequence[str]) -> int:
    """Print the template. Returns 0, or 1 after a sentence on standard error."""
    options = _parser().parse_args(arguments)
    folder = options.folder.resolve()
    if findings := lint(folder).findings:
        print(*findings, sep="\n", file=sys.stderr)
        print("error: no template was made: mend what lint found first", file=sys.stderr)
        return 1
    runbook = options.runbook or origin.runbook_url(ROOT)
    try:
        made = template(options.stage, runbook, options.topic, folder, options.containers)
    except FileError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    text = json.dumps(made, ensure_ascii=False, indent=1) + "\n"
    size = len(text.encode())
    if size > MOST_BYTES:
        print(
            f"error: the template has {size:,} bytes, CloudFormation takes {MOST_BYTES:,}; use deploy", file=sys.stderr
        )
        return 1
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    way = "from S3 only (aws cloudformation deploy --s3-bucket …)" if size > MOST_SENT else "as it is"
    print(f"{size:,} of {MOST_BYTES:,} bytes; CloudFormation takes it {way}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cloudwatch template",
        description="Print dashboards, alarms, composites and saved queries as a CloudFormation template. Account, "
        "region and partition are those of the stack.",
        epilog="Use this or deploy for a stage, not both: a stack does not take over what is there by its names.",
    )
    add_common(parser)
    parser.add_argument("--out", type=Path, help="file to write instead of standard output")
    return parser

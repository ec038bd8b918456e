"""One template for a whole stage, for pipelines that may not call `chalice deploy`: docs/how-to/pipeline.md.

`chalice package --merge-template` puts into Chalice's own template (functions, roles, schedule, API) what `extras`
makes of faunalens.yaml, edge.yaml and the dashboards, with the functions wired to it by reference. What a function is
told of its surroundings comes from infra/environment.py as with `infra up`, which has outputs in place of references.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from cloudwatch.deploy import template as dashboards
from cloudwatch.deploy.origin import PLAIN
from cloudwatch.limits import LimitError
from infra.environment import surroundings
from infra.package import Package, build
from infra.parameters import EDGE, STACK, declared_parameters, parameters_of, read_template
from infra.step import PreconditionFailed, Say
from infra.throttling import limits_of
from infra.wiring import joined, refers_to, substitute_refs, text_of, value_of

HERE = Path(__file__).parent
CONFIGURATION = HERE.parent / ".chalice" / "config.json"

MOST_SENT, MOST_BYTES = 51_200, 1_000_000
"""Bytes of a template that CloudFormation takes in a request, and from S3 (its quotas)."""
MOST = {"Parameters": 200, "Resources": 500, "Outputs": 200}

_TOPICS = "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:"

COMMANDS = """\
What a pipeline does with it (docs/how-to/pipeline.md):

  aws cloudformation package --template-file {out}/sam.json --s3-bucket BUCKET --s3-prefix faunalens-{stage} \\
      --use-json --output-template-file {out}/app.json
  aws cloudformation deploy --template-file {out}/app.json --stack-name faunalens-{stage} --s3-bucket BUCKET \\
      --s3-prefix faunalens-{stage} --capabilities CAPABILITY_IAM --no-fail-on-empty-changeset \\
      --parameter-overrides file://{out}/parameters.json --tags project=faunalens stage={stage}
  python -m infra up --stage {stage} --yes --from database --skip dashboards"""


@dataclass(frozen=True, slots=True)
class Whole:
    """A stage in files. `parameters`: what a stack of `package.template` is to be made with, as a file."""

    package: Package
    parameters: Path


def write(stage: str, out: Path, chosen: Mapping[str, str], say: Say, *, runbook: str = PLAIN) -> Whole:
    """Make template, zips and parameters in the folder `out`. Raises `PreconditionFailed`.

    `chosen`: parameters in place of those in stages/STAGE.json. `runbook`: where alarms say that help is.
    """
    parameters = parameters_of(stage, chosen)
    out.mkdir(parents=True, exist_ok=True)
    added = out / "extras.json"
    _dump(extras(stage, parameters, runbook), added)
    try:
        package = build(out, stage, merge=added)
    except CalledProcessError as error:
        raise PreconditionFailed(
            f"chalice package ended with code {error.returncode}; what it said stands above"
        ) from error
    added.unlink()
    written = out / "parameters.json"
    _dump({"Parameters": parameters, "Tags": {"project": "faunalens", "stage": stage}}, written)
    check(package.template, say)
    return Whole(package, written)


def extras(stage: str, parameters: Mapping[str, str], runbook: str = PLAIN) -> dict[str, Any]:
    """What is merged into Chalice's template. `parameters`: of `parameters_of`; they become defaults.

    Raises `PreconditionFailed` if stages/limits.json or .chalice/config.json does not have the stage.
    """
    stack, edge = read_template(STACK), read_template(EDGE)
    declared = {name: dict(each) for name, each in declared_parameters().items()}
    for name, value in parameters.items():
        declared[name]["Default"] = json.loads(value) if declared[name]["Type"] == "Number" else value
    declared["Stage"]["AllowedValues"] = [stage]  # functions, policies and alarms in here have its name already
    return {
        "Description": f"Faunalens {stage}: all of it",
        "Metadata": stack["Metadata"],
        "Parameters": declared,
        "Conditions": joined(stack["Conditions"], edge["Conditions"]),
        "Resources": joined(
            stack["Resources"],
            {name: _before(each, stage) for name, each in edge["Resources"].items()},
            _functions(stage, stack["Outputs"]),
            {"RestAPI": {"Properties": _api(stage)}, "ManagedLayer": {"Properties": {"RetentionPolicy": "Delete"}}},
            _to_topic(_watching(stage, runbook), stage),
        ),
        "Outputs": joined(stack["Outputs"], edge["Outputs"]),
    }


def check(path: Path, say: Say) -> None:
    """Tell how large a template is. Raises `PreconditionFailed` if AWS would not take it, or a function is left out of it."""
    template, size = json.loads(path.read_text(encoding="utf-8")), path.stat().st_size
    for name, each in template["Resources"].items():
        if each["Type"] == "AWS::Serverless::Function" and "VpcConfig" not in each["Properties"]:
            raise PreconditionFailed(
                f"function {name} of app.py is not in .chalice/config.json among the stage's lambda_functions"
            )
    counted = {kind: len(template[kind]) for kind in MOST}
    if size > MOST_BYTES or any(counted[kind] > most for kind, most in MOST.items()):
        raise PreconditionFailed(
            f"{path.name} has {size:,} bytes, {counted}; CloudFormation takes {MOST_BYTES:,} bytes, {MOST}"
        )
    say(f"{path}: {size:,} bytes of {MOST_BYTES:,} that CloudFormation reads from S3 (sent to it: {MOST_SENT:,})")
    say(", ".join(f"{counted[kind]} of {most} {kind.lower()}" for kind, most in MOST.items()))


def _functions(stage: str, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Each function of Chalice's template: its name, which CloudFormation would make up, network and environment."""
    from chalice.utils import to_cfn_resource_name

    stages = json.loads(CONFIGURATION.read_text(encoding="utf-8"))["stages"]
    if stage not in stages:
        raise PreconditionFailed(f"{CONFIGURATION.name} has no stage {stage}, only {', '.join(stages)}; add it there")
    found = surroundings({name: text_of(each["Value"]) for name, each in outputs.items()}, "${AWS::Region}")
    made = {}
    for key in stages[stage]["lambda_functions"]:
        api = key == "api_handler"
        own = found.admin_environment if key == "admin" else {}
        properties = {
            "FunctionName": f"faunalens-{stage}" if api else f"faunalens-{stage}-{key}",
            "VpcConfig": {
                "SubnetIds": [value_of(each) for each in found.subnet_ids],
                "SecurityGroupIds": [value_of(each) for each in found.security_group_ids],
            },
            "Environment": {"Variables": {name: value_of(text) for name, text in {**found.environment, **own}.items()}},
        }
        made["APIHandler" if api else to_cfn_resource_name(key)] = {"Properties": properties}
    return made


def _watching(stage: str, runbook: str) -> Any:
    """Dashboards, alarms and saved queries, which compare with the limits in stages/STAGE.json."""
    try:
        return dashboards.template(stage, runbook)["Resources"]
    except LimitError as error:
        raise PreconditionFailed(str(error)) from error


def _api(stage: str) -> dict[str, Any]:
    """Settings of the API: the name that dashboards know it by, throttling, and no stage but ours.

    Without a version, SAM makes a second stage called `Stage`, which would neither be throttled nor have a firewall.
    """
    try:
        limits = limits_of(stage)
    except KeyError as error:
        raise PreconditionFailed(str(error.args[0])) from error
    throttled = {"ThrottlingRateLimit": limits.rate, "ThrottlingBurstLimit": limits.burst}
    settings = [{"HttpMethod": "*", "ResourcePath": "/*", **throttled}]
    return {"Name": "faunalens", "OpenApiVersion": "2.0", "MethodSettings": settings}


def _before(resource: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """A resource of edge.yaml, before the API of this template, whose stage has to be there first."""
    if not refers_to(resource, "RestApiId"):
        return dict(resource)
    return {**substitute_refs(resource, {"RestApiId": "RestAPI"}), "DependsOn": f"RestAPI{stage}Stage"}


def _to_topic(value: Any, stage: str) -> Any:
    """The value with the alarms' topic as a reference in place of its ARN."""
    if value == {
        "Fn::Sub": f"arn:${{AWS::Partition}}:sns:${{AWS::Region}}:${{AWS::AccountId}}:faunalens-{stage}-alarms"
    }:
        return {"Ref": "AlarmTopic"}
    if isinstance(value, dict):
        return {key: _to_topic(each, stage) for key, each in value.items()}
    return [_to_topic(each, stage) for each in value] if isinstance(value, list) else value


def _dump(document: Mapping[str, Any], path: Path) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

"""Write a whole stage as one CloudFormation template, for `infra up` and for pipelines.

Chalice's template contains functions, roles, schedule and API. `chalice package --merge-template` adds the resources of
faunalens.yaml, edge.yaml and stream.yaml, the dashboards, and the functions' configuration. docs/how-to/pipeline.md is
the guide for pipelines.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from chalicelib.api.http import KEY_HEADER
from chalicelib.routes import ROUTES
from dashboards.figures import FileError
from dashboards.files import Placeholders
from dashboards.project import RUNBOOK
from dashboards.template import resources_of
from infra import api_stage, preconditions
from infra.functions import ASYNC_LIMITS, function_name, function_settings
from infra.package import build
from infra.release import ALIAS, live
from infra.step import Echo, PreconditionFailed
from infra.template import (
    EDGE,
    FUNCTIONS,
    RELEASE,
    STACK,
    STREAM,
    as_text,
    declared_parameters,
    merge_unique,
    only,
    parameters_of,
    read_template,
)
from infra.template.web import web_template


def write(stage: str, out: Path, chosen: Mapping[str, str], echo: Echo, *, runbook: str = RUNBOOK) -> Path:
    """Write template, zips and parameters to the folder `out`. Return the template's path. Raise `PreconditionFailed`.

    If there is an image of the web tier, also write the template and the parameters of its stack.
    """
    parameters = parameters_of(stage, chosen)
    out.mkdir(parents=True, exist_ok=True)
    merged, document = out / "merge.json", merge_template(stage, parameters, runbook)
    _dump(document, merged)
    try:
        package = build(out, stage, merge=merged)
    except CalledProcessError as error:
        raise PreconditionFailed(f"chalice package exited with code {error.returncode}; see its output") from error
    merged.unlink()
    given = {name: str(each["Default"]) for name, each in document["Parameters"].items() if "Default" in each}
    tags = {"project": "faunalens", "stage": stage}
    _dump({"Parameters": given, "Tags": tags}, out / "parameters.json")
    if parameters["WebImage"]:
        web = web_template(stage, runbook, int(parameters["WebMostTasks"]))
        (out / "web.json").write_text(as_text(web), encoding="utf-8")
        _dump({"Parameters": only(web["Parameters"], parameters), "Tags": tags}, out / "web-parameters.json")
    echo(f"{package.template}: {package.template.stat().st_size:,} bytes")
    if missing := preconditions.missing_for_production(parameters):
        echo(f"warning: stage {stage} is for production, but has no {' and no '.join(missing)} (docs/how-to/deploy.md)")
    return package.template


def merge_template(stage: str, parameters: Mapping[str, str], runbook: str = RUNBOOK) -> dict[str, Any]:
    """Return the template that Chalice merges into its own. `parameters`: values that become its defaults."""
    stack, edge, stream = map(read_template, (STACK, EDGE, STREAM))
    declared = declared_parameters()
    for name, value in only(declared, parameters).items():
        declared[name]["Default"] = json.loads(value) if declared[name]["Type"] == "Number" else value
    declared["Stage"]["AllowedValues"] = [stage]  # functions, policies and alarms in the template contain its name
    declared["ApiKeys"]["AllowedValues"] = [parameters["ApiKeys"]]  # the API's definition depends on it
    for each in edge["Resources"].values():
        if "DependsOn" in each:  # the API's stage, by the name that SAM gives it
            each["DependsOn"] = f"RestAPI{stage}Stage"
    return {
        "Description": f"Faunalens {stage}: the whole stage",
        "Metadata": stack["Metadata"],
        "Parameters": declared,
        "Conditions": {
            **read_template(RELEASE)["Conditions"],
            **merge_unique(stack["Conditions"], edge["Conditions"], stream["Conditions"]),
        },
        "Resources": merge_unique(
            stack["Resources"],
            edge["Resources"],
            stream["Resources"],
            _functions(stage, parameters),
            live.gate(),
            {
                "RestAPI": {"Properties": _api(stage, keys=parameters["ApiKeys"] == "required")},
                "APIHandlerInvokePermission": {"Properties": {"FunctionName": {"Ref": f"APIHandlerAlias{ALIAS}"}}},
                "ManagedLayer": {"Properties": {"RetentionPolicy": "Delete", "PublishLambdaVersion": True}},
            },
            _dashboards(stage, runbook),
        ),
        "Outputs": merge_unique(stack["Outputs"], edge["Outputs"]),
    }


def _functions(stage: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return name, network, environment and limits of asynchronous calls of each function, and its role's boundary."""
    keys, common = function_settings(stage), read_template(FUNCTIONS)
    limits = api_stage.limit_variables(stage, parameters)
    boundary = _if("HasPermissionsBoundary", {"Ref": "PermissionsBoundary"})
    functions: dict[str, Any] = {}
    for key in keys:
        functions[_resource_name(f"{key}_role")] = {"Properties": {"PermissionsBoundary": boundary}}
        own = common["Admin"] if key == "admin" else {}
        properties: dict[str, Any] = {
            "FunctionName": function_name(stage, key),  # CloudFormation would generate one
            "VpcConfig": common["VpcConfig"],
            "Tracing": "Active",  # not of the API, whose traces would have addresses and coordinates of clients
            "Environment": {"Variables": {**common["Environment"], **limits, **own}},
        }
        if key in ASYNC_LIMITS:
            properties["EventInvokeConfig"] = dict(ASYNC_LIMITS[key])
        is_api = key == "api_handler"
        functions["APIHandler" if is_api else _resource_name(key)] = live.published(properties, is_api=is_api)
    return functions


def _resource_name(name: str) -> str:
    """Return the name that a resource has in Chalice's template, by its name in app.py."""
    from chalice.utils import to_cfn_resource_name

    return str(to_cfn_resource_name(name))


def _if(condition: str, value: Any) -> dict[str, Any]:
    """Return a property's value that holds only under a condition of the template; else the property is left out."""
    return {"Fn::If": [condition, value, {"Ref": "AWS::NoValue"}]}


def _dashboards(stage: str, runbook: str) -> dict[str, Any]:
    try:
        return resources_of(Placeholders(stage, runbook=runbook, topic="AlarmTopic"))
    except FileError as error:  # stages/STAGE.json lacks a limit that an alarm compares with
        raise PreconditionFailed(str(error)) from error


def _api(stage: str, *, keys: bool) -> dict[str, Any]:
    """Return the API's properties: the alias that it calls, name, throttling, keys, access log, and OpenAPI version."""
    paths: dict[str, Any] = {}
    for route in ROUTES:
        for method in route.methods:
            operation = paths.setdefault(route.path, {}).setdefault(method.lower(), {})
            operation["x-amazon-apigateway-integration"] = {"uri": {"Fn::Sub": live.INVOCATIONS}}
            if keys and route.keyed:
                operation["security"] = [{"api_key": []}]
    demanded = {"securityDefinitions": {"api_key": {"type": "apiKey", "name": KEY_HEADER, "in": "header"}}}
    arn = read_template(STACK)["Outputs"]["AccessLogArn"]["Value"]
    line = json.dumps(read_template(FUNCTIONS)["AccessLog"], allow_nan=False)
    return {
        "Name": "faunalens",
        "OpenApiVersion": "2.0",  # without it, SAM adds a second stage, which has no throttling and no firewall
        "MethodSettings": api_stage.method_settings(stage),
        "AccessLogSetting": _if("HasAccessLog", {"DestinationArn": arn, "Format": line}),
        "DefinitionBody": (demanded if keys else {}) | {"paths": paths},
    }


def _dump(document: Mapping[str, Any], path: Path) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")

"""Chalice's project: its configuration `.chalice/config.json`, its commands, and its record of a deployment.

Chalice writes the record, `.chalice/deployed/STAGE.json`, at the end of a command and trusts it in the next command. If
a deployment was killed, or ran in another checkout, the record lacks resources: `chalice deploy` would create a second
API, and `chalice delete` would delete nothing. If a deletion was killed, the record lists deleted resources: Chalice
would fail at the first missing role. So `infra` first rebuilds the record: it derives the names of the resources from
the stage, and looks for them in the account.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chalicelib.config.settings import ROOT
from infra import step
from infra.api_stage import VARIABLES
from infra.functions import APP, FUNCTIONS, REQUIRED_OUTPUTS, FunctionConfig, function_config, function_name
from infra.step import Echo, PreconditionFailed


def chalice_command(project: Path, *arguments: str) -> list[str]:
    """Return the command line that runs Chalice with this Python, whose version becomes Lambda's runtime."""
    code = "import sys; from chalice.cli import main; sys.exit(main())"
    return [sys.executable, "-c", code, "--project-dir", str(project), *arguments]


def run_chalice(command: str, stage: str, region: str, echo: Echo, project: Path = ROOT) -> None:
    """Run `chalice COMMAND --stage STAGE` and print its output. If it fails, raise `PreconditionFailed`."""
    arguments = chalice_command(project, command, "--stage", stage)
    environment = {"AWS_DEFAULT_REGION": region}  # Chalice has no option for the region
    step.run_program(f"chalice {command}", arguments, echo, environment)


CONFIG = ROOT / ".chalice" / "config.json"

STACK_VARIABLES = (*function_config({name: name for name in REQUIRED_OUTPUTS}, "").environment, *VARIABLES)
"""Environment variables that `write_config` writes and `remove_config` removes."""


def write_config(stage: str, config: FunctionConfig, path: Path = CONFIG) -> bool:
    """Write a stage's network and environment variables to the file. Return True if the file changed."""
    document = _read(stage, path)
    chosen = document["stages"][stage]
    chosen["subnet_ids"] = list(config.subnet_ids)
    chosen["security_group_ids"] = list(config.security_group_ids)
    chosen.setdefault("environment_variables", {}).update(config.environment)
    admin = chosen.setdefault("lambda_functions", {}).setdefault("admin", {})
    admin.setdefault("environment_variables", {}).update(config.admin_environment)
    return _write(document, path)


def remove_config(stage: str, path: Path = CONFIG) -> bool:
    """Remove the settings that `write_config` writes. Return True if the file changed."""
    document = _read(stage, path)
    chosen = document["stages"][stage]
    chosen.pop("subnet_ids", None)
    chosen.pop("security_group_ids", None)
    for function in (chosen, chosen.get("lambda_functions", {}).get("admin", {})):
        variables = function.get("environment_variables", {})
        for name in STACK_VARIABLES:
            variables.pop(name, None)
        if not variables:
            function.pop("environment_variables", None)
    return _write(document, path)


def stages(path: Path = CONFIG) -> list[str]:
    """Return the stages that can be deployed, which are the stages with functions. `local` has none."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return [name for name, stage in document["stages"].items() if "lambda_functions" in stage]


def function_settings(stage: str, path: Path = CONFIG) -> dict[str, dict[str, Any]]:
    """Return the settings of a stage's functions, keyed by the function's name in app.py."""
    settings: dict[str, dict[str, Any]] = _read(stage, path)["stages"][stage].get("lambda_functions", {})
    return settings


def reservations(stage: str, path: Path = CONFIG) -> dict[str, int]:
    """Return the reserved concurrency of each function that has one, keyed by the function's name on AWS."""
    reserved = {key: each.get("reserved_concurrency") for key, each in function_settings(stage, path).items()}
    return {function_name(stage, key): count for key, count in reserved.items() if count is not None}


def _read(stage: str, path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if stage not in document["stages"]:
        known = ", ".join(document["stages"])
        raise PreconditionFailed(f"{path.name} has no stage {stage}, only {known}; add the stage and its policy files")
    return document


def _write(document: dict[str, Any], path: Path) -> bool:
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if path.read_text(encoding="utf-8") == text:
        return False
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
    return True


Resource = dict[str, Any]


def read_resources(stage: str, project: Path = ROOT) -> dict[str, Resource]:
    """Return the resources in the record, by name. Raise `PreconditionFailed` if the record has no API."""
    resources = {each["name"]: each for each in _read_record(stage, project)}
    if "rest_api" not in resources:
        raise PreconditionFailed(f"stage {stage} is not deployed; run: python -m infra up --stage {stage}")
    return resources


def refresh(session: Any, stage: str, region: str, project: Path = ROOT) -> list[Resource]:
    """Replace the record with the stage's resources in the account, and return them. `session`: a boto3 session."""
    resources = discover(session, stage, region)
    resources = [*_orphaned_roles(session, region, _read_record(stage, project), resources), *resources]
    path = _record_path(stage, project)
    path.parent.mkdir(exist_ok=True)
    document = {"resources": resources, "schema_version": "2.0", "backend": "api"}
    path.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return resources


def discover(session: Any, stage: str, region: str) -> list[Resource]:
    """Return the stage's resources in the account, in the form and order of Chalice's record."""
    lambdas, events = (session.client(each, region_name=region) for each in ("lambda", "events"))
    layers, resources = set[str](), list[Resource]()
    for key in FUNCTIONS:
        missing = lambdas.exceptions.ResourceNotFoundException
        function = _get(lambdas.get_function_configuration, missing, FunctionName=function_name(stage, key))
        if not function:
            continue
        layers |= {each["Arn"] for each in function.get("Layers", [])}
        role = {"role_arn": function["Role"], "role_name": function["Role"].rpartition("/")[2]}
        resources.append({"name": f"{key}_role", "resource_type": "iam_role", **role})
        resources.append({"name": key, "resource_type": "lambda_function", "lambda_arn": function["FunctionArn"]})
        rule = f"{APP}-{stage}-warm-event"
        if key == "warm" and _get(events.describe_rule, events.exceptions.ResourceNotFoundException, Name=rule):
            resources.append({"name": "warm-event", "resource_type": "cloudwatch_event", "rule_name": rule})
    # Chalice updates the first resource of each kind and deletes the others, which killed commands left.
    for number, arn in enumerate(sorted(layers)):
        name = f"managed-layer_{number}".removesuffix("_0")
        resources.insert(number, {"name": name, "resource_type": "lambda_layer", "layer_version_arn": arn})
    for number, api in enumerate(_apis(session, stage, region)):
        url = f"https://{api}.execute-api.{region}.amazonaws.com/{stage}/"
        name = f"rest_api_{number}".removesuffix("_0")
        resources.append({"name": name, "resource_type": "rest_api", "rest_api_id": api, "rest_api_url": url})
    return resources


def _orphaned_roles(session: Any, region: str, before: list[Resource], now: list[Resource]) -> list[Resource]:
    """Return the recorded roles that still exist although their functions do not, after a deletion that was killed.

    Return no roles if the record is of another region. Roles are global, so that region's stage may still need them.
    """
    if not any(each.get("lambda_arn", "").split(":")[3:4] == [region] for each in before):
        return []
    iam, names = session.client("iam"), {each["name"] for each in now}
    roles = [each for each in before if each["resource_type"] == "iam_role" and each["name"] not in names]
    missing = iam.exceptions.NoSuchEntityException
    return [each for each in roles if _get(iam.get_role, missing, RoleName=each["role_name"])]


def _get(call: Callable[..., Any], missing: type[Exception], **arguments: str) -> Any:
    """Return the result of an AWS call, or None if the resource does not exist."""
    try:
        return call(**arguments)
    except missing:
        return None


def _apis(session: Any, stage: str, region: str) -> list[str]:
    """Return the ids of the app's APIs that have this stage, oldest first. Clients use the oldest API."""
    gateway = session.client("apigateway", region_name=region)
    pages = gateway.get_paginator("get_rest_apis").paginate()
    ours = [api for page in pages for api in page["items"] if api["name"] == APP]
    ids = [api["id"] for api in sorted(ours, key=lambda api: api["createdDate"])]
    stages = {each: gateway.get_stages(restApiId=each)["item"] for each in ids}
    return [each for each in ids if any(found["stageName"] == stage for found in stages[each])]


def _read_record(stage: str, project: Path) -> list[Resource]:
    path = _record_path(stage, project)
    if not path.is_file():
        return []
    resources: list[Resource] = json.loads(path.read_text(encoding="utf-8"))["resources"]
    return resources


def _record_path(stage: str, project: Path) -> Path:
    return project / ".chalice" / "deployed" / f"{stage}.json"

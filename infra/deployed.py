"""Read Chalice's record of a deployment, `.chalice/deployed/STAGE.json`, and rebuild it from the AWS account.

Chalice writes the record at the end of a command and trusts it in the next command. If a deployment was killed, or ran
in another checkout, the record lacks resources: `chalice deploy` would create a second API, and `chalice delete` would
delete nothing. If a deletion was killed, the record lists deleted resources: Chalice would fail at the first missing
role. So `infra` first rebuilds the record: it derives the names of the resources from the stage, and looks for them.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chalicelib.config.settings import ROOT
from infra.step import PreconditionFailed

APP = "faunalens"
FUNCTIONS = (
    "admin",
    "batch",
    "warm",
    "api_handler",
)  # in app.py; `api_handler` is Chalice's name for the API's function

Resource = dict[str, Any]


def function_name(stage: str, key: str) -> str:
    """Return a function's name on AWS. `key`: its name in app.py."""
    return f"{APP}-{stage}" if key == "api_handler" else f"{APP}-{stage}-{key}"


def read_resources(stage: str, project: Path = ROOT) -> dict[str, Resource]:
    """Return the resources in the record, by name. Raise `PreconditionFailed` if the record has no API."""
    resources = {each["name"]: each for each in _read(stage, project)}
    if "rest_api" not in resources:
        raise PreconditionFailed(f"stage {stage} is not deployed; run: python -m infra up --stage {stage}")
    return resources


def refresh(session: Any, stage: str, region: str, project: Path = ROOT) -> list[Resource]:
    """Replace the record with the stage's resources in the account, and return them. `session`: a boto3 session."""
    resources = discover(session, stage, region)
    resources = [*_orphaned_roles(session, region, _read(stage, project), resources), *resources]
    path = _path(stage, project)
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


def _read(stage: str, project: Path) -> list[Resource]:
    path = _path(stage, project)
    if not path.is_file():
        return []
    resources: list[Resource] = json.loads(path.read_text(encoding="utf-8"))["resources"]
    return resources


def _path(stage: str, project: Path) -> Path:
    return project / ".chalice" / "deployed" / f"{stage}.json"

"""Chalice's record of what is deployed, `.chalice/deployed/STAGE.json`: read, and made to agree with the account.

Chalice writes it at the very end of a command and believes it at the next. A deployment that was killed, or made from
another checkout, is not in it: Chalice would make a second API beside the first, and delete nothing. A deletion that
was killed left it as it was: Chalice would stumble over the first role that is gone. So it is made anew from the
account before each command; everything in it has a name that follows from the stage.
"""

import json
from pathlib import Path
from typing import Any

from infra.step import PreconditionFailed

ROOT = Path(__file__).parent.parent
APP = "faunalens"
KEYS = ("admin", "warm", "api_handler")
"""What Chalice calls the functions of app.py."""

Resource = dict[str, Any]


def name_of(stage: str, key: str) -> str:
    """The name of a function in the account."""
    return f"{APP}-{stage}" if key == "api_handler" else f"{APP}-{stage}-{key}"


def deployed(stage: str, project: Path = ROOT) -> dict[str, Resource]:
    """What Chalice noted of the last deployment: each resource by name. Raises `PreconditionFailed` if there is no API."""
    resources = {each["name"]: each for each in _read(stage, project)}
    if "rest_api" not in resources:
        raise PreconditionFailed(
            f"stage {stage} is not deployed, as far as is noted; run: python -m infra up --stage {stage}"
        )
    return resources


def refresh(session: Any, stage: str, region: str, project: Path = ROOT) -> list[Resource]:
    """Note what the account has of a stage in place of what the record says, and return it.

    `session`: of boto3.
    """
    before = _read(stage, project)
    resources = found(session, stage, region)
    resources = [*_roles_left(session, region, before, resources), *resources]
    path = _path(stage, project)
    path.parent.mkdir(exist_ok=True)
    document = {"resources": resources, "schema_version": "2.0", "backend": "api"}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return resources


def found(session: Any, stage: str, region: str) -> list[Resource]:
    """What the account has of a stage, in the form and the order that Chalice notes it in."""
    lambdas = session.client("lambda", region_name=region)
    layers, resources = set[str](), list[Resource]()
    for key in KEYS:
        try:
            function = lambdas.get_function_configuration(FunctionName=name_of(stage, key))
        except lambdas.exceptions.ResourceNotFoundException:
            continue
        layers |= {each["Arn"] for each in function.get("Layers", [])}
        role = {"role_arn": function["Role"], "role_name": function["Role"].rpartition("/")[2]}
        resources.append({"name": f"{key}_role", "resource_type": "iam_role", **role})
        resources.append({"name": key, "resource_type": "lambda_function", "lambda_arn": function["FunctionArn"]})
        if key == "warm" and (rule := _rule(session, stage, region)):
            resources.append({"name": "warm-event", "resource_type": "cloudwatch_event", "rule_name": rule})
    # Chalice keeps the first of each kind up to date and deletes what else is noted: what killed commands have left.
    for number, arn in enumerate(sorted(layers)):
        name = _numbered("managed-layer", number)
        resources.insert(number, {"name": name, "resource_type": "lambda_layer", "layer_version_arn": arn})
    for number, api in enumerate(_apis(session, stage, region)):
        url = f"https://{api}.execute-api.{region}.amazonaws.com/{stage}/"
        name = _numbered("rest_api", number)
        resources.append({"name": name, "resource_type": "rest_api", "rest_api_id": api, "rest_api_url": url})
    return resources


def _roles_left(session: Any, region: str, before: list[Resource], now: list[Resource]) -> list[Resource]:
    """Noted roles that are there though their functions are gone: a deletion was killed in between.

    Only what was noted of this region: roles belong to none, and another one may have the same stage.
    """
    if not any(each.get("lambda_arn", "").split(":")[3:4] == [region] for each in before):
        return []
    iam, names = session.client("iam"), {each["name"] for each in now}
    left = []
    for each in before:
        if each["resource_type"] == "iam_role" and each["name"] not in names:
            try:
                iam.get_role(RoleName=each["role_name"])
            except iam.exceptions.NoSuchEntityException:
                continue
            left.append(each)
    return left


def _rule(session: Any, stage: str, region: str) -> str:
    events, name = session.client("events", region_name=region), f"{APP}-{stage}-warm-event"
    try:
        events.describe_rule(Name=name)
    except events.exceptions.ResourceNotFoundException:
        return ""
    return name


def _apis(session: Any, stage: str, region: str) -> list[str]:
    """Ids of the APIs that have our name and this stage, the oldest first: that is the one that people know."""
    gateway = session.client("apigateway", region_name=region)
    pages = gateway.get_paginator("get_rest_apis").paginate()
    ours = sorted(
        (api for page in pages for api in page["items"] if api["name"] == APP), key=lambda a: a["createdDate"]
    )
    stages = {api["id"]: gateway.get_stages(restApiId=api["id"])["item"] for api in ours}
    return [api["id"] for api in ours if any(each["stageName"] == stage for each in stages[api["id"]])]


def _numbered(name: str, number: int) -> str:
    return f"{name}_{number}" if number else name


def _read(stage: str, project: Path) -> list[Resource]:
    path = _path(stage, project)
    if not path.is_file():
        return []
    resources: list[Resource] = json.loads(path.read_text(encoding="utf-8"))["resources"]
    return resources


def _path(stage: str, project: Path) -> Path:
    return project / ".chalice" / "deployed" / f"{stage}.json"

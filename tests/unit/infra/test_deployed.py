"""Chalice's record, after commands that were killed, in another region, from another checkout.

That it is what Chalice itself notes is held against a deployment in tests/integration/infra/test_chalice.py.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra import deployed
from infra.step import PreconditionFailed
from tests.unit.infra.fake_aws import Client, NoSuchEntityException, ResourceNotFoundException, Session

REGION = "eu-west-1"
ARN = f"arn:aws:lambda:{REGION}:123456789012:function:"


def account(*functions: str, apis: tuple[str, ...] = (), roles: tuple[str, ...] = ()) -> Session:
    """Return a fake session of an account with these functions, APIs (id:stage, the oldest first) and roles."""

    def function(FunctionName: str) -> dict[str, Any]:  # noqa: N803
        if FunctionName not in functions:
            raise ResourceNotFoundException
        return {"FunctionArn": ARN + FunctionName, "Role": f"arn:aws:iam::123456789012:role/{FunctionName}-role"}

    def rule(Name: str) -> dict[str, Any]:  # noqa: N803
        if "faunalens-dev-warm" not in functions:
            raise ResourceNotFoundException
        return {"Name": Name}

    def role(RoleName: str) -> dict[str, Any]:  # noqa: N803
        if RoleName not in roles:
            raise NoSuchEntityException
        return {"Role": {"RoleName": RoleName}}

    def rest_apis() -> dict[str, Any]:
        made = [
            {"id": each.split(":")[0], "name": "faunalens", "createdDate": datetime(2026, 1, 1 + day, tzinfo=UTC)}
            for day, each in enumerate(apis)
        ]
        return {"items": [*reversed(made), {"id": "other", "name": "other"}]}

    def stages(restApiId: str) -> dict[str, Any]:  # noqa: N803
        return {"item": [{"stageName": each.split(":")[1]} for each in apis if each.startswith(f"{restApiId}:")]}

    return Session(
        lambda_=Client(get_function_configuration=function),
        events=Client(describe_rule=rule),
        iam=Client(get_role=role),
        apigateway=Client(get_rest_apis=rest_apis, get_stages=stages),
    )


def names(resources: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in resources]


def test_a_deployment_that_was_killed_is_found(tmp_path: Path) -> None:
    # GIVEN functions and an API that Chalice created but did not record WHEN the record is rebuilt
    (tmp_path / ".chalice").mkdir()
    session = account("faunalens-dev-admin", "faunalens-dev", apis=("a1:dev", "b2:prod"))
    deployed.refresh(session, "dev", REGION, tmp_path)
    # THEN Chalice finds them in it, but not the API of another stage
    found = deployed.read_resources("dev", tmp_path)
    assert list(found) == ["admin_role", "admin", "api_handler_role", "api_handler", "rest_api"]
    assert found["api_handler"]["lambda_arn"] == ARN + "faunalens-dev"
    assert found["rest_api"]["rest_api_url"] == "https://a1.execute-api.eu-west-1.amazonaws.com/dev/"


def test_an_api_that_was_made_twice_is_noted_for_chalice_to_delete() -> None:
    found = deployed.discover(account(apis=("old:dev", "new:dev")), "dev", REGION)
    assert [(each["name"], each["rest_api_id"]) for each in found] == [("rest_api", "old"), ("rest_api_1", "new")]


def test_what_is_gone_is_not_noted_any_more_but_a_role_that_a_killed_deletion_left_is(tmp_path: Path) -> None:
    # GIVEN a record of two functions that are gone, but the role of one still exists
    (tmp_path / ".chalice").mkdir()
    deployed.refresh(account("faunalens-dev-admin", "faunalens-dev-warm"), "dev", REGION, tmp_path)
    half = account(roles=("faunalens-dev-warm-role",))
    # WHEN the record is rebuilt THEN it keeps the role, so that Chalice deletes it
    assert names(deployed.refresh(half, "dev", REGION, tmp_path)) == ["warm_role"]
    # AND it is empty once the role is gone
    assert deployed.refresh(account(), "dev", REGION, tmp_path) == []
    with pytest.raises(PreconditionFailed, match="run: python -m infra up --stage dev"):
        deployed.read_resources("dev", tmp_path)


def test_roles_are_left_to_the_region_that_they_were_noted_in(tmp_path: Path) -> None:
    # GIVEN a stage in one region WHEN the record is rebuilt for another THEN it claims no roles, which are global
    (tmp_path / ".chalice").mkdir()
    deployed.refresh(account("faunalens-dev-admin"), "dev", REGION, tmp_path)
    assert deployed.refresh(account(roles=("faunalens-dev-admin-role",)), "dev", "us-east-1", tmp_path) == []
    assert json.loads((tmp_path / ".chalice" / "deployed" / "dev.json").read_text())["resources"] == []

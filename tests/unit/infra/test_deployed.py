"""Chalice's record, after commands that were killed, in another region, from another checkout.

That it is what Chalice itself notes is held against a deployment in tests/integration/infra/test_chalice.py.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra import deployed as record
from infra.step import PreconditionFailed
from tests.unit.infra.amazon import Client, NoSuchEntityException, ResourceNotFoundException, Session

REGION = "eu-west-1"
ARN = f"arn:aws:lambda:{REGION}:123456789012:function:"


def account(*functions: str, apis: tuple[str, ...] = (), roles: tuple[str, ...] = ()) -> Session:
    """An account that has these functions, APIs (id:stage, the oldest first) and roles."""

    def function(FunctionName: str) -> dict[str, Any]:  # noqa: N803
        if FunctionName not in functions:
            raise ResourceNotFoundException
        return {"FunctionArn": ARN + FunctionName, "Role": f"arn:aws:iam::123456789012:role/{FunctionName}-role"}

    def rule(**_: str) -> None:
        if "faunalens-dev-warm" not in functions:
            raise ResourceNotFoundException

    def role(RoleName: str) -> None:  # noqa: N803
        if RoleName not in roles:
            raise NoSuchEntityException

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
    # GIVEN functions and an API that Chalice made but did not come to note WHEN the record is made anew
    (tmp_path / ".chalice").mkdir()
    session = account("faunalens-dev-admin", "faunalens-dev", apis=("a1:dev", "b2:prod"))
    record.refresh(session, "dev", REGION, tmp_path)
    # THEN Chalice goes on with these, and the API of another stage is not among them
    found = record.deployed("dev", tmp_path)
    assert list(found) == ["admin_role", "admin", "api_handler_role", "api_handler", "rest_api"]
    assert found["api_handler"]["lambda_arn"] == ARN + "faunalens-dev"
    assert found["rest_api"]["rest_api_url"] == "https://a1.execute-api.eu-west-1.amazonaws.com/dev/"


def test_an_api_that_was_made_twice_is_noted_for_chalice_to_delete() -> None:
    found = record.found(account(apis=("old:dev", "new:dev")), "dev", REGION)
    assert [(each["name"], each["rest_api_id"]) for each in found] == [("rest_api", "old"), ("rest_api_1", "new")]


def test_what_is_gone_is_not_noted_any_more_but_a_role_that_a_killed_deletion_left_is(tmp_path: Path) -> None:
    # GIVEN a record of two functions, both gone, and one of their roles
    (tmp_path / ".chalice").mkdir()
    record.refresh(account("faunalens-dev-admin", "faunalens-dev-warm"), "dev", REGION, tmp_path)
    half = account(roles=("faunalens-dev-warm-role",))
    # WHEN it is made anew THEN the role is left to delete, as often as that is tried
    assert names(record.refresh(half, "dev", REGION, tmp_path)) == ["warm_role"]
    # AND nothing is, once it is gone
    assert record.refresh(account(), "dev", REGION, tmp_path) == []
    with pytest.raises(PreconditionFailed, match="run: python -m infra up --stage dev"):
        record.deployed("dev", tmp_path)


def test_roles_are_left_to_the_region_that_they_were_noted_in(tmp_path: Path) -> None:
    # GIVEN a stage in one region WHEN another one is looked at THEN roles, which belong to no region, are not its own
    (tmp_path / ".chalice").mkdir()
    record.refresh(account("faunalens-dev-admin"), "dev", REGION, tmp_path)
    assert record.refresh(account(roles=("faunalens-dev-admin-role",)), "dev", "us-east-1", tmp_path) == []
    assert json.loads((tmp_path / ".chalice" / "deployed" / "dev.json").read_text())["resources"] == []

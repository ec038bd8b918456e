"""The permissions boundary of the functions' roles."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra import permissions_boundary

BOUNDARY = "arn:aws:iam::123456789012:policy/faunalens-dev-boundary"


@pytest.fixture
def iam() -> Iterator[Any]:
    with mock_aws():
        iam = boto3.client("iam", aws_access_key_id="testing", aws_secret_access_key="testing")
        for name in ("one", "two"):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
        yield iam


def boundary_of(iam: Any, role: str) -> Any:
    return iam.get_role(RoleName=role)["Role"].get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")


def test_roles_get_a_boundary_and_lose_it(iam: Any) -> None:
    permissions_boundary.apply(iam, ["one"], "")
    assert boundary_of(iam, "one") is None
    # WHEN the stage has a boundary THEN its roles have it, and no other
    permissions_boundary.apply(iam, ["one"], BOUNDARY)
    permissions_boundary.apply(iam, ["one"], BOUNDARY)
    assert (boundary_of(iam, "one"), boundary_of(iam, "two")) == (BOUNDARY, None)
    # WHEN the stage has none any more THEN it is gone
    permissions_boundary.apply(iam, ["one"], "")
    assert boundary_of(iam, "one") is None

"""The permissions boundary of the functions' roles. Chalice creates the roles and knows no boundary."""

from collections.abc import Iterable
from typing import Any


def apply(iam: Any, roles: Iterable[str], boundary: str) -> None:
    """Give each role this boundary, or none if it is empty. `iam`: a boto3 client. `boundary`: a policy's ARN."""
    for role in roles:
        current = iam.get_role(RoleName=role)["Role"].get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
        if boundary and current != boundary:
            iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=boundary)
        elif current and not boundary:
            iam.delete_role_permissions_boundary(RoleName=role)

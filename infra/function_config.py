"""Turn the outputs of a stage's stack into the functions' configuration: subnets, security group, environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from infra.step import PreconditionFailed

_DATABASE = ("DatabaseEndpoint", "DatabasePort", "DatabaseName", "DatabaseAdmin", "DatabaseUser")
_CACHE = ("CacheEndpoint", "CachePort", "CacheName", "CacheUser")
REQUIRED_OUTPUTS = ("SubnetIds", "FunctionSecurityGroup", *_DATABASE, *_CACHE, "PhotoBucket", "AlarmTopic")
"""Outputs of infra/faunalens.yaml that a deployment of the app needs."""


@dataclass(frozen=True, slots=True)
class FunctionConfig:
    """Network and environment of a stage's functions.

    `admin_environment`: overrides for the function `admin`, which signs in as the owner of the tables.
    """

    subnet_ids: Sequence[str]
    security_group_ids: Sequence[str]
    environment: Mapping[str, str]
    admin_environment: Mapping[str, str]


def function_config(
    outputs: Mapping[str, str], region: str, limits: Mapping[str, str] = MappingProxyType({})
) -> FunctionConfig:
    """Return the configuration for a stack's outputs. Raise `PreconditionFailed` if outputs are missing.

    `limits`: environment variables about the limits in front of the API (infra/rate_limits.py).
    """
    missing = [name for name in REQUIRED_OUTPUTS if not outputs.get(name)]
    if missing:
        raise PreconditionFailed(f"the stack has no output {', '.join(missing)}; deploy infra/faunalens.yaml again")
    return FunctionConfig(
        subnet_ids=outputs["SubnetIds"].split(","),
        security_group_ids=[outputs["FunctionSecurityGroup"]],
        environment={
            "DATABASE_URL": _database_url(outputs, outputs["DatabaseUser"]),
            "DATABASE_IAM": "true",
            "DATABASE_CA": f"/var/task/chalicelib/rds/{region}.pem",
            "REDIS_URL": f"rediss://{outputs['CacheUser']}@{outputs['CacheEndpoint']}:{outputs['CachePort']}",
            "REDIS_IAM_CACHE": outputs["CacheName"],
            "PHOTO_BUCKET": outputs["PhotoBucket"],
            **limits,
        },
        admin_environment={"DATABASE_URL": _database_url(outputs, outputs["DatabaseAdmin"])},
    )


def _database_url(outputs: Mapping[str, str], user: str) -> str:
    host = f"{outputs['DatabaseEndpoint']}:{outputs['DatabasePort']}"
    return f"postgresql://{user}@{host}/{outputs['DatabaseName']}"

"""What the stack's outputs become in the functions' configuration: subnets, security group, environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NEEDED = (
    "SubnetIds",
    "FunctionSecurityGroup",
    "DatabaseEndpoint",
    "DatabasePort",
    "DatabaseName",
    "DatabaseAdmin",
    "DatabaseUser",
    "CacheEndpoint",
    "CachePort",
    "CacheName",
    "CacheUser",
    "PhotoBucket",
    "AlarmTopic",
)
"""Outputs of infra/faunalens.yaml without which the app cannot be deployed."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a stage's functions run and what they connect to."""

    subnet_ids: Sequence[str]
    security_group_ids: Sequence[str]
    environment: Mapping[str, str]
    """Variables of all functions, as chalicelib/config/settings.py reads them."""
    admin_environment: Mapping[str, str]
    """What the administrative function has in place of some of them: it signs in as the tables' owner."""
    alarm_topic: str


def surroundings(outputs: Mapping[str, str], region: str) -> Surroundings:
    """Read the outputs of a stage's stack. Raises `KeyError` with the names of those that are missing."""
    missing = [name for name in NEEDED if not outputs.get(name)]
    if missing:
        raise KeyError(f"the stack has no output {', '.join(missing)}; deploy infra/faunalens.yaml of this checkout")
    return Surroundings(
        subnet_ids=outputs["SubnetIds"].split(","),
        security_group_ids=[outputs["FunctionSecurityGroup"]],
        environment={
            "DATABASE_URL": _database_url(outputs, outputs["DatabaseUser"]),
            "DATABASE_IAM": "true",
            "DATABASE_CA": f"/var/task/chalicelib/rds/{region}.pem",
            "REDIS_URL": f"rediss://{outputs['CacheUser']}@{outputs['CacheEndpoint']}:{outputs['CachePort']}",
            "REDIS_IAM_CACHE": outputs["CacheName"],
            "PHOTO_BUCKET": outputs["PhotoBucket"],
        },
        admin_environment={"DATABASE_URL": _database_url(outputs, outputs["DatabaseAdmin"])},
        alarm_topic=outputs["AlarmTopic"],
    )


def _database_url(outputs: Mapping[str, str], user: str) -> str:
    place = f"{outputs['DatabaseEndpoint']}:{outputs['DatabasePort']}"
    return f"postgresql://{user}@{place}/{outputs['DatabaseName']}"

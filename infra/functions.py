"""The functions of a stage: their names, their configuration from the outputs of the stack, and what Chalice leaves.

Chalice cannot limit asynchronous calls, which Lambda queues and repeats: EventBridge calls warming this way, and anyone
with `lambda:InvokeFunction` may call any function so. By default, Lambda repeats a failed call twice, and keeps the
calls of a busy function for six hours:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

APP = "faunalens"
FUNCTIONS = ("admin", "batch", "warm", "api_handler")
"""Their names in app.py; `api_handler` is Chalice's name for the API's function."""


def function_name(stage: str, key: str) -> str:
    """Return a function's name on AWS. `key`: its name in app.py."""
    return f"{APP}-{stage}" if key == "api_handler" else f"{APP}-{stage}-{key}"


@dataclass(frozen=True, slots=True)
class FunctionConfig:
    """Network and environment of a stage's functions.

    `admin_environment`: overrides for the function `admin`, which signs in as the owner of the tables.
    """

    subnet_ids: Sequence[str]
    security_group_ids: Sequence[str]
    environment: Mapping[str, str]
    admin_environment: Mapping[str, str]


def function_config(outputs: Mapping[str, str], region: str, limits: Mapping[str, str]) -> FunctionConfig:
    """Return the configuration for a stack's outputs.

    `limits`: environment variables about the limits in front of the API (infra/api_stage.py).
    """
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


ASYNC_LIMITS: Mapping[str, Mapping[str, int]] = {
    "warm": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 300},  # the next scheduled run comes by then
    "batch": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},  # its callers wait, and repeat by themselves
    "admin": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},  # a retry would start a load twice
}
"""Limits by the function's name in app.py. The alarm `warming-silent` reports lost runs of warming."""

"""Functions get their configuration, limits for asynchronous calls, and a permissions boundary."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.config.settings import Settings
from infra import functions
from infra.functions import REQUIRED_OUTPUTS, function_config
from infra.step import PreconditionFailed
from tests.unit.infra.fake_aws import Client

OUTPUTS = {
    "SubnetIds": "subnet-1,subnet-2",
    "FunctionSecurityGroup": "sg-1",
    "DatabaseEndpoint": "faunalens-dev.cluster-abc.eu-west-1.rds.example",
    "DatabasePort": "5432",
    "DatabaseName": "faunalens",
    "DatabaseAdmin": "devfauna",
    "DatabaseUser": "dev_faunalens_app",
    "CacheEndpoint": "faunalens-dev-abc.serverless.euw1.cache.example",
    "CachePort": "6379",
    "CacheName": "faunalens-dev",
    "CacheUser": "faunalens-dev",
    "PhotoBucket": "faunalens-dev-photos-123456789012",
    "AlarmTopic": "arn:aws:sns:eu-west-1:123456789012:faunalens-dev-alarms",
}


def test_outputs_become_settings_that_the_app_reads() -> None:
    # GIVEN the outputs of a stack WHEN the app reads the environment made from them
    found = function_config(OUTPUTS, "eu-west-1")
    settings = Settings.from_environment(found.environment)
    # THEN it signs in to both stores by IAM, over verified TLS, without a password
    assert (
        settings.database.url
        == "postgresql://dev_faunalens_app@faunalens-dev.cluster-abc.eu-west-1.rds.example:5432/faunalens"
    )
    assert settings.database.iam
    assert str(settings.database.ca) == "/var/task/chalicelib/rds/eu-west-1.pem"
    assert settings.redis.url == "rediss://faunalens-dev@faunalens-dev-abc.serverless.euw1.cache.example:6379"
    assert settings.redis.iam_cache == "faunalens-dev"
    assert settings.s3.bucket == OUTPUTS["PhotoBucket"]
    # AND it runs in the private subnets
    assert (found.subnet_ids, found.security_group_ids) == (["subnet-1", "subnet-2"], ["sg-1"])


def test_the_administrative_function_signs_in_as_the_owner_of_the_tables() -> None:
    found = function_config(OUTPUTS, "eu-west-1")
    settings = Settings.from_environment({**found.environment, **found.admin_environment})
    assert settings.database.url.startswith("postgresql://devfauna@")


@pytest.mark.parametrize("name", REQUIRED_OUTPUTS)
def test_an_output_that_is_missing_is_named(name: str) -> None:
    with pytest.raises(PreconditionFailed, match=f"no output {name}; deploy"):
        function_config({**OUTPUTS, name: ""}, "eu-west-1")


def test_limits_are_set_for_the_stage_s_functions() -> None:
    lambdas = Client(put_function_event_invoke_config=lambda **_: {})
    functions.limit_async_calls(lambdas, "dev")
    set_for = {arguments["FunctionName"]: arguments for _, arguments in lambdas.calls}
    assert set_for.keys() == {"faunalens-dev-warm", "faunalens-dev-batch", "faunalens-dev-admin"}
    for each in set_for.values():
        assert each["MaximumRetryAttempts"] == 0
        assert 60 <= each["MaximumEventAgeInSeconds"] <= 300  # AWS takes no less than 60


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
    functions.apply_boundary(iam, ["one"], "")
    assert boundary_of(iam, "one") is None
    # WHEN the stage has a boundary THEN its roles have it, and no other
    functions.apply_boundary(iam, ["one"], BOUNDARY)
    functions.apply_boundary(iam, ["one"], BOUNDARY)
    assert (boundary_of(iam, "one"), boundary_of(iam, "two")) == (BOUNDARY, None)
    # WHEN the stage has none any more THEN it is gone
    functions.apply_boundary(iam, ["one"], "")
    assert boundary_of(iam, "one") is None

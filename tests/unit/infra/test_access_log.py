"""The access log of the API: its fields, and switching it on and off."""

import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra import access_log
from infra.access_log import FIELDS, FORMAT
from infra.step import PreconditionFailed

ARN = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/apigateway/faunalens-dev"
PERSONAL = ("sourceIp", "identity.user", "path", "querystring", "header", "domain", "Override", "principalId", "caller")
"""Parts of variables that contain an address, a path with its values, a query, or other text of the client."""


@pytest.fixture
def gateway() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("apigateway", "eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing")


@pytest.fixture
def api(gateway: Any) -> str:
    """Create an API with a stage as Chalice does, and return its id."""
    api = str(gateway.create_rest_api(name="faunalens")["id"])
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    gateway.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    gateway.create_deployment(restApiId=api, stageName="dev")
    return api


def allow_logs(gateway: Any) -> None:
    role = "arn:aws:iam::123456789012:role/api-gateway-logs"
    gateway.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}])


def settings(gateway: Any, api: str) -> Any:
    return gateway.get_stage(restApiId=api, stageName="dev").get("accessLogSettings", {})


def test_a_line_has_no_address_and_no_query() -> None:
    for variable in FIELDS.values():
        assert not [each for each in PERSONAL if each in variable], variable
    # AND it is JSON on one line, with an id: API Gateway refuses a format without
    assert json.loads(FORMAT) == FIELDS
    assert "\n" not in FORMAT
    assert "$context.requestId" in FIELDS.values()
    assert all(re.fullmatch(r"\$context(\.[a-zA-Z]+)+", each) for each in FIELDS.values())


def test_the_log_is_switched_on_and_off(gateway: Any, api: str) -> None:
    # GIVEN an account whose API Gateway may write logs WHEN the log is switched on THEN the stage has it
    allow_logs(gateway)
    assert access_log.apply(gateway, api, "dev", ARN)
    assert settings(gateway, api) == {"destinationArn": ARN, "format": FORMAT}
    # AND again changes nothing
    assert not access_log.apply(gateway, api, "dev", ARN)
    # WHEN it is switched off THEN it is gone
    assert access_log.apply(gateway, api, "dev", "")
    assert not settings(gateway, api)
    assert not access_log.apply(gateway, api, "dev", "")


def test_an_account_without_a_role_for_logs_is_an_error(gateway: Any, api: str) -> None:
    with pytest.raises(PreconditionFailed, match=r"no role for API Gateway's logs .*infra\.md#access-log"):
        access_log.apply(gateway, api, "dev", ARN)
    assert not settings(gateway, api)

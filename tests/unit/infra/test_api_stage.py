"""The limits and the access log of the API's stage."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.config.settings import Settings
from infra import api_stage
from infra.api_stage import (
    LIMITS_FILE,
    LOG_FIELDS,
    LOG_FORMAT,
    Method,
    ThrottleLimits,
    api_methods,
    method_limits,
    throttle,
    throttle_limits,
)
from infra.step import PreconditionFailed
from infra.template import parameters_of
from testing.cloudformation import STAGES


@pytest.mark.parametrize("stage", STAGES)
def test_all_methods_together_may_do_what_the_stage_may_do(stage: str) -> None:
    # GIVEN limits of API Gateway, which count for each method on its own
    total, limits = throttle_limits(stage), method_limits(stage).values()
    # WHEN they are added up THEN they are the stage's, exactly in requests per second, and at most in bursts
    assert sum(each.rate for each in limits) == pytest.approx(total.rate)
    assert total.burst * 0.95 <= sum(each.burst for each in limits) <= total.burst
    # AND every method works: a limit of 0 would refuse all its requests
    assert all(each.rate > 0 and each.burst >= 1 for each in limits)


def test_every_method_of_the_api_has_a_share_and_no_other() -> None:
    shares = json.loads(LIMITS_FILE.read_text(encoding="utf-8"))["shares"]
    assert shares.keys() == {f"{method.name} {method.path}" for method in api_methods()}
    assert sum(shares.values()) == 100


def test_a_stage_without_limits_is_an_error() -> None:
    for function in (throttle_limits, method_limits):
        with pytest.raises(PreconditionFailed, match=r"limits.json has no stage test, only dev, prod; add its limits"):
            function("test")


def test_a_route_without_a_share_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    document = json.loads(LIMITS_FILE.read_text(encoding="utf-8"))
    del document["shares"]["GET /animals"]
    monkeypatch.setattr(api_stage, "LIMITS_FILE", tmp_path / "limits.json")
    (tmp_path / "limits.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(PreconditionFailed, match=r"limits.json has no share for GET /animals; add it, and lower"):
        method_limits("dev")


def settings(stage: str, **chosen: str) -> Settings:
    return Settings.from_environment(api_stage.limit_variables(stage, parameters_of(stage, chosen)))


@pytest.mark.parametrize("stage", STAGES)
def test_limits_of_routes_are_those_of_the_gateway(stage: str) -> None:
    # WHEN a function starts with the stage's environment
    found = {each.path: each for each in settings(stage).deployment.rate_limits if each.name == "service"}
    # THEN it knows the limit of each keyed route, exactly
    identification, taxa = {"/identify", "/uploads", "/uploads/{id}/identify"}, {"/taxa", "/taxa/{id}"}
    assert found.keys() == identification | taxa | {"/animals", "/taxa/{id}/range", "/taxa/{id}/range.svg"}
    limits = method_limits(stage)
    for path, each in found.items():
        method = "POST" if path in identification else "GET"
        assert each.quota / each.seconds == pytest.approx(limits[Method(method, path)].rate)


def test_limits_of_addresses_and_keys_are_told_where_they_exist() -> None:
    assert {each.name for each in settings("dev").deployment.rate_limits} == {"service"}
    assert not settings("dev").deployment.api_keys
    with_all = settings(
        "dev", Firewall="yes", ApiKeys="required", KeyRequestsPerSecond="0.5", RequestsPerAddress="700"
    ).deployment
    others = {each.name: (each.quota, each.seconds) for each in with_all.rate_limits if each.path == "*"}
    assert others == {"key": (30, 60), "key-day": (10_000, 86_400), "address": (700, 300)}
    assert with_all.api_keys


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


def log_settings(gateway: Any, api: str) -> Any:
    return gateway.get_stage(restApiId=api, stageName="dev").get("accessLogSettings", {})


def test_a_line_has_no_address_and_no_query() -> None:
    for variable in LOG_FIELDS.values():
        assert not [each for each in PERSONAL if each in variable], variable
    # AND it is JSON on one line, with an id: API Gateway refuses a format without
    assert json.loads(LOG_FORMAT) == LOG_FIELDS
    assert "\n" not in LOG_FORMAT
    assert "$context.requestId" in LOG_FIELDS.values()
    assert all(re.fullmatch(r"\$context(\.[a-zA-Z]+)+", each) for each in LOG_FIELDS.values())


def test_the_log_is_switched_on_and_off(gateway: Any, api: str) -> None:
    # GIVEN an account whose API Gateway may write logs WHEN the log is switched on THEN the stage has it
    allow_logs(gateway)
    assert api_stage.apply_access_log(gateway, api, "dev", ARN)
    assert log_settings(gateway, api) == {"destinationArn": ARN, "format": LOG_FORMAT}
    # AND again changes nothing
    assert not api_stage.apply_access_log(gateway, api, "dev", ARN)
    # WHEN it is switched off THEN it is gone
    assert api_stage.apply_access_log(gateway, api, "dev", "")
    assert not log_settings(gateway, api)
    assert not api_stage.apply_access_log(gateway, api, "dev", "")


def test_an_account_without_a_role_for_logs_is_an_error(gateway: Any, api: str) -> None:
    with pytest.raises(PreconditionFailed, match=r"no role for API Gateway's logs .*infra\.md#access-log"):
        api_stage.apply_access_log(gateway, api, "dev", ARN)
    assert not log_settings(gateway, api)


def test_limits_are_those_of_each_method_and_can_be_set_again(gateway: Any, api: str) -> None:
    # GIVEN an API with a stage WHEN throttling is set twice
    throttle(gateway, api, "dev", {Method("POST", "/identify"): ThrottleLimits(1, 1)})
    throttle(gateway, api, "dev", method_limits("dev"))
    # THEN each method has its own limits, as GetStage names it
    settings = gateway.get_stage(restApiId=api, stageName="dev")["methodSettings"]
    found = {name: (each["throttlingRateLimit"], each["throttlingBurstLimit"]) for name, each in settings.items()}
    limits = {
        f"~1{method.path[1:].replace('/', '~1')}/{method.name}": each for method, each in method_limits("dev").items()
    }
    # AND a method without limits of its own may do next to nothing
    assert found.pop("*/*") == (1.0, 1)
    assert found == {name: (pytest.approx(each.rate), each.burst) for name, each in limits.items()}

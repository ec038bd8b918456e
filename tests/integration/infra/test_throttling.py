import boto3
import pytest
from moto import mock_aws

from infra.step import PreconditionFailed
from infra.throttling import ThrottleLimits, throttle, throttle_limits


@mock_aws
def test_limits_are_those_of_the_stage_and_can_be_set_again() -> None:
    # GIVEN an API with a stage, as Chalice creates it
    gateway = boto3.client("apigateway", "eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing")
    api = gateway.create_rest_api(name="faunalens")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    gateway.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    gateway.create_deployment(restApiId=api, stageName="dev")
    # WHEN throttling is set twice
    throttle(gateway, api, "dev", ThrottleLimits(1, 1))
    throttle(gateway, api, "dev", throttle_limits("dev"))
    # THEN the second limits apply to all methods
    settings = gateway.get_stage(restApiId=api, stageName="dev")["methodSettings"]["*/*"]
    assert (settings["throttlingRateLimit"], settings["throttlingBurstLimit"]) == (20.0, 40)


def test_a_stage_without_limits_is_an_error() -> None:
    with pytest.raises(PreconditionFailed, match=r"limits.json has no stage test, only dev, prod; add its limits"):
        throttle_limits("test")

import boto3
from moto import mock_aws

from infra.api_stage import Method, ThrottleLimits, method_limits, throttle


@mock_aws
def test_limits_are_those_of_each_method_and_can_be_set_again() -> None:
    # GIVEN an API with a stage, as Chalice creates it
    gateway = boto3.client("apigateway", "eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing")
    api = gateway.create_rest_api(name="faunalens")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    gateway.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    gateway.create_deployment(restApiId=api, stageName="dev")
    # WHEN throttling is set twice
    throttle(gateway, api, "dev", {Method("POST", "/identify"): ThrottleLimits(1, 1)})
    throttle(gateway, api, "dev", method_limits("dev"))
    # THEN each method has its own limits, as GetStage names it
    settings = gateway.get_stage(restApiId=api, stageName="dev")["methodSettings"]
    found = {name: (each["throttlingRateLimit"], each["throttlingBurstLimit"]) for name, each in settings.items()}
    assert found["~1identify/POST"] == (7.0, 35)
    assert found["~1uploads~1{id}~1identify/OPTIONS"] == (0.2, 1)
    assert found["~1/GET"] == (0.8, 4)
    # AND a method without limits of its own may do next to nothing
    assert found["*/*"] == (1.0, 1)
    assert len(found) == len(method_limits("dev")) + 1

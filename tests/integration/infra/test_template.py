"""The template of a whole stage: written by the command, expanded by AWS's own code."""

import hashlib
import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from chalicelib.api import openapi
from chalicelib.routes import ROUTES
from infra.api_stage import throttle_limits
from infra.gateway_responses import GATEWAY_RESPONSES
from tests.integration.infra.conftest import template_in, write_template
from tests.integration.infra.moto_stack import expanded, of_type
from tests.support.cloudformation import IMAGE
from tests.unit.infra.test_policies import statements
from tests.unit.infra.test_security import OPEN_TO_ALL


@pytest.fixture(scope="module")
def document(stage: str, folders: Mapping[str, Path]) -> dict[str, Any]:
    """The template of a stage as CloudFormation expands it."""
    return expanded(template_in(folders[stage]))


MAX_BYTES = 1_000_000
MAX_COUNTS = {"Parameters": 200, "Resources": 500, "Outputs": 200}
"""CloudFormation's quotas for a template in S3."""


def test_the_same_checkout_gives_the_same_bytes(folders: Mapping[str, Path], tmp_path: Path) -> None:
    again = write_template("dev", tmp_path / "again", PYTHONHASHSEED="1", AWS_DEFAULT_REGION="ap-southeast-2")
    assert digests(again) == digests(folders["dev"])
    assert digests(again).keys() == {"sam.json", "deployment.zip", "layer-deployment.zip", "parameters.json"}


def digests(folder: Path) -> dict[str, str]:
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in folder.iterdir()}


def test_cloudformation_takes_it_before_and_after_its_own_work(
    stage: str, folders: Mapping[str, Path], document: Mapping[str, Any]
) -> None:
    sent = template_in(folders[stage])
    for each in (sent, document):
        assert len(json.dumps(each, indent=4)) < MAX_BYTES / 2, "it is near CloudFormation's quota"
        for kind, most in MAX_COUNTS.items():
            assert len(each[kind]) < most / 2, kind
    given = json.loads((folders[stage] / "parameters.json").read_text(encoding="utf-8"))["Parameters"]
    zones = {"ZoneA", "ZoneB"}  # by the account: `infra up` asks it, and pipelines have the variable ZONES
    assert given.keys() | zones == sent["Parameters"].keys()
    assert given["Firewall"] == "yes"
    # AND with an image there are the template and the parameters of the web tier, and without one there are not
    tier, parameters = folders[stage] / "web.json", folders[stage] / "web-parameters.json"
    assert (tier.exists(), parameters.exists()) == (stage == "prod", stage == "prod")
    if tier.exists():
        given = json.loads(parameters.read_text(encoding="utf-8"))["Parameters"]
        assert (given["WebImage"], given["Stage"], given["Firewall"]) == (IMAGE, "prod", "yes")
        assert json.loads(tier.read_text(encoding="utf-8"))["Parameters"].keys() == given.keys() | zones


def test_there_is_one_stage_of_the_api_and_it_is_throttled(stage: str, document: Mapping[str, Any]) -> None:
    limits = throttle_limits(stage)
    ((name, only),) = of_type(document, "AWS::ApiGateway::Stage").items()
    assert (name, only["Properties"]["StageName"]) == (f"RestAPI{stage}Stage", stage)
    settings = {(each["HttpMethod"], each["ResourcePath"]): each for each in only["Properties"]["MethodSettings"]}
    others = settings.pop(("*", "/*"))
    assert sum(each["ThrottlingRateLimit"] for each in settings.values()) == pytest.approx(limits.rate)
    assert sum(each["ThrottlingBurstLimit"] for each in settings.values()) <= limits.burst
    assert others["ThrottlingRateLimit"] == 1
    # AND the limits are those of the methods that the API has
    (api,) = of_type(document, "AWS::ApiGateway::RestApi").values()
    methods = {(name.upper(), path) for path, each in api["Properties"]["Body"]["paths"].items() for name in each}
    assert {(name, path[1:].replace("~1", "/") or "/") for name, path in settings} == methods
    # AND the API is not traced: a trace would hold coordinates
    assert not only["Properties"].get("TracingEnabled")
    # AND its access log is an option
    assert only["Properties"]["AccessLogSetting"]["Fn::If"][0] == "HasAccessLog"
    # AND the deployment creates no second stage, which would have neither throttling nor firewall
    (deployment,) = of_type(document, "AWS::ApiGateway::Deployment").values()
    assert "StageName" not in deployment["Properties"]


def test_each_refusal_of_the_gateway_is_a_problem_that_browsers_may_read(document: Mapping[str, Any]) -> None:
    (api,) = of_type(document, "AWS::ApiGateway::RestApi").values()
    sent, bodies = api["Properties"]["Body"]["x-amazon-apigateway-gateway-responses"], {}
    assert sent.keys() == GATEWAY_RESPONSES.keys()
    for kind, response in sent.items():
        bodies[kind] = body = json.loads(response["responseTemplates"]["application/json"])
        jsonschema.validate(body, openapi.document(ROUTES, "1", "/")["components"]["schemas"]["Problem"])
        assert (str(body["status"]), body["request_id"]) == (response["statusCode"], "$context.requestId"), kind
        headers = response["responseParameters"]
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        assert headers["gatewayresponse.header.Access-Control-Allow-Origin"] == "'*'"
        assert headers["gatewayresponse.header.Strict-Transport-Security"] == "'max-age=31536000'"
    # AND a missing key and the firewall have codes of their own
    codes = {kind: (bodies[kind]["status"], bodies[kind]["code"]) for kind in ("INVALID_API_KEY", "WAF_FILTERED")}
    assert codes == {"INVALID_API_KEY": (403, "api_key_invalid"), "WAF_FILTERED": (403, "forbidden")}
    assert "x-api-key" in bodies["INVALID_API_KEY"]["detail"]
    # AND a used up quota names no time, which API Gateway does not say
    assert sent["QUOTA_EXCEEDED"]["statusCode"] == "429"
    assert "gatewayresponse.header.Retry-After" not in sent["QUOTA_EXCEEDED"]["responseParameters"]


POSTS = ("/identify", "/uploads", "/uploads/{id}/identify")
GETS = ("/animals", "/taxa", "/taxa/{id}", "/taxa/{id}/range", "/taxa/{id}/range.svg")


def test_keys_are_demanded_in_cloudformation_s_own_form_and_nothing_else_can_be_asked_for(
    stage: str, folders: Mapping[str, Path], document: Mapping[str, Any]
) -> None:
    # GIVEN prod, which demands keys, and dev, which does not THEN keyed routes need one; preflights and the page do not
    (api,) = of_type(document, "AWS::ApiGateway::RestApi").values()
    paths, is_keyed = api["Properties"]["Body"]["paths"], stage == "prod"
    secured = {(path, method) for path, each in paths.items() for method, found in each.items() if "security" in found}
    assert secured == ({*product(POSTS, ["post"]), *product(GETS, ("get", "head"))} if is_keyed else set())
    variables = document["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    assert variables["API_KEYS"] == ("true" if is_keyed else "false")
    # AND a deployment cannot switch the keys off without the definition, nor on
    declared = template_in(folders[stage])["Parameters"]["ApiKeys"]
    assert declared["AllowedValues"] == ["required" if is_keyed else "no"]
    # AND nothing of Chalice's definition is lost
    assert "x-amazon-apigateway-integration" in paths["/identify"]["post"]
    # AND both usage plans are for this API's only stage, and wait for it
    for plan in of_type(document, "AWS::ApiGateway::UsagePlan").values():
        assert plan["Properties"]["ApiStages"] == [{"ApiId": {"Ref": "RestAPI"}, "Stage": {"Ref": "Stage"}}]
        assert plan["DependsOn"] == f"RestAPI{stage}Stage"


def test_functions_have_network_layer_and_rights_as_committed(stage: str, document: Mapping[str, Any]) -> None:
    functions = of_type(document, "AWS::Lambda::Function")
    functions.pop("Gate")  # of a release, outside of the network
    assert functions.keys() == {"APIHandler", "Warm", "Batch", "Admin"}
    ((layer, made_of),) = of_type(document, "AWS::Lambda::LayerVersion").items()
    assert made_of["DeletionPolicy"] == "Delete", "each old layer would stay for ever, 42 MB"
    for name, each in functions.items():
        properties = each["Properties"]
        assert properties["Layers"] == [{"Ref": layer}]
        role = document["Resources"][properties["Role"]["Fn::GetAtt"][0]]["Properties"]
        (policy,) = role["Policies"]
        kind = {"APIHandler": "api", "Warm": "warm", "Batch": "batch", "Admin": "admin"}[name]
        assert policy["PolicyDocument"]["Statement"] == statements(stage, kind)
        assert "ManagedPolicyArns" not in role
        assert role["PermissionsBoundary"]["Fn::If"][0] == "HasPermissionsBoundary"
    # AND failed asynchronous calls are not repeated
    configs = [each["Properties"] for each in of_type(document, "AWS::Lambda::EventInvokeConfig").values()]
    limits = {each["FunctionName"]["Ref"]: each["MaximumRetryAttempts"] for each in configs}
    assert limits == {"Warm": 0, "Batch": 0, "Admin": 0}
    assert len(of_type(document, "AWS::Events::Rule")) == 1
    assert not {each["Type"] for each in document["Resources"].values()} & OPEN_TO_ALL

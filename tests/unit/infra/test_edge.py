"""The firewall's own refusal is a problem of the API, and the page's key is the one that the page sends."""

import json

import jsonschema

from chalicelib.api.http import PROBLEM_HEADERS, problem_of
from chalicelib.api.openapi import document
from chalicelib.api.page import page_key
from chalicelib.errors import TooManyRequests
from chalicelib.routes import ROUTES
from tests.support.cloudformation import resources

EDGE = resources(
    "edge.yaml",
    {"Stage": "dev", "RestAPI": "a1b2c3d4e5", "Firewall": "yes", "ApiKeys": "required", "RequestsPerAddress": "700"},
)


def test_an_address_with_too_many_requests_gets_a_problem_that_browsers_may_read() -> None:
    # GIVEN the firewall WHEN it refuses an address
    firewall = EDGE["WebAcl"]["Properties"]
    rule = next(each for each in firewall["Rules"] if each["Name"] == "too-often")
    refusal = rule["Action"]["Block"]["CustomResponse"]
    body = firewall["CustomResponseBodies"][refusal["CustomResponseBodyKey"]]
    # THEN the body is our problem; WAF sends its own media type and knows no request id
    problem = json.loads(body["Content"])
    jsonschema.validate(problem, document(ROUTES, "1", "/")["components"]["schemas"]["Problem"])
    assert problem == problem_of(TooManyRequests(problem["detail"]), "firewall")
    assert (body["ContentType"], refusal["ResponseCode"]) == ("APPLICATION_JSON", 429)
    # AND the headers are those of a problem, without Content-Type, which WAF does not take
    headers = {each["Name"]: each["Value"] for each in refusal["ResponseHeaders"]}
    assert headers.items() >= PROBLEM_HEADERS.items() - {("Content-Type", PROBLEM_HEADERS["Content-Type"])}
    assert "Content-Type" not in headers
    # AND they tell the limit, and when its window is over
    assert headers["Retry-After"] == str(rule["Statement"]["RateBasedStatement"]["EvaluationWindowSec"])
    assert (headers["RateLimit"], headers["RateLimit-Policy"]) == ('"address";r=0;t=300', '"address";q=700;w=300')
    assert len(headers) <= 10, "WAF sends no more"


def test_the_key_of_the_page_is_the_one_that_the_page_sends() -> None:
    assert EDGE["PageKey"]["Properties"]["Value"] == page_key("dev", "a1b2c3d4e5")
    # AND without firewall and keys nothing is created
    assert resources("edge.yaml", {"Stage": "dev", "RestAPI": "a1b2c3d4e5"}) == {}
    # AND it has a plan of its own
    assert EDGE["PageKeyOfPlan"]["Properties"]["UsagePlanId"] == {"Ref": "PagePlan"}


def test_the_address_of_clients_outlives_the_api() -> None:
    # GIVEN a host name with its certificate WHEN the API gets another id, as when it is made anew or moves
    given = {"Stage": "dev", "RestAPI": "one", "ApiHost": "api.example", "ApiCertificate": "arn:x"}
    before, after = (resources("edge.yaml", {**given, "RestAPI": each}) for each in ("one", "two"))
    # THEN the name stays as it is, and only what it maps to is another
    assert before["ApiDomain"] == after["ApiDomain"]
    assert after["ApiMapping"]["Properties"] == {"DomainName": {"Ref": "ApiDomain"}, "RestApiId": "two", "Stage": "dev"}

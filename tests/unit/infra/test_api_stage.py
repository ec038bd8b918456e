"""The limits and the access log of the API's stage, and the functions behind it."""

import json
import re

import pytest

from chalicelib.config.settings import Settings
from infra import api_stage
from infra.api_stage import IDENTIFY, LIMITS_FILE, Method, api_methods, method_limits, throttle_limits
from infra.functions import function_settings, reservations, stages
from infra.step import PreconditionFailed
from infra.template import FUNCTIONS as TEMPLATE
from infra.template import parameters_of, read_template
from tests.support.cloudformation import STAGES


@pytest.mark.parametrize("stage", STAGES)
def test_all_methods_together_may_do_what_the_stage_may_do(stage: str) -> None:
    # GIVEN limits of API Gateway, which count for each method on its own
    document, limits = json.loads(LIMITS_FILE.read_text(encoding="utf-8")), method_limits(stage).values()
    given, files = document["stages"][stage], document["visitors"][stage] * sum(document["files"].values())
    # WHEN they are added up THEN they are the stage's, exactly in requests per second, and at most in bursts
    total = throttle_limits(stage)
    assert total.rate == pytest.approx(given["rate"] + files)
    assert given["burst"] * 0.5 <= total.burst - 2 * files <= given["burst"]
    # AND every method works: a limit of 0 would refuse all its requests
    assert all(each.rate > 0 and each.burst >= 1 for each in limits)


def test_shares_are_of_methods_of_the_api_and_leave_most_to_identifications() -> None:
    document = json.loads(LIMITS_FILE.read_text(encoding="utf-8"))
    shares, files = document["shares"], document["files"]
    assert {*shares, *files} < {f"{method.name} {method.path}" for method in api_methods()} - {"POST /identify"}
    assert not shares.keys() & files.keys()
    left = method_limits("prod")[IDENTIFY].rate / document["stages"]["prod"]["rate"]
    assert left > 0.35, "routes without a share have `other`: lower shares in infra/stages/limits.json"


def test_stages_are_those_with_functions_and_limits() -> None:
    assert stages() == ["dev", "prod"]
    with pytest.raises(PreconditionFailed, match=r"config.json has no stage test, only dev, prod"):
        function_settings("test")
    for function in (throttle_limits, method_limits):
        with pytest.raises(PreconditionFailed, match=r"limits.json has no stage test, only dev, prod; add its limits"):
            function("test")


def test_reservations_are_by_the_names_on_aws() -> None:
    found = {"faunalens-dev": 10, "faunalens-dev-warm": 1, "faunalens-dev-batch": 4, "faunalens-dev-admin": 1}
    assert reservations("dev") == found


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
    chosen = {"Firewall": "yes", "ApiKeys": "required", "KeyRequestsPerSecond": "0.5", "RequestsPerAddress": "700"}
    with_all = settings("dev", **chosen).deployment
    others = {each.name: (each.quota, each.seconds) for each in with_all.rate_limits if each.path == "*"}
    assert others == {"key": (30, 60), "key-day": (10_000, 86_400), "address": (700, 300)}
    assert with_all.api_keys


PERSONAL = ("sourceIp", "identity.user", "path", "querystring", "header", "domain", "Override", "principalId", "caller")
"""Parts of variables that contain an address, a path with its values, a query, or other text of the client."""


def test_a_line_has_no_address_and_no_query() -> None:
    variables = read_template(TEMPLATE)["AccessLog"].values()
    for variable in variables:
        assert not [each for each in PERSONAL if each in variable], variable
        assert re.fullmatch(r"\$context(\.[a-zA-Z]+)+", variable)
    # AND it has an id: API Gateway refuses a format without
    assert "$context.requestId" in variables

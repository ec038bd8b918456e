"""The limits that the app tells its clients are those that API Gateway and the firewall have."""

import pytest

from chalicelib.config.settings import Settings
from infra import rate_limits
from infra.template import parameters_of
from infra.throttling import Method, method_limits
from testing.cloudformation import STAGES


def settings(stage: str, **chosen: str) -> Settings:
    return Settings.from_environment(rate_limits.environment(stage, parameters_of(stage, chosen)))


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

"""The limits of a stage are divided among the methods of its API."""

import json
from pathlib import Path

import pytest

from infra import throttling
from infra.step import PreconditionFailed
from infra.throttling import FILE, Method, api_methods, method_limits, method_settings, throttle_limits
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
    shares = json.loads(FILE.read_text(encoding="utf-8"))["shares"]
    assert shares.keys() == {f"{method.name} {method.path}" for method in api_methods()}
    assert sum(shares.values()) == 100


def test_the_methods_are_those_that_chalice_deploys() -> None:
    from chalice.deploy.swagger import TemplatedSwaggerGenerator

    import app

    paths = TemplatedSwaggerGenerator().generate_swagger(app.app)["paths"]
    deployed = {Method(name.upper(), path) for path, methods in paths.items() for name in methods}
    assert set(api_methods()) == deployed


def test_paths_are_escaped_as_cloudformation_expects() -> None:
    # GIVEN AWS::ApiGateway::Stage: "the path value /resource/subresource must be encoded as /~1resource~1subresource.
    # To specify the root path, use only a slash"
    found = {(each["HttpMethod"], each["ResourcePath"]): each for each in method_settings("prod")}
    assert {("POST", "/~1uploads~1{id}~1identify"), ("GET", "/"), ("OPTIONS", "/~1identify")} <= found.keys()
    identify = found["POST", "/~1identify"]
    assert (identify["ThrottlingRateLimit"], identify["ThrottlingBurstLimit"]) == (105.0, 210)
    # AND a method that somebody adds by hand does not get the limits of a whole stage
    assert found["*", "/*"]["ThrottlingRateLimit"] == 1


def test_a_stage_without_limits_is_an_error() -> None:
    for function in (throttle_limits, method_limits):
        with pytest.raises(PreconditionFailed, match=r"limits.json has no stage test, only dev, prod; add its limits"):
            function("test")


def test_a_route_without_a_share_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    document = json.loads(FILE.read_text(encoding="utf-8"))
    del document["shares"]["GET /animals"]
    monkeypatch.setattr(throttling, "FILE", tmp_path / "limits.json")
    (tmp_path / "limits.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(PreconditionFailed, match=r"limits.json has no share for GET /animals; add it, and lower"):
        method_limits("dev")

"""The parameters that `infra up` passes to a stage's two stacks."""

from typing import Any

import pytest

from infra import access_log, deployed, throttling
from infra.parameters import declared_parameters
from infra.stage import Stage
from infra.up import Up


class Stacks:
    """Records the parameters that each stack was deployed with."""

    def __init__(self) -> None:
        self.deployed_with: dict[str, dict[str, str]] = {}

    def of(self, part: str) -> Any:
        stacks = self

        class FakeStack:
            def deploy(self, _template: str, parameters: dict[str, str], *_: object) -> None:
                stacks.deployed_with[part] = parameters

        return FakeStack()


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> Stacks:
    found = Stacks()
    monkeypatch.setattr(Stage, "stack", lambda _, part="": found.of(part))
    monkeypatch.setattr(Stage, "outputs", {})
    monkeypatch.setattr(Stage, "client", lambda *_: None)
    monkeypatch.setattr(Up, "_s3_prefix_list", lambda _: "pl-1")
    monkeypatch.setattr(deployed, "read_resources", lambda _: {"rest_api": {"rest_api_id": "api1"}})
    monkeypatch.setattr(throttling, "throttle", lambda *_: None)
    monkeypatch.setattr(access_log, "apply", lambda *_: False)
    return found


def bring_up(firewall: bool = False, **parameters: str) -> None:
    up = Up(Stage("dev", "eu-west-1", None, parameters, firewall))
    for step in ("stack", "limits"):
        (found,) = [each for each in up.steps() if each.name == step]
        found.action(lambda _: None)


def test_defaults_are_passed_too_since_a_stack_would_keep_its_own_values(stacks: Stacks) -> None:
    # GIVEN a stage without chosen parameters WHEN it is brought up
    bring_up()
    # THEN every declared parameter is passed, also the empty ones
    assert stacks.deployed_with[""]["AlarmEmail"] == ""
    assert stacks.deployed_with[""]["S3PrefixList"] == "pl-1"
    assert stacks.deployed_with.keys() == {""}


def test_each_stack_gets_what_it_declares(stacks: Stacks) -> None:
    # GIVEN chosen parameters of both stacks WHEN the stage is brought up
    bring_up(AlarmEmail="me@example.org", UsagePlan="yes", PlanRequestsPerDay="50")
    # THEN each stack gets its own, and together they get all
    stack, edge = stacks.deployed_with[""], stacks.deployed_with["edge"]
    assert stack["AlarmEmail"] == "me@example.org"
    assert (edge["UsagePlan"], edge["PlanRequestsPerDay"], edge["Firewall"]) == ("yes", "50", "no")
    assert (edge["Stage"], edge["RestApiId"]) == ("dev", "api1")
    assert stack.keys() & edge.keys() == {"Stage"}
    assert stack.keys() | edge.keys() == {*declared_parameters(), "RestApiId"}


def test_a_firewall_is_an_option_or_a_parameter(stacks: Stacks) -> None:
    bring_up(firewall=True)
    assert stacks.deployed_with["edge"]["Firewall"] == "yes"
    stacks.deployed_with.clear()
    bring_up(Firewall="yes", RequestsPerAddress="100")
    assert (stacks.deployed_with["edge"]["Firewall"], stacks.deployed_with["edge"]["RequestsPerAddress"]) == (
        "yes",
        "100",
    )

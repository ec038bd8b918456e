"""Which parameters a stage's two stacks are made with; what they become is `test_stack.py`'s."""

from typing import Any

import pytest

from infra import deployed as record
from infra import throttling as limits
from infra.parameters import declared_parameters
from infra.stage import Stage
from infra.up import Up


class Stacks:
    """Keeps what each stack was put with."""

    def __init__(self) -> None:
        self.put_with: dict[str, dict[str, str]] = {}

    def of(self, part: str) -> Any:
        stacks = self

        class One:
            def put(self, _template: str, parameters: dict[str, str], *_: object) -> None:
                stacks.put_with[part] = parameters

        return One()


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> Stacks:
    found = Stacks()
    monkeypatch.setattr(Stage, "stack", lambda _, part="": found.of(part))
    monkeypatch.setattr(Stage, "outputs", {})
    monkeypatch.setattr(Stage, "client", lambda *_: None)
    monkeypatch.setattr(Up, "_prefix_list_of_s3", lambda _: "pl-1")
    monkeypatch.setattr(record, "deployed", lambda _: {"rest_api": {"rest_api_id": "api1"}})
    monkeypatch.setattr(limits, "throttle", lambda *_: None)
    return found


def bring_up(firewall: bool = False, **parameters: str) -> None:
    up = Up(Stage("dev", "eu-west-1", None, parameters, firewall))
    for step in ("stack", "limits"):
        (found,) = [each for each in up.steps() if each.name == step]
        found.act(lambda _: None)


def test_what_nobody_chose_is_passed_too_since_a_stack_would_keep_its_own(stacks: Stacks) -> None:
    # GIVEN a stage that was made with an address once WHEN it is brought up without
    bring_up()
    # THEN the address is told to go, and all that is declared is said
    assert stacks.put_with[""]["AlarmEmail"] == ""
    assert stacks.put_with[""]["S3PrefixList"] == "pl-1"
    assert stacks.put_with.keys() == {""}


def test_each_stack_gets_what_it_declares(stacks: Stacks) -> None:
    # GIVEN a choice for either WHEN the stage is brought up
    bring_up(AlarmEmail="me@example.org", UsagePlan="yes", PlanRequestsPerDay="50")
    # THEN each has its own, and together they have all
    stack, edge = stacks.put_with[""], stacks.put_with["edge"]
    assert stack["AlarmEmail"] == "me@example.org"
    assert (edge["UsagePlan"], edge["PlanRequestsPerDay"], edge["Firewall"]) == ("yes", "50", "no")
    assert (edge["Stage"], edge["RestApiId"]) == ("dev", "api1")
    assert stack.keys() & edge.keys() == {"Stage"}
    assert stack.keys() | edge.keys() == {*declared_parameters(), "RestApiId"}


def test_a_firewall_is_an_option_or_a_parameter(stacks: Stacks) -> None:
    bring_up(firewall=True)
    assert stacks.put_with["edge"]["Firewall"] == "yes"
    stacks.put_with.clear()
    bring_up(Firewall="yes", RequestsPerAddress="100")
    assert (stacks.put_with["edge"]["Firewall"], stacks.put_with["edge"]["RequestsPerAddress"]) == ("yes", "100")

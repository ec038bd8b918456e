"""The parameters that `infra up` passes to a stage's two stacks."""

from typing import Any

import pytest

from infra import api_stage, chalice_project, preconditions
from infra.keys import Keys
from infra.stage import Stage
from infra.step import PreconditionFailed
from infra.template import declared_parameters, parameters_of
from infra.up import Up


class Stacks:
    """Records the parameters that each stack was deployed with."""

    def __init__(self) -> None:
        self.deployed_with: dict[str, dict[str, str]] = {}
        self.deleted: list[str] = []

    def of(self, part: str) -> Any:
        stacks = self

        class FakeStack:
            def deploy(self, _template: str, parameters: dict[str, str], *_: object) -> None:
                stacks.deployed_with[part] = parameters

            def delete(self, _: object) -> None:
                stacks.deleted.append(part)

        return FakeStack()


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> Stacks:
    found = Stacks()
    monkeypatch.setattr(Stage, "stack", lambda _, part="": found.of(part))
    monkeypatch.setattr(Stage, "outputs", {})
    monkeypatch.setattr(Stage, "client", lambda *_: None)
    monkeypatch.setattr(Up, "_prefix_list", lambda *_: "pl-1")
    monkeypatch.setattr(chalice_project, "read_resources", lambda _: {"rest_api": {"rest_api_id": "api1"}})
    monkeypatch.setattr(api_stage, "throttle", lambda *_: None)
    monkeypatch.setattr(api_stage, "apply_access_log", lambda *_: False)
    monkeypatch.setattr(Keys, "attach", lambda _: [])
    return found


def bring_up(stage: str = "dev", **parameters: str) -> None:
    up = Up(Stage(stage, "eu-west-1", None, parameters))
    for step in ("stack", "limits", "stream"):
        (found,) = [each for each in up.steps() if each.name == step]
        found.action(lambda _: None)


def test_each_stack_gets_what_it_declares(stacks: Stacks) -> None:
    # GIVEN chosen parameters of the stacks WHEN the stage is brought up
    bring_up(AlarmEmail="me@example.org", ApiKeys="required", KeyRequestsPerDay="50")
    # THEN each stack gets its own, and together they get all
    stack, edge, stream = (stacks.deployed_with[part] for part in ("", "edge", "stream"))
    assert stack["AlarmEmail"] == "me@example.org"
    # AND defaults, also empty ones, since a stack would keep its own values
    assert stack["S3PrefixList"] == "pl-1"
    assert "" in stack.values()
    assert (edge["ApiKeys"], edge["KeyRequestsPerDay"], edge["Firewall"]) == ("required", "50", "no")
    assert (edge["Stage"], edge["RestApiId"]) == ("dev", "api1")
    assert stack.keys() & edge.keys() == {"Stage"}
    assert stack.keys() | edge.keys() | stream.keys() | {"SnapStart", "Traffic"} == {
        *declared_parameters(),
        "RestApiId",
    }


def test_prod_has_a_firewall_unless_told_otherwise(stacks: Stacks) -> None:
    # GIVEN prod WHEN it is brought up THEN it has a firewall
    bring_up("prod")
    assert stacks.deployed_with["edge"]["Firewall"] == "yes"
    # AND dev has none, unless it is chosen
    stacks.deployed_with.clear()
    bring_up("dev")
    assert "edge" not in stacks.deployed_with
    bring_up("dev", Firewall="yes", RequestsPerAddress="100")
    edge = stacks.deployed_with["edge"]
    assert (edge["Firewall"], edge["RequestsPerAddress"]) == ("yes", "100")


def test_without_firewall_and_keys_there_is_nothing_in_front_of_the_api(stacks: Stacks) -> None:
    # GIVEN a stage that had a firewall WHEN it is brought up without THEN its stack is deleted
    bring_up("prod", Firewall="no")
    assert "edge" not in stacks.deployed_with
    assert stacks.deleted == ["edge"]


def check_production(*without: str, **parameters: str) -> None:
    preconditions.check_production("prod", parameters_of("prod", parameters), without)


def test_production_needs_somebody_who_hears_alarms_and_a_budget() -> None:
    # GIVEN prod as it is committed WHEN it is brought up THEN both are missing, and the error says what to do
    with pytest.raises(PreconditionFailed) as refused:
        check_production()
    assert str(refused.value) == (
        'stage prod is for production, but has no alarms and no budget: write "AlarmEmail": "you@example.org" and '
        '"BudgetDollars": "200" into infra/stages/prod.json, or go on without, with --without-alarms --without-budget'
    )
    # AND each can be given, or explicitly left out
    with pytest.raises(PreconditionFailed, match=r"has no budget: write \"BudgetDollars\": \"200\" into"):
        check_production(AlarmEmail="me@example.org")
    check_production(AlarmEmail="me@example.org", BudgetDollars="50")
    check_production("budget", AlarmEmail="me@example.org")
    check_production("alarms", "budget")
    # AND a stage whose data are not protected needs neither
    preconditions.check_production("dev", parameters_of("dev", {}))


def test_the_check_comes_before_anything_is_created() -> None:
    # GIVEN an account that would say no to every call WHEN prod is brought up without alarms and a budget
    first = Up(Stage("prod", "eu-west-1", None, {})).steps()[0]
    # THEN the first step refuses before it calls AWS
    with pytest.raises(PreconditionFailed, match="--without-alarms --without-budget"):
        first.action(lambda _: None)
    # AND goes on to ask AWS if that is accepted
    with pytest.raises(AttributeError):
        Up(Stage("prod", "eu-west-1", None, {}), ("alarms", "budget")).steps()[0].action(lambda _: None)


def test_a_stage_without_a_stream_loses_its_stack(stacks: Stacks) -> None:
    bring_up(StreamConcurrency="0")
    assert "stream" in stacks.deleted
    assert "stream" not in stacks.deployed_with


def test_a_pipelines_template_has_the_stream_already(stacks: Stacks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stage, "is_single_stack", True)
    up, said = Up(Stage("dev", "eu-west-1", None, {})), list[str]()
    (step,) = [each for each in up.steps() if each.name == "stream"]
    step.action(said.append)
    assert said == ["skipped: the pipeline's template contains the stream"]
    assert not stacks.deployed_with

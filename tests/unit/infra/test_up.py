"""What `infra up` refuses before it changes anything, and what its stacks are asked to become."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from infra.package.upload import Packages
from infra.release.releases import Release
from infra.stack import Deployment
from infra.stage import Stage
from infra.step import Echo, PreconditionFailed
from infra.template import declared_parameters
from infra.up import Up
from tests.unit.infra.fake_aws import Client


class Stacks:
    """Records what each stack was asked to become, by the name of the part."""

    def __init__(self) -> None:
        self.wanted: dict[str, Deployment] = {}
        self.outputs = {"PackageBucket": "packages"}
        self.releases = Mock(all=Mock(return_value=[RELEASE]))

    def of(self, part: str) -> Any:
        def deploy(wanted: Deployment, *_: object) -> None:
            self.wanted[part] = wanted

        return SimpleNamespace(outputs=self.outputs, deploy=deploy)


def cloudwatch(page: str, errors: str = "OK") -> Client:
    """Return a client of CloudWatch, with prod's alarms `page` and `lambda-errors` in these states."""
    states = {"faunalens-prod-page": page, "faunalens-prod-lambda-errors": errors}

    def describe(AlarmNames: list[str], AlarmTypes: list[str]) -> dict[str, Any]:  # noqa: N803
        found: dict[str, Any] = {f"{each}s": [] for each in AlarmTypes}
        for name in AlarmNames:
            if name in states:
                kind = "CompositeAlarms" if name.endswith("page") else "MetricAlarms"
                found[kind].append({"AlarmName": name, "AlarmArn": f"arn:{name}", "StateValue": states[name]})
        return found

    return Client(describe_alarms=describe)


RELEASE = Release("before", "model", datetime(2026, 11, 29, tzinfo=UTC), {}, 1.0)


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stacks:
    found, template = Stacks(), tmp_path / "sam.json"
    template.write_text("{}")
    monkeypatch.setattr(Stage, "stack", lambda _, part="": found.of(part))
    monkeypatch.setattr(Stage, "url", "https://api.example/dev/")
    monkeypatch.setattr(Stage, "client", lambda *_: cloudwatch("OK"))
    monkeypatch.setattr("infra.up.Releases", lambda *_: found.releases)
    monkeypatch.setattr(Up, "_prefix_list", lambda *_: "pl-1")
    monkeypatch.setattr(Up, "_zones", lambda _: {"ZoneA": "euw1-az1", "ZoneB": "euw1-az2"})
    monkeypatch.setattr("infra.up.pipeline.write", lambda *_, **__: template)
    monkeypatch.setattr(Packages, "__init__", lambda *_: None)
    monkeypatch.setattr(Packages, "url_of", lambda *_: "https://s3.example/template")
    whole = {"Parameters": declared_parameters()}
    monkeypatch.setattr(Packages, "with_packages", lambda *_: whole)
    return found


def bring_up(stage: str = "dev", echo: Echo = lambda _: None, **parameters: str) -> None:
    (step,) = [each for each in Up(Stage(stage, "eu-west-1", None, parameters)).steps() if each.name == "stack"]
    step.action(echo)


def test_the_page_alarm_takes_a_change_back(stacks: Stacks, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN prod, which shifts traffic slowly WHEN it changes THEN the alarm watches it for ten minutes more
    bring_up("prod")
    trigger = {"Arn": "arn:faunalens-prod-page", "Type": "AWS::CloudWatch::CompositeAlarm"}
    watch = {"RollbackTriggers": [trigger], "MonitoringTimeInMinutes": 10}
    assert stacks.wanted[""].options == {"RollbackConfiguration": watch}
    assert stacks.wanted[""].protected, "or the database could be deleted by mistake"
    # AND a correction that cannot wait is watched while it is made
    bring_up("prod", Traffic="AllAtOnce")
    assert stacks.wanted[""].options["RollbackConfiguration"]["MonitoringTimeInMinutes"] == 0
    # AND an alarm that is on already would take the cure back, also as CloudFormation remembers it from the last change
    monkeypatch.setattr(Stage, "client", lambda *_: cloudwatch("ALARM"))
    said = list[str]()
    bring_up("prod", echo=said.append)
    unwatched = {"RollbackConfiguration": {"RollbackTriggers": [], "MonitoringTimeInMinutes": 0}}
    assert stacks.wanted[""].options == unwatched
    assert "warning: alarm faunalens-prod-page is on already, so it does not watch this change" in said
    # AND a stage that is new has none, and a stage whose database may go is not protected
    bring_up("dev", DatabaseProtected="false")
    assert (stacks.wanted[""].options, stacks.wanted[""].protected) == (unwatched, False)


def test_an_alarm_that_stops_the_shift_of_traffic_is_named_before_the_stack_changes(
    stacks: Stacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN an alarm of the function, while which CodeDeploy refuses every release that shifts slowly
    monkeypatch.setattr(Stage, "client", lambda *_: cloudwatch("OK", errors="ALARM"))
    # WHEN prod changes THEN the alarm is named, with what to do
    said = list[str]()
    bring_up("prod", echo=said.append)
    (warning,) = [each for each in said if each.startswith("warning: ")]
    which = "while alarm faunalens-prod-lambda-errors is on"
    assert warning == f"warning: {which}, only a release with --set Traffic=AllAtOnce succeeds"
    assert stacks.wanted[""].options["RollbackConfiguration"]["RollbackTriggers"], "the other alarm watches on"
    # AND a release that no alarm stops is made without a word
    said.clear()
    bring_up("prod", echo=said.append, Traffic="AllAtOnce")
    assert not [each for each in said if each.startswith("warning: ")]


def test_production_without_alarms_and_a_budget_is_refused_before_aws_is_asked() -> None:
    with pytest.raises(PreconditionFailed, match="--without-alarms --without-budget"):
        Up(Stage("prod", "eu-west-1", None, {})).steps()[0].action(lambda _: None)
    with pytest.raises(AttributeError):  # AND with consent, AWS is asked, of which there is none here
        Up(Stage("prod", "eu-west-1", None, {}), ("alarms", "budget")).steps()[0].action(lambda _: None)


def test_a_smoke_test_that_fails_takes_the_release_back(stacks: Stacks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.up.smoke.check_stage", Mock(side_effect=PreconditionFailed("database is failing")))
    steps = {step.name: step for step in Up(Stage("dev", "eu-west-1", None, {})).steps()}
    # GIVEN a smoke test without a deployment before it WHEN it fails THEN nothing changes
    with pytest.raises(PreconditionFailed, match=r"^database is failing$"):
        steps["smoke"].action(lambda _: None)
    stacks.releases.roll_back.assert_not_called()
    # AND after a deployment the release before it runs again
    steps["stack"].action(lambda _: None)
    with pytest.raises(PreconditionFailed, match="failing\nThe release was rolled back; before runs again"):
        steps["smoke"].action(lambda _: None)
    assert stacks.releases.roll_back.call_args.args[1] == "before"

"""The files as resources of CloudFormation, with pseudo parameters."""

import json
from pathlib import Path
from typing import Any

import pytest

from dashboards.files import Placeholders
from dashboards.template import resources_of
from tests.unit.dashboards.lint import small_folder


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    small_folder.use_metrics(monkeypatch)
    return small_folder.write(tmp_path)


def properties(folder: Path, logical: str, **options: str) -> dict[str, Any]:
    found: dict[str, Any] = resources_of(Placeholders("dev", **options), folder)[logical]["Properties"]
    return found


def test_every_file_is_a_resource_and_composites_depend_on_their_alarms(small: Path) -> None:
    resources = resources_of(Placeholders("dev"), small)
    assert {name: each["Type"] for name, each in resources.items()} == {
        "AlarmShare": "AWS::CloudWatch::Alarm",
        "AlarmSlow": "AWS::CloudWatch::Alarm",
        "CompositePage": "AWS::CloudWatch::CompositeAlarm",
        "DashboardSmall": "AWS::CloudWatch::Dashboard",
        "QuerySlowest": "AWS::Logs::QueryDefinition",
    }
    assert resources["CompositePage"]["DependsOn"] == ["AlarmShare", "AlarmSlow"]
    assert "DependsOn" not in resources["AlarmSlow"]
    # AND names are those of the stage, so that stages can share an account
    assert resources["QuerySlowest"]["Properties"]["Name"] == "faunalens/dev/slowest"
    # AND dashboards are those of the region too: an account has one of each name, whatever the region
    dashboard = resources["DashboardSmall"]["Properties"]
    assert dashboard["DashboardName"] == {"Fn::Sub": "faunalens-dev-small-${AWS::Region}"}


def test_account_and_region_are_those_of_the_stack_and_dynamic_labels_are_escaped(small: Path) -> None:
    path = small / "small.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"label": "%"', '"label": "${LAST} %"'), encoding="utf-8")
    body = properties(small, "DashboardSmall")["DashboardBody"]["Fn::Sub"]
    assert "arn:aws:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:faunalens-STAGENAME-slow" in body
    assert '"label":"${!LAST} %"' in body
    # AND substituting them gives the file
    substituted = body.replace("${AWS::Region}", "eu-west-1").replace("${AWS::AccountId}", "1").replace("${!", "${")
    assert json.loads(substituted)["widgets"][1]["properties"]["region"] == "eu-west-1"


def test_the_topic_is_known_by_its_name_or_as_a_resource_of_the_template(small: Path) -> None:
    (own,) = properties(small, "CompositePage")["AlarmActions"]
    assert own == {"Fn::Sub": "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:faunalens-dev-alarms"}
    (given,) = properties(small, "CompositePage", topic="AlarmTopic")["AlarmActions"]
    assert given == {"Ref": "AlarmTopic"}

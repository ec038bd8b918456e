"""The files as a CloudFormation template: the same resources, with pseudo parameters."""

import json
from pathlib import Path
from typing import Any

import pytest

from cloudwatch.files import Placeholders
from cloudwatch.template import main, template
from tests.unit.cloudwatch.lint import small_folder


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    small_folder.use_metrics(monkeypatch)
    return small_folder.write(tmp_path)


def properties(folder: Path, logical: str, **options: str) -> dict[str, Any]:
    found: dict[str, Any] = template(Placeholders("dev", **options), folder)["Resources"][logical]["Properties"]
    return found


def test_every_file_is_a_resource_and_composites_depend_on_their_alarms(small: Path) -> None:
    resources = template(Placeholders("dev"), small)["Resources"]
    assert {name: each["Type"] for name, each in resources.items()} == {
        "AlarmShare": "AWS::CloudWatch::Alarm",
        "AlarmSlow": "AWS::CloudWatch::Alarm",
        "CompositePage": "AWS::CloudWatch::CompositeAlarm",
        "DashboardSmall": "AWS::CloudWatch::Dashboard",
        "QuerySlowest": "AWS::Logs::QueryDefinition",
    }
    assert resources["CompositePage"]["DependsOn"] == ["AlarmShare", "AlarmSlow"]
    assert "DependsOn" not in resources["AlarmSlow"]


def test_account_and_region_are_those_of_the_stack(small: Path) -> None:
    body = properties(small, "DashboardSmall")["DashboardBody"]["Fn::Sub"]
    assert "arn:aws:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:faunalens-STAGENAME-slow" in body
    # AND substituting them gives the file
    substituted = body.replace("${AWS::Region}", "eu-west-1").replace("${AWS::AccountId}", "1").replace("${!", "${")
    assert json.loads(substituted)["widgets"][1]["properties"]["region"] == "eu-west-1"


def test_dynamic_labels_are_escaped(small: Path) -> None:
    path = small / "small.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"label": "%"', '"label": "${LAST} %"'), encoding="utf-8")
    assert '"label":"${!LAST} %"' in properties(small, "DashboardSmall")["DashboardBody"]["Fn::Sub"]


def test_the_topic_is_the_stages_own_or_the_one_that_is_given(small: Path) -> None:
    (own,) = properties(small, "CompositePage")["AlarmActions"]
    assert own == {"Fn::Sub": "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:faunalens-dev-alarms"}
    (given,) = properties(small, "CompositePage", topic="arn:aws:sns:x:1:mine")["AlarmActions"]
    assert given == "arn:aws:sns:x:1:mine"


def test_the_command_writes_the_template_and_prints_its_size(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = small.parent / "template.json"
    assert main(["--stage", "dev", "--folder", str(small), "--out", str(out), "--runbook", "https://x"]) == 0
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written == template(Placeholders("dev", runbook="https://x"), small)
    size = len(out.read_bytes())
    said = f"the template has {size:,} bytes (limit: 1,000,000); CloudFormation accepts it directly\n"
    assert capsys.readouterr().err == said
    # AND without --out it is printed
    assert main(["--stage", "dev", "--folder", str(small), "--runbook", "https://x"]) == 0
    assert json.loads(capsys.readouterr().out) == written


def test_findings_prevent_the_template(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small / "alarms" / "slow.json").write_text("{}", encoding="utf-8")
    assert main(["--stage", "dev", "--folder", str(small)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("error: no template was written; fix the findings above first\n")


def test_a_template_that_needs_s3_says_so(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cloudwatch.template.MOST_INLINE_BYTES", 1000)
    assert main(["--stage", "dev", "--folder", str(small)]) == 0
    assert "CloudFormation accepts it only from S3" in capsys.readouterr().err

"""The preview of a change set: replacements in red and last, where they are seen."""

from typing import Any

from infra.stack import changes_of_parameters, preview_of_changes

RED = "\x1b[31m"


def change(action: str, name: str, kind: str = "EC2::Subnet", **others: Any) -> dict[str, Any]:
    return {"Action": action, "LogicalResourceId": name, "ResourceType": f"AWS::{kind}", **others}


def test_replacements_and_removals_are_red_and_come_last() -> None:
    # GIVEN a change set in any order WHEN it is shown
    details = [{"Target": {"Attribute": "Properties", "Name": "EngineVersion"}}, {"Target": {"Attribute": "Tags"}}]
    lines = [
        *preview_of_changes(
            [
                change("Modify", "Database", "RDS::DBCluster", Replacement="True", Details=details),
                change("Remove", "Photos", "S3::Bucket"),
                change("Modify", "Warm", "Lambda::Function", Replacement="False"),
                change("Modify", "Role", "IAM::Role", Replacement="Conditional"),
                change("Add", "Inbox", "SQS::Queue"),
            ]
        )
    ]
    # THEN what is harmless comes first
    assert lines[:2] == ["add Inbox (SQS::Queue)", "change Warm (Lambda::Function)"]
    # AND what may lose something is red, with what causes it
    assert all(line.startswith(RED) for line in lines[2:])
    assert "REPLACE Database (RDS::DBCluster): EngineVersion, Tags" in lines[2]
    assert "remove Photos (S3::Bucket)" in lines[3]
    assert "perhaps REPLACE Role (IAM::Role)" in lines[4]


def test_a_whole_new_stack_is_counted_by_type() -> None:
    added = [change("Add", f"Subnet{number}") for number in range(20)] + [change("Add", "Vpc", "EC2::VPC")]
    assert [*preview_of_changes(added)] == ["add 21 resources: 20 EC2::Subnet, 1 EC2::VPC"]


def test_parameters_that_change_are_named() -> None:
    before, after = {"LogDays": "14", "ZoneA": "", "Gone": "1"}, {"LogDays": "30", "ZoneA": "", "New": "2"}
    assert [*changes_of_parameters(before, after)] == ["parameter LogDays changes from 14 to 30"]

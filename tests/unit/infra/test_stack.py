"""Creating, updating and deleting a stack, with the change sets, statuses and events that CloudFormation reports."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from infra import stack
from infra.stack import Declined, Deployment, Stack, preview_of_changes
from infra.step import PreconditionFailed
from tests.unit.infra.fake_aws import Pages

ADDED = {"Action": "Add", "LogicalResourceId": "Vpc", "ResourceType": "AWS::EC2::VPC"}
NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
WANTED = Deployment("https://s3.example/template", {"Stage": "dev"}, {"project": "faunalens"})


class CloudFormation:
    """A fake client: reports statuses one after the other and all events at once; records the requested operations.

    `refusal`: the reason for which it refuses a change set.
    """

    def __init__(self, *statuses: str | None, events: Sequence[tuple[str, str, str]] = (), refusal: str = "") -> None:
        self._statuses, self._events, self._refusal = list(statuses), events, refusal
        self._planned = ["CREATE_PENDING", "FAILED" if refusal else "CREATE_COMPLETE"]
        self.requested: list[str] = []
        self.change_set: dict[str, Any] = {}
        self.parameters: dict[str, str] = {}
        self.is_protected = False

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        if status is None:
            raise ClientError({"Error": {"Message": "Stack faunalens-dev does not exist"}}, "DescribeStacks")
        outputs = [{"OutputKey": "A", "OutputValue": "b"}]
        parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in self.parameters.items()]
        known = {"Outputs": outputs, "Parameters": parameters, "EnableTerminationProtection": self.is_protected}
        return {"Stacks": [{"StackStatus": status, **known}]}

    def describe_stack_events(self, PaginationConfig: Any = None, **_: Any) -> dict[str, Any]:  # noqa: N803
        names = ("EventId", "LogicalResourceId", "ResourceStatus", "ResourceStatusReason")
        events = [dict(zip(names, (each[0] + each[1], *each), strict=True)) for each in self._events]
        most = PaginationConfig["MaxItems"] if PaginationConfig else 100  # of a page, as AWS has it
        return {"StackEvents": events[::-1][:most] if self.requested else []}  # none before the first operation

    def cancel_update_stack(self, **_: Any) -> None:
        self.requested.append("cancel")

    def create_change_set(self, **wanted: Any) -> None:
        self.change_set = wanted
        assert wanted["Parameters"] == [{"ParameterKey": "Stage", "ParameterValue": "dev"}]

    def describe_change_set(self, **_: Any) -> dict[str, Any]:
        status = self._planned.pop(0) if len(self._planned) > 1 else self._planned[0]
        return {"Status": status, "StatusReason": self._refusal, "Changes": [{"ResourceChange": ADDED}]}

    def get_paginator(self, name: str) -> Pages:
        return Pages(getattr(self, name))

    def delete_change_set(self, **_: Any) -> None:
        self.requested.append("discard")

    def execute_change_set(self, **_: Any) -> None:
        self.requested.append(self.change_set["ChangeSetType"].lower())

    def update_termination_protection(self, EnableTerminationProtection: bool, **_: Any) -> None:  # noqa: N803
        self.is_protected = EnableTerminationProtection

    def delete_stack(self, **_: Any) -> None:
        self.requested.append("delete")


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "PAUSE", 0.0)
    monkeypatch.setattr(stack, "TIMEOUT", 5.0)


def deploy(client: CloudFormation, wanted: Deployment = WANTED) -> list[str]:
    output: list[str] = []
    Stack(client, "faunalens-dev").deploy(wanted, output.append)
    return output


def test_a_new_stack_is_created_and_each_event_is_printed_once() -> None:
    events = [("Vpc", "CREATE_IN_PROGRESS", ""), ("Vpc", "CREATE_COMPLETE", "")]
    client = CloudFormation(None, "CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE", events=events)
    output = deploy(client)
    assert client.requested == ["create"]
    assert [line.split("  ")[-1] for line in output] == ["add Vpc (EC2::VPC)", "Vpc: create_complete"]


def test_a_creation_that_fails_leaves_nothing_and_an_update_goes_back() -> None:
    # WHEN a stack is created THEN CloudFormation shall delete it if that fails
    client = CloudFormation(None, "CREATE_COMPLETE")
    deploy(client)
    assert client.change_set["OnStackFailure"] == "DELETE"
    assert (client.change_set["TemplateURL"], "TemplateBody" in client.change_set) == (WANTED.template, False)
    # AND when it is updated, it takes no such option, but others
    client = CloudFormation("CREATE_COMPLETE", "CREATE_COMPLETE", "CREATE_COMPLETE", "UPDATE_COMPLETE")
    deploy(client, replace(WANTED, template="{}", options={"RollbackConfiguration": {"MonitoringTimeInMinutes": 10}}))
    assert "OnStackFailure" not in client.change_set
    assert client.change_set["RollbackConfiguration"] == {"MonitoringTimeInMinutes": 10}
    assert client.change_set["TemplateBody"] == "{}"


@pytest.mark.parametrize(
    ("statuses", "requested"), [((None,), ["discard", "delete"]), (("CREATE_COMPLETE",), ["discard"])]
)
def test_without_consent_nothing_is_left(statuses: Sequence[str | None], requested: list[str]) -> None:
    client, asked = CloudFormation(*statuses), Mock(return_value=False)
    with pytest.raises(Declined):
        Stack(client, "faunalens-dev").deploy(WANTED, lambda _: None, asked)
    asked.assert_called_once_with("Make these changes to stack faunalens-dev? [y/N] ")
    assert client.requested == requested


def test_a_change_set_that_cloudformation_refuses_is_an_error_with_its_reason_unless_nothing_changes() -> None:
    client = CloudFormation("CREATE_COMPLETE", refusal="Template error: Vpc is unknown")
    with pytest.raises(PreconditionFailed, match="refuses the changes to stack faunalens-dev: Template error: Vpc is"):
        deploy(client)
    assert client.requested == ["discard"]
    client = CloudFormation("UPDATE_COMPLETE", refusal=NO_CHANGES)
    assert deploy(client) == ["stack faunalens-dev is up to date"]
    assert client.requested == ["discard"]


def test_protection_from_deletion_follows_what_is_wanted() -> None:
    # GIVEN a stack WHEN nothing changes but its protection THEN that is changed, in both directions, and said
    client = CloudFormation("UPDATE_COMPLETE", refusal=NO_CHANGES)
    assert "stack faunalens-dev is now protected from deletion" in deploy(client, replace(WANTED, protected=True))
    assert "stack faunalens-dev is no longer protected from deletion" in deploy(client)
    assert client.is_protected is False
    assert not [line for line in deploy(client) if "protected" in line]


def test_while_nothing_happens_a_line_a_minute_says_what_is_in_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a database that takes a while, and a clock that advances by 20 s a check
    monkeypatch.setattr(stack, "poll", lambda *_: (20.0 * each for each in range(100)))
    events = [("faunalens-dev", "CREATE_IN_PROGRESS", ""), ("Vpc", "CREATE_IN_PROGRESS", "")]
    events += [("Vpc", "CREATE_COMPLETE", ""), ("Database", "CREATE_IN_PROGRESS", "")]
    client = CloudFormation(None, *["CREATE_IN_PROGRESS"] * 7, "CREATE_COMPLETE", events=events)
    # THEN it is named, and neither what is ready nor the stack itself
    assert deploy(client)[1:] == [
        "    0 s  Vpc: create_complete",
        "   60 s  in progress: Database",
        "  120 s  in progress: Database",
    ]


UPDATING = ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")
ROLLED_BACK = ("CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE")
NEVER_CREATED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS")
WAITING = "an earlier operation on stack faunalens-dev is in progress (CREATE_IN_PROGRESS); waiting for it"


@pytest.mark.parametrize(
    ("statuses", "requested", "said"),
    [
        (("CREATE_COMPLETE", "CREATE_COMPLETE", *UPDATING), ["update"], []),
        # a stack that was never created is deleted first
        *(
            ((each, each, "DELETE_IN_PROGRESS", None, "CREATE_COMPLETE"), ["delete", "create"], [])
            for each in NEVER_CREATED
        ),
        # the operation of a killed command is waited for, since CloudFormation would refuse another meanwhile
        (("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE", "UPDATE_COMPLETE"), ["update"], [WAITING]),
        # and may have failed
        ((*ROLLED_BACK, None, "CREATE_COMPLETE"), ["delete", "create"], [WAITING]),
    ],
)
def test_what_is_there_decides_what_is_done(
    statuses: Sequence[str | None], requested: list[str], said: list[str]
) -> None:
    client = CloudFormation(*statuses)
    output = deploy(client)
    assert client.requested == requested
    assert output[: len(said)] == said


@pytest.mark.parametrize(
    ("last", "left"), [("ROLLBACK_COMPLETE", "its status is ROLLBACK_COMPLETE"), (None, "it was deleted again")]
)
def test_a_failure_contains_cloudformations_reasons(last: str | None, left: str) -> None:
    events = [("Cache", "CREATE_FAILED", "not in this region"), ("Vpc", "CREATE_FAILED", "cancelled")]
    expected = rf"was not deployed; {left}\. Cache: not in this region; Vpc: cancelled"
    with pytest.raises(PreconditionFailed, match=expected):
        deploy(CloudFormation(None, "CREATE_IN_PROGRESS", last, events=events))


def test_a_reason_is_found_below_the_events_of_the_rollback_that_it_caused() -> None:
    # GIVEN a failure, and before the next check a hundred alarms, queries and log groups that are deleted again
    gone = [(f"Alarm{each}", state, "") for each in range(100) for state in ("DELETE_IN_PROGRESS", "DELETE_COMPLETE")]
    events = [("Cache", "CREATE_FAILED", "not in this region"), *gone]
    with pytest.raises(PreconditionFailed, match="Cache: not in this region"):
        deploy(CloudFormation(None, "CREATE_IN_PROGRESS", None, events=events))


def test_a_stuck_stack_is_left_to_the_operator() -> None:
    for status, advice in (("DELETE_FAILED", "--from stack"), ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback")):
        client = CloudFormation(status)
        with pytest.raises(PreconditionFailed, match=advice):
            deploy(client)
        assert client.requested == []


def test_changed_parameters_are_printed() -> None:
    # GIVEN a stack with another value of a parameter WHEN it is deployed with that of the files
    client = CloudFormation("CREATE_COMPLETE", "CREATE_COMPLETE", "UPDATE_COMPLETE")
    client.parameters = {"Stage": "", "LogDays": "14"}
    assert deploy(client)[0] == "parameter Stage changes from empty to dev"


GONE = ("CREATE_COMPLETE", "CREATE_COMPLETE", "CREATE_COMPLETE", "DELETE_FAILED", None)
INTERFACES = [("FunctionSecurityGroup", "DELETE_FAILED", "has a dependent object")]
AGAIN = "some resources could not be deleted (FunctionSecurityGroup: has a dependent object); trying again"


def test_a_deletion_that_fails_is_tried_again_and_one_that_keeps_failing_is_an_error() -> None:
    # GIVEN functions' interfaces that still exist, and an outdated status at first
    client, output = CloudFormation(*GONE, events=INTERFACES), list[str]()
    Stack(client, "faunalens-dev").delete(output.append)
    assert (client.requested, AGAIN in output) == (["delete", "delete"], True)
    # GIVEN a bucket that is not empty, because photos come in all the time THEN it is emptied before each attempt
    client = CloudFormation(*GONE[:-1], events=[("Photos", "DELETE_FAILED", "is not empty")])
    with pytest.raises(PreconditionFailed, match="was not deleted; its status is DELETE_FAILED"):
        Stack(client, "faunalens-dev").delete(output.append, lambda: client.requested.append("empty"))
    assert client.requested == ["empty", "delete"] * stack.DELETE_ATTEMPTS
    # GIVEN an update in progress THEN it ends before the deletion
    client = CloudFormation("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "DELETE_IN_PROGRESS", None)
    Stack(client, "faunalens-dev").delete(output.append)
    assert client.requested == ["delete"]


def test_waiting_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "TIMEOUT", 0.05)
    with pytest.raises(PreconditionFailed, match="still CREATE_IN_PROGRESS"):
        deploy(CloudFormation(None, "CREATE_IN_PROGRESS"))


def test_without_a_stack_there_is_nothing_to_delete_and_no_output() -> None:
    client, output = CloudFormation(None), list[str]()
    Stack(client, "faunalens-dev").delete(output.append)
    assert (client.requested, output) == ([], ["there is no stack faunalens-dev"])
    assert Stack(client, "faunalens-dev").outputs == {}
    assert Stack(CloudFormation("CREATE_COMPLETE"), "faunalens-dev").outputs == {"A": "b"}


def test_an_update_under_way_can_be_taken_back() -> None:
    for status, is_cancelled in (("UPDATE_IN_PROGRESS", True), ("UPDATE_COMPLETE", False)):
        client = CloudFormation(status)
        assert Stack(client, "faunalens-dev").cancel_update() is is_cancelled
        assert client.requested == ["cancel"] * is_cancelled


def change(action: str, name: str, kind: str = "EC2::Subnet", **others: Any) -> dict[str, Any]:
    return {"Action": action, "LogicalResourceId": name, "ResourceType": f"AWS::{kind}", **others}


def test_replacements_and_removals_are_red_and_come_last() -> None:
    # GIVEN a change set in any order
    details = [{"Target": {"Attribute": "Properties", "Name": "EngineVersion"}}, {"Target": {"Attribute": "Tags"}}]
    changes = [
        change("Modify", "Database", "RDS::DBCluster", Replacement="True", Details=details),
        change("Remove", "Photos", "S3::Bucket"),
        change("Modify", "Warm", "Lambda::Function", Replacement="False"),
        change("Modify", "Role", "IAM::Role", Replacement="Conditional"),
        change("Add", "Inbox", "SQS::Queue"),
    ]
    # THEN harmless changes come first, and what may lose something is red, with its cause
    assert [*preview_of_changes(changes)] == [
        "add Inbox (SQS::Queue)",
        "change Warm (Lambda::Function)",
        "\x1b[31mREPLACE Database (RDS::DBCluster): EngineVersion, Tags\x1b[0m",
        "\x1b[31mremove Photos (S3::Bucket)\x1b[0m",
        "\x1b[31mperhaps REPLACE Role (IAM::Role)\x1b[0m",
    ]

"""Creating, updating and deleting a stage, with the statuses and events that CloudFormation reports."""

from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra import stage
from infra.stage import Stack
from infra.step import PreconditionFailed


class CloudFormation:
    """A fake client: reports statuses one after the other and all events at once; records the requested operations."""

    def __init__(self, *statuses: str | None, events: Sequence[tuple[str, str, str]] = ()) -> None:
        self._statuses = list(statuses)
        self._events = events
        self.requested: list[str] = []
        self.parameters: dict[str, str] = {}

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        if status is None:
            raise ClientError({"Error": {"Message": "Stack faunalens-dev does not exist"}}, "DescribeStacks")
        outputs = [{"OutputKey": "A", "OutputValue": "b"}]
        parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in self.parameters.items()]
        return {"Stacks": [{"StackStatus": status, "Outputs": outputs, "Parameters": parameters}]}

    def describe_stack_events(self, **_: Any) -> dict[str, Any]:
        if not self.requested:  # before the first operation
            return {"StackEvents": []}
        events = [
            {"EventId": name + status, "LogicalResourceId": name, "ResourceStatus": status}
            | {"ResourceStatusReason": reason}
            for name, status, reason in self._events
        ]
        return {"StackEvents": events[::-1]}

    def create_stack(self, **wanted: Any) -> None:
        self.requested.append("create")
        assert wanted["Parameters"] == [{"ParameterKey": "Stage", "ParameterValue": "dev"}]

    def update_stack(self, **_: Any) -> None:
        self.requested.append("update")
        if self._statuses == ["UPDATE_COMPLETE"]:
            raise ClientError({"Error": {"Message": "No updates are to be performed."}}, "UpdateStack")

    def delete_stack(self, **_: Any) -> None:
        self.requested.append("delete")


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "PAUSE", 0.0)
    monkeypatch.setattr(stage, "TIMEOUT", 5.0)


def deploy(client: CloudFormation) -> list[str]:
    output: list[str] = []
    Stack(client, "faunalens-dev").deploy("{}", {"Stage": "dev"}, {}, output.append)
    return output


def test_a_new_stack_is_created_and_each_event_is_printed_once() -> None:
    events = [("Vpc", "CREATE_IN_PROGRESS", ""), ("Vpc", "CREATE_COMPLETE", "")]
    client = CloudFormation(None, "CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE", events=events)
    output = deploy(client)
    assert client.requested == ["create"]
    assert [line.split("  ")[-1] for line in output] == ["Vpc: create_complete"]


def test_while_nothing_happens_a_line_a_minute_says_what_is_in_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a database that takes a while, and a clock that advances by 20 s a check
    monkeypatch.setattr(stage, "poll", lambda *_: (20.0 * each for each in range(100)))
    events = [("faunalens-dev", "CREATE_IN_PROGRESS", ""), ("Vpc", "CREATE_IN_PROGRESS", "")]
    events += [("Vpc", "CREATE_COMPLETE", ""), ("Database", "CREATE_IN_PROGRESS", "")]
    client = CloudFormation(None, *["CREATE_IN_PROGRESS"] * 7, "CREATE_COMPLETE", events=events)
    # THEN it is named, and neither what is ready nor the stack itself
    assert deploy(client) == [
        "    0 s  Vpc: create_complete",
        "   60 s  in progress: Database",
        "  120 s  in progress: Database",
    ]


UPDATING = ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")
ROLLED_BACK = ("CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE")
RECREATED = ("DELETE_IN_PROGRESS", None, "CREATE_COMPLETE")
NEVER_CREATED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS")
WAITING = "an earlier operation on stack faunalens-dev is in progress (CREATE_IN_PROGRESS); waiting for it"


@pytest.mark.parametrize(
    ("statuses", "requested", "said"),
    [
        (("CREATE_COMPLETE", *UPDATING), ["update"], []),
        (("UPDATE_COMPLETE",), ["update"], ["stack faunalens-dev is up to date"]),
        # an update that was rolled back can be tried again
        (("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE"), ["update"], []),
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


def test_a_failure_contains_cloudformations_reasons() -> None:
    events = [("Cache", "CREATE_FAILED", "not in this region"), ("Vpc", "CREATE_FAILED", "cancelled")]
    with pytest.raises(
        PreconditionFailed,
        match=r"was not deployed; its status is ROLLBACK_COMPLETE\. Cache: not in this region; Vpc: cancelled",
    ):
        deploy(CloudFormation(None, "CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE", events=events))


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("DELETE_FAILED", "python -m infra down --stage STAGE --from photos"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
    ],
)
def test_a_stuck_stack_is_left_to_the_operator(status: str, advice: str) -> None:
    client = CloudFormation(status)
    with pytest.raises(PreconditionFailed, match=advice):
        deploy(client)
    assert client.requested == []


def test_a_changed_parameter_is_printed() -> None:
    # GIVEN a stack with another value of a parameter WHEN it is deployed with that of the files
    client = CloudFormation("CREATE_COMPLETE", "CREATE_COMPLETE", "UPDATE_COMPLETE")
    client.parameters = {"Stage": "", "LogDays": "14"}
    assert "parameter Stage changes from empty to dev" in deploy(client)


def test_a_deletion_that_fails_is_tried_again() -> None:
    # GIVEN functions' interfaces that still exist, and an outdated status at first
    events = [("FunctionSecurityGroup", "DELETE_FAILED", "has a dependent object")]
    client = CloudFormation(
        "CREATE_COMPLETE", "CREATE_COMPLETE", "CREATE_COMPLETE", "DELETE_FAILED", None, events=events
    )
    output: list[str] = []
    Stack(client, "faunalens-dev").delete(output.append)
    assert client.requested == ["delete", "delete"]
    assert "some resources could not be deleted (FunctionSecurityGroup: has a dependent object); trying again" in output


def test_a_deletion_that_keeps_failing_raises_the_reasons() -> None:
    events = [("Photos", "DELETE_FAILED", "is not empty")]
    client = CloudFormation("CREATE_COMPLETE", "CREATE_COMPLETE", "DELETE_FAILED", events=events)
    with pytest.raises(PreconditionFailed, match="was not deleted; its status is DELETE_FAILED"):
        Stack(client, "faunalens-dev").delete(lambda _: None)
    assert client.requested == ["delete"] * stage.DELETE_ATTEMPTS


def test_an_update_in_progress_ends_before_the_deletion() -> None:
    client = CloudFormation("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "DELETE_IN_PROGRESS", None)
    Stack(client, "faunalens-dev").delete(lambda _: None)
    assert client.requested == ["delete"]


def test_waiting_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "TIMEOUT", 0.0)
    with pytest.raises(PreconditionFailed, match="still CREATE_IN_PROGRESS"):
        deploy(CloudFormation(None, "CREATE_IN_PROGRESS"))


def test_without_a_stack_there_is_nothing_to_delete_and_no_output() -> None:
    client, output = CloudFormation(None), list[str]()
    Stack(client, "faunalens-dev").delete(output.append)
    assert (client.requested, output) == ([], ["there is no stack faunalens-dev"])
    assert Stack(client, "faunalens-dev").outputs == {}


def test_outputs_are_read_by_name() -> None:
    assert Stack(CloudFormation("CREATE_COMPLETE"), "faunalens-dev").outputs == {"A": "b"}

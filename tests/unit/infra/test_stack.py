"""A stack that is made, changed, deleted, or fails, as CloudFormation tells of it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra import stack
from infra.stack import Stack
from infra.step import Refused


class CloudFormation:
    """Tells statuses one after the other, and events all at once; notes what it was asked to do."""

    def __init__(self, *statuses: str | None, events: Sequence[tuple[str, str, str]] = ()) -> None:
        self._statuses = list(statuses)
        self._events = events
        self.asked: list[str] = []

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        if status is None:
            raise ClientError({"Error": {"Message": "Stack faunalens-dev does not exist"}}, "DescribeStacks")
        return {"Stacks": [{"StackStatus": status, "Outputs": [{"OutputKey": "A", "OutputValue": "b"}]}]}

    def describe_stack_events(self, **_: Any) -> dict[str, Any]:
        now = datetime.now(UTC)
        events = [
            {"EventId": name + status, "LogicalResourceId": name, "ResourceStatus": status, "Timestamp": now}
            | {"ResourceStatusReason": reason}
            for name, status, reason in self._events
        ]
        return {"StackEvents": events[::-1]}

    def create_stack(self, **wanted: Any) -> None:
        self.asked.append("create")
        assert wanted["Parameters"] == [{"ParameterKey": "Stage", "ParameterValue": "dev"}]

    def update_stack(self, **_: Any) -> None:
        self.asked.append("update")
        if self._statuses == ["UPDATE_COMPLETE"]:
            raise ClientError({"Error": {"Message": "No updates are to be performed."}}, "UpdateStack")

    def delete_stack(self, **_: Any) -> None:
        self.asked.append("delete")


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "PAUSE", 0.0)


def put(client: CloudFormation) -> list[str]:
    said: list[str] = []
    Stack(client, "faunalens-dev").put("{}", {"Stage": "dev"}, {}, said.append)
    return said


def test_it_is_made_and_its_events_are_told_once() -> None:
    events = [("Vpc", "CREATE_IN_PROGRESS", ""), ("Vpc", "CREATE_COMPLETE", "")]
    client = CloudFormation(None, "CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE", events=events)
    said = put(client)
    assert client.asked == ["create"]
    assert [line.split("  ")[-1] for line in said] == ["Vpc: create_complete"]


def test_it_is_changed_where_it_is_there() -> None:
    client = CloudFormation("CREATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")
    put(client)
    assert client.asked == ["update"]


def test_nothing_to_change_is_no_failure() -> None:
    assert put(CloudFormation("UPDATE_COMPLETE")) == ["stack faunalens-dev is as it should be"]


def test_a_failure_tells_cloudformations_reasons() -> None:
    events = [("Cache", "CREATE_FAILED", "not in this region"), ("Vpc", "CREATE_FAILED", "cancelled")]
    with pytest.raises(Refused, match=r"is ROLLBACK_COMPLETE\. Cache: not in this region; Vpc: cancelled"):
        put(CloudFormation(None, "CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE", events=events))


def test_what_was_never_finished_is_deleted_first() -> None:
    client = CloudFormation("ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE", None, "CREATE_COMPLETE")
    put(client)
    assert client.asked == ["delete", "create"]


def test_waiting_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "PATIENCE", 0.0)
    with pytest.raises(Refused, match="still CREATE_IN_PROGRESS"):
        put(CloudFormation(None, "CREATE_IN_PROGRESS"))


def test_without_a_stack_there_is_nothing_to_delete_and_no_output() -> None:
    client, said = CloudFormation(None), list[str]()
    Stack(client, "faunalens-dev").delete(said.append)
    assert (client.asked, said) == ([], ["there is no stack faunalens-dev"])
    with pytest.raises(Refused, match="make it with: python -m infra up"):
        _ = Stack(client, "faunalens-dev").outputs


def test_outputs_are_told_by_name() -> None:
    assert Stack(CloudFormation("CREATE_COMPLETE"), "faunalens-dev").outputs == {"A": "b"}

"""A CloudFormation stack: made, changed or deleted, with its events told while one waits."""

from collections.abc import Mapping
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any

from infra.step import Refused, Say

PAUSE = 5.0
"""Seconds between two looks at a stack that is at work."""
PATIENCE = 3600.0
"""Longest wait, seconds: a first database takes about ten minutes, a deletion with a snapshot about as long."""

_NOTHING = "No updates are to be performed"
_TELLING = ("_COMPLETE", "_FAILED")


class Stack:
    """One stack. `client`: of boto3, for `cloudformation`."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self._name = client, name

    def put(self, template: str, parameters: Mapping[str, str], tags: Mapping[str, str], say: Say) -> None:
        """Make the stack, or change it to this template. Raises `Refused` with CloudFormation's reasons."""
        status = self.status
        if status in ("ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"):  # a first attempt that failed can only be deleted
            say(f"stack {self._name} was never finished ({status}): deleted first")
            self.delete(say)
            status = None
        wanted = {
            "StackName": self._name,
            "TemplateBody": template,
            "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            "Tags": [{"Key": name, "Value": value} for name, value in tags.items()],
        }
        since = datetime.now(UTC)
        if status is None:
            self._client.create_stack(**wanted)
        elif not self._update(wanted):
            say(f"stack {self._name} is as it should be")
            return
        self._wait(since, say)

    def delete(self, say: Say) -> None:
        """Delete the stack and wait; nothing if there is none."""
        if self.status is None:
            say(f"there is no stack {self._name}")
            return
        since = datetime.now(UTC)
        self._client.delete_stack(StackName=self._name)
        self._wait(since, say)

    @property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs. Raises `Refused` if there is no stack."""
        found = self._find()
        if found is None:
            raise Refused(f"there is no stack {self._name}; make it with: python -m infra up")
        return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}

    @property
    def status(self) -> str | None:
        """CloudFormation's word for how the stack is; None without one."""
        found = self._find()
        return str(found["StackStatus"]) if found else None

    def _find(self) -> dict[str, Any] | None:
        from botocore.exceptions import ClientError

        try:
            (found,) = self._client.describe_stacks(StackName=self._name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return None if found["StackStatus"] == "DELETE_COMPLETE" else found

    def _update(self, wanted: dict[str, Any]) -> bool:
        """Whether there was anything to change."""
        from botocore.exceptions import ClientError

        try:
            self._client.update_stack(**wanted)
        except ClientError as error:
            if _NOTHING in str(error):
                return False
            raise
        return True

    def _wait(self, since: datetime, say: Say) -> None:
        """Tell events until the stack rests. Raises `Refused` with the reasons of what failed."""
        started, told, reasons = monotonic(), set[str](), list[str]()
        while True:
            status = self.status
            for event in self._events(since):
                if event["EventId"] in told or not event["ResourceStatus"].endswith(_TELLING):
                    continue
                told.add(event["EventId"])
                say(f"{monotonic() - started:5.0f} s  {event['LogicalResourceId']}: {event['ResourceStatus'].lower()}")
                if event["ResourceStatus"].endswith("_FAILED"):
                    reasons.append(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason')}")
            if status is None or not status.endswith("_IN_PROGRESS"):
                break
            if monotonic() - started > PATIENCE:
                raise Refused(
                    f"stack {self._name} is still {status} after {PATIENCE / 60:.0f} minutes; look at it there"
                )
            sleep(PAUSE)
        if status is not None and ("ROLLBACK" in status or status.endswith("_FAILED")):
            raise Refused(f"stack {self._name} is {status}. " + "; ".join(reasons[:5]))

    def _events(self, since: datetime) -> list[dict[str, Any]]:
        """Events since a moment, oldest first; none once the stack is gone."""
        from botocore.exceptions import ClientError

        try:
            events = self._client.describe_stack_events(StackName=self._name)["StackEvents"]
        except ClientError:
            return []
        return [event for event in reversed(events) if event["Timestamp"] >= since]

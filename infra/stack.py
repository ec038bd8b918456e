"""A CloudFormation stack: made, changed or deleted, with its events told while one waits."""

from collections.abc import Mapping
from time import monotonic, sleep
from typing import Any

from infra.step import PreconditionFailed, Say

PAUSE = 5.0
"""Seconds between two looks at a stack that is at work."""
PATIENCE = 3600.0
"""Longest wait, seconds: a first database takes about ten minutes, a deletion with a snapshot about as long."""

ATTEMPTS = 3
"""Deletions before giving up: what failed is tried again, and what a network interface holds goes when that goes."""

_NOTHING = "No updates are to be performed"
_TELLING = ("_COMPLETE", "_FAILED")
_UNFINISHED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS")
"""How a first attempt ends that failed: such a stack can only be deleted."""


class Stack:
    """One stack. `client`: of boto3, for `cloudformation`."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self._name = client, name

    def put(self, template: str, parameters: Mapping[str, str], tags: Mapping[str, str], say: Say) -> None:
        """Make the stack, or change it to this template. Raises `PreconditionFailed` with CloudFormation's reasons."""
        status = self._at_rest(say)
        if status in _UNFINISHED:
            say(f"stack {self._name} was never finished ({status}): deleted first")
            self.delete(say)
            status = None
        self._refuse_stuck(status)
        wanted = {
            "StackName": self._name,
            "TemplateBody": template,
            "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            "Tags": [{"Key": name, "Value": value} for name, value in tags.items()],
        }
        told = self._event_ids()
        if status is None:
            self._client.create_stack(**wanted)
        else:
            self._tell_changes(parameters, say)
            if not self._update(wanted):
                say(f"stack {self._name} is as it should be")
                return
        status, reasons = self._wait(told, say)
        if status is not None and ("ROLLBACK" in status or status.endswith("_FAILED")):
            raise PreconditionFailed(f"stack {self._name} is {status}. {reasons}")

    def delete(self, say: Say) -> None:
        """Delete the stack and wait; nothing if there is none. Raises `PreconditionFailed` with CloudFormation's reasons."""
        status = self.status
        if status is None:
            say(f"there is no stack {self._name}")
            return
        if status.endswith("_IN_PROGRESS") and status.startswith(("UPDATE", "ROLLBACK")):  # not to be cut short
            self._at_rest(say)
        reasons = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                say(f"not all of it went ({reasons}); once more")
            told = self._event_ids()
            self._client.delete_stack(StackName=self._name)
            status, reasons = self._wait(told, say, deleting=True)
            if status is None:
                return
        raise PreconditionFailed(f"stack {self._name} is {status}. {reasons}")

    @property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs. Raises `PreconditionFailed` if there is no stack."""
        found = self._find()
        if found is None:
            raise PreconditionFailed(f"there is no stack {self._name}; make it with: python -m infra up")
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

    def _at_rest(self, say: Say) -> str | None:
        """The status, once what an earlier command began has ended: that goes on when the command is killed."""
        status = self.status
        if status is None or status == "REVIEW_IN_PROGRESS" or not status.endswith("_IN_PROGRESS"):
            return status
        say(f"stack {self._name} is at work still ({status}): waited for first")
        return self._wait(self._event_ids(), say)[0]

    def _refuse_stuck(self, status: str | None) -> None:
        """Raise `PreconditionFailed` for a stack that takes no change until a person has decided."""
        if status == "DELETE_FAILED":
            raise PreconditionFailed(
                f"stack {self._name} was half deleted; finish that with: python -m infra down --from photos"
            )
        if status == "UPDATE_ROLLBACK_FAILED":
            raise PreconditionFailed(
                f"stack {self._name} could not be changed, nor changed back ({status}); see what failed in its events, "
                f"mend it, and run: aws cloudformation continue-update-rollback --stack-name {self._name}"
            )

    def _tell_changes(self, parameters: Mapping[str, str], say: Say) -> None:
        """Tell which parameters change: one that was given by `--set` once goes back to what the files say."""
        found = (self._find() or {}).get("Parameters", [])
        for each in found:
            name, value = each["ParameterKey"], each.get("ParameterValue", "")
            if name in parameters and parameters[name] != value:
                say(f"{name}: {value or 'nothing'} becomes {parameters[name] or 'nothing'}")

    def _wait(self, told: set[str], say: Say, *, deleting: bool = False) -> tuple[str | None, str]:
        """Tell events until the stack rests: its status then, None for no stack, and why what failed did.

        `told`: events that are not news. `deleting`: only gone or `DELETE_FAILED` is rest, whatever is seen at first.
        """
        started, reasons = monotonic(), list[str]()
        while True:
            status = self.status
            for event in self._events():
                if event["EventId"] in told or not event["ResourceStatus"].endswith(_TELLING):
                    continue
                told.add(event["EventId"])
                say(f"{monotonic() - started:5.0f} s  {event['LogicalResourceId']}: {event['ResourceStatus'].lower()}")
                if event["ResourceStatus"].endswith("_FAILED"):
                    reasons.append(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason')}")
            resting = status == "DELETE_FAILED" if deleting else not str(status).endswith("_IN_PROGRESS")
            if status is None or resting:
                return status, "; ".join(reasons[:5])
            if monotonic() - started > PATIENCE:
                raise PreconditionFailed(
                    f"stack {self._name} is still {status} after {PATIENCE / 60:.0f} minutes; look at it there, and "
                    "run the same command again: it goes on waiting"
                )
            sleep(PAUSE)

    def _event_ids(self) -> set[str]:
        return {event["EventId"] for event in self._events()}

    def _events(self) -> list[dict[str, Any]]:
        """The latest events, oldest first; none without a stack."""
        from botocore.exceptions import ClientError

        try:
            events = self._client.describe_stack_events(StackName=self._name)["StackEvents"]
        except ClientError:
            return []
        return list(reversed(events))

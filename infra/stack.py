"""A CloudFormation stack. It is changed only by change sets, which say what a deployment would do before it is done.

A template is passed by its URL in the bucket of packages, since it is larger than a request may be.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from infra.step import Echo, PreconditionFailed, poll

PAUSE = 5.0  # seconds between two checks of a stack in progress
QUIET = 60.0  # seconds without an event after which a line says what is still in progress
TIMEOUT = 3600.0  # longest wait, seconds; creating a database, or deleting it with a snapshot, takes about 600
MOST_EVENTS = 500  # to look at; a rollback makes hundreds between two checks, and the reason is below them
DELETE_ATTEMPTS = 3  # a deletion can fail while network interfaces still use a resource

_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_NEVER_CREATED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS")
"""Statuses of a stack whose creation failed or was not begun; CloudFormation can only delete it."""

_STUCK = {
    "DELETE_FAILED": "run `python -m infra down --stage STAGE --from stack` for the stage of",
    "UPDATE_ROLLBACK_FAILED": "repair the failed resource that its events name, and run: "
    "aws cloudformation continue-update-rollback --stack-name",
}
"""Statuses of a stack that an operator has to repair, and what to do with the stack of that name."""

Confirm = Callable[[str], bool]  # asks a question, and returns whether the answer is yes


class Declined(Exception):
    """The user did not confirm the changes, so nothing was changed."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The desired state of a stack. `template`: URL of a template in S3, or the text of a short template."""

    template: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    capabilities: Sequence[str] = ()  # CloudFormation's special permissions, such as `CAPABILITY_IAM` to create roles
    protected: bool = False  # from deletion, which CloudFormation then refuses
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further parameters of CreateChangeSet, such as `RollbackConfiguration`."""


class Stack:
    """A CloudFormation stack. `client`: a boto3 client of `cloudformation`."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self._name = client, name
        self._set = {"StackName": name, "ChangeSetName": f"infra-{datetime.now(UTC):%Y%m%d-%H%M%S}"}

    def deploy(self, wanted: Deployment, echo: Echo, confirm: Confirm = lambda _: True) -> None:
        """Create the stack or update it, once `confirm` has agreed to the changes that are printed.

        A failed creation leaves no stack. Raise `Declined` if `confirm` returns False, and `PreconditionFailed` if
        CloudFormation fails.
        """
        status = self._wait_for_earlier_operation(echo)
        if status in _NEVER_CREATED:
            echo(f"creation of stack {self._name} ended earlier ({status}); deleting what is left of it")
            self.delete(echo)
            status = None
        if advice := _STUCK.get(status or ""):
            raise PreconditionFailed(f"stack {self._name} is {status}; {advice} {self._name}")
        is_new = status is None
        if not self._plan(wanted, is_new, echo):
            echo(f"stack {self._name} is up to date")
        else:
            if not confirm(f"Make these changes to stack {self._name}? [y/N] "):
                self._discard(is_new)
                raise Declined
            seen = {event["EventId"] for event in self._events()}
            self._client.execute_change_set(**self._set)
            status, reasons = self._wait(seen, echo)
            if status is None or "ROLLBACK" in status or status.endswith("_FAILED"):
                left = "it was deleted again" if status is None else f"its status is {status}"
                raise PreconditionFailed(f"stack {self._name} was not deployed; {left}. {reasons}")
        if bool((self._describe() or {}).get("EnableTerminationProtection")) != wanted.protected:
            protection = {"EnableTerminationProtection": wanted.protected}
            self._client.update_termination_protection(StackName=self._name, **protection)
            echo(f"stack {self._name} is {'now' if wanted.protected else 'no longer'} protected from deletion")

    def delete(self, echo: Echo, prepare: Callable[[], object] = lambda: None) -> None:
        """Delete the stack if it exists, and wait for the end. Raise `PreconditionFailed` if CloudFormation fails.

        `prepare`: called before each attempt, for example to empty a bucket.
        """
        status, reasons = self.status, ""
        if status is None:
            echo(f"there is no stack {self._name}")
            return
        if status.endswith("_IN_PROGRESS") and status.startswith(("UPDATE", "ROLLBACK")):  # must not be interrupted
            self._wait_for_earlier_operation(echo)
        for attempt in range(DELETE_ATTEMPTS):
            if attempt:
                echo(f"some resources could not be deleted ({reasons}); trying again")
            prepare()
            seen = {event["EventId"] for event in self._events()}
            self._client.delete_stack(StackName=self._name)
            status, reasons = self._wait(seen, echo, deleting=True)
            if status is None:
                return
        raise PreconditionFailed(f"stack {self._name} was not deleted; its status is {status}. {reasons}")

    def cancel_update(self) -> bool:
        """Cancel the update that is in progress; CloudFormation then undoes it. Return False if there is none."""
        if self.status != "UPDATE_IN_PROGRESS":
            return False
        self._client.cancel_update_stack(StackName=self._name)
        return True

    @property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs; empty if the stack does not exist or is being created."""
        return {each["OutputKey"]: each["OutputValue"] for each in (self._describe() or {}).get("Outputs", [])}

    @property
    def parameters(self) -> dict[str, str]:
        """The values of the stack's parameters; empty if the stack does not exist."""
        found = (self._describe() or {}).get("Parameters", [])
        return {each["ParameterKey"]: each.get("ParameterValue", "") for each in found}

    @property
    def status(self) -> str | None:
        """The stack's status in CloudFormation; None if the stack does not exist."""
        found = self._describe()
        return str(found["StackStatus"]) if found else None

    def _describe(self) -> dict[str, Any] | None:
        try:
            (found,) = self._client.describe_stacks(StackName=self._name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return None if found["StackStatus"] == "DELETE_COMPLETE" else found

    def _plan(self, wanted: Deployment, is_new: bool, echo: Echo) -> bool:
        """Have CloudFormation compute the changes, and print them. Return False if there are none."""
        known = {} if is_new else self.parameters  # an earlier command may have set others with `--set`
        for name, value in known.items():
            if (wish := wanted.parameters.get(name, value)) != value:
                echo(f"parameter {name} changes from {value or 'empty'} to {wish or 'empty'}")
        self._client.create_change_set(
            **self._set,
            ChangeSetType="CREATE" if is_new else "UPDATE",
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in wanted.parameters.items()],
            Tags=[{"Key": name, "Value": value} for name, value in wanted.tags.items()],
            Capabilities=[*wanted.capabilities],
            **{"TemplateURL" if wanted.template.startswith("https://") else "TemplateBody": wanted.template},
            **({"OnStackFailure": "DELETE"} if is_new else {}),
            **wanted.options,
        )
        found: dict[str, Any] = {}
        for _ in poll(PAUSE, TIMEOUT):
            found = self._client.describe_change_set(**self._set)
            if not found["Status"].endswith(("_PENDING", "_IN_PROGRESS")):
                break
        if found["Status"] != "CREATE_COMPLETE":
            reason = found.get("StatusReason", "no reason")
            self._discard(is_new)
            if any(each in reason for each in _NO_CHANGES):
                return False
            raise PreconditionFailed(f"CloudFormation refuses the changes to stack {self._name}: {reason}")
        pages = self._client.get_paginator("describe_change_set").paginate(**self._set)
        for line in preview_of_changes([each["ResourceChange"] for page in pages for each in page["Changes"]]):
            echo(line)
        return True

    def _discard(self, is_new: bool) -> None:
        """Delete the change set; if the stack is new and so has no resources yet, delete it too."""
        self._client.delete_change_set(**self._set)
        if is_new:
            self._client.delete_stack(StackName=self._name)

    def _wait_for_earlier_operation(self, echo: Echo) -> str | None:
        """Wait for the end of an operation that an earlier command started, if any. Return the stack's status."""
        status = self.status
        if status is None or status == "REVIEW_IN_PROGRESS" or not status.endswith("_IN_PROGRESS"):
            return status
        echo(f"an earlier operation on stack {self._name} is in progress ({status}); waiting for it")
        return self._wait({event["EventId"] for event in self._events()}, echo)[0]

    def _wait(self, seen: set[str], echo: Echo, *, deleting: bool = False) -> tuple[str | None, str]:
        """Print events until the operation has ended. Return the stack's status, and the reasons for failures.

        The status is None if the stack is gone. `seen`: ids of events that are already printed. `deleting`: whether to
        wait for the end of a deletion, and ignore the earlier status, which AWS may report right after the request.
        """
        reasons, status, printed = list[str](), None, 0.0
        for waited in poll(PAUSE, TIMEOUT):
            status, events = self.status, self._events()
            for event in events:
                name, state = event["LogicalResourceId"], event["ResourceStatus"]
                if event["EventId"] not in seen and state.endswith(("_COMPLETE", "_FAILED")):
                    seen.add(event["EventId"])
                    printed = waited
                    echo(f"{waited:5.0f} s  {name}: {state.lower()}")
                    if state.endswith("_FAILED"):
                        reasons.append(f"{name}: {event.get('ResourceStatusReason', 'no reason')}")
            ended = status == "DELETE_FAILED" if deleting else not str(status).endswith("_IN_PROGRESS")
            if status is None or ended:
                return status, "; ".join(reasons[:5])
            if waited - printed >= QUIET:
                printed = waited
                states = {each["LogicalResourceId"]: each["ResourceStatus"] for each in events} | {self._name: ""}
                names = [name for name, state in states.items() if state.endswith("_IN_PROGRESS")]
                echo(f"{waited:5.0f} s  in progress: {', '.join(names)}")
        raise PreconditionFailed(
            f"stack {self._name} is still {status} after {TIMEOUT / 60:.0f} minutes; look at its events in the "
            "console, or run the same command again to wait longer"
        )

    def _events(self) -> list[dict[str, Any]]:
        """Return the latest events, oldest first; empty if the stack does not exist."""
        last = {"StackName": self._name, "PaginationConfig": {"MaxItems": MOST_EVENTS}}
        pages = self._client.get_paginator("describe_stack_events").paginate(**last)
        try:
            return [event for page in pages for event in page["StackEvents"]][::-1]
        except ClientError:
            return []


# What a change set would do, in lines for people: replacements in red, since what they hold is lost

_RED, _PLAIN = "\x1b[31m", "\x1b[0m"
_MOST_NAMED = 12  # additions of one change set that are listed one by one; more are counted by type


def preview_of_changes(changes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each change, with the dangerous ones last, to be noticed. `changes`: `ResourceChange`s."""
    added = [each for each in changes if each["Action"] == "Add"]
    if len(added) > _MOST_NAMED:
        kinds = Counter(each["ResourceType"].removeprefix("AWS::") for each in added)
        yield f"add {len(added)} resources: {', '.join(f'{count} {kind}' for kind, count in kinds.most_common())}"
    else:
        yield from map(_line, added)
    others = [each for each in changes if each["Action"] != "Add"]
    for each in sorted(others, key=lambda each: (_is_dangerous(each), each["LogicalResourceId"])):
        line = _line(each)
        yield f"{_RED}{line}{_PLAIN}" if _is_dangerous(each) else line


def _line(change: Mapping[str, Any]) -> str:
    verb, targets = change["Action"].lower(), (each.get("Target", {}) for each in change.get("Details", ()))
    if verb == "modify":
        verb = {"True": "REPLACE", "Conditional": "perhaps REPLACE"}.get(change.get("Replacement", ""), "change")
    names = sorted({each.get("Name") or each.get("Attribute", "") for each in targets} - {""})
    what = f": {', '.join(names)}" if names else ""
    return f"{verb} {change['LogicalResourceId']} ({change['ResourceType'].removeprefix('AWS::')}){what}"


def _is_dangerous(change: Mapping[str, Any]) -> bool:
    return change["Action"] in ("Remove", "Dynamic") or change.get("Replacement") in ("True", "Conditional")

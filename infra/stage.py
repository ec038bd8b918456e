"""One stage of Faunalens in one account and region, and the CloudFormation stacks that it consists of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra import chalice_project
from infra.functions import FUNCTIONS, function_name
from infra.step import Echo, PreconditionFailed, poll

PAUSE = 5.0  # seconds between two checks of a stack in progress
QUIET = 60.0  # seconds without an event after which a line says what is still in progress
TIMEOUT = 3600.0  # longest wait, seconds; creating a database, or deleting it with a snapshot, takes about 600
DELETE_ATTEMPTS = 3  # a deletion can fail while network interfaces still use a resource

_NO_UPDATE = "No updates are to be performed"
_NEVER_CREATED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS")
"""Statuses of a stack whose creation failed; CloudFormation can only delete it."""


class Stack:
    """A CloudFormation stack. `client`: a boto3 client of `cloudformation`."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self._name = client, name

    def deploy(
        self,
        template: str,
        parameters: Mapping[str, str],
        tags: Mapping[str, str],
        echo: Echo,
        capabilities: Sequence[str] = (),
    ) -> None:
        """Create the stack, or update it to this template. Raise `PreconditionFailed` if CloudFormation fails.

        `template`: its text, or its URL in S3 if it is larger than a request may be.
        `capabilities`: what the template may do beyond the usual, such as `CAPABILITY_IAM`: create roles.
        """
        status = self._wait_for_earlier_operation(echo)
        if status in _NEVER_CREATED:
            echo(f"creation of stack {self._name} failed earlier ({status}); deleting it first")
            self.delete(echo)
            status = None
        self._check_not_stuck(status)
        wanted = {
            "StackName": self._name,
            "TemplateURL" if template.startswith("https://") else "TemplateBody": template,
            "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            "Tags": [{"Key": name, "Value": value} for name, value in tags.items()],
            **({"Capabilities": [*capabilities]} if capabilities else {}),
        }
        seen = self._event_ids()
        if status is None:
            self._client.create_stack(**wanted)
        else:
            self._echo_changes(parameters, echo)
            if not self._update(wanted):
                echo(f"stack {self._name} is up to date")
                return
        status, reasons = self._wait(seen, echo)
        if status is not None and ("ROLLBACK" in status or status.endswith("_FAILED")):
            raise PreconditionFailed(f"stack {self._name} was not deployed; its status is {status}. {reasons}")

    def delete(self, echo: Echo) -> None:
        """Delete the stack if it exists, and wait for the end. Raise `PreconditionFailed` if CloudFormation fails."""
        status, reasons = self.status, ""
        if status is None:
            echo(f"there is no stack {self._name}")
            return
        if status.endswith("_IN_PROGRESS") and status.startswith(("UPDATE", "ROLLBACK")):  # must not be interrupted
            self._wait_for_earlier_operation(echo)
        for attempt in range(DELETE_ATTEMPTS):
            if attempt:
                echo(f"some resources could not be deleted ({reasons}); trying again")
            seen = self._event_ids()
            self._client.delete_stack(StackName=self._name)
            status, reasons = self._wait(seen, echo, deleting=True)
            if status is None:
                return
        raise PreconditionFailed(f"stack {self._name} was not deleted; its status is {status}. {reasons}")

    @property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs; empty if the stack does not exist or is being created."""
        found = self._describe() or {}
        return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}

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

    def _update(self, wanted: dict[str, Any]) -> bool:
        """Start an update. Return False if there is nothing to change."""
        try:
            self._client.update_stack(**wanted)
        except ClientError as error:
            if _NO_UPDATE in str(error):
                return False
            raise
        return True

    def _wait_for_earlier_operation(self, echo: Echo) -> str | None:
        """Wait for the end of an operation that an earlier command started, if any. Return the stack's status."""
        status = self.status
        if status is None or status == "REVIEW_IN_PROGRESS" or not status.endswith("_IN_PROGRESS"):
            return status
        echo(f"an earlier operation on stack {self._name} is in progress ({status}); waiting for it")
        return self._wait(self._event_ids(), echo)[0]

    def _check_not_stuck(self, status: str | None) -> None:
        """Raise `PreconditionFailed` for a stack that an operator has to repair."""
        if status == "DELETE_FAILED":
            raise PreconditionFailed(
                f"stack {self._name} is {status}; delete it with: python -m infra down --stage STAGE --from photos"
            )
        if status == "UPDATE_ROLLBACK_FAILED":
            raise PreconditionFailed(
                f"stack {self._name} is {status}; repair the failed resource that its events name, and run: "
                f"aws cloudformation continue-update-rollback --stack-name {self._name}"
            )

    def _echo_changes(self, parameters: Mapping[str, str], echo: Echo) -> None:
        """Print the parameters that this update changes, such as those that an earlier command set with `--set`."""
        for each in (self._describe() or {}).get("Parameters", []):
            name, value = each["ParameterKey"], each.get("ParameterValue", "")
            if name in parameters and parameters[name] != value:
                echo(f"parameter {name} changes from {value or 'empty'} to {parameters[name] or 'empty'}")

    def _wait(self, seen: set[str], echo: Echo, *, deleting: bool = False) -> tuple[str | None, str]:
        """Print events until the operation has ended. Return the status and the reasons for failures.

        The status is None if the stack is gone. `seen`: ids of the events that are already printed. `deleting`: wait
        for the end of a deletion, and ignore the earlier status, which AWS may report right after the request.
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
                echo(f"{waited:5.0f} s  in progress: {', '.join(self._in_progress(events))}")
        raise PreconditionFailed(
            f"stack {self._name} is still {status} after {TIMEOUT / 60:.0f} minutes; look at its events in the "
            "console, or run the same command again to wait longer"
        )

    def _in_progress(self, events: list[dict[str, Any]]) -> list[str]:
        """Return the resources that CloudFormation is working on. `events`: oldest first."""
        states = {event["LogicalResourceId"]: event["ResourceStatus"] for event in events}
        return [name for name, state in states.items() if state.endswith("_IN_PROGRESS") and name != self._name]

    def _event_ids(self) -> set[str]:
        return {event["EventId"] for event in self._events()}

    def _events(self) -> list[dict[str, Any]]:
        """Return the latest events, oldest first; empty if the stack does not exist."""
        try:
            return list(reversed(self._client.describe_stack_events(StackName=self._name)["StackEvents"]))
        except ClientError:
            return []


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage. `session`: a boto3 session. `parameters`: values that override stages/STAGE.json."""

    name: str
    region: str
    session: Any
    parameters: Mapping[str, str]

    def client(self, service: str, **options: Any) -> Any:
        """Return a boto3 client in the stage's region."""
        return self.session.client(service, region_name=self.region, **options)

    def stack(self, part: str = "") -> Stack:
        """Return the stage's stack. `part`: the name of one beside it, such as `edge` or `web`."""
        return Stack(self.client("cloudformation"), f"faunalens-{self.name}-{part}".removesuffix("-"))

    @property
    def tags(self) -> dict[str, str]:
        """Tags of all the stage's resources."""
        return {"project": "faunalens", "stage": self.name}

    @property
    def functions(self) -> list[str]:
        """Names of the stage's functions."""
        return [function_name(self.name, key) for key in FUNCTIONS]

    @property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs; empty if the stack does not exist or is being created."""
        return self.stack().outputs

    def output(self, name: str) -> str:
        """Return one output of the stack. Raise `PreconditionFailed` if the output is missing."""
        try:
            return self.outputs[name]
        except KeyError:
            raise PreconditionFailed(
                f"stack faunalens-{self.name} has no output {name}; "
                f"run: python -m infra up --stage {self.name} --from stack"
            ) from None

    @property
    def is_single_stack(self) -> bool:
        """True if the stack also contains functions and API: a pipeline created it with infra/template/pipeline.py."""
        return "EndpointURL" in self.outputs

    @property
    def url(self) -> str:
        """The API's URL, with a slash at its end. Raise `PreconditionFailed` if there is no API."""
        return self.outputs.get("EndpointURL") or str(
            chalice_project.read_resources(self.name)["rest_api"]["rest_api_url"]
        )

    def snapshots(self) -> list[str]:
        """Return the names of the database's snapshots, even if the database is deleted."""
        paginator = self.client("rds").get_paginator("describe_db_cluster_snapshots")
        pages = paginator.paginate(DBClusterIdentifier=f"faunalens-{self.name}")
        return [each["DBClusterSnapshotIdentifier"] for page in pages for each in page["DBClusterSnapshots"]]

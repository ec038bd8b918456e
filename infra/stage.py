"""One stage of Faunalens in one account and region, and the CloudFormation stacks that it consists of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.functions import FUNCTIONS, function_name
from infra.stack import Stack
from infra.step import PreconditionFailed


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

    def pages(self, service: str, operation: str, **arguments: Any) -> Iterator[Any]:
        """Return the pages of an AWS operation's result."""
        pages: Iterator[Any] = iter(self.client(service).get_paginator(operation).paginate(**arguments))
        return pages

    def stack(self, part: str = "") -> Stack:
        """Return the stage's main stack, or the stack of a `part`, such as `web`."""
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
        if found := self.outputs.get(name):
            return found
        advice = f"run: python -m infra up --stage {self.name} --from stack"
        raise PreconditionFailed(f"stack faunalens-{self.name} has no output {name}; {advice}")

    @property
    def url(self) -> str:
        """The API's URL, with a slash at its end. Raise `PreconditionFailed` if there is no API."""
        return self.output("EndpointURL")

    def snapshots(self) -> list[str]:
        """Return the names of the database's snapshots, which may outlive the database."""
        pages = self.pages("rds", "describe_db_cluster_snapshots", DBClusterIdentifier=f"faunalens-{self.name}")
        return [each["DBClusterSnapshotIdentifier"] for page in pages for each in page["DBClusterSnapshots"]]

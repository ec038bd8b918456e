"""One stage of Faunalens in one account and region: its stacks, its address, and what is left of it."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra import deployed as record
from infra.stack import Stack
from infra.step import PreconditionFailed, Say


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage. `session`: of boto3. `parameters`: of the stack, in place of those in stages/STAGE.json. `firewall`:
    whether a web firewall stands before the API.
    """

    name: str
    region: str
    session: Any
    parameters: Mapping[str, str]
    firewall: bool = False

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client in the stage's region."""
        return self.session.client(service, region_name=self.region, **options)

    def stack(self, part: str = "") -> Stack:
        """The stage's stack; `edge`: that of what stands before the API."""
        return Stack(self.client("cloudformation"), "-".join(["faunalens", self.name, *([part] if part else [])]))

    @property
    def tags(self) -> dict[str, str]:
        """What everything of the stage is tagged with."""
        return {"project": "faunalens", "stage": self.name}

    @property
    def functions(self) -> list[str]:
        """The names of its functions."""
        return [record.name_of(self.name, key) for key in record.KEYS]

    @property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs; nothing without a stack, or while a first one is being made."""
        stack = self.stack()
        return stack.outputs if stack.status else {}

    def output(self, name: str) -> str:
        """One output of the stack. Raises `PreconditionFailed` without it."""
        try:
            return self.outputs[name]
        except KeyError:
            raise PreconditionFailed(
                f"stack faunalens-{self.name} has no output {name}, or is not there; "
                f"run: python -m infra up --stage {self.name} --from stack"
            ) from None

    @property
    def is_whole(self) -> bool:
        """Whether the stack was made by a pipeline, from the one template of infra/template.py with the API in it."""
        return "EndpointURL" in self.outputs

    @property
    def url(self) -> str:
        """Where the API is, with a slash at its end. Raises `PreconditionFailed` without one."""
        return self.outputs.get("EndpointURL") or str(record.deployed(self.name)["rest_api"]["rest_api_url"])

    def kept(self) -> list[str]:
        """Snapshots of the database that are left: they cost a little, and bring it back."""
        pages = (
            self.client("rds")
            .get_paginator("describe_db_cluster_snapshots")
            .paginate(DBClusterIdentifier=f"faunalens-{self.name}")
        )
        return [each["DBClusterSnapshotIdentifier"] for page in pages for each in page["DBClusterSnapshots"]]

    def dashboards(self, command: Sequence[str], say: Say) -> None:
        """Run one of `python -m cloudwatch`'s commands. Raises `PreconditionFailed` with what it said."""
        arguments = [sys.executable, "-m", "cloudwatch", *command, "--stage", self.name, "--region", self.region]
        done = subprocess.run(arguments, cwd=record.ROOT, capture_output=True, text=True)
        for line in done.stdout.splitlines():
            say(line)
        if done.returncode:
            raise PreconditionFailed(
                done.stderr.strip() or f"python -m cloudwatch {command[0]} ended with {done.returncode}"
            )
        for warning in done.stderr.splitlines():
            say(warning)

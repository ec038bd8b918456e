"""Configurations of functions, from the SAM template that Chalice generates."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACCOUNT, REGION = "123456789012", "us-east-1"
"""The account number in the examples of AWS documentation. It belongs to no customer."""
API = "app.app"
"""Handler of the function that API Gateway invokes."""


@dataclass(frozen=True, slots=True)
class FunctionLimits:
    """The configuration of a function that the simulation applies.

    `memory`: limit in MB. `timeout`: limit in seconds. `concurrency`: maximum number of containers. `schedule`: for
    example `rate(5 minutes)`, or empty.
    """

    name: str
    handler: str
    memory: int
    timeout: float
    environment: Mapping[str, str]
    concurrency: int
    schedule: str = ""

    @property
    def arn(self) -> str:
        """Amazon Resource Name of the function."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"


def read_functions(template: Mapping[str, Any], application: str, stage: str) -> dict[str, FunctionLimits]:
    """Return the functions of a SAM template by handler, with the names that Chalice gives them when it deploys."""
    functions = {}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            properties = resource["Properties"]
            handler, name = properties["Handler"], f"{application}-{stage}"
            events = properties.get("Events", {}).values()
            schedules = [each["Properties"]["Schedule"] for each in events if each["Type"] == "Schedule"]
            variables = properties.get("Environment", {}).get("Variables", {})
            functions[handler] = FunctionLimits(
                name=name if handler == API else f"{name}-{handler.rpartition('.')[2]}",
                handler=handler,
                memory=properties["MemorySize"],
                timeout=properties["Timeout"],
                # Other values refer to resources that exist only after deployment, for example an endpoint.
                environment={name: value for name, value in variables.items() if isinstance(value, str)},
                concurrency=properties.get("ReservedConcurrentExecutions", 10),
                schedule=schedules[0] if schedules else "",
            )
    return functions


def seconds_between_runs(schedule: str) -> float:
    """Return the seconds between two runs of a `rate(…)` schedule. Raises ValueError for any other schedule.

    >>> seconds_between_runs("rate(5 minutes)")
    300.0
    """
    match = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", schedule)
    if match is None:
        raise ValueError(
            f"schedule {schedule!r} is not a rate; local runs support only rates, for example rate(5 minutes)"
        )
    return float(match[1]) * {"minute": 60, "hour": 3600, "day": 86400}[match[2]]

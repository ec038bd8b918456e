"""A function's configuration, read from the SAM template that Chalice generates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACCOUNT, REGION = "123456789012", "us-east-1"
"""The account in AWS's own examples; it belongs to no customer."""
API = "app.app"
"""Handler of the function behind the API."""


@dataclass(frozen=True, slots=True)
class FunctionLimits:
    """The part of a function's configuration that changes how it runs.

    `memory`: MB; `timeout`: seconds; `concurrency`: maximum number of containers; `schedule`: such as
    `rate(5 minutes)`, empty if there is none.
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
        """Its Amazon Resource Name."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"


def read_functions(template: Mapping[str, Any], application: str, stage: str) -> dict[str, FunctionLimits]:
    """Return the functions of Chalice's SAM template by handler, with the names that Chalice gives them."""
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
                # References to other resources of the stack, such as an endpoint, have no value before deployment.
                environment={name: value for name, value in variables.items() if isinstance(value, str)},
                concurrency=properties.get("ReservedConcurrentExecutions", 10),
                schedule=schedules[0] if schedules else "",
            )
    return functions


def seconds_between_runs(schedule: str) -> float:
    """Return the interval of a `rate(…)` schedule in seconds. Raises ValueError for any other schedule.

    >>> seconds_between_runs("rate(5 minutes)")
    300.0
    """
    units = {"minute": 60, "hour": 3600, "day": 86400}
    number, _, unit = schedule.removeprefix("rate(").removesuffix(")").partition(" ")
    if not schedule.startswith("rate(") or unit.removesuffix("s") not in units:
        raise ValueError(f"the schedule {schedule!r} is not a rate; local runs support only rates: rate(5 minutes)")
    return float(number) * units[unit.removesuffix("s")]

"""A function as it would be deployed: read from the SAM template that Chalice packs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACCOUNT, REGION = "123456789012", "us-east-1"
"""Of nobody: AWS's own examples use this account."""
API = "app.app"
"""Handler of the function behind the API."""


@dataclass(frozen=True, slots=True)
class Function:
    """What of a function's configuration changes how it runs. `memory`: MB; `timeout`: seconds.

    `concurrency`: most containers at a time; `schedule`: such as `rate(5 minutes)`, empty if there is none.
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
        """Its name in full."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"


def functions_of(template: Mapping[str, Any], application: str, stage: str) -> dict[str, Function]:
    """The functions of a SAM template of Chalice's, by handler; named as Chalice names them."""
    found = [
        each["Properties"] for each in template["Resources"].values() if each["Type"] == "AWS::Serverless::Function"
    ]
    return {each["Handler"]: _function_of(each, f"{application}-{stage}") for each in found}


def rate_of(schedule: str) -> float:
    """Seconds between two runs of a schedule that is a rate; raises ValueError for another.

    >>> rate_of("rate(5 minutes)")
    300.0
    """
    units = {"minute": 60, "hour": 3600, "day": 86400}
    number, _, unit = schedule.removeprefix("rate(").removesuffix(")").partition(" ")
    if not schedule.startswith("rate(") or unit.removesuffix("s") not in units:
        raise ValueError(f"{schedule} is no rate such as rate(5 minutes), and only rates are run here")
    return float(number) * units[unit.removesuffix("s")]


def _function_of(properties: Mapping[str, Any], application: str) -> Function:
    handler = str(properties["Handler"])
    schedules = [
        each["Properties"]["Schedule"] for each in properties.get("Events", {}).values() if each["Type"] == "Schedule"
    ]
    return Function(
        name=application if handler == API else f"{application}-{handler.rpartition('.')[2]}",
        handler=handler,
        memory=properties["MemorySize"],
        timeout=properties["Timeout"],
        environment={
            # What refers to other resources of the stack, such as an endpoint, has no value before it is deployed.
            name: value
            for name, value in properties.get("Environment", {}).get("Variables", {}).items()
            if isinstance(value, str)
        },
        concurrency=properties.get("ReservedConcurrentExecutions", 10),
        schedule=schedules[0] if schedules else "",
    )

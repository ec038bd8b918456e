"""The functions of a stage: their names, their settings in Chalice's configuration, and limits that Chalice cannot set.

Chalice cannot limit asynchronous calls, such as those of warming by EventBridge. By default, Lambda repeats a failed
call twice, and keeps the calls of a busy function for six hours:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.config.settings import ROOT
from dashboards.figures import ACCOUNT
from infra.step import PreconditionFailed

APP = "faunalens"
FUNCTIONS = ("admin", "batch", "warm", "api_handler")
"""The functions' names in app.py; `api_handler` is Chalice's name for the API's function."""
CONFIG = ROOT / ".chalice" / "config.json"

ASYNC_LIMITS: Mapping[str, Mapping[str, int]] = {
    "warm": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 300},  # the next scheduled run comes by then
    "batch": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},  # its callers wait, and repeat by themselves
    "admin": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},  # a retry would start a load twice
}
"""Limits by the function's name in app.py. The alarm `warming-silent` reports lost runs of warming."""


def function_name(stage: str, key: str) -> str:
    """Return a function's name on AWS. `key`: its name in app.py."""
    return f"{APP}-{stage}" if key == "api_handler" else f"{APP}-{stage}-{key}"


def stages() -> list[str]:
    """Return the stages that can be deployed, which are the stages with functions. `local` has none."""
    return [name for name, stage in _stages().items() if "lambda_functions" in stage]


def function_settings(stage: str) -> dict[str, dict[str, Any]]:
    """Return the settings of a stage's functions by name in app.py. Raise `PreconditionFailed` for an unknown stage."""
    if stage not in (found := _stages()):
        known = ", ".join(found)
        raise PreconditionFailed(f"config.json has no stage {stage}, only {known}; add the stage")
    settings: dict[str, dict[str, Any]] = found[stage].get("lambda_functions", {})
    return settings


def reservations(stage: str) -> dict[str, int]:
    """Return the reserved concurrency of each function that has one, keyed by the function's name on AWS."""
    reserved = {key: each.get("reserved_concurrency") for key, each in function_settings(stage).items()}
    return {function_name(stage, key): count for key, count in reserved.items() if count is not None}


def containers_of_api(stage: str) -> int:
    """Return how many containers the API's function may have: its reserved concurrency, or else the account's."""
    return int(function_settings(stage)["api_handler"].get("reserved_concurrency", ACCOUNT))


def policy_in(stage: str, policy: Any) -> Any:
    """Return a policy of .chalice/ for a stage. All stages have the same; in it, `STAGE` stands for the name of one."""
    return json.loads(json.dumps(policy, allow_nan=False).replace("STAGE", stage))


def _stages() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(CONFIG.read_text(encoding="utf-8"))["stages"]
    return document

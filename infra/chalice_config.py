"""Read `.chalice/config.json`, and write a stage's network and environment variables into it for Chalice."""

import json
from pathlib import Path
from typing import Any

from chalicelib.config.settings import ROOT
from infra.deployed import function_name
from infra.function_config import REQUIRED_OUTPUTS, FunctionConfig, function_config
from infra.rate_limits import VARIABLES
from infra.step import PreconditionFailed

FILE = ROOT / ".chalice" / "config.json"

STACK_VARIABLES = (*function_config({name: name for name in REQUIRED_OUTPUTS}, "").environment, *VARIABLES)
"""Environment variables that `write_config` writes and `remove_config` removes."""


def write_config(stage: str, config: FunctionConfig, path: Path = FILE) -> bool:
    """Write a stage's network and environment variables to the file. Return True if the file changed."""
    document = _read(stage, path)
    chosen = document["stages"][stage]
    chosen["subnet_ids"] = list(config.subnet_ids)
    chosen["security_group_ids"] = list(config.security_group_ids)
    chosen.setdefault("environment_variables", {}).update(config.environment)
    admin = chosen.setdefault("lambda_functions", {}).setdefault("admin", {})
    admin.setdefault("environment_variables", {}).update(config.admin_environment)
    return _write(document, path)


def remove_config(stage: str, path: Path = FILE) -> bool:
    """Remove the settings that `write_config` writes. Return True if the file changed."""
    document = _read(stage, path)
    chosen = document["stages"][stage]
    chosen.pop("subnet_ids", None)
    chosen.pop("security_group_ids", None)
    for function in (chosen, chosen.get("lambda_functions", {}).get("admin", {})):
        variables = function.get("environment_variables", {})
        for name in STACK_VARIABLES:
            variables.pop(name, None)
        if not variables:
            function.pop("environment_variables", None)
    return _write(document, path)


def stages(path: Path = FILE) -> list[str]:
    """Return the stages that can be deployed, which are the stages with functions. `local` has none."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return [name for name, stage in document["stages"].items() if "lambda_functions" in stage]


def function_settings(stage: str, path: Path = FILE) -> dict[str, dict[str, Any]]:
    """Return the settings of a stage's functions, keyed by the function's name in app.py."""
    settings: dict[str, dict[str, Any]] = _read(stage, path)["stages"][stage].get("lambda_functions", {})
    return settings


def reservations(stage: str, path: Path = FILE) -> dict[str, int]:
    """Return the reserved concurrency of each function that has one, keyed by the function's name on AWS."""
    reserved = {key: each.get("reserved_concurrency") for key, each in function_settings(stage, path).items()}
    return {function_name(stage, key): count for key, count in reserved.items() if count is not None}


def _read(stage: str, path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if stage not in document["stages"]:
        known = ", ".join(document["stages"])
        raise PreconditionFailed(f"{path.name} has no stage {stage}, only {known}; add the stage and its policy files")
    return document


def _write(document: dict[str, Any], path: Path) -> bool:
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if path.read_text(encoding="utf-8") == text:
        return False
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
    return True

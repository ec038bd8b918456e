"""Chalice's project: its configuration `.chalice/config.json`, and its command."""

import json
import sys
from pathlib import Path
from typing import Any

from chalicelib.config.settings import ROOT
from infra.functions import function_name
from infra.step import PreconditionFailed

CONFIG = ROOT / ".chalice" / "config.json"


def chalice_command(project: Path, *arguments: str) -> list[str]:
    """Return the command line that runs Chalice with this Python, whose version becomes Lambda's runtime."""
    code = "import sys; from chalice.cli import main; sys.exit(main())"
    return [sys.executable, "-c", code, "--project-dir", str(project), *arguments]


def stages(path: Path = CONFIG) -> list[str]:
    """Return the stages that can be deployed, which are the stages with functions. `local` has none."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return [name for name, stage in document["stages"].items() if "lambda_functions" in stage]


def function_settings(stage: str, path: Path = CONFIG) -> dict[str, dict[str, Any]]:
    """Return the settings of a stage's functions, keyed by the function's name in app.py."""
    settings: dict[str, dict[str, Any]] = _read(stage, path)["stages"][stage].get("lambda_functions", {})
    return settings


def reservations(stage: str, path: Path = CONFIG) -> dict[str, int]:
    """Return the reserved concurrency of each function that has one, keyed by the function's name on AWS."""
    reserved = {key: each.get("reserved_concurrency") for key, each in function_settings(stage, path).items()}
    return {function_name(stage, key): count for key, count in reserved.items() if count is not None}


def _read(stage: str, path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if stage not in document["stages"]:
        known = ", ".join(document["stages"])
        raise PreconditionFailed(f"{path.name} has no stage {stage}, only {known}; add the stage and its policy files")
    return document

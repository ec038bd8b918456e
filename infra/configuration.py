"""`.chalice/config.json`: where a stage's functions run and what they connect to is written into it, and taken out.

Chalice knows no other place for it. The file is committed, so a change of surroundings is seen like any other.
"""

import json
from pathlib import Path
from typing import Any

from infra.environment import Surroundings
from infra.step import PreconditionFailed

FILE = Path(__file__).parent.parent / ".chalice" / "config.json"


def write_config(stage: str, surroundings: Surroundings, path: Path = FILE) -> bool:
    """Write a stage's surroundings. Returns whether anything changed."""
    document = _read(stage, path)
    chosen = document["stages"][stage]
    chosen["subnet_ids"] = list(surroundings.subnet_ids)
    chosen["security_group_ids"] = list(surroundings.security_group_ids)
    chosen.setdefault("environment_variables", {}).update(surroundings.environment)
    admin = chosen.setdefault("lambda_functions", {}).setdefault("admin", {})
    admin.setdefault("environment_variables", {}).update(surroundings.admin_environment)
    return _write(document, path)


def remove_config(stage: str, path: Path = FILE) -> bool:
    """Take a stage's surroundings out again. Returns whether anything changed."""
    document = _read(stage, path)
    chosen = document["stages"][stage]
    chosen.pop("subnet_ids", None)
    chosen.pop("security_group_ids", None)
    for function in (chosen, chosen.get("lambda_functions", {}).get("admin", {})):
        variables = function.get("environment_variables", {})
        for name in SURROUNDING_VARIABLES:
            variables.pop(name, None)
        if not variables:
            function.pop("environment_variables", None)
    return _write(document, path)


def stages(path: Path = FILE) -> list[str]:
    """The stages that can be deployed: those whose functions it describes. `local` is the desk's."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return [name for name, stage in document["stages"].items() if "lambda_functions" in stage]


def reservations(stage: str, path: Path = FILE) -> dict[str, int]:
    """How many requests at once each function reserves, by Chalice's name of it; those that do."""
    functions = _read(stage, path)["stages"][stage].get("lambda_functions", {})
    return {key: each["reserved_concurrency"] for key, each in functions.items() if "reserved_concurrency" in each}


SURROUNDING_VARIABLES = (
    "DATABASE_URL",
    "DATABASE_IAM",
    "DATABASE_CA",
    "REDIS_URL",
    "REDIS_IAM_CACHE",
    "PHOTO_BUCKET",
)
"""What `write_config` writes into the environment."""


def _read(stage: str, path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if stage not in document["stages"]:
        known = ", ".join(document["stages"])
        raise PreconditionFailed(
            f"{path.name} has no stage {stage}, only {known}; add it there, with its policies beside it"
        )
    return document


def _write(document: dict[str, Any], path: Path) -> bool:
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if path.read_text(encoding="utf-8") == text:
        return False
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
    return True

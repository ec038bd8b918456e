"""How much the parts of a stage may do: for `LIMIT_…` in alarms and widgets, which compare percentages of it.

Each stands where it is set and nowhere else: infra/stages/STAGE.json has the parameters of the stack,
.chalice/config.json the containers of the function. Both are read by path; nothing of infra/ is imported. What
`infra up --set` gave a stack for once is not seen here.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STAGES = "infra/stages"
FUNCTIONS = ".chalice/config.json"
USUAL = "prod"
"""The stage whose limits lint reads, and the preview for a stage that has none: the local server's, say."""

PARAMETERS: Mapping[str, str] = {
    "LIMIT_CACHE_ECPU": "CacheMaxEcpuPerSecond",
    "LIMIT_CACHE_GIGABYTES": "CacheMaxGigabytes",
    "LIMIT_DATABASE_ACU": "DatabaseMaxCapacity",
}
"""Placeholder → parameter of the stack."""
CONTAINERS = "LIMIT_CONTAINERS"
"""Placeholder of the containers that the API's function may have at once."""
LIMITS = (*PARAMETERS, CONTAINERS)
ACCOUNT = "1000"
"""Containers of all functions of an account, as Lambda grants them: the limit of a function that reserves none."""

_FUNCTION = "api_handler"
_DECIMAL = re.compile(r"\d+(\.\d+)?")


class LimitError(ValueError):
    """A stage does not say how much it may do: which file, what is wrong, what to write there."""

    def __init__(self, file: str, detail: str) -> None:
        super().__init__(f"{file}: {detail}")
        self.file = file
        self.detail = detail


def stages_of(root: Path) -> list[str]:
    """Stages that say their limits. `root`: the folder that holds infra/ and .chalice/."""
    others = {"limits"}  # how many requests API Gateway lets through, for all stages
    return sorted(path.stem for path in (root / STAGES).glob("*.json") if path.stem not in others)


def stage_shown(stage: str, root: Path) -> str:
    """The stage whose limits the preview shows for a stage: its own, or the usual one's if it says none."""
    return stage if stage in stages_of(root) else USUAL


def read_limits(stage: str, root: Path, account: str = ACCOUNT) -> dict[str, str]:
    """Text for each placeholder. Raises `LimitError`; a folder without stages has no limits.

    `account`: containers that the account lets run, which counts for a stage that reserves none.
    """
    if not (root / STAGES).is_dir():
        return {}
    parameters = _parameters(stage, root)
    file = f"{STAGES}/{stage}.json"
    limits = {placeholder: _number(parameters, name, file, name) for placeholder, name in PARAMETERS.items()}
    function = {"reserved_concurrency": account} | _function(stage, root)
    where = f"reserved_concurrency of {stage}'s {_FUNCTION}"
    return limits | {CONTAINERS: _number(function, "reserved_concurrency", FUNCTIONS, where)}


def _parameters(stage: str, root: Path) -> Mapping[str, Any]:
    known = stages_of(root)
    if stage not in known:
        raise LimitError(
            f"{STAGES}/{stage}.json",
            f"stage {stage} has no such file, which alarms take their limits from; write it like that of "
            f"{' or '.join(known) or USUAL} (docs/reference/infra.md), or deploy a stage that has one",
        )
    return _within(_read(root, f"{STAGES}/{stage}.json"), "Parameters")


def _function(stage: str, root: Path) -> dict[str, Any]:
    stages = _within(_read(root, FUNCTIONS), "stages")
    if stage not in stages:
        raise LimitError(FUNCTIONS, f"there is no stage {stage}, only {', '.join(stages)}; add it there")
    return _within(stages[stage], "lambda_functions", _FUNCTION)


def _read(root: Path, file: str) -> Any:
    try:
        return json.loads((root / file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LimitError(file, "is not there, and alarms take their limits from it") from None
    except ValueError as error:
        raise LimitError(file, f"is no JSON ({error})") from None


def _within(value: Any, *keys: str) -> dict[str, Any]:
    """What lies below keys; nothing where there is none."""
    for key in keys:
        value = value.get(key, {}) if isinstance(value, dict) else {}
    return value if isinstance(value, dict) else {}


def _number(values: Mapping[str, Any], key: str, file: str, where: str) -> str:
    """A limit as metric math reads it, which knows no 1e3 and no division by zero."""
    if key not in values:
        raise LimitError(
            file, f"{where} is missing, which alarms compare with; write it there, even if it is a default"
        )
    text = str(values[key])
    if not _DECIMAL.fullmatch(text) or not float(text):
        raise LimitError(file, f'{where} is "{text}"; write a plain number above zero such as 1000')
    return text

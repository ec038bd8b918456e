"""The figures that replace `PRICE_…` and `LIMIT_…` in files: prices of AWS, and how much a stage may use.

Prices are in prices.csv; infra/cost uses them too, for docs/explanation/cost.md. The numbers of metrics, alarms and
dashboards, which AWS bills, are counted in the files (`PRICE_…_COUNT`). The limits of Redis and the
database are parameters of the stack in infra/stages/STAGE.json. The limit of containers is in .chalice/config.json.
Values set with `infra up --set` are ignored.
"""

import csv
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chalicelib.telemetry.metrics import max_billed_metrics, max_billed_of_tier
from cloudwatch.project import (
    API_FUNCTION,
    BATCH_FUNCTION,
    DASHBOARDS,
    FUNCTIONS,
    INFRA_GUIDE,
    STAGES,
    TIER,
    belongs_to_tier,
)

_COLUMNS = ("name", "value", "unit", "what", "region", "date", "source")
_DECIMAL = re.compile(r"\d+(\.\d+)?")
"""Metric math supports neither 1.6e-05 nor 1e3."""


class FileError(ValueError):
    """A file is missing or invalid. `detail` says what is wrong and what to write instead."""

    def __init__(self, file: str, detail: str) -> None:
        super().__init__(f"{file}: {detail}")
        self.file = file
        self.detail = detail


def read_prices(path: Path = DASHBOARDS / "prices.csv") -> dict[str, str]:
    """Return the prices in US dollars by name, as text that expressions can contain; none if there is no file.

    Raises `FileError`, which names the invalid line.
    """
    if not path.exists():
        return {}
    shown = f"{path.parent.name}/{path.name}"
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if tuple(rows.fieldnames or ()) != _COLUMNS:
            raise FileError(shown, f"line 1: the columns must be {','.join(_COLUMNS)}")
        prices: dict[str, str] = {}
        for row in rows:
            if problem := _problem(row, prices):
                raise FileError(shown, f"line {rows.line_num}: {problem}")
            prices[row["name"]] = row["value"]
    return prices


def _problem(row: Mapping[str, str], prices: Mapping[str, str]) -> str | None:
    if None in row or None in row.values():
        return f"expected {len(_COLUMNS)} columns; put text with commas in quotes"
    name, value = row["name"], row["value"]
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        return f'name "{name}" is invalid; use lower-case letters, digits and _'
    if not _DECIMAL.fullmatch(value):
        return f'value "{value}" is invalid; write a plain decimal number such as 0.0000133334'
    return f"{name} appears twice; remove one" if name in prices else None


def placeholder_of(price: str) -> str:
    """Return the placeholder of a price, or of a count, in files."""
    return f"PRICE_{price.upper()}"


def billed_counts(folder: Path = DASHBOARDS) -> dict[str, int]:
    """Return how many metrics, alarms and dashboards AWS bills for a stage, and for its web tier in addition."""
    found = {"series_count": max_billed_metrics(), f"{TIER}_series_count": max_billed_of_tier()}
    for start, of_tier in (("", False), (f"{TIER}_", True)):
        alarms, composites, dashboards = (
            [path for path in folder.glob(pattern) if belongs_to_tier(path.stem) == of_tier]
            for pattern in ("alarms/*.json", "composites/*.json", "*.json")
        )
        metrics = [path.read_text(encoding="utf-8").count('"MetricStat"') for path in alarms]
        found[f"{start}alarm_metric_count"] = sum(max(1, each) for each in metrics)
        found[f"{start}composite_count"] = len(composites)
        found[f"{start}dashboard_count"] = len(dashboards)
    return found


DEFAULT_STAGE = "prod"
"""The stage whose limits lint uses. The preview also uses them for a stage without limits, such as `local`."""

PARAMETERS: Mapping[str, str] = {
    "LIMIT_CACHE_ECPU": "CacheMaxEcpuPerSecond",
    "LIMIT_CACHE_GIGABYTES": "CacheMaxGigabytes",
    "LIMIT_DATABASE_ACU": "DatabaseMaxCapacity",
}
"""Placeholder → parameter of the stack."""
CONTAINERS = "LIMIT_CONTAINERS"
"""Placeholder of the API function's limit of concurrent containers."""
BATCH_CONTAINERS = "LIMIT_BATCH_CONTAINERS"
"""Placeholder of the batch function's limit of concurrent containers."""
_CONTAINERS: Mapping[str, str] = {CONTAINERS: API_FUNCTION, BATCH_CONTAINERS: BATCH_FUNCTION}
LIMITS = (*PARAMETERS, *_CONTAINERS)
ACCOUNT = "1000"
"""Lambda's default limit of containers per account, which applies to a function that reserves none."""


def stages_of(root: Path) -> list[str]:
    """Return the stages that have limits. `root` contains infra/ and .chalice/."""
    others = {"limits"}  # infra/stages/limits.json has the throttling of API Gateway for all stages
    return sorted(path.stem for path in (root / STAGES).glob("*.json") if path.stem not in others)


def stage_shown(stage: str, root: Path) -> str:
    """Return the stage whose limits the preview shows: `stage` if it has limits, otherwise `DEFAULT_STAGE`."""
    return stage if stage in stages_of(root) else DEFAULT_STAGE


def read_limits(stage: str, root: Path, account: str = ACCOUNT) -> dict[str, str]:
    """Return the limit for each placeholder; an empty mapping if `root` has no stages. Raises `FileError`.

    `account`: the account's limit of containers, which applies to a stage without reserved concurrency.
    """
    if not (root / STAGES).is_dir():
        return {}
    file, known = f"{STAGES}/{stage}.json", stages_of(root)
    if stage not in known:
        raise FileError(
            file,
            f"stage {stage} has no limits, but its alarms need them; copy the file of "
            f"{' or '.join(known) or DEFAULT_STAGE} (see {INFRA_GUIDE}), or use a stage that has limits",
        )
    parameters = _below(_read(root, file), "Parameters")
    limits = {placeholder: _number(parameters, name, file, name) for placeholder, name in PARAMETERS.items()}
    stages = _below(_read(root, FUNCTIONS), "stages")
    if stage not in stages:
        raise FileError(FUNCTIONS, f"`stages` has no entry for {stage}, only for {', '.join(stages)}; add one")
    for placeholder, name in _CONTAINERS.items():
        function = {"reserved_concurrency": account} | _below(stages[stage], "lambda_functions", name)
        where = f"reserved_concurrency of {stage}'s {name}"
        limits[placeholder] = _number(function, "reserved_concurrency", FUNCTIONS, where)
    return limits


def _read(root: Path, file: str) -> Any:
    try:
        return json.loads((root / file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileError(file, "the file is missing, but alarms need its limits; restore it") from None
    except ValueError as error:
        raise FileError(file, f"invalid JSON ({error})") from None


def _below(value: Any, *keys: str) -> dict[str, Any]:
    """Return the nested object at a path of keys; an empty object if there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _number(values: Mapping[str, Any], key: str, file: str, where: str) -> str:
    """Return a limit as a plain decimal number above zero, since expressions divide by it."""
    if key not in values:
        raise FileError(file, f"{where} is missing, but alarms need it; set it, even if the value is the default")
    text = str(values[key])
    if not _DECIMAL.fullmatch(text) or not float(text):
        raise FileError(file, f'{where} is "{text}"; write a plain number above zero such as 1000')
    return text

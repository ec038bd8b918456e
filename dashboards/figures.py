"""The figures that replace `PRICE_…` and `LIMIT_…` in files: prices of AWS, and how much a stage may use.

Prices are in prices.csv; infra/cost uses them too, for docs/explanation/cost.md. `PRICE_…_COUNT` are the numbers of
metrics, alarms and dashboards that AWS bills, counted in the files and the code. The limits of Redis and the
database are parameters of the stack in infra/stages/STAGE.json. The limit of containers is in .chalice/config.json.
Values set with `infra up --set` are ignored.
"""

import csv
import json
import re
from pathlib import Path

from chalicelib.telemetry.metrics import max_billed_metrics, max_billed_of_tier
from dashboards.project import DASHBOARDS, FUNCTIONS, INFRA_GUIDE, STAGES, TIER, belongs_to_tier

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_DECIMAL = re.compile(r"\d+(\.\d+)?")
"""A price as metric math can read it: not 1.6e-05, and not 1e3."""


class FileError(ValueError):
    """A file is missing or invalid. `detail` says what is wrong and what to write instead."""

    def __init__(self, file: str, detail: str) -> None:
        super().__init__(f"{file}: {detail}")
        self.file = file
        self.detail = detail


def read_prices(path: Path = DASHBOARDS / "prices.csv") -> dict[str, str]:
    """Return prices in US dollars as text, by name; none without a file. Raises `FileError`, which names the line."""
    if not path.exists():
        return {}
    prices: dict[str, str] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in (rows := csv.DictReader(file)):
            name, value = row.get("name") or "", row.get("value") or ""
            if not _NAME.fullmatch(name) or not _DECIMAL.fullmatch(value) or name in prices:
                wanted = "write a unique name in lower case, and a plain decimal number such as 0.0000133334"
                problem = f'line {rows.line_num}: "{name},{value}" is not a price; {wanted}'
                raise FileError(f"{path.parent.name}/{path.name}", problem)
            prices[name] = value
    return prices


def placeholder_of(price: str) -> str:
    """Return the placeholder that stands for a price or a count in the files of dashboards/."""
    return f"PRICE_{price.upper()}"


def billed_counts(folder: Path = DASHBOARDS) -> dict[str, int]:
    """Return how many metrics, alarms and dashboards AWS bills for a stage, and how many more for its web tier."""
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

PARAMETERS = {
    "LIMIT_CACHE_ECPU": "CacheMaxEcpuPerSecond",
    "LIMIT_CACHE_GIGABYTES": "CacheMaxGigabytes",
    "LIMIT_DATABASE_ACU": "DatabaseMaxCapacity",
}
"""Placeholder → parameter of the stack whose value replaces it."""
CONTAINERS = "LIMIT_CONTAINERS"
_CONTAINERS = {CONTAINERS: "api_handler", "LIMIT_BATCH_CONTAINERS": "batch"}
"""Placeholder → function (named as in .chalice/config.json) whose limit of concurrent containers replaces it."""
LIMITS = (*PARAMETERS, *_CONTAINERS)
ACCOUNT = "1000"
"""Lambda's default limit of containers per account, which applies to a function that reserves none."""


def stages_of(root: Path) -> list[str]:
    """Return the stages that have limits. `root` contains infra/ and .chalice/."""
    # infra/stages/limits.json has the throttling of API Gateway for all stages.
    return sorted(path.stem for path in (root / STAGES).glob("*.json") if path.stem != "limits")


def stage_shown(stage: str, root: Path) -> str:
    """Return the stage whose limits the preview shows: `stage` if it has limits, otherwise `DEFAULT_STAGE`."""
    return stage if stage in stages_of(root) else DEFAULT_STAGE


def read_limits(stage: str, root: Path) -> dict[str, str]:
    """Return the limit for each placeholder; an empty mapping if `root` has no stages. Raises `FileError`."""
    if not (root / STAGES).is_dir():
        return {}
    file, known = f"{STAGES}/{stage}.json", stages_of(root)
    if stage not in known:
        copied = f"copy the file of {' or '.join(known) or DEFAULT_STAGE} (see {INFRA_GUIDE})"
        what = f"stage {stage} has no limits, but its alarms need them; {copied}, or use a stage that has them"
        raise FileError(file, what)
    try:
        parameters = json.loads((root / file).read_text(encoding="utf-8"))["Parameters"]
        stages = json.loads((root / FUNCTIONS).read_text(encoding="utf-8"))["stages"]
        limits = {name: parameters.get(name, "") for name in PARAMETERS.values()}
        for name in _CONTAINERS.values():
            limits[name] = stages[stage]["lambda_functions"].get(name, {}).get("reserved_concurrency", ACCOUNT)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise FileError(file, f"this file or {FUNCTIONS}, which alarms need, cannot be read: {error!r}") from None
    for name, value in limits.items():
        if not _DECIMAL.fullmatch(str(value)) or not float(value):  # expressions divide by it
            what = f"alarms need a plain number above zero, here or in {FUNCTIONS}"
            raise FileError(file, f'{name} of {stage} is "{value}"; {what}')
    return {placeholder: str(limits[name]) for placeholder, name in (PARAMETERS | _CONTAINERS).items()}

"""Prices, limits of a stage, what is billed, and errors that say what to write."""

import json
from pathlib import Path
from typing import Any

import pytest

from dashboards.figures import FileError, billed_counts, read_limits, read_prices, stage_shown, stages_of
from dashboards.project import ROOT
from tests.unit.dashboards.lint import small_folder

STACK = {"CacheMaxEcpuPerSecond": "2000", "CacheMaxGigabytes": "3", "DatabaseMaxCapacity": "1.5", "LogDays": "30"}
HEAD = "name,value,unit,what,region,date,source\n"


def write(root: Path, parameters: Any = STACK, **api_handler: Any) -> None:
    """Write the settings of stage `team`."""
    functions = {"api_handler": api_handler, "batch": {"reserved_concurrency": 5}}
    for file, value in (
        ("infra/stages/team.json", {"Parameters": parameters}),
        ("infra/stages/limits.json", {}),
        (".chalice/config.json", {"stages": {"team": {"lambda_functions": functions}}}),
    ):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(json.dumps(value), encoding="utf-8")


@pytest.mark.parametrize(("reserved", "containers"), [({"reserved_concurrency": 20}, "20"), ({}, "1000")])
def test_limits_are_the_parameters_of_the_stage(tmp_path: Path, reserved: dict[str, int], containers: str) -> None:
    # GIVEN a stage that reserves containers, or one in a new account, in which Lambda allows no reservation
    write(tmp_path, **reserved)
    assert stages_of(tmp_path) == ["team"]
    assert read_limits("team", tmp_path) == {
        "LIMIT_CACHE_ECPU": "2000",
        "LIMIT_CACHE_GIGABYTES": "3",
        "LIMIT_DATABASE_ACU": "1.5",
        "LIMIT_CONTAINERS": containers,
        "LIMIT_BATCH_CONTAINERS": "5",
    }


def test_the_preview_uses_prods_limits_for_a_stage_without_any() -> None:
    shown = {stage: stage_shown(stage, ROOT) for stage in ("dev", "prod", "local", "limits")}
    assert shown == {"dev": "dev", "prod": "prod", "local": "prod", "limits": "prod"}


@pytest.mark.parametrize(
    ("stage", "parameters", "reserved", "message"),
    [
        ("limits", STACK, 20, "infra/stages/limits.json: stage limits has no limits, but its alarms need them"),
        ("team", {}, 20, 'infra/stages/team.json: CacheMaxEcpuPerSecond of team is ""; alarms need a plain number'),
        ("team", STACK | {"CacheMaxGigabytes": "1e3"}, 20, 'CacheMaxGigabytes of team is "1e3"; alarms need'),
        ("team", STACK | {"CacheMaxGigabytes": "0"}, 20, 'CacheMaxGigabytes of team is "0"; alarms need'),
        ("team", None, 20, "team.json: this file or .chalice/config.json, which alarms need, cannot be read: Attr"),
        ("team", STACK, "many", 'infra/stages/team.json: api_handler of team is "many"; alarms need'),
    ],
)
def test_missing_and_wrong_limits_are_named(
    tmp_path: Path, stage: str, parameters: Any, reserved: Any, message: str
) -> None:
    write(tmp_path, parameters, reserved_concurrency=reserved)
    with pytest.raises(FileError) as error:
        read_limits(stage, tmp_path)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("price\n1\n", 'line 2: "," is not a price; write a unique name in lower case'),
        (f"{HEAD}A,1,USD,b,c,d,e\n", 'line 2: "A,1" is not a price'),
        (f"{HEAD}a,1e-3,USD,b,c,d,e\n", 'line 2: "a,1e-3" is not a price'),
        (f"{HEAD}a,1,USD,b,c,d,e\na,2,USD,b,c,d,e\n", 'line 3: "a,2" is not a price'),
    ],
)
def test_a_wrong_price_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileError) as error:
        read_prices(path)
    assert str(error.value).startswith(f"{tmp_path.name}/prices.csv: {message}")
    # AND a plain price is kept as it is written
    path.write_text(f'{HEAD}gb_second,0.0000166667,USD,"time × memory, x86",us-east-1,2026-11-25,https://x\n', "utf-8")
    assert read_prices(path) == {"gb_second": "0.0000166667"}


def test_billed_metrics_alarms_and_dashboards_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a folder with an alarm on one metric, one on an expression over one, and one of the web tier
    small_folder.use_metrics(monkeypatch)
    folder = small_folder.write(tmp_path)
    (folder / "alarms" / "web-slow.json").write_text((folder / "alarms" / "slow.json").read_text(), encoding="utf-8")
    found = billed_counts(folder)
    # THEN the series are those of two metrics, one of which is emitted for each of four routes too
    assert {name: count for name, count in found.items() if count and name != "web_series_count"} == {
        "series_count": 6,
        "alarm_metric_count": 2,
        "composite_count": 1,
        "dashboard_count": 1,
        "web_alarm_metric_count": 1,
    }

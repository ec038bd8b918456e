"""Prices, limits of a stage, what is billed, and errors that say what to write."""

import json
from pathlib import Path
from typing import Any

import pytest

from cloudwatch.figures import FileError, billed_counts, read_limits, read_prices, stage_shown, stages_of
from cloudwatch.project import ROOT
from tests.unit.cloudwatch.lint import small_folder

STACK = {"CacheMaxEcpuPerSecond": "2000", "CacheMaxGigabytes": "3", "DatabaseMaxCapacity": "1.5", "LogDays": "30"}


def reserving(containers: Any) -> dict[str, Any]:
    """Stages of .chalice/config.json."""
    functions = {"api_handler": {"reserved_concurrency": containers}, "batch": {"reserved_concurrency": 5}}
    return {"team": {"lambda_functions": functions}}


STAGES = reserving(20)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with one stage."""
    (tmp_path / "infra" / "stages").mkdir(parents=True)
    (tmp_path / ".chalice").mkdir()
    write(tmp_path, STACK, STAGES)
    (tmp_path / "infra" / "stages" / "limits.json").write_text("{}", encoding="utf-8")
    return tmp_path


def write(root: Path, parameters: Any, stages: Any) -> None:
    (root / "infra/stages/team.json").write_text(json.dumps({"Parameters": parameters}), encoding="utf-8")
    (root / ".chalice/config.json").write_text(json.dumps({"stages": stages}), encoding="utf-8")


def test_limits_are_the_parameters_of_the_stage(root: Path) -> None:
    assert stages_of(root) == ["team"]
    assert read_limits("team", root) == {
        "LIMIT_CACHE_ECPU": "2000",
        "LIMIT_CACHE_GIGABYTES": "3",
        "LIMIT_DATABASE_ACU": "1.5",
        "LIMIT_CONTAINERS": "20",
        "LIMIT_BATCH_CONTAINERS": "5",
    }


def test_a_stage_that_reserves_no_containers_has_the_accounts(root: Path) -> None:
    # GIVEN a new account, in which Lambda allows no reservation
    write(root, STACK, {"team": {"lambda_functions": {"api_handler": {}}}})
    assert read_limits("team", root)["LIMIT_CONTAINERS"] == "1000"


def test_the_preview_uses_prods_limits_for_a_stage_without_any() -> None:
    shown = {stage: stage_shown(stage, ROOT) for stage in ("dev", "prod", "local", "limits")}
    assert shown == {"dev": "dev", "prod": "prod", "local": "prod", "limits": "prod"}


@pytest.mark.parametrize(
    ("stage", "parameters", "stages", "message"),
    [
        ("local", STACK, STAGES, "infra/stages/local.json: stage local has no limits, but its alarms need them"),
        ("limits", STACK, STAGES, "infra/stages/limits.json: stage limits has no limits, but its alarms need them"),
        ("team", {}, STAGES, 'infra/stages/team.json: CacheMaxEcpuPerSecond of team is ""; alarms need a plain number'),
        ("team", STACK | {"CacheMaxGigabytes": "1e3"}, STAGES, 'CacheMaxGigabytes of team is "1e3"; alarms need'),
        ("team", STACK | {"CacheMaxGigabytes": "0"}, STAGES, 'CacheMaxGigabytes of team is "0"; alarms need'),
        ("team", STACK, {"dev": {}}, ".chalice/config.json: stages.team.lambda_functions, which alarms need, cannot"),
        ("team", STACK, reserving("many"), '.chalice/config.json: api_handler of team is "many"; alarms need'),
    ],
)
def test_missing_and_wrong_limits_are_named(root: Path, stage: str, parameters: Any, stages: Any, message: str) -> None:
    write(root, parameters, stages)
    with pytest.raises(FileError) as error:
        read_limits(stage, root)
    assert message in str(error.value)


def test_a_file_that_cannot_be_read_is_reported(root: Path) -> None:
    (root / "infra" / "stages" / "team.json").write_text("{", encoding="utf-8")
    with pytest.raises(FileError, match=r"^infra/stages/team\.json: Parameters, .* JSONDecodeError"):
        read_limits("team", root)


HEAD = "name,value,unit,what,region,date,source\n"


def test_a_price_is_kept_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(f'{HEAD}gb_second,0.0000166667,USD,"time × memory, x86",us-east-1,2026-11-25,https://x\n', "utf-8")
    assert read_prices(path) == {"gb_second": "0.0000166667"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("price\n1\n", 'line 2: "," is not a price; write a unique name in lower case'),
        (f"{HEAD}A,1,USD,b,c,d,e\n", 'line 2: "A,1" is not a price'),
        (f"{HEAD}a,1e-3,USD,b,c,d,e\n", 'line 2: "a,1e-3" is not a price'),
        (f"{HEAD}a,1,USD,b,c,d,e\na,2,USD,b,c,d,e\n", 'line 3: "a,2" is not a price'),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileError) as error:
        read_prices(path)
    assert str(error.value).startswith(f"{tmp_path.name}/prices.csv: {message}")


def test_billed_metrics_alarms_and_dashboards_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a folder with an alarm on one metric, one on an expression over one, and one of the web tier
    small_folder.use_metrics(monkeypatch)
    folder = small_folder.write(tmp_path)
    (folder / "alarms" / "web-slow.json").write_text((folder / "alarms" / "slow.json").read_text(), encoding="utf-8")
    found = billed_counts(folder)
    assert (found["alarm_metric_count"], found["composite_count"], found["dashboard_count"]) == (2, 1, 1)
    assert (found["web_alarm_metric_count"], found["web_composite_count"], found["web_dashboard_count"]) == (1, 0, 0)
    # AND the series are those of two metrics, one of which is emitted for each of four routes too
    assert found["series_count"] == 6

"""Limits of a stage, and errors that say what to write."""

import json
from pathlib import Path
from typing import Any

import pytest

from cloudwatch.errors import FileError
from cloudwatch.limits import read_limits, stage_shown, stages_of
from cloudwatch.project import ROOT

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
    assert read_limits("team", root, account="10")["LIMIT_CONTAINERS"] == "10"
    # WHEN a stage reserves some THEN these are the limit
    write(root, STACK, STAGES)
    assert read_limits("team", root, account="10")["LIMIT_CONTAINERS"] == "20"


def test_a_folder_without_stages_has_no_limits(tmp_path: Path) -> None:
    assert read_limits("prod", tmp_path) == {}


def test_the_preview_uses_prods_limits_for_a_stage_without_any() -> None:
    shown = {stage: stage_shown(stage, ROOT) for stage in ("dev", "prod", "local", "limits")}
    assert shown == {"dev": "dev", "prod": "prod", "local": "prod", "limits": "prod"}


@pytest.mark.parametrize(
    ("stage", "parameters", "stages", "message"),
    [
        (
            "local",
            STACK,
            STAGES,
            "infra/stages/local.json: stage local has no limits, but its alarms need them",
        ),
        ("limits", STACK, STAGES, "infra/stages/limits.json: stage limits has no limits, but its alarms need them"),
        ("team", {}, STAGES, "infra/stages/team.json: CacheMaxEcpuPerSecond is missing, but alarms need it"),
        (
            "team",
            STACK | {"CacheMaxGigabytes": "1e3"},
            STAGES,
            'CacheMaxGigabytes is "1e3"; write a plain number above',
        ),
        (
            "team",
            STACK | {"CacheMaxGigabytes": "0"},
            STAGES,
            'CacheMaxGigabytes is "0"; write a plain number above zero',
        ),
        ("team", [], STAGES, "infra/stages/team.json: CacheMaxEcpuPerSecond is missing"),
        ("team", STACK, {"dev": {}}, ".chalice/config.json: `stages` has no entry for team, only for dev; add one"),
        (
            "team",
            STACK,
            reserving("many"),
            'reserved_concurrency of team\'s api_handler is "many"; write a plain number',
        ),
    ],
)
def test_missing_and_invalid_limits_are_reported(
    root: Path, stage: str, parameters: Any, stages: Any, message: str
) -> None:
    write(root, parameters, stages)
    with pytest.raises(FileError) as error:
        read_limits(stage, root)
    assert message in str(error.value)


def test_a_missing_or_invalid_file_is_reported(root: Path) -> None:
    (root / ".chalice" / "config.json").unlink()
    with pytest.raises(
        FileError, match=r"^\.chalice/config\.json: the file is missing, but alarms need its limits; restore it$"
    ):
        read_limits("team", root)
    (root / "infra" / "stages" / "team.json").write_text("{", encoding="utf-8")
    with pytest.raises(FileError, match=r"^infra/stages/team\.json: invalid JSON \("):
        read_limits("team", root)

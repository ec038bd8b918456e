"""Writing a stage's addresses into .chalice/config.json and removing them again."""

import json
from pathlib import Path

import pytest

from chalicelib.config.settings import ROOT
from infra import rate_limits
from infra.chalice_config import STACK_VARIABLES, remove_config, write_config
from infra.function_config import REQUIRED_OUTPUTS, FunctionConfig, function_config
from infra.step import PreconditionFailed
from infra.template import parameters_of

LIMITS = rate_limits.environment("dev", parameters_of("dev", {}))
CONFIG = function_config(
    {name: f"a-{name.lower()}" for name in REQUIRED_OUTPUTS} | {"SubnetIds": "a,b"}, "eu-west-1", LIMITS
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    copy = tmp_path / "config.json"
    copy.write_text((ROOT / ".chalice" / "config.json").read_text(encoding="utf-8"), encoding="utf-8")
    return copy


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_functions_of_the_stage_get_network_and_addresses(path: Path, stage: str) -> None:
    other = {"dev": "prod", "prod": "dev"}[stage]
    before = json.loads(path.read_text())
    assert write_config(stage, CONFIG, path)
    after = json.loads(path.read_text())
    # THEN the stage has them, the administrative function has its own database URL, and the other stage is unchanged
    assert after["stages"][stage]["subnet_ids"] == ["a", "b"]
    assert after["stages"][stage]["environment_variables"].items() >= CONFIG.environment.items()
    own = after["stages"][stage]["lambda_functions"]["admin"]["environment_variables"]
    assert own["DATABASE_URL"].startswith("postgresql://a-databaseadmin@")
    assert after["stages"][other] == before["stages"][other]


def test_a_second_time_changes_nothing(path: Path) -> None:
    write_config("dev", CONFIG, path)
    assert not write_config("dev", CONFIG, path)


def test_all_of_it_can_be_removed_again(path: Path) -> None:
    before = json.loads(path.read_text())
    write_config("dev", CONFIG, path)
    assert remove_config("dev", path)
    assert json.loads(path.read_text()) == before
    assert not remove_config("dev", path)


def test_every_written_variable_is_removed() -> None:
    assert set(STACK_VARIABLES) == CONFIG.environment.keys() | CONFIG.admin_environment.keys()


def test_an_unknown_stage_is_an_error(path: Path) -> None:
    nothing = FunctionConfig([], [], {}, {})
    with pytest.raises(PreconditionFailed, match=r"config.json has no stage staging, only dev, prod"):
        write_config("staging", nothing, path)

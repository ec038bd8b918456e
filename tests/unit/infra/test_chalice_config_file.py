"""The committed .chalice/config.json, as Chalice itself reads it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from chalice.cli.factory import CLIFactory
from chalice.config import Config
from chalice.deploy import models
from chalice.deploy.appgraph import ApplicationGraphBuilder, DependencyBuilder

from chalicelib.config.field import variables
from chalicelib.config.settings import ROOT, Settings
from testing.cloudformation import STAGES

DOCUMENT = json.loads((ROOT / ".chalice" / "config.json").read_text(encoding="utf-8"))
VARIABLES = variables(Settings).keys()


def config_of(stage: str) -> Config:
    return CLIFactory(str(ROOT), debug=False, environ={}).create_config_obj(chalice_stage_name=stage)


def graph(stage: str) -> list[Any]:
    """Return all resources that Chalice deploys for a stage."""
    config = config_of(stage)
    return list(DependencyBuilder().build_dependencies(ApplicationGraphBuilder().build(config, stage)))


def functions(stage: str) -> Mapping[str, models.LambdaFunction]:
    return {each.function_name: each for each in graph(stage) if isinstance(each, models.LambdaFunction)}


@pytest.mark.parametrize("stage", STAGES)
def test_a_second_of_cold_starts_makes_no_more_sign_ins_than_aurora_takes(stage: str) -> None:
    (api,) = [each for name, each in functions(stage).items() if name == f"faunalens-{stage}"]
    assert api.reserved_concurrency is not None
    assert api.reserved_concurrency <= 200, "docs/reference/infra.md#a-ceiling-of-200-containers"


@pytest.mark.parametrize("stage", STAGES)
def test_functions_leave_log_groups_alone_and_have_tags(stage: str) -> None:
    for each in functions(stage).values():
        assert each.log_group is None, "Chalice would make one with a wrong name; infra/faunalens.yaml makes them"
        assert each.tags["project"] == "faunalens"
        assert each.tags["stage"] == stage


@pytest.mark.parametrize("stage", DOCUMENT["stages"])
def test_every_variable_is_a_setting(stage: str) -> None:
    chosen = DOCUMENT["stages"][stage]
    found = [chosen, *chosen.get("lambda_functions", {}).values()]
    given = {name: value for each in found for name, value in each.get("environment_variables", {}).items()}
    assert given["STAGE"] == stage
    assert given.keys() <= VARIABLES
    Settings.from_environment(given)


def test_the_committed_file_has_no_addresses_of_aws() -> None:
    # GIVEN that `chalice local` overrides the shell's variables with these THEN they contain no addresses of AWS
    for stage in DOCUMENT["stages"]:
        assert config_of(stage).environment_variables == {"STAGE": stage}

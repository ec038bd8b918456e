""".chalice/config.json: what Chalice makes of it, with Chalice's own reading of it."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from chalice.cli.factory import CLIFactory
from chalice.config import Config
from chalice.deploy import deployer, models
from chalice.deploy.appgraph import ApplicationGraphBuilder, DependencyBuilder
from chalice.package import create_app_packager

from chalicelib.settings import ROOT, Settings
from infra.environment import surroundings
from tests.cloudformation import INFRA, STAGES, template
from tests.unit.infra.test_environment import OUTPUTS

DOCUMENT = json.loads((ROOT / ".chalice" / "config.json").read_text(encoding="utf-8"))
VARIABLES = {each.metadata["variable"] for each in fields(Settings)}


def config_of(stage: str) -> Config:
    return CLIFactory(str(ROOT), debug=False, environ={}).create_config_obj(chalice_stage_name=stage)


def graph(stage: str) -> list[Any]:
    """Everything that Chalice deploys for a stage."""
    config = config_of(stage)
    return list(DependencyBuilder().build_dependencies(ApplicationGraphBuilder().build(config, stage)))


def functions(stage: str) -> Mapping[str, models.LambdaFunction]:
    return {each.function_name: each for each in graph(stage) if isinstance(each, models.LambdaFunction)}


@pytest.mark.parametrize("stage", STAGES)
def test_functions_have_the_size_and_the_rights_that_are_documented(stage: str) -> None:
    found = functions(stage)
    at_once = {"dev": 10, "prod": 200}[stage]
    assert {
        name: (each.memory_size, each.timeout, each.reserved_concurrency, each.xray) for name, each in found.items()
    } == {
        f"faunalens-{stage}": (1769, 29, at_once, True),
        f"faunalens-{stage}-warm": (512, 60, 1, True),
        f"faunalens-{stage}-admin": (1024, 300, 1, True),
    }
    # AND each has a role of its own, with the policy that is written for it
    policies = {"": "api", "-warm": "warm", "-admin": "admin"}
    for suffix, policy in policies.items():
        role = found[f"faunalens-{stage}{suffix}"].role
        assert isinstance(role, models.ManagedIAMRole)
        assert isinstance(role.policy, models.FileBasedIAMPolicy)
        assert Path(role.policy.filename).name == f"policy-{stage}-{policy}.json"
    assert len({id(each.role) for each in found.values()}) == 3


@pytest.mark.parametrize("stage", STAGES)
def test_functions_are_python_3_13_on_x86_and_leave_log_groups_alone(stage: str) -> None:
    for each in functions(stage).values():
        assert (each.runtime, each.architecture) == ("python3.13", "x86_64")
        assert each.log_group is None, "Chalice would make one under a wrong name; infra/faunalens.yaml makes them"
        assert each.tags["project"] == "faunalens"
        assert each.tags["stage"] == stage


def test_chalice_still_names_the_log_group_of_the_api_wrongly() -> None:
    # GIVEN retention set by Chalice's own means
    config = config_of("dev")
    config._config_from_disk["log_retention_in_days"] = 14
    built = DependencyBuilder().build_dependencies(ApplicationGraphBuilder().build(config, "dev"))
    # THEN it is not the group that the API's function writes to, which is why docs/infra.md has us make our own
    groups = {each.log_group_name for each in built if isinstance(each, models.LogGroup)}
    assert "/aws/lambda/faunalens-dev-api_handler" in groups
    assert "/aws/lambda/faunalens-dev" not in groups


@pytest.mark.parametrize("stage", STAGES)
def test_the_api_is_of_the_stage_and_compresses(stage: str) -> None:
    (api,) = [each for each in graph(stage) if isinstance(each, models.RestAPI)]
    assert (api.api_gateway_stage, api.endpoint_type, api.minimum_compression) == (stage, "REGIONAL", "1024")


@pytest.mark.parametrize("stage", DOCUMENT["stages"])
def test_every_variable_is_a_setting(stage: str) -> None:
    chosen = DOCUMENT["stages"][stage]
    found = [chosen, *chosen.get("lambda_functions", {}).values()]
    given = {name: value for each in found for name, value in each.get("environment_variables", {}).items()}
    assert given["STAGE"] == stage
    assert given.keys() <= VARIABLES
    Settings.from_environment(given)


def test_what_is_committed_leads_nobody_to_aws() -> None:
    # GIVEN that `chalice local` puts these variables over those of the shell THEN they leave the desk's servers alone
    for stage in DOCUMENT["stages"]:
        assert config_of(stage).environment_variables == {"STAGE": stage}


def packaged(stage: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Chalice's SAM template of a stage with extras.yaml merged in; only what takes 8 s, the zips, is left out."""
    empty = folder / "empty.zip"
    empty.touch()

    def without_zip(_: object, __: Config, resource: Any) -> None:
        getattr(resource, "deployment_package", resource).filename = str(empty)

    for step in ("handle_lambdafunction", "handle_lambdalayer", "handle_deploymentpackage"):
        monkeypatch.setattr(deployer.ManagedLayerDeploymentPackager, step, without_zip, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    options = CLIFactory(str(ROOT), debug=False, environ={}).create_package_options()
    packager = create_app_packager(config_of(stage), options, merge_template=str(INFRA / "extras.yaml"))
    packager.package_app(config_of(stage), str(folder), stage)
    return folder / "sam.yaml"


@pytest.mark.parametrize("stage", STAGES)
def test_what_is_packaged_for_a_pipeline_is_right_and_the_same_as_what_is_deployed(
    stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN the template for a pipeline THEN cfn-lint finds nothing in it
    path = packaged(stage, tmp_path, monkeypatch)
    assert lint(path.read_text(encoding="utf-8"), config=ManualArgs(regions=["eu-west-1"])) == []
    # AND its functions have the names of those that Chalice deploys, and their configuration, from outputs
    outputs = {**OUTPUTS, "Stage": stage, "AWS::Region": "eu-west-1"}
    made = as_deployed(template(str(path))["Resources"], outputs)
    wanted = surroundings(OUTPUTS, "eu-west-1")
    for function in functions(stage).values():
        found = made[function.function_name]
        admin = wanted.admin_environment if function.function_name.endswith("-admin") else {}
        assert found["Environment"]["Variables"] == {"STAGE": stage, **wanted.environment, **admin}
        assert found["VpcConfig"] == {"SubnetIds": OUTPUTS["SubnetIds"], "SecurityGroupIds": ["sg-1"]}
        assert found["ReservedConcurrentExecutions"] == function.reserved_concurrency


def as_deployed(resources: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """Properties of functions by name, with values in the place of parameters."""

    def put_in(value: Any) -> Any:
        match value:
            case {"Ref": str(name)}:
                return values.get(name, value)
            case {"Fn::Sub": str(text)}:
                for name, known in values.items():
                    text = text.replace(f"${{{name}}}", known)
                return text
            case dict():
                return {name: put_in(inner) for name, inner in value.items()}
            case list():
                return [put_in(inner) for inner in value]
        return value

    found = [put_in(each["Properties"]) for each in resources.values() if each["Type"] == "AWS::Serverless::Function"]
    return {each["FunctionName"]: each for each in found}

"""What CloudFormation would be sent is right by cfn-lint, which takes its time and so is not among the unit tests."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from chalice.cli.factory import CLIFactory
from chalice.config import Config
from chalice.deploy import deployer
from chalice.package import create_app_packager

from chalicelib.settings import ROOT
from infra.certificates import FOLDER as CERTIFICATES
from infra.environment import surroundings
from tests.cloudformation import INFRA, STAGES, template
from tests.unit.infra.test_configuration_file import config_of, functions
from tests.unit.infra.test_environment import OUTPUTS

GUIDE = (ROOT / "docs" / "infra.md").read_text(encoding="utf-8")

REGIONS = sorted(path.stem for path in CERTIFICATES.glob("*.pem"))
"""Where the app can run: we have the certificates of the database."""

WITHOUT_BUDGETS = set(re.findall(r"`([a-z]{2}-[a-z]+-\d)`", GUIDE.partition("no budgets in")[2].partition("\n\n")[0]))
"""Regions in which CloudFormation does not know budgets, as docs/infra.md lists them."""


def found_by_cfn_lint(text: str, regions: list[str]) -> list[str]:
    return [each.message for each in lint(text, config=ManualArgs(regions=regions))]


@pytest.mark.parametrize("name", ["faunalens.yaml", "edge.yaml"])
def test_cfn_lint_finds_nothing_in_any_region(name: str) -> None:
    found = found_by_cfn_lint((INFRA / name).read_text(encoding="utf-8"), REGIONS)
    budgets = [f"Resource type 'AWS::Budgets::Budget' does not exist in '{region}'" for region in WITHOUT_BUDGETS]
    assert sorted(found) == (sorted(budgets) if name == "faunalens.yaml" else [])


def test_cfn_lint_would_find_something() -> None:
    text = (INFRA / "edge.yaml").read_text(encoding="utf-8")
    assert found_by_cfn_lint(text, ["eu-west-1"]) == []
    assert found_by_cfn_lint(text.replace("Scope: REGIONAL", "Scope: LOCAL"), ["eu-west-1"])


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

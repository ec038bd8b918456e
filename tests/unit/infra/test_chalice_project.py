"""What Chalice reads, runs and records."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.config.settings import ROOT
from infra import api_stage, chalice_project
from infra.chalice_project import remove_config, write_config
from infra.functions import REQUIRED_OUTPUTS, FunctionConfig, function_config
from infra.step import PreconditionFailed
from infra.template import parameters_of
from tests.unit.infra.fake_aws import Client, NoSuchEntityException, ResourceNotFoundException, Session

LIMITS = api_stage.limit_variables("dev", parameters_of("dev", {}))
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


def test_a_second_time_changes_nothing_and_all_of_it_can_be_removed_again(path: Path) -> None:
    before = json.loads(path.read_text())
    write_config("dev", CONFIG, path)
    assert not write_config("dev", CONFIG, path)
    assert remove_config("dev", path)
    assert json.loads(path.read_text()) == before
    assert not remove_config("dev", path)


def test_an_unknown_stage_is_an_error(path: Path) -> None:
    nothing = FunctionConfig([], [], {}, {})
    with pytest.raises(PreconditionFailed, match=r"config.json has no stage staging, only dev, prod"):
        write_config("staging", nothing, path)


def use_program(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Run this program in place of Chalice."""
    monkeypatch.setattr(chalice_project, "chalice_command", lambda *_: [sys.executable, "-c", program])


def test_output_is_printed_and_the_region_is_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_program(monkeypatch, "import os; print('packaging'); print(); print(os.environ['AWS_DEFAULT_REGION'])")
    output: list[str] = []
    chalice_project.run_chalice("deploy", "dev", "eu-west-1", output.append, tmp_path)
    assert output == ["packaging", "eu-west-1"]


def test_the_error_of_a_failed_command_has_its_last_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_program(monkeypatch, "import sys; print('packaging'); sys.exit('no role')")
    with pytest.raises(PreconditionFailed, match=r"^chalice deploy exited with code 1: no role$"):
        chalice_project.run_chalice("deploy", "dev", "eu-west-1", lambda _: None, tmp_path)


REGION = "eu-west-1"
ARN = f"arn:aws:lambda:{REGION}:123456789012:function:"


def account(*functions: str, apis: tuple[str, ...] = (), roles: tuple[str, ...] = ()) -> Session:
    """Return a fake session of an account with these functions, APIs (id:stage, the oldest first) and roles."""

    def function(FunctionName: str) -> dict[str, Any]:  # noqa: N803
        if FunctionName not in functions:
            raise ResourceNotFoundException
        return {"FunctionArn": ARN + FunctionName, "Role": f"arn:aws:iam::123456789012:role/{FunctionName}-role"}

    def rule(Name: str) -> dict[str, Any]:  # noqa: N803
        if "faunalens-dev-warm" not in functions:
            raise ResourceNotFoundException
        return {"Name": Name}

    def role(RoleName: str) -> dict[str, Any]:  # noqa: N803
        if RoleName not in roles:
            raise NoSuchEntityException
        return {"Role": {"RoleName": RoleName}}

    def rest_apis() -> dict[str, Any]:
        made = [
            {"id": each.split(":")[0], "name": "faunalens", "createdDate": datetime(2026, 1, 1 + day, tzinfo=UTC)}
            for day, each in enumerate(apis)
        ]
        return {"items": [*reversed(made), {"id": "other", "name": "other"}]}

    def stages(restApiId: str) -> dict[str, Any]:  # noqa: N803
        return {"item": [{"stageName": each.split(":")[1]} for each in apis if each.startswith(f"{restApiId}:")]}

    return Session(
        lambda_=Client(get_function_configuration=function),
        events=Client(describe_rule=rule),
        iam=Client(get_role=role),
        apigateway=Client(get_rest_apis=rest_apis, get_stages=stages),
    )


def names(resources: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in resources]


def test_a_deployment_that_was_killed_is_found(tmp_path: Path) -> None:
    # GIVEN functions and an API that Chalice created but did not record WHEN the record is rebuilt
    (tmp_path / ".chalice").mkdir()
    session = account("faunalens-dev-admin", "faunalens-dev", apis=("a1:dev", "b2:prod"))
    chalice_project.refresh(session, "dev", REGION, tmp_path)
    # THEN Chalice finds them in it, but not the API of another stage
    found = chalice_project.read_resources("dev", tmp_path)
    assert list(found) == ["admin_role", "admin", "api_handler_role", "api_handler", "rest_api"]
    assert found["api_handler"]["lambda_arn"] == ARN + "faunalens-dev"
    assert found["rest_api"]["rest_api_url"] == "https://a1.execute-api.eu-west-1.amazonaws.com/dev/"


def test_an_api_that_was_made_twice_is_noted_for_chalice_to_delete() -> None:
    found = chalice_project.discover(account(apis=("old:dev", "new:dev")), "dev", REGION)
    assert [(each["name"], each["rest_api_id"]) for each in found] == [("rest_api", "old"), ("rest_api_1", "new")]


def test_what_is_gone_is_not_noted_any_more_but_a_role_that_a_killed_deletion_left_is(tmp_path: Path) -> None:
    # GIVEN a record of two functions that are gone, but the role of one still exists
    (tmp_path / ".chalice").mkdir()
    chalice_project.refresh(account("faunalens-dev-admin", "faunalens-dev-warm"), "dev", REGION, tmp_path)
    half = account(roles=("faunalens-dev-warm-role",))
    # WHEN the record is rebuilt THEN it keeps the role, so that Chalice deletes it
    assert names(chalice_project.refresh(half, "dev", REGION, tmp_path)) == ["warm_role"]
    # AND it is empty once the role is gone
    assert chalice_project.refresh(account(), "dev", REGION, tmp_path) == []
    with pytest.raises(PreconditionFailed, match="run: python -m infra up --stage dev"):
        chalice_project.read_resources("dev", tmp_path)


def test_roles_are_left_to_the_region_that_they_were_noted_in(tmp_path: Path) -> None:
    # GIVEN a stage in one region WHEN the record is rebuilt for another THEN it claims no roles, which are global
    (tmp_path / ".chalice").mkdir()
    chalice_project.refresh(account("faunalens-dev-admin"), "dev", REGION, tmp_path)
    assert chalice_project.refresh(account(roles=("faunalens-dev-admin-role",)), "dev", "us-east-1", tmp_path) == []
    assert json.loads((tmp_path / ".chalice" / "deployed" / "dev.json").read_text())["resources"] == []

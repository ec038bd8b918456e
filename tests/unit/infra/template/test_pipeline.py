"""What is merged into Chalice's template; tests/integration/infra/test_template.py tests the whole template."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import pytest

from chalicelib.config.settings import Settings
from infra import template
from infra.api_stage import limit_variables
from infra.release import COMMIT, MODEL
from infra.step import PreconditionFailed
from infra.template import only, parameters_of, pipeline
from infra.template.pipeline import merge_template
from tests.support import cloudformation
from tests.support.cloudformation import STAGES


@pytest.fixture(scope="module", params=STAGES)
def stage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def merged(stage: str) -> dict[str, Any]:
    return merge_template(stage, parameters_of(stage, {}))


KNOWN = {
    "Photos": "faunalens-dev-photos-eu-west-1-123456789012",
    "Cache": "faunalens-dev",
    "CacheUser": "faunalens-dev",
    "Cache.Endpoint.Address": "faunalens-dev-abc.serverless.euw1.cache.example",
    "Cache.Endpoint.Port": "6379",
    "Database.Endpoint.Address": "faunalens-dev.cluster-abc.eu-west-1.rds.example",
    "Database.Endpoint.Port": "5432",
}
"""What AWS says about the resources of a stage."""


def in_an_account(value: Any) -> Any:
    """Return a value with references replaced by those of stage dev."""
    return cloudformation.in_account(value, "123456789012", "eu-west-1", {"Stage": "dev", **KNOWN})


@pytest.mark.parametrize(("logical", "user"), [("APIHandler", "dev_faunalens_app"), ("Admin", "devfauna")])
def test_functions_get_settings_that_the_app_reads(logical: str, user: str) -> None:
    # GIVEN the template of a function WHEN the app reads the environment in it
    found = merge_template("dev", parameters_of("dev", {}))["Resources"][logical]["Properties"]
    variables = in_an_account(found["Environment"]["Variables"])
    settings = Settings.from_environment({name: variables[name] for name in variables.keys() - {COMMIT, MODEL}})
    # THEN it signs in to both stores by IAM, over verified TLS, without a password, as the users of the outputs
    database = "faunalens-dev.cluster-abc.eu-west-1.rds.example:5432/faunalens"
    assert settings.database.url == f"postgresql://{user}@{database}"
    assert settings.database.iam
    assert str(settings.database.ca) == "/var/task/chalicelib/rds/eu-west-1.pem"
    assert settings.redis.url == "rediss://faunalens-dev@faunalens-dev-abc.serverless.euw1.cache.example:6379"
    assert settings.redis.iam_cache == "faunalens-dev"
    assert settings.s3.bucket == KNOWN["Photos"]
    output = "DatabaseAdmin" if logical == "Admin" else "DatabaseUser"
    assert in_an_account(cloudformation.template("faunalens.yaml")["Outputs"][output]["Value"]) == user
    # AND it says how much the API lets through
    assert limit_variables("dev", parameters_of("dev", {})).items() <= variables.items()


def test_parameters_have_the_stage_s_values_and_no_other_stage_can_be_asked_for(
    stage: str, merged: Mapping[str, Any]
) -> None:
    for name, value in only(merged["Parameters"], cloudformation.parameters(stage)).items():
        assert str(merged["Parameters"][name]["Default"]) == value
    assert merged["Parameters"]["Stage"]["AllowedValues"] == [stage]
    assert "RestApiId" not in merged["Parameters"]
    # AND a chosen number is a number
    chosen = merge_template(stage, parameters_of(stage, {"LogDays": "1"}))
    assert chosen["Parameters"]["LogDays"]["Default"] == 1


@pytest.mark.parametrize(
    ("stage", "chosen", "message"),
    [
        ("test", {}, "infra/stages/test.json does not exist"),
        ("dev", {"Colour": "red"}, "unknown parameter Colour; expected AccessLog, AlarmEmail, "),
        ("dev", {"RestApiId": "abc"}, "unknown parameter RestApiId"),
        ("dev", {"LogDays": "many"}, "LogDays=many is not a number"),
        ("dev", {"Stage": "prod"}, "pass --stage prod"),
    ],
)
def test_impossible_parameters_are_refused(stage: str, chosen: dict[str, str], message: str) -> None:
    with pytest.raises(PreconditionFailed, match=re.escape(message)):
        parameters_of(stage, chosen)


def test_a_stages_file_may_have_numbers_of_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN infra/ with numbers and a truth without quotes in the file of a stage
    shutil.copytree(template.INFRA, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(template, "INFRA", tmp_path)
    given: dict[str, Any] = {"BudgetDollars": 200, "DatabaseMinCapacity": 0.5, "DatabaseProtected": False}
    (tmp_path / "stages" / "dev.json").write_text(json.dumps({"Parameters": {"Stage": "dev", **given}}))
    found = parameters_of("dev", {})
    # THEN they are the text that CloudFormation takes, and numbers in the template
    assert (found["BudgetDollars"], found["DatabaseMinCapacity"], found["DatabaseProtected"]) == ("200", "0.5", "false")
    assert merge_template("dev", found)["Parameters"]["BudgetDollars"]["Default"] == 200
    # AND a name that no template has is refused as on the command line
    (tmp_path / "stages" / "dev.json").write_text('{"Parameters": {"Stage": "dev", "AlarmMail": "me@example.org"}}')
    with pytest.raises(PreconditionFailed, match="unknown parameter AlarmMail"):
        parameters_of("dev", {})


def test_a_duplicate_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="two parts of the template define Cache; rename one"):
        template.merge_unique({"Cache": {}, "Photos": {}}, {"Cache": {}})


def test_a_failure_of_chalice_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise CalledProcessError(3, "chalice package")

    monkeypatch.setattr(pipeline, "build", fails)
    with pytest.raises(PreconditionFailed, match="chalice package exited with code 3; see its output"):
        pipeline.write("dev", tmp_path, {}, print)


def test_nothing_secret_can_be_in_it(merged: Mapping[str, Any]) -> None:
    text = json.dumps(merged)
    assert not re.search(r"AKIA[0-9A-Z]{16}|NoEcho|resolve:(secretsmanager|ssm)", text)
    assert not re.search(r'"[^"]*(password|secret)[^"]*": ', text, re.IGNORECASE)
    urls = re.findall(r"\w+://[^/\s\"]*@", text)
    assert urls
    assert not any(":" in url.partition("://")[2].replace("AWS::", "") for url in urls), "a password in a URL"

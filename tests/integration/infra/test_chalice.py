"""`chalice deploy` twice and `chalice delete`, end to end against an account simulated by moto.

moto accepts what AWS would refuse, so the tests check what it received: routes, media types, permissions and schedule.
The zips are small ones: test_lambda.py runs the real package, and test_package_upload.py sends large ones.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.awslambda.models import lambda_backends

from chalicelib.api.body import BINARY_TYPES
from infra import chalice_project
from infra.chalice_project import discover, read_resources
from infra.package import Package
from testing.aws import ACCOUNT, REGION, Account, account
from tests.integration.infra.checkout import copy_to, use_small_package

NAMES = ("faunalens-dev", "faunalens-dev-warm", "faunalens-dev-batch", "faunalens-dev-admin")


@dataclass(frozen=True, slots=True)
class Deployed:
    """The account after a deployment. `output`: Chalice's output."""

    aws: Account
    checkout: Path
    output: list[str]

    def configuration(self, name: str) -> dict[str, Any]:
        """Return a function's configuration from the account."""
        found: dict[str, Any] = self.aws.client("lambda").get_function_configuration(FunctionName=name)
        return found

    def chalice(self, command: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Run a Chalice command for stage dev and return its output."""
        output: list[str] = []
        with monkeypatch.context() as patch:
            for name, value in self.aws.environment.items():
                patch.setenv(name, value)
            chalice_project.run_chalice(command, "dev", REGION, output.append, self.checkout)
        return output

    @property
    def zips(self) -> dict[str, bytes]:
        """The uploaded zips by function name, and that of the layer as `layer`."""
        backend = lambda_backends[ACCOUNT][REGION]
        found = {each.function_name: each.code_bytes for each in backend.list_functions()}
        for each in backend.list_layers():
            *_, latest = backend.list_layer_versions(each["LayerName"])
            found["layer"] = latest.code_bytes
        return found


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, package: Package) -> Iterator[Deployed]:
    assert package.layer.is_file()  # already packed in ROOT, so the copy can have zips of the same names
    checkout = copy_to(tmp_path_factory.mktemp("chalice") / "checkout")
    use_small_package(checkout)
    with account() as aws, pytest.MonkeyPatch.context() as patch:
        first = Deployed(aws, checkout, [])
        first.output.extend(first.chalice("deploy", patch))
        yield first


def test_what_is_found_in_the_account_is_what_chalice_noted(deployed: Deployed) -> None:
    session = boto3.Session("testing", "testing", region_name=REGION)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", deployed.aws.url)
        assert {each["name"]: each for each in discover(session, "dev", REGION)} == read_resources(
            "dev", deployed.checkout
        )


def test_the_api_has_every_route_and_takes_photos_as_they_are(deployed: Deployed) -> None:
    import app

    (document,) = deployed.aws.imported
    assert document["paths"].keys() == app.app.routes.keys()
    assert set(document["x-amazon-apigateway-binary-media-types"]) == set(BINARY_TYPES)
    api = read_resources("dev", deployed.checkout)["rest_api"]["rest_api_id"]
    gateway = deployed.aws.client("apigateway")
    assert gateway.get_stage(restApiId=api, stageName="dev")["stageName"] == "dev"
    assert document["x-amazon-apigateway-gateway-responses"]["THROTTLED"]["statusCode"] == "429"
    # AND a stage without keys demands none
    assert not any("security" in method for path in document["paths"].values() for method in path.values())
    # AND only this API may invoke the function
    policy = json.loads(deployed.aws.client("lambda").get_policy(FunctionName=NAMES[0])["Policy"])
    (statement,) = policy["Statement"]
    assert statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
    assert api in json.dumps(statement["Condition"])


def test_the_schedule_calls_the_warming_function(deployed: Deployed) -> None:
    events = deployed.aws.client("events")
    (rule,) = events.list_rules()["Rules"]
    assert (rule["State"], rule["ScheduleExpression"]) == ("ENABLED", "rate(5 minutes)")
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target["Arn"] == deployed.configuration("faunalens-dev-warm")["FunctionArn"]


def test_deploying_again_and_deleting(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    # WHEN deployed again without a change THEN resources are updated in place, with the same bytes
    before, api = deployed.zips, read_resources("dev", deployed.checkout)["rest_api"]
    deployed.chalice("deploy", monkeypatch)
    assert deployed.zips == before
    assert read_resources("dev", deployed.checkout)["rest_api"] == api
    # WHEN deleted THEN nothing is left
    deployed.chalice("delete", monkeypatch)
    assert deployed.zips.keys() <= {"layer"}
    assert deployed.aws.client("apigateway").get_rest_apis()["items"] == []
    assert deployed.aws.client("events").list_rules()["Rules"] == []
    assert deployed.aws.client("iam").list_roles()["Roles"] == []

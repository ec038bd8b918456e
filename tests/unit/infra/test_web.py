"""The template and the image of the web tier: little rights, no root, and limits of time that fit together."""

import json
import re
from typing import Any

import pytest

from chalicelib.api.uploads import FOLDER as UPLOADS
from chalicelib.config.settings import ROOT
from faunalens.web.asgi import HEALTHZ
from faunalens.web.results.results import LIFETIME
from faunalens.web.results.stores import FOLDER as RESULTS
from faunalens.web.server import SHUTDOWN_SECONDS
from faunalens.web.settings import WebSettings
from tests.support.cloudformation import IMAGE, in_account, listed, resources

TRIAL = {"Stage": "dev", "WebImage": IMAGE}
DOCKERFILE = (ROOT / "faunalens" / "web" / "Dockerfile").read_text(encoding="utf-8")
FOUND = resources("web.yaml", TRIAL)


def properties(name: str) -> Any:
    return FOUND[name]["Properties"]


def container() -> Any:
    (only,) = properties("Task")["ContainerDefinitions"]
    return only


def environment() -> dict[str, Any]:
    return {each["Name"]: each["Value"] for each in container()["Environment"]}


def test_a_task_may_do_what_the_program_does_and_no_more() -> None:
    (policy,) = properties("TaskRole")["Policies"]
    rights = {
        (action, json.dumps(each["Resource"]))
        for each in policy["PolicyDocument"]["Statement"]
        for action in listed(each["Action"])
    }
    wanted = {"s3:PutObject", "s3:GetObject", "s3:DeleteObject", "lambda:InvokeFunction"}
    assert {action for action, _ in rights} == wanted
    for action, resource in rights:
        assert resource.endswith((f'/{UPLOADS}*"}}', f'/{RESULTS}*"}}')) or "lambda" in action
        assert (action == "s3:PutObject") or UPLOADS not in resource  # it cannot read photos
        assert '"*"' not in resource


@pytest.mark.parametrize(
    ("repository", "partition", "end"), [("web", "aws", ""), ("faunalens/web.tier", "aws-cn", ".cn")]
)
def test_a_task_pulls_from_the_repository_of_its_image_alone(repository: str, partition: str, end: str) -> None:
    # GIVEN an image in another region than the stack
    image = f"210987654321.dkr.ecr.eu-north-1.amazonaws.com{end}/{repository}@sha256:{'a' * 64}"
    found = resources("web.yaml", {**TRIAL, "WebImage": image, "AWS::Partition": partition})
    statements = found["ExecutionRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    (pull,) = (each for each in statements if each["Sid"] == "PullImages")
    # WHEN CloudFormation computes the resource THEN it is that repository
    resource = in_account(pull["Resource"], "123456789012", "us-east-1", {"AWS::Partition": partition})
    assert resource == f"arn:{partition}:ecr:eu-north-1:210987654321:repository/{repository}"


def test_the_operator_reads_answers_with_their_corrections_and_tasks_alone_see_pictures() -> None:
    statements = properties("ResultsPolicy")["PolicyDocument"]["Statement"]
    (tasks,) = (each for each in statements if each["Action"] == "s3:GetObject")
    assert (tasks["Effect"], tasks["NotResource"]) == ("Deny", {"Fn::Sub": f"${{Results.Arn}}/{RESULTS}*.json"})


def test_a_task_is_not_root_and_can_write_to_one_folder_which_is_not_its_own_package() -> None:
    assert container()["ReadonlyRootFilesystem"] is True
    assert container()["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    (mounted,) = container()["MountPoints"]
    assert mounted["ContainerPath"] == environment()["TMPDIR"]
    # AND only the load balancer reaches it
    (rule,) = properties("TaskSecurityGroup")["SecurityGroupIngress"]
    assert (rule["SourceSecurityGroupId"], "CidrIp" in rule) == ({"Ref": "BalancerSecurityGroup"}, False)
    # AND the image agrees
    user = container()["User"]
    assert f"USER {user}" in DOCKERFILE
    assert f'VOLUME ["{mounted["ContainerPath"]}"]' in DOCKERFILE
    assert not user.startswith("0")


def test_settings_of_the_task_are_settings_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment().items():
        text = value if isinstance(value, str) else "http://example.org" if name == "PUBLIC_URL" else "made-up"
        monkeypatch.setenv(name, text)
    settings = WebSettings.from_environment()
    assert (settings.relays, settings.identify_function) == (True, "faunalens-dev:live")
    assert settings.results_bucket == "made-up"


def test_times_fit_together() -> None:
    targets, drain = properties("Targets"), float(environment()["HTTP_DRAIN_SECONDS"])
    # GIVEN a task that stops THEN the load balancer sees it before the task accepts no more requests
    assert targets["HealthCheckPath"] == HEALTHZ
    assert targets["HealthCheckIntervalSeconds"] * (targets["UnhealthyThresholdCount"] + 1) <= drain
    # AND requests in flight are finished, or have timed out, before a task gets SIGTERM
    attributes = {each["Key"]: each["Value"] for each in targets["TargetGroupAttributes"]}
    assert float(attributes["deregistration_delay.timeout_seconds"]) > WebSettings().invoke_seconds
    # AND ECS waits for the requests in flight
    assert container()["StopTimeout"] > drain + SHUTDOWN_SECONDS
    # AND the load balancer closes idle connections before the server does, but not before the function has answered
    idle = {each["Key"]: each["Value"] for each in properties("Balancer")["LoadBalancerAttributes"]}
    seconds = float(idle["idle_timeout.timeout_seconds"])
    assert WebSettings().invoke_seconds < seconds < WebSettings().keep_alive_seconds
    # AND results live as long as the program says
    (rule,) = properties("Results")["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == LIFETIME.days


def test_the_image_has_the_releases_that_are_tested() -> None:
    def pins(*paths: str) -> set[str]:
        texts = [(ROOT / path).read_text(encoding="utf-8") for path in paths]
        return {pin for text in texts for pin in re.findall(r"^[\w-]+==[\w.]+", text, re.MULTILINE)}

    found = pins("faunalens/web/requirements/build.txt", "faunalens/web/requirements/lambda.txt")
    assert set() < found <= pins("requirements-dev.txt", "requirements.txt")

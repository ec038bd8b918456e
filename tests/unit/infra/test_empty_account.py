"""The answers of a made-up account, through boto3 as the commands use it."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.empty_account import ACCOUNT, EmptyAccount

TEMPLATE = """
Parameters: {Log: {Type: String, Default: "no"}}
Conditions: {HasLog: !Equals [!Ref Log, "yes"], HasNoLog: !Not [!Equals [!Ref Log, "yes"]]}
Outputs: {AlarmTopic: {Value: !Ref Topic}, CachePort: {Value: "6379"}, CacheUser: {Value: !Sub "a-${B}"},
  LogArn: {Condition: HasLog, Value: "a"}, NoLog: {Condition: HasNoLog, Value: "b"}}
"""


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A session whose calls are answered here, and which could reach nothing else."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    account, seen = EmptyAccount(tmp_path / "created"), dict[str, Any]()
    found = boto3.Session("key", "secret", region_name="us-east-1")
    found.events.register("provide-client-params", lambda params, **_: seen.update(parameters=params))
    found.events.register("before-call", lambda model, **_: account.response(model, seen["parameters"]))
    return found


def test_a_role_exists_once_it_has_been_created(session: Any) -> None:
    iam = session.client("iam")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName="one")
    created = iam.create_role(RoleName="one", AssumeRolePolicyDocument="{}")
    assert created["Role"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/one"
    assert iam.get_role(RoleName="one")["Role"]
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName="two")


def test_another_process_knows_what_was_created(session: Any, tmp_path: Path) -> None:
    session.client("iam").create_role(RoleName="one", AssumeRolePolicyDocument="{}")
    other, model = EmptyAccount(tmp_path / "created"), session.client("iam").meta.service_model
    assert other.response(model.operation_model("GetRole"), {"RoleName": "one"})[0].status_code == 200
    assert other.response(model.operation_model("GetRole"), {"RoleName": "two"})[0].status_code == 404


def test_a_stack_has_the_outputs_of_its_template(session: Any) -> None:
    cloudformation = session.client("cloudformation")
    with pytest.raises(ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName="one")
    cloudformation.create_stack(StackName="one", TemplateBody=TEMPLATE)
    (stack,) = cloudformation.describe_stacks(StackName="one")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    assert outputs == {
        "AlarmTopic": f"arn:aws:sns:us-east-1:{ACCOUNT}:alarms",
        "CachePort": "1",
        "CacheUser": "CacheUser",
        "NoLog": "NoLog",
    }
    # AND with other parameters the outputs of other conditions
    parameters = [{"ParameterKey": "Log", "ParameterValue": "yes"}]
    cloudformation.create_stack(StackName="two", TemplateBody=TEMPLATE, Parameters=parameters)
    (stack,) = cloudformation.describe_stacks(StackName="two")["Stacks"]
    assert {"LogArn", "NoLog"} & {each["OutputKey"] for each in stack["Outputs"]} == {"LogArn"}


def test_every_other_operation_gets_an_answer_of_its_type_that_has_an_end(session: Any) -> None:
    # GIVEN operations that no line here knows
    gateway, sqs = session.client("apigateway"), session.client("sqs")
    # THEN lists are empty, and end with their first page; texts and numbers are there
    assert [page["items"] for page in gateway.get_paginator("get_rest_apis").paginate()] == [[]]
    assert isinstance(sqs.create_queue(QueueName="one")["QueueUrl"], str)
    assert not session.client("sns").get_paginator("list_topics").paginate().build_full_result()["Topics"]
    # AND a type that contains itself has an end too
    assert session.client("wafv2").get_web_acl(Name="one", Scope="REGIONAL", Id="id")["WebACL"]["Capacity"] == 0
    assert session.client("lambda").publish_layer_version(LayerName="l", Content={"ZipFile": b""})["Version"] == 0


def test_no_one_waits_for_what_is_never_done(session: Any) -> None:
    # GIVEN a function that was created WHEN a command waits for it THEN it is there at once
    lambdas = session.client("lambda")
    lambdas.create_function(FunctionName="one", Role="role", Code={"ZipFile": b""})
    lambdas.get_waiter("function_active").wait(FunctionName="one", WaiterConfig={"MaxAttempts": 1})
    lambdas.get_waiter("function_updated").wait(FunctionName="one", WaiterConfig={"MaxAttempts": 1})

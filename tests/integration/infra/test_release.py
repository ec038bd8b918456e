"""A release as AWS's own code expands it: versions, aliases, who calls them, and the shift of traffic."""

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from infra.release import ALIAS
from tests.integration.infra.conftest import template_in
from tests.integration.infra.moto_stack import expanded
from tests.support.cloudformation import template

FUNCTIONS = {"APIHandler", "Warm", "Batch", "Admin"}


@pytest.fixture(scope="module")
def written(stage: str, folders: Mapping[str, Path]) -> dict[str, Any]:
    """The template of a stage as a pipeline writes it."""
    return template_in(folders[stage])


@pytest.fixture(scope="module")
def resources(written: Mapping[str, Any]) -> dict[str, Any]:
    """The resources of the stage, expanded."""
    found: dict[str, Any] = expanded(written)["Resources"]
    return found


def of_type(resources: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the properties of the resources of a type, by name."""
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == kind}


def references(value: Any, name: str) -> Iterator[Any]:
    """Yield every `Ref`, `Fn::GetAtt` and `Fn::Sub` of a value that names a resource."""
    match value:
        case {"Ref": str(each)} | {"Fn::GetAtt": [str(each), *_]} if each == name:
            yield value
        case {"Fn::Sub": str(text)} if f"${{{name}}}" in text or f"${{{name}." in text:
            yield value
        case dict():
            for each in value.values():
                yield from references(each, name)
        case list():
            for each in value:
                yield from references(each, name)


def test_each_function_has_a_version_and_an_alias_that_names_it(resources: Mapping[str, Any]) -> None:
    aliases = of_type(resources, "AWS::Lambda::Alias")
    assert {each["FunctionName"]["Ref"] for each in aliases.values()} == FUNCTIONS
    for each in aliases.values():
        version = resources[each["FunctionVersion"]["Fn::GetAtt"][0]]
        assert (each["Name"], version["Type"]) == (ALIAS, "AWS::Lambda::Version")
        assert version["Properties"]["FunctionName"] == each["FunctionName"]
        # AND an old version stays, as the way back
        assert version["DeletionPolicy"] == "Retain"


def test_latest_is_called_by_no_one(resources: Mapping[str, Any]) -> None:
    # GIVEN all that may mean a function: the function itself, its parts, and who refers to it otherwise
    own = {"AWS::Lambda::Alias", "AWS::Lambda::Version", "AWS::Lambda::EventInvokeConfig"}
    # but the gate, which CodeDeploy calls by the name that the deployment group has; it judges, and is not judged
    for name in {*of_type(resources, "AWS::Lambda::Function")} - {"Gate"}:
        callers = [each for each, other in resources.items() if other["Type"] not in own and [*references(other, name)]]
        assert callers == [], f"{name} without its alias"
    # AND what limits retries limits those of the alias
    assert {each["Qualifier"] for each in of_type(resources, "AWS::Lambda::EventInvokeConfig").values()} == {ALIAS}
    # AND the stacks beside it name no function without the alias: the newest code may not have passed the gate
    for name in ("web.yaml", "backfill.yaml"):
        assert not re.search(r'function:faunalens-\$\{Stage\}(-batch)?\\*"', json.dumps(template(name))), name


def test_api_schedule_and_queue_call_the_alias(resources: Mapping[str, Any]) -> None:
    (api,) = of_type(resources, "AWS::ApiGateway::RestApi").values()
    operations = [each for path in api["Body"]["paths"].values() for each in path.values()]
    uris = [each["x-amazon-apigateway-integration"].get("uri") for each in operations]
    called = {json.dumps(each) for each in uris if each}
    assert len(called) == 1
    assert "functions/${APIHandlerAliaslive}/invocations" in called.pop()
    # AND API Gateway and EventBridge may call the aliases alone
    permitted = [each["FunctionName"] for each in of_type(resources, "AWS::Lambda::Permission").values()]
    assert sorted(each["Ref"] for each in permitted) == ["APIHandlerAliaslive", "WarmAliaslive"]
    (rule,) = of_type(resources, "AWS::Events::Rule").values()
    assert [each["Arn"] for each in rule["Targets"]] == [{"Ref": "WarmAliaslive"}]
    (stream,) = of_type(resources, "AWS::Lambda::EventSourceMapping").values()
    assert stream["FunctionName"]["Fn::Sub"].endswith("-batch:live")
    assert resources["Stream"]["DependsOn"] == "BatchAliaslive"


def test_traffic_shifts_behind_the_gate_and_before_the_alarms(stage: str, written: Any, resources: Any) -> None:
    assert written["Parameters"]["SnapStart"]["Default"] == "None"
    assert resources["APIHandler"]["Properties"]["SnapStart"] == {"ApplyOn": {"Ref": "SnapStart"}}
    assert written["Parameters"]["Traffic"]["Default"] == (
        "Canary10Percent10Minutes" if stage == "prod" else "AllAtOnce"
    )
    policy = resources["APIHandlerAliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert policy["BeforeAllowTrafficHook"] == {"Ref": "Gate"}
    (group,) = of_type(resources, "AWS::CodeDeploy::DeploymentGroup").values()
    assert {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"} <= {*group["AutoRollbackConfiguration"]["Events"]}
    condition, watched, unwatched = group["AlarmConfiguration"]["Fn::If"]
    alarms = [resources[each["Name"]["Ref"]]["Properties"] for each in watched["Alarms"]]
    names = {f"faunalens-{stage}-burn-fast-short", f"faunalens-{stage}-lambda-errors"}
    assert {each["AlarmName"] for each in alarms} == names
    # AND a first deployment without data is not an alarm
    assert {each["TreatMissingData"] for each in alarms} == {"notBreaching"}
    # AND a correction comes through while they are on: CodeDeploy would refuse it, also AllAtOnce, and it keeps the
    # alarms of the last release unless it is told that there are none
    assert written["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Traffic"}, "AllAtOnce"]}]}
    assert unwatched == {}
    # AND CodeDeploy has a role of ours instead of AWS's wide one
    assert group["ServiceRoleArn"] == {"Fn::GetAtt": ["TrafficRole", "Arn"]}
    assert not [each for each in of_type(resources, "AWS::IAM::Role").values() if "ManagedPolicyArns" in each]


def test_the_schema_is_added_by_the_new_code_before_the_new_api_has_traffic(resources: Mapping[str, Any]) -> None:
    # GIVEN the gate, which calls the administrative function by its alias
    assert resources["Gate"]["Properties"]["Environment"]["Variables"]["ADMIN"] == {
        "Fn::Sub": "faunalens-${Stage}-admin:live"
    }
    # THEN that alias is of this release before the API's function changes, and so before the gate judges it
    assert resources["APIHandler"]["DependsOn"] == "AdminAliaslive"
    # AND the gate is outside of the network, with a role of its own
    gate = resources["Gate"]["Properties"]
    assert ("VpcConfig" in gate, gate["Role"]) == (False, {"Fn::GetAtt": ["GateRole", "Arn"]})


def test_code_layer_and_environment_each_make_a_version(written: Any, resources: Mapping[str, Any]) -> None:
    now, changed = {*of_type(resources, "AWS::Lambda::Version")}, deepcopy(written)
    for name, change in (
        ("APIHandler", {"CodeUri": "s3://packages/other.zip"}),
        ("ManagedLayer", {"ContentUri": "s3://packages/other.zip"}),
        ("APIHandler", {"MemorySize": 2000}),
    ):
        changed["Resources"][name]["Properties"] |= change
        versions = {*of_type(expanded(changed)["Resources"], "AWS::Lambda::Version")}
        assert any(each.startswith("APIHandlerVersion") for each in versions - now), change
        now = versions

"""Lets moto deploy the project's stacks: expands SAM as CloudFormation does, and leaves out what moto lacks.

CloudFormation turns `AWS::Serverless::…` into plain resources with `aws-sam-translator`, which is open source and runs
here too. moto creates no stack with resources that it does not know, so these go, with invented values for references
to them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any
from unittest.mock import patch

from moto.awslambda.models import LambdaBackend, lambda_backends
from moto.cloudformation.models import CloudFormationBackend
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult
from samtranslator.translator.transform import transform

from infra.release import ALIAS

_LEFT_OUT = (
    *("ApiGateway::ApiKey", "ApiGateway::BasePathMapping", "ApiGateway::DomainName", "ApiGateway::UsagePlan"),
    *("ApiGateway::Deployment", "ApiGateway::Stage"),  # moto ignores the API's definition: no methods to deploy
    *("Budgets::", "CloudWatch::Alarm", "CloudWatch::CompositeAlarm", "CodeDeploy::", "EC2::SecurityGroupEgress"),
    *("EC2::RouteTable", "EC2::SubnetRouteTableAssociation"),  # it creates, but does not delete them, nor the network
    *("EC2::VPCEndpoint", "ElastiCache::", "Lambda::Alias", "Lambda::EventInvokeConfig", "Lambda::Version"),
    "Lambda::Permission",  # for an alias, which moto's permissions and mappings do not know
    *("Logs::QueryDefinition", "RDS::DBCluster", "RDS::DBInstance", "S3::BucketPolicy", "SNS::TopicPolicy"),
    *("SQS::QueuePolicy", "WAFv2::"),
)
LEFT_OUT = tuple(f"AWS::{each}" for each in _LEFT_OUT)


class _NoManagedPolicies:
    """The translator's source of AWS managed policies; the template uses none."""

    def load(self) -> dict[str, str]:
        return {}


def expanded(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a SAM template as CloudFormation expands it, with the zips in S3."""
    document = deepcopy(dict(document))
    for each in document["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in each["Properties"]:
                each["Properties"][name] = each["Properties"][name].replace("./", "s3://packages/")
    with patch.dict("os.environ", {"AWS_DEFAULT_REGION": "eu-west-1"}):
        result: dict[str, Any] = transform(document, {}, _NoManagedPolicies())
    return result


def of_type(document: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the resources of a type, by name."""
    return {name: each for name, each in document["Resources"].items() if each["Type"] == kind}


def as_moto_can(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a template without the resources that moto lacks, and with invented values for references to them."""
    left = deepcopy(dict(document))
    gone = {name for name, each in left["Resources"].items() if each["Type"].startswith(LEFT_OUT)}
    functions = {name: each["Properties"]["FunctionName"] for name, each in of_type(left, "AWS::Lambda::Alias").items()}
    left["Resources"] = {name: each for name, each in left["Resources"].items() if name not in gone}
    left["Outputs"] = {name: each for name, each in left["Outputs"].items() if "Condition" not in each}
    for each in left["Resources"].values():
        each.pop("DependsOn", None)
    for number, each in enumerate(of_type(left, "AWS::EC2::Subnet").values()):  # moto does not support Fn::Cidr
        each["Properties"]["CidrBlock"] = f"10.20.{number}.0/24"

    def replaced(value: Any) -> Any:
        match value:
            case {"Ref": str(name)} if name in functions:  # an alias
                return {"Fn::GetAtt": [functions[name]["Ref"], "Arn"]}
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]} if name in gone:
                return f"made-up-{name.lower()}"
            case {"Fn::Sub": str(text)}:
                pattern = rf"\$\{{({'|'.join(gone)})(\.[^}}]*)?\}}"
                return {"Fn::Sub": re.sub(pattern, lambda match: f"made-up-{match[1].lower()}", text)}
            case dict():
                return {key: replaced(each) for key, each in value.items()}
            case list():
                return [replaced(each) for each in value]
        return value

    result: dict[str, Any] = replaced(left)
    for each in of_type(result, "AWS::Lambda::EventSourceMapping").values():
        called = each["Properties"]["FunctionName"]
        called["Fn::Sub"] = called["Fn::Sub"].removesuffix(":live")
    return result


def publish(lambdas: LambdaBackend, name: str) -> None:
    """Publish a version of a function, and let its alias name it."""
    published = lambdas.publish_version(name)
    assert published is not None
    aliases = [each.name for each in lambdas.list_aliases(name)]
    move = lambdas.update_alias if ALIAS in aliases else lambdas.create_alias
    move(name=ALIAS, function_name=name, function_version=str(published.version), description="", routing_config="")


@contextmanager
def deployable() -> Iterator[None]:
    """Let moto's CloudFormation take change sets of the project's main stack until the end of the block.

    The protection from deletion, which moto lacks, is kept too.
    """
    sent = dict[str, Any]()
    create_change_set = CloudFormationBackend.create_change_set

    def create(backend: CloudFormationBackend, stack_name: str, template: str, **others: Any) -> Any:
        sent[stack_name] = document = json.loads(template)
        if "Transform" in document:
            template = json.dumps(as_moto_can(expanded(document)))
        return create_change_set(backend, stack_name=stack_name, template=template, **others)

    def execute(backend: CloudFormationBackend, change_set_name: str, stack_name: str | None = None) -> None:
        """Create or update the stack as without a change set, of which moto forgets outputs and parameters."""
        found = backend.describe_change_set(change_set_name)
        if found is None or stack_name is None:
            raise AssertionError(f"there is no change set {change_set_name}")
        given: Any = {"template": found.template, "parameters": found.parameters, "tags": found.tags}
        if found.change_set_type == "CREATE":
            del backend.stacks[found.stack_id]
            backend.create_stack(name=stack_name, **given)
        else:
            backend.get_stack(stack_name).update(role_arn="", **given)
        for each in of_type(sent[stack_name], "AWS::Serverless::Function").values():
            publish(lambda_backends[backend.account_id][backend.region_name], each["Properties"]["FunctionName"])

    def protect(response: CloudFormationResponse) -> ActionResult:
        stack = response.cloudformation_backend.get_stack(response._get_param("StackName"))
        stack.enable_termination_protection = response._get_bool_param("EnableTerminationProtection")
        return ActionResult({"StackId": stack.stack_id})

    with (
        patch.object(CloudFormationBackend, "create_change_set", create),
        patch.object(CloudFormationBackend, "execute_change_set", execute),
        patch.object(CloudFormationResponse, "_validate_different_update", lambda *_: None),  # the change set says so
        patch.object(CloudFormationResponse, "update_termination_protection", protect, create=True),
    ):
        yield

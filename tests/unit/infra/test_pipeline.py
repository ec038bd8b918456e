"""The rights of a pipeline: what it needs, and no way to more."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from chalicelib.config.settings import ROOT
from tests.support.cloudformation import STAGES, in_account, is_allowed, resources, template
from tests.unit.infra.test_policies import FUNCTIONS, statements

ACCOUNT, REGION = "123456789012", "eu-west-1"
OURS = f"pipeline-faunalens-dev-{REGION}"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/{OURS}-boundary"
HERE = {"aws:RequestedRegion": REGION}
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:faunalens-dev"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/faunalens-dev-ApiHandlerRole-1A2B"
RELEASES = f"arn:aws:codedeploy:{REGION}:{ACCOUNT}"
STACKS = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack"
STACK = f"{STACKS}/faunalens-dev/1"
BALANCING = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
MAX_POLICY = 6144
"""Characters of a managed policy, without white space: IAM's quota."""


def known(value: Any, stage: str) -> Any:
    """Return a value of the template with the account's and the stage's names in it."""
    references = {
        "FunctionBoundary": BOUNDARY.replace("-dev-", f"-{stage}-"),
        "CloudFormationRole.Arn": f"arn:aws:iam::{ACCOUNT}:role/pipeline-faunalens-{stage}-{REGION}-cloudformation",
    }
    return in_account(value, ACCOUNT, REGION, references)


def found(stage: str = "dev") -> Mapping[str, Any]:
    return resources("pipeline.yaml", {"Stage": stage, "PackageBucket": "packages", "Repository": "me/fauna"})


def policy(name: str, stage: str = "dev") -> list[Any]:
    document = known(found(stage)[name]["Properties"]["PolicyDocument"], stage)
    return list(document["Statement"])


def of_cloudformation() -> list[Any]:
    """Return the statements of CloudFormation's role."""
    names = [each["Ref"] for each in found()["CloudFormationRole"]["Properties"]["ManagedPolicyArns"]]
    assert names == ["NamedResources", "NamelessResources", "FunctionRoles", "WebTier"]
    return [statement for name in names for statement in policy(name)]


CREATE = ("iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary")


@pytest.mark.parametrize("action", CREATE)
def test_cloudformation_makes_no_role_without_the_boundary(action: str) -> None:
    rights = of_cloudformation()
    assert is_allowed(rights, action, ROLE, {"iam:PermissionsBoundary": BOUNDARY})
    for context in ({}, {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}):
        assert not is_allowed(rights, action, ROLE, context)


@pytest.mark.parametrize("action", [*CREATE, "iam:DeleteRole", "iam:PassRole", "iam:DeleteRolePolicy", "iam:TagRole"])
@pytest.mark.parametrize("name", ["admin", "faunalens-prod-ApiHandlerRole-1", f"{OURS}-cloudformation"])
def test_no_other_role_can_be_touched_not_even_those_of_the_pipeline(action: str, name: str) -> None:
    context = {"iam:PermissionsBoundary": BOUNDARY, "iam:PassedToService": "lambda.amazonaws.com"}
    role = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    assert not is_allowed(of_cloudformation(), action, role, context)
    assert not is_allowed(policy("PipelinePolicy"), action, role, context)


@pytest.mark.parametrize(
    "action",
    [
        "iam:DeleteRolePermissionsBoundary",
        "iam:AttachRolePolicy",
        "iam:CreatePolicyVersion",
        "iam:SetDefaultPolicyVersion",
        "iam:CreateUser",
        "iam:CreateAccessKey",
        "sts:AssumeRole",
    ],
)
def test_the_boundary_can_be_neither_removed_nor_widened(action: str) -> None:
    context = {"iam:PermissionsBoundary": BOUNDARY}
    for resource in (ROLE, BOUNDARY, f"arn:aws:iam::{ACCOUNT}:user/me", "*"):
        assert not is_allowed(of_cloudformation(), action, resource, context)
        assert not is_allowed(policy("PipelinePolicy"), action, resource, context)


def test_the_pipeline_itself_changes_nothing_but_its_stack_and_with_its_role_only() -> None:
    rights, own = (
        policy("PipelinePolicy"),
        f"arn:aws:iam::{ACCOUNT}:role/pipeline-faunalens-dev-{REGION}-cloudformation",
    )
    assert is_allowed(rights, "cloudformation:CreateChangeSet", STACK, {"cloudformation:RoleArn": own})
    # WHEN it names no role, CloudFormation would use the pipeline's own rights; or it names another
    assert not is_allowed(rights, "cloudformation:CreateChangeSet", STACK)
    assert not is_allowed(rights, "cloudformation:CreateChangeSet", STACK, {"cloudformation:RoleArn": ROLE})
    assert is_allowed(
        rights, "cloudformation:CreateChangeSet", f"{STACKS}/faunalens-dev-web/1", {"cloudformation:RoleArn": own}
    )
    prod = STACK.replace("-dev", "-prod")
    assert not is_allowed(rights, "cloudformation:CreateChangeSet", prod, {"cloudformation:RoleArn": own})
    # AND it may give this role to CloudFormation, and to no other service
    assert is_allowed(rights, "iam:PassRole", own, {"iam:PassedToService": "cloudformation.amazonaws.com"})
    assert not is_allowed(rights, "iam:PassRole", own, {"iam:PassedToService": "lambda.amazonaws.com"})
    assert not is_allowed(rights, "iam:CreateRole", ROLE, {"iam:PermissionsBoundary": BOUNDARY})
    assert not is_allowed(rights, "lambda:UpdateFunctionCode", FUNCTION)
    for function in (FUNCTION, f"{FUNCTION}-admin"):
        assert is_allowed(rights, "lambda:InvokeFunction", f"{function}:live")
        assert not is_allowed(rights, "lambda:InvokeFunction", function), "that is $LATEST"
        assert is_allowed(rights, "lambda:UpdateAlias", function)
        assert not is_allowed(rights, "lambda:PublishVersion", function)
    assert not is_allowed(rights, "lambda:InvokeFunction", FUNCTION.replace("-dev", "-prod") + "-admin:live")


@pytest.mark.parametrize("function", [FUNCTION, f"{FUNCTION}-admin"])
def test_the_pipeline_deletes_versions_by_their_number_and_no_function(function: str) -> None:
    """AWS lists one resource type for lambda:DeleteFunction, a function, "by function, version, or alias ARN".

    Sources: the Service Authorization Reference of Lambda; "Fine-tuning the Resources and Conditions sections of
    policies" in Lambda's guide. The claim `release-pruned` asks AWS itself.
    """
    rights = policy("PipelinePolicy")
    assert is_allowed(rights, "lambda:DeleteFunction", f"{function}:7")
    assert not is_allowed(rights, "lambda:DeleteFunction", function)
    assert not is_allowed(rights, "lambda:DeleteFunction", function.replace("-dev", "-prod") + ":7")


def test_the_pipeline_pushes_images_of_its_stage_and_deletes_none() -> None:
    rights, images = policy("PipelinePolicy"), f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/faunalens-dev-web"
    assert images.rpartition("/")[2] == known(found()["Images"]["Properties"]["RepositoryName"], "dev")
    for action in ("ecr:PutImage", "ecr:UploadLayerPart", "ecr:DescribeImages"):
        assert is_allowed(rights, action, images)
        assert not is_allowed(rights, action, images.replace("-dev-", "-prod-"))
    for action in ("ecr:BatchDeleteImage", "ecr:SetRepositoryPolicy", "ecr:PutImageTagMutability"):
        assert not is_allowed(rights, action, images)
        assert not is_allowed(of_cloudformation(), action, images)
    # AND what is under a tag stays under it
    assert found()["Images"]["Properties"]["ImageTagMutability"] == "IMMUTABLE"


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("lambda:CreateFunction", FUNCTION),
        ("lambda:PutFunctionEventInvokeConfig", f"{FUNCTION}-warm:live"),
        ("lambda:UpdateAlias", f"{FUNCTION}:live"),
        ("codedeploy:CreateApplication", f"{RELEASES}:application:faunalens-dev-ServerlessDeploymentApplication-1"),
        (
            "codedeploy:CreateDeployment",
            f"{RELEASES}:deploymentgroup:faunalens-dev-ServerlessDeploymentApplication-1/faunalens-dev-APIHandler-2",
        ),
        ("lambda:PublishLayerVersion", f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:faunalens-dev-managed-layer"),
        ("rds:CreateDBCluster", f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:faunalens-dev"),
        ("rds:CreateDBInstance", f"arn:aws:rds:{REGION}:{ACCOUNT}:db:faunalens-dev-1"),
        ("elasticache:CreateServerlessCache", f"arn:aws:elasticache:{REGION}:{ACCOUNT}:serverlesscache:faunalens-dev"),
        ("s3:PutBucketPolicy", f"arn:aws:s3:::faunalens-dev-photos-{REGION}-{ACCOUNT}"),
        ("logs:PutRetentionPolicy", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/faunalens-dev-warm"),
        ("cloudwatch:PutMetricAlarm", f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:faunalens-dev-page"),
        ("sns:CreateTopic", f"arn:aws:sns:{REGION}:{ACCOUNT}:faunalens-dev-alarms"),
        ("events:PutRule", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/faunalens-dev-WarmWarmEvent-1"),
        ("wafv2:UpdateWebACL", f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/faunalens-dev/1"),
        ("budgets:ModifyBudget", f"arn:aws:budgets::{ACCOUNT}:budget/faunalens-dev-{REGION}"),
        ("ecs:CreateCluster", f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/faunalens-dev"),
        ("ecs:UpdateService", f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/faunalens-dev/web"),
        ("ecs:RegisterTaskDefinition", f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/faunalens-dev-web:1"),
        ("elasticloadbalancing:CreateLoadBalancer", f"{BALANCING}:loadbalancer/app/faunalens-dev-web/1"),
        ("elasticloadbalancing:CreateListener", f"{BALANCING}:loadbalancer/app/faunalens-dev-web/1"),
        ("elasticloadbalancing:DeleteListener", f"{BALANCING}:listener/app/faunalens-dev-web/1/2"),
        ("elasticloadbalancing:CreateTargetGroup", f"{BALANCING}:targetgroup/faunalens-dev-web/1"),
        ("wafv2:AssociateWebACL", f"{BALANCING}:loadbalancer/app/faunalens-dev-web/1"),
        ("wafv2:CreateWebACL", f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/faunalens-dev-web/1"),
        ("s3:CreateBucket", f"arn:aws:s3:::faunalens-dev-results-{REGION}-{ACCOUNT}"),
        ("logs:CreateLogGroup", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/ecs/faunalens-dev-web:log-stream:"),
    ],
)
def test_cloudformation_changes_this_stage_and_no_other(action: str, resource: str) -> None:
    assert is_allowed(of_cloudformation(), action, resource, HERE)
    assert not is_allowed(of_cloudformation(), action, resource.replace("faunalens-dev", "faunalens-prod"), HERE)
    assert not is_allowed(of_cloudformation(), action, resource.replace("faunalens-dev", "faunalens-dev2"), HERE)


def test_cloudformation_reads_no_photo_and_no_package_of_another_stage() -> None:
    rights = of_cloudformation()
    assert not is_allowed(rights, "s3:GetObject", f"arn:aws:s3:::faunalens-dev-photos-{REGION}-{ACCOUNT}/uploads/a")
    assert not is_allowed(rights, "s3:GetObject", f"arn:aws:s3:::faunalens-dev-results-{REGION}-{ACCOUNT}/results/a")
    assert is_allowed(rights, "s3:GetObject", "arn:aws:s3:::packages/faunalens-dev/1")
    assert not is_allowed(rights, "s3:GetObject", "arn:aws:s3:::packages/faunalens-prod/1")
    # AND it changes networks in its region only, and signs in to no store
    assert is_allowed(rights, "ec2:CreateVpc", "*", HERE)
    assert not is_allowed(rights, "ec2:CreateVpc", "*", {"aws:RequestedRegion": "us-east-1"})
    assert not is_allowed(rights, "ec2:RunInstances", "*", HERE)
    assert not is_allowed(rights, "rds-db:connect", f"arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:cluster-1/devfauna")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_boundary_lets_functions_do_what_they_need(stage: str, function: str) -> None:
    # GIVEN what a function's policy allows, on resources of an account
    boundary, needed = policy("FunctionBoundary", stage), 0
    for each in statements(stage, function):
        for resource in each["Resource"] if each["Effect"] == "Allow" else []:
            in_account = resource.replace(":*:*:", f":{REGION}:{ACCOUNT}:").replace(
                "photos-*", f"photos-{REGION}-{ACCOUNT}"
            )
            for action in each["Action"]:
                # THEN the boundary allows it
                assert is_allowed(boundary, action, in_account if resource == "*" else in_account.replace("*", "x"))
                needed += 1
    assert needed > 8


@pytest.mark.parametrize("role", ["GateRole", "TrafficRole"])
def test_the_boundary_lets_a_release_do_what_it_needs(role: str) -> None:
    boundary, references = policy("FunctionBoundary"), {"Gate.Arn": f"{FUNCTION}-gate"}
    references["GateLog.Arn"] = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/faunalens-dev-gate:*"
    found = resources("release.yaml", {"Stage": "dev", "LogDays": "14", "PermissionsBoundary": BOUNDARY})
    (given,) = found[role]["Properties"]["Policies"]
    assert found[role]["Properties"]["PermissionsBoundary"] == BOUNDARY
    for each in in_account(given["PolicyDocument"], ACCOUNT, REGION, references)["Statement"]:
        for action in each["Action"] if isinstance(each["Action"], list) else [each["Action"]]:
            for resource in each["Resource"] if isinstance(each["Resource"], list) else [each["Resource"]]:
                named = resource if resource == "*" else resource.replace("-*", "-1/faunalens-dev-2").replace("*", "7")
                assert is_allowed(boundary, action, named), (action, named)


@pytest.mark.parametrize("role", ["TaskRole", "ExecutionRole"])
def test_the_boundary_lets_tasks_do_what_they_need(role: str) -> None:
    boundary = policy("FunctionBoundary")
    references = {
        "Results.Arn": f"arn:aws:s3:::faunalens-dev-results-{REGION}-{ACCOUNT}",
        "Log.Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/ecs/faunalens-dev-web:*",
    }
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/faunalens-web@sha256:{'a' * 64}"
    (given,) = resources("web.yaml", {"Stage": "dev", "WebImage": image})[role]["Properties"]["Policies"]
    for each in in_account(given["PolicyDocument"], ACCOUNT, REGION, references)["Statement"]:
        for action in each["Action"] if isinstance(each["Action"], list) else [each["Action"]]:
            resource = each["Resource"] if each["Resource"] == "*" else each["Resource"].replace("*", "x")
            assert is_allowed(boundary, action, resource), action


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:CreateUser", "*"),
        ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/admin"),
        ("s3:ListBucket", f"arn:aws:s3:::faunalens-dev-photos-{REGION}-{ACCOUNT}"),
        ("s3:GetObject", f"arn:aws:s3:::faunalens-prod-photos-{REGION}-{ACCOUNT}/uploads/a"),
        ("rds-db:connect", f"arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:cluster-1/prodfauna"),
        ("elasticache:Connect", f"arn:aws:elasticache:{REGION}:{ACCOUNT}:user:faunalens-prod"),
        ("lambda:InvokeFunction", f"{FUNCTION}-admin"),
        ("logs:CreateLogGroup", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/faunalens-dev"),
        ("ec2:RunInstances", "*"),
    ],
)
def test_no_function_and_no_task_gets_beyond_the_boundary(action: str, resource: str) -> None:
    assert not is_allowed(policy("FunctionBoundary"), action, resource)


def test_github_s_environment_of_the_stage_is_the_pipeline() -> None:
    role = found("prod")["PipelineRole"]["Properties"]
    (trust,) = known(role["AssumeRolePolicyDocument"], "prod")["Statement"]
    assert trust["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": "repo:me/fauna:environment:prod",
        }
    }
    assert role["ManagedPolicyArns"] == [{"Ref": "PipelinePolicy"}]
    # AND without a repository there is no such role
    assert "PipelineRole" not in resources("pipeline.yaml", {"Stage": "prod", "PackageBucket": "packages"})


def test_policies_are_within_iam_s_quota_with_the_longest_names() -> None:
    for each in found().values():
        if each["Type"] == "AWS::IAM::ManagedPolicy":
            text = json.dumps(known(each["Properties"]["PolicyDocument"], "dev"), separators=(",", ":"))
            longest = text.replace("faunalens-dev", "faunalens-abcdefghij").replace(REGION, "ap-southeast-2")
            assert len(longest) <= MAX_POLICY


def test_the_guide_has_every_parameter_and_output() -> None:
    guide = Path(ROOT / "docs" / "how-to" / "pipeline.md").read_text(encoding="utf-8")
    whole = template("pipeline.yaml")
    for name in (*whole["Parameters"], *whole["Outputs"]):
        assert f"`{name}`" in guide or f" {name}=" in guide, name

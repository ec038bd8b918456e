"""The rights of a pipeline: what it needs, and no way to more."""

import json
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pytest

from chalicelib.config.settings import ROOT
from tests.support.cloudformation import IMAGE, STAGES, in_account, is_allowed, listed, resources, template
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
CLOUDFORMATION = f"arn:aws:iam::{ACCOUNT}:role/{OURS}-cloudformation"
BALANCING = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
MAX_POLICY = 6144
"""Characters of a managed policy, without white space: IAM's quota."""


def known(value: Any, stage: str) -> Any:
    """Return a value of the template with the account's and the stage's names in it."""
    references = {
        "FunctionBoundary": BOUNDARY.replace("-dev-", f"-{stage}-"),
        "CloudFormationRole.Arn": CLOUDFORMATION.replace("-dev-", f"-{stage}-"),
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


def test_cloudformation_makes_no_role_without_the_boundary() -> None:
    rights, wider = of_cloudformation(), {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}
    for action in CREATE:
        assert is_allowed(rights, action, ROLE, {"iam:PermissionsBoundary": BOUNDARY})
        assert not is_allowed(rights, action, ROLE, {}) | is_allowed(rights, action, ROLE, wider)


OTHERS = [f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("admin", "faunalens-prod-ApiHandlerRole-1")]
ON_ROLES = (*CREATE, "iam:DeleteRole", "iam:PassRole", "iam:DeleteRolePolicy", "iam:TagRole")
WIDER = ["DeleteRolePermissionsBoundary", "AttachRolePolicy", "CreatePolicyVersion", "SetDefaultPolicyVersion"]
WIDER = ["sts:AssumeRole", *(f"iam:{name}" for name in (*WIDER, "CreateUser", "CreateAccessKey"))]


@pytest.mark.parametrize(
    ("actions", "resources"),
    [(ON_ROLES, (*OTHERS, CLOUDFORMATION)), (WIDER, (ROLE, BOUNDARY, f"arn:aws:iam::{ACCOUNT}:user/me", "*"))],
    ids=["other roles, not even those of the pipeline", "the boundary"],
)
def test_nothing_else_can_be_touched_and_the_boundary_neither_removed_nor_widened(
    actions: Sequence[str], resources: Sequence[str]
) -> None:
    context = {"iam:PermissionsBoundary": BOUNDARY, "iam:PassedToService": "lambda.amazonaws.com"}
    for rights, action, resource in product((of_cloudformation(), policy("PipelinePolicy")), actions, resources):
        assert not is_allowed(rights, action, resource, context), (action, resource)


BY_ROLE = {"cloudformation:RoleArn": CLOUDFORMATION}
IMAGES = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/faunalens-dev-web"
ON_IMAGES = ("ecr:BatchDeleteImage", "ecr:SetRepositoryPolicy", "ecr:PutImageTagMutability")


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("cloudformation:CreateChangeSet", STACK, BY_ROLE),
        ("cloudformation:CreateChangeSet", f"{STACKS}/faunalens-dev-web/1", BY_ROLE),
        *(("lambda:InvokeFunction", f"{each}:live", {}) for each in (FUNCTION, f"{FUNCTION}-admin")),
        *(("lambda:UpdateAlias", each, {}) for each in (FUNCTION, f"{FUNCTION}-admin")),
        # AWS lists one resource type for lambda:DeleteFunction, a function, "by function, version, or alias ARN".
        # Sources: the Service Authorization Reference of Lambda; "Fine-tuning the Resources and Conditions sections of
        # policies" in Lambda's guide. The claim `release-pruned` asks AWS itself.
        *(("lambda:DeleteFunction", f"{each}:7", {}) for each in (FUNCTION, f"{FUNCTION}-admin")),
        *((f"ecr:{name}", IMAGES, {}) for name in ("PutImage", "UploadLayerPart", "DescribeImages")),
        ("iam:PassRole", CLOUDFORMATION, {"iam:PassedToService": "cloudformation.amazonaws.com"}),
    ],
)
def test_the_pipeline_deploys_its_stage_and_no_other(action: str, resource: str, context: dict[str, str]) -> None:
    assert is_allowed(policy("PipelinePolicy"), action, resource, context)
    assert not is_allowed(policy("PipelinePolicy"), action, resource.replace("-dev", "-prod"), context)


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("cloudformation:CreateChangeSet", STACK, {}),  # CloudFormation would use the pipeline's own rights
        ("cloudformation:CreateChangeSet", STACK, {"cloudformation:RoleArn": ROLE}),
        ("iam:PassRole", CLOUDFORMATION, {"iam:PassedToService": "lambda.amazonaws.com"}),
        ("iam:CreateRole", ROLE, {"iam:PermissionsBoundary": BOUNDARY}),
        ("lambda:UpdateFunctionCode", FUNCTION, {}),
        *(("lambda:InvokeFunction", each, {}) for each in (FUNCTION, f"{FUNCTION}-admin")),  # that is $LATEST
        *((f"lambda:{name}", FUNCTION, {}) for name in ("PublishVersion", "DeleteFunction")),
        *((name, IMAGES, {}) for name in ON_IMAGES),
    ],
)
def test_the_pipeline_itself_changes_nothing_else(action: str, resource: str, context: dict[str, str]) -> None:
    assert not is_allowed(policy("PipelinePolicy"), action, resource, context)


def test_images_stay_under_their_tags() -> None:
    images = found()["Images"]["Properties"]
    assert IMAGES.rpartition("/")[2] == known(images["RepositoryName"], "dev")
    assert images["ImageTagMutability"] == "IMMUTABLE"
    assert not [each for each in ON_IMAGES if is_allowed(of_cloudformation(), each, IMAGES)]


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("lambda:CreateFunction", FUNCTION),
        ("lambda:PutFunctionEventInvokeConfig", f"{FUNCTION}-warm:live"),
        (
            "codedeploy:CreateDeployment",
            f"{RELEASES}:deploymentgroup:faunalens-dev-ServerlessDeploymentApplication-1/faunalens-dev-APIHandler-2",
        ),
        ("lambda:PublishLayerVersion", f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:faunalens-dev-managed-layer"),
        ("rds:CreateDBCluster", f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:faunalens-dev"),
        ("elasticache:CreateServerlessCache", f"arn:aws:elasticache:{REGION}:{ACCOUNT}:serverlesscache:faunalens-dev"),
        ("s3:PutBucketPolicy", f"arn:aws:s3:::faunalens-dev-photos-{REGION}-{ACCOUNT}"),
        ("logs:PutRetentionPolicy", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/faunalens-dev-warm"),
        ("cloudwatch:PutMetricAlarm", f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:faunalens-dev-page"),
        ("sns:CreateTopic", f"arn:aws:sns:{REGION}:{ACCOUNT}:faunalens-dev-alarms"),
        ("events:PutRule", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/faunalens-dev-WarmWarmEvent-1"),
        ("wafv2:UpdateWebACL", f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/faunalens-dev/1"),
        ("budgets:ModifyBudget", f"arn:aws:budgets::{ACCOUNT}:budget/faunalens-dev-{REGION}"),
        ("ecs:UpdateService", f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/faunalens-dev/web"),
        ("ecs:RegisterTaskDefinition", f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/faunalens-dev-web:1"),
        ("elasticloadbalancing:CreateLoadBalancer", f"{BALANCING}:loadbalancer/app/faunalens-dev-web/1"),
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


MAPPING = f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:*"
API = f"arn:aws:apigateway:{REGION}::/restapis/a1b2/stages"


@pytest.mark.parametrize(
    ("actions", "own", "other"),
    [
        # a mapping has no name yet when it is made with the tags of the stack
        (("TagResource", "UntagResource", "ListTags"), MAPPING, FUNCTION.replace("-dev", "-prod")),
        # what CloudFormation's own schema of an association lists for a web ACL and its API
        (("AssociateWebACL", "DisassociateWebACL", "GetWebACLForResource"), f"{API}/dev", f"{API}/prod"),
    ],
    ids=["tags of the stream, and not of functions of others", "the firewall before this API alone"],
)
def test_cloudformation_changes_what_has_no_name(actions: Sequence[str], own: str, other: str) -> None:
    for action in (f"{'lambda' if own == MAPPING else 'wafv2'}:{name}" for name in actions):
        assert is_allowed(of_cloudformation(), action, own, HERE), action
        assert not is_allowed(of_cloudformation(), action, other, HERE), action


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


LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:"
IN_WEB = {"Results.Arn": f"arn:aws:s3:::faunalens-dev-results-{REGION}-{ACCOUNT}"}
IN_WEB["Log.Arn"] = f"{LOGS}/aws/ecs/faunalens-dev-web:*"
IN_RELEASE = {"Gate.Arn": f"{FUNCTION}-gate", "GateLog.Arn": f"{LOGS}/aws/lambda/faunalens-dev-gate:*"}


def of_role(name: str, role: str, references: Mapping[str, str]) -> list[Any]:
    """Return the statements of a role, which has the boundary."""
    given = {"Stage": "dev", "LogDays": "14", "PermissionsBoundary": BOUNDARY, "WebImage": IMAGE}
    properties = resources(name, given)[role]["Properties"]
    assert properties["PermissionsBoundary"] == BOUNDARY
    (allowed,) = properties["Policies"]
    return list(in_account(allowed["PolicyDocument"], ACCOUNT, REGION, references)["Statement"])


@pytest.mark.parametrize(
    ("stage", "needed"),
    [
        *((stage, statements(stage, function)) for stage in STAGES for function in FUNCTIONS),
        *(("dev", of_role("release.yaml", role, IN_RELEASE)) for role in ("GateRole", "TrafficRole")),
        *(("dev", of_role("web.yaml", role, IN_WEB)) for role in ("TaskRole", "ExecutionRole")),
    ],
)
def test_the_boundary_lets_functions_releases_and_tasks_do_what_they_need(stage: str, needed: list[Any]) -> None:
    # GIVEN what a policy allows, on resources of an account THEN the boundary allows it
    boundary, allowed = policy("FunctionBoundary", stage), [each for each in needed if each["Effect"] == "Allow"]
    assert allowed
    for each in allowed:
        for action, resource in product(listed(each["Action"]), listed(each["Resource"])):
            here = resource.replace(":*:*:", f":{REGION}:{ACCOUNT}:").replace("photos-*", f"photos-{REGION}-{ACCOUNT}")
            named = here if here == "*" else here.replace("-*", "-1/faunalens-dev-2").replace("*", "7")
            assert is_allowed(boundary, action, named), (action, named)


def test_no_function_and_no_task_gets_beyond_the_boundary() -> None:
    for action, resource in {
        "iam:CreateUser": "*",
        "sts:AssumeRole": f"arn:aws:iam::{ACCOUNT}:role/admin",
        "s3:ListBucket": f"arn:aws:s3:::faunalens-dev-photos-{REGION}-{ACCOUNT}",
        "s3:GetObject": f"arn:aws:s3:::faunalens-prod-photos-{REGION}-{ACCOUNT}/uploads/a",
        "rds-db:connect": f"arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:cluster-1/prodfauna",
        "elasticache:Connect": f"arn:aws:elasticache:{REGION}:{ACCOUNT}:user:faunalens-prod",
        "lambda:InvokeFunction": f"{FUNCTION}-admin",
        "logs:CreateLogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/faunalens-dev",
        "ec2:RunInstances": "*",
    }.items():
        assert not is_allowed(policy("FunctionBoundary"), action, resource), action


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
    guide, whole = (ROOT / "docs/how-to/pipeline.md").read_text(encoding="utf-8"), template("pipeline.yaml")
    for name in (*whole["Parameters"], *whole["Outputs"]):
        assert f"`{name}`" in guide or f" {name}=" in guide, name

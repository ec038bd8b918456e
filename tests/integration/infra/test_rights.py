"""CloudFormation's role has the rights that each resource type of the stage needs, by the schemas of cfn-lint."""

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from tests.integration.infra.conftest import template_in
from tests.integration.infra.moto_stack import expanded
from tests.support.cloudformation import listed, template
from tests.unit.infra.test_pipeline import of_cloudformation

NOT_NEEDED = {
    "amplify:* apprunner:* appsync:* bedrock-agentcore:* cognito-idp:*": "firewalls are before our API and balancer",
    "ec2:*verifiedaccess*": "firewalls are before our API and balancer",
    "apigateway:updaterestapipolicy": "the API has no policy",
    "application-autoscaling:*scheduledaction*": "the tier is not scaled by the clock",
    "cloudfront:*connectiongroup cloudfront:createdistributionwithtags": "there are no tenants; the other is no action",
    "cloudfront:updatedistributionwithstagingconfig": "there is no staging distribution",
    "codedeploy:stopdeployment": "alarms take a shift of traffic back, and CloudFormation waits for that",
    "ec2:*subnetcidrblock ec2:describeipampools": "the networks have no IPv6 and no pool of addresses",
    "ec2:attachvpngateway ec2:detachvpngateway ec2:modifyvpctenancy": "the networks have no such thing",
    "ec2:createvpcencryptioncontrol": "the networks have no such thing",
    "ecs:putaccountsetting*": "settings of the account are the administrator's",
    "elasticfilesystem:* s3files:* s3tables:* firehose:*": "functions, buckets and logs have no such thing",
    "iam:attachrolepolicy iam:detachrolepolicy": "roles have no managed policies, which could be those of AWS",
    "iam:deleterolepermissionsboundary": "no boundary can be removed (docs/how-to/pipeline.md)",
    "iam:listroles": "the database has no role for monitoring",
    "kms:*": "nothing has a key of our own",
    "logs:createlogdelivery logs:putindexpolicy logs:deleteindexpolicy": "log groups are neither delivered nor indexed",
    "payments:*": "it is no action; the firewall has no bought rules",
    "secretsmanager:*": "there is no password",
    "sts:assumerole": "CloudFront takes the service-linked role of VPC origins by itself",
    "vpc-lattice:* vpce:allowmultiregion": "the endpoint is that of S3, in the region",
}
"""Actions that the handlers of types name and that our resources never need, and why."""


@pytest.fixture(scope="module")
def types(folders: Mapping[str, Path]) -> set[str]:
    """The types of resources in the stage's stacks, expanded."""
    documents = expanded(template_in(folders["dev"])), template("web.yaml")
    return {each["Type"] for document in documents for each in document["Resources"].values()}


def without_resource() -> set[str]:
    """Return the actions that take no resource: a statement allows them by `*` alone."""
    path = Path(str(files("cfnlint"))) / "data" / "AdditionalSpecs" / "Policies.json"
    services = json.loads(path.read_text(encoding="utf-8"))
    return {
        f"{service}:{action}".lower()
        for service, each in services.items()
        for action, known in each["Actions"].items()
        if not known.get("Resources")
    }


def needed(kind: str) -> Iterator[str]:
    """Yield the actions with which CloudFormation creates, reads, updates and deletes a resource of a type."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-1", kind).schema
    for name, handler in schema["handlers"].items():
        yield from (each.lower() for each in handler.get("permissions", ()) if name != "list")


def is_granted(action: str, statements: list[Any], *, to_all: bool) -> bool:
    """Return whether a statement allows an action, on `*` if it must."""
    return any(
        any(fnmatchcase(action, one.lower()) for one in listed(each["Action"]))
        and (not to_all or "*" in listed(each["Resource"]))
        for each in statements
    )


def test_every_action_of_every_type_is_allowed_or_not_needed_for_a_reason(types: set[str]) -> None:
    # GIVEN the schemas of the types that the stage has, and CloudFormation's role
    statements, without = of_cloudformation(), without_resource()
    patterns = [each for some in NOT_NEEDED for each in some.split()]
    missing, used = dict[str, set[str]](), set[str]()
    for kind in types:
        for action in needed(kind):
            if is_granted(action, statements, to_all=action in without):
                continue
            reasons = {each for each in patterns if fnmatchcase(action, each)}
            used |= reasons
            if not reasons:
                missing.setdefault(action, set()).add(kind)
    # THEN nothing is missing, and no exception is there without need
    assert missing == {}
    assert used == {*patterns}

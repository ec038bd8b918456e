"""The templates obey the security rules of our own; `tests.scan` checks those of checkov.

An exemption is written beside its resource, where checkov reads those from its own rules:

    Metadata: {checkov: {skip: [{id: READ_INSIDE, comment: why}]}}
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.cloudformation import STAGES, parameters, resources, template

INSIDE = {"StringNotEquals": {"aws:SourceVpc": {"Ref": "Vpc"}}}
TLS = {"rds.force_ssl": "1", "ssl_min_protocol_version": "TLSv1.2"}


def statements(properties: Any) -> Any:
    return properties["PolicyDocument"]["Statement"]


def allows_only_some(policy: Any) -> bool:
    """Return whether every `Allow` names a principal and actions, and has a condition."""
    allowing = [each for each in statements(policy) if each["Effect"] != "Deny"]
    return all(each["Principal"] != "*" and "*" not in str(each["Action"]) and "Condition" in each for each in allowing)


def denies(policy: Any, condition: Any, **others: str) -> bool:
    """Return whether a statement denies requests that meet a condition."""
    denial = {"Effect": "Deny", "Condition": condition, **others}
    return any(denial.items() <= each.items() for each in statements(policy))


def expires(bucket: Any) -> bool:
    """Return whether uploads and unfinished ones go after a day, and everything else at some time."""
    rules = [rule for rule in bucket["LifecycleConfiguration"]["Rules"] if rule["Status"] == "Enabled"]
    unfinished = [rule for rule in rules if "AbortIncompleteMultipartUpload" in rule and "Prefix" not in rule]
    return (
        any(each.get("Prefix", "uploads/") == "uploads/" and each.get("ExpirationInDays") == 1 for each in rules)
        and all("ExpirationInDays" in each or "AbortIncompleteMultipartUpload" in each for each in rules)
        and any(each["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 1 for each in unfinished)
    )


RULES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "NO_PUBLIC_ADDRESS": ("EC2::Subnet", lambda subnet: subnet["MapPublicIpOnLaunch"] is False),
    "ENDPOINT_POLICY": (
        "EC2::VPCEndpoint",
        lambda endpoint: all(
            "*" not in str(each["Action"]) and each["Resource"] != "*" for each in statements(endpoint)
        ),
    ),
    "NO_PASSWORD": (
        "RDS::DBCluster",
        lambda cluster: (
            cluster["MasterUserAuthenticationType"] == "iam-db-auth"
            and not cluster.keys() & {"MasterUserPassword", "ManageMasterUserPassword"}
        ),
    ),
    # refused sign-ins are logged with their reason
    "SIGN_IN_LOG": ("RDS::DBCluster", lambda cluster: "iam-db-auth-error" in cluster["EnableCloudwatchLogsExports"]),
    # RDS does not go on with an old version at extra cost
    "NO_PAID_SUPPORT": ("RDS::DBCluster", lambda cluster: cluster["EngineLifecycleSupport"].endswith("-disabled")),
    "NO_DATA_API": ("RDS::DBCluster", lambda cluster: cluster["EnableHttpEndpoint"] is False),
    "DATABASE_TLS": ("RDS::DBClusterParameterGroup", lambda group: group["Parameters"].items() >= TLS.items()),
    "CACHE_IAM": (
        "ElastiCache::User",
        lambda user: user["AuthenticationMode"] == {"Type": "iam"} and user["UserId"] == user["UserName"],
    ),
    # the user without a password is not in the group
    "CACHE_USERS": ("ElastiCache::UserGroup", lambda group: "default" not in group["UserIds"]),
    "CACHE_LIMITS": (
        "ElastiCache::ServerlessCache",
        lambda cache: {"UserGroupId", "CacheUsageLimits"} <= cache.keys() and len(cache["CacheUsageLimits"]) == 2,
    ),
    "NO_ACL": (
        "S3::Bucket",
        lambda bucket: bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}],
    ),
    "GONE_WITHIN_TWO_DAYS": ("S3::Bucket", expires),
    "BUCKET_POLICY": ("S3::BucketPolicy", allows_only_some),
    "READ_INSIDE": ("S3::BucketPolicy", lambda policy: denies(policy, INSIDE, Principal="*", Action="s3:GetObject")),
    "TOPIC_POLICY": ("SNS::TopicPolicy", allows_only_some),
    "TOPIC_TLS": ("SNS::TopicPolicy", lambda policy: denies(policy, {"Bool": {"aws:SecureTransport": "false"}})),
    # requests are not sampled: their queries contain coordinates
    "NO_COORDINATES": (
        "WAFv2::WebACL",
        lambda acl: not any(each["VisibilityConfig"]["SampledRequestsEnabled"] for each in [acl, *acl["Rules"]]),
    ),
}
"""The type of resource that each rule is for, and a function that checks its properties."""

OPTIONS = {"DatabaseReader": "yes", "AlarmEmail": "a@b.example", "AccessLog": "yes"}
EDGE = {"Stage": "dev", "RestAPI": "abc", "Firewall": "yes", "ApiKeys": "required"}
DEPLOYED = {
    "dev": ("faunalens.yaml", parameters("dev")),
    "prod": ("faunalens.yaml", parameters("prod")),
    "all": ("faunalens.yaml", {"Stage": "all", **OPTIONS}),
    "edge": ("edge.yaml", EDGE),
    "packages": ("packages.yaml", {"Stage": "dev"}),
    "web": ("web.yaml", {"Stage": "dev", "Firewall": "yes"}),
    "release": ("release.yaml", {"Stage": "dev"}),
    "backfill": ("backfill.yaml", {"Stage": "dev", "BackfillWebhook": "https://a.example/hook"}),
}
"""Templates with parameters; `all` has every optional resource."""

OPEN_TO_ALL = {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route", "AWS::SecretsManager::Secret"}


def exemptions(resource: Any) -> dict[str, str]:
    """Return the rules that a resource is exempt from, and why."""
    skip = resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    return {each["id"]: each["comment"] for each in skip}


def is_a(resource: Any, kind: str) -> bool:
    return bool(resource["Type"] == f"AWS::{kind}")


def cases() -> Iterator[Any]:
    for rule, (kind, _) in RULES.items():
        every = [(deployment, *each) for deployment, given in DEPLOYED.items() for each in resources(*given).items()]
        found = [pytest.param(rule, each, id=f"{at}-{name}-{rule}") for at, name, each in every if is_a(each, kind)]
        assert found, f"no template has a {kind}"
        yield from found


@pytest.mark.parametrize(("rule", "resource"), list(cases()))
def test_a_resource_obeys_a_rule_or_is_exempt(rule: str, resource: Any) -> None:
    _, holds = RULES[rule]
    assert holds(resource["Properties"]) is (rule not in exemptions(resource))


@pytest.mark.parametrize("name", sorted({name for name, _ in DEPLOYED.values()}))
def test_every_exemption_has_a_rule_and_a_reason(name: str) -> None:
    for resource in template(name)["Resources"].values():
        for rule, comment in exemptions(resource).items():
            assert rule in RULES or rule.startswith("CKV_")
            assert len(comment) > 40


# `web` is a network of its own, for a website; the secret of `backfill` is for receivers of its webhook.
@pytest.mark.parametrize("deployment", sorted(DEPLOYED.keys() - {"web", "backfill"}))
def test_there_is_no_route_to_the_internet_and_no_secret(deployment: str) -> None:
    name, given = DEPLOYED[deployment]
    assert not {each["Type"] for each in resources(name, given).values()} & OPEN_TO_ALL


def test_only_functions_reach_the_stores() -> None:
    groups = resources("faunalens.yaml", parameters("prod"))
    for store, ports in {"Database": (5432, 5432), "Cache": (6379, 6380)}.items():
        (rule,) = groups[f"{store}SecurityGroup"]["Properties"]["SecurityGroupIngress"]
        egress = groups[f"FunctionTo{store}"]["Properties"]
        assert rule["SourceSecurityGroupId"] == {"Ref": "FunctionSecurityGroup"}
        assert egress["DestinationSecurityGroupId"] == {"Ref": f"{store}SecurityGroup"}
        assert (rule["FromPort"], rule["ToPort"]) == (egress["FromPort"], egress["ToPort"]) == ports
    # AND functions reach S3 alone where its addresses are known
    given = {**parameters("prod"), "S3PrefixList": "pl-63a5400a"}
    (rule,) = resources("faunalens.yaml", given)["FunctionSecurityGroup"]["Properties"]["SecurityGroupEgress"]
    assert (rule["DestinationPrefixListId"], "CidrIp" in rule) == ("pl-63a5400a", False)


def test_data_survives_a_mistake() -> None:
    for stage in STAGES:
        database = resources("faunalens.yaml", parameters(stage))["Database"]
        assert (database["DeletionPolicy"], database["UpdateReplacePolicy"]) == ("Snapshot", "Snapshot")
    prod = resources("faunalens.yaml", parameters("prod"))["Database"]["Properties"]
    assert prod["DeletionProtection"] == "true"
    assert int(prod["BackupRetentionPeriod"]) >= 7

"""Security rules of our own for single resources of a template; those of checkov are checked by `tests.scan`.

An exemption is written beside its resource, where checkov reads those from its own rules:

    Metadata: {checkov: {skip: [{id: READ_INSIDE, comment: why}]}}

Each rule has a change that breaks it, so that a test can check the rule itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

type Properties = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """`kind`: type of resource. `says`: the rule. `holds`: checks properties. `broken`: properties that break it."""

    kind: str
    says: str
    holds: Callable[[Properties], bool]
    broken: Properties


def _statements(policy: Any) -> list[Any]:
    return list(policy["Statement"])


def _refuses_plain_text(properties: Properties) -> bool:
    return any(
        each["Effect"] == "Deny" and each.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        for each in _statements(properties["PolicyDocument"])
    )


def _allows_only_some(properties: Properties) -> bool:
    """Return whether every `Allow` names a principal and actions, and has a condition."""
    return all(
        each["Effect"] == "Deny"
        or (each["Principal"] != "*" and "*" not in str(each["Action"]) and "Condition" in each)
        for each in _statements(properties["PolicyDocument"])
    )


def _is_read_from_inside_only(properties: Properties) -> bool:
    """Return whether requests from outside our network may not read."""
    return any(
        each["Effect"] == "Deny"
        and each["Principal"] == "*"
        and each["Action"] == "s3:GetObject"
        and each["Condition"] == {"StringNotEquals": {"aws:SourceVpc": {"Ref": "Vpc"}}}
        for each in _statements(properties["PolicyDocument"])
    )


def _enabled(bucket: Properties) -> list[Any]:
    """Return the lifecycle rules that apply."""
    return [rule for rule in bucket["LifecycleConfiguration"]["Rules"] if rule["Status"] == "Enabled"]


RULES = {
    # Network
    "NO_PUBLIC_ADDRESS": Rule(
        "AWS::EC2::Subnet",
        "subnets assign no public addresses",
        lambda subnet: subnet["MapPublicIpOnLaunch"] is False,
        {"MapPublicIpOnLaunch": True},
    ),
    "ENDPOINT_POLICY": Rule(
        "AWS::EC2::VPCEndpoint",
        "an endpoint allows named actions on named resources",
        lambda endpoint: all(
            "*" not in str(each["Action"]) and each["Resource"] != "*"
            for each in _statements(endpoint["PolicyDocument"])
        ),
        {"PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}},
    ),
    # Database
    "NO_PASSWORD": Rule(
        "AWS::RDS::DBCluster",
        "the administrator has no password",
        lambda cluster: (
            cluster["MasterUserAuthenticationType"] == "iam-db-auth"
            and not cluster.keys() & {"MasterUserPassword", "ManageMasterUserPassword"}
        ),
        {"ManageMasterUserPassword": True},
    ),
    "SIGN_IN_LOG": Rule(
        "AWS::RDS::DBCluster",
        "refused sign-ins are logged with their reason",
        lambda cluster: "iam-db-auth-error" in cluster["EnableCloudwatchLogsExports"],
        {"EnableCloudwatchLogsExports": ["postgresql"]},
    ),
    "NO_PAID_SUPPORT": Rule(
        "AWS::RDS::DBCluster",
        "RDS does not go on with an old version at extra cost",
        lambda cluster: cluster.get("EngineLifecycleSupport") == "open-source-rds-extended-support-disabled",
        {"EngineLifecycleSupport": "open-source-rds-extended-support"},
    ),
    "NO_DATA_API": Rule(
        "AWS::RDS::DBCluster",
        "the Data API is off",
        lambda cluster: cluster["EnableHttpEndpoint"] is False,
        {"EnableHttpEndpoint": True},
    ),
    "DATABASE_TLS": Rule(
        "AWS::RDS::DBClusterParameterGroup",
        "connections without TLS 1.2 are refused",
        lambda group: (
            group["Parameters"]["rds.force_ssl"] == "1" and group["Parameters"]["ssl_min_protocol_version"] == "TLSv1.2"
        ),
        {"Parameters": {"rds.force_ssl": "0", "ssl_min_protocol_version": "TLSv1.2"}},
    ),
    # Cache
    "CACHE_IAM": Rule(
        "AWS::ElastiCache::User",
        "users sign in by IAM",
        lambda user: user["AuthenticationMode"] == {"Type": "iam"} and user["UserId"] == user["UserName"],
        {"AuthenticationMode": {"Type": "no-password-required"}},
    ),
    "CACHE_USERS": Rule(
        "AWS::ElastiCache::UserGroup",
        "the user without a password is not in the group",
        lambda group: "default" not in group["UserIds"],
        {"UserIds": ["default"]},
    ),
    "CACHE_LIMITS": Rule(
        "AWS::ElastiCache::ServerlessCache",
        "only the group's users have access, and usage is limited",
        lambda cache: {"UserGroupId", "CacheUsageLimits"} <= cache.keys() and len(cache["CacheUsageLimits"]) == 2,
        {"CacheUsageLimits": {}},
    ),
    # Photos
    "NO_ACL": Rule(
        "AWS::S3::Bucket",
        "ACLs are disabled",
        lambda bucket: bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}],
        {"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
    ),
    "GONE_WITHIN_TWO_DAYS": Rule(
        "AWS::S3::Bucket",
        "photos of the website expire after a day, those of operators at some time, unfinished uploads after a day",
        lambda bucket: (
            any(
                rule.get("Prefix", "uploads/") == "uploads/" and int(rule.get("ExpirationInDays", 0)) == 1
                for rule in _enabled(bucket)
            )
            and all("ExpirationInDays" in rule or "AbortIncompleteMultipartUpload" in rule for rule in _enabled(bucket))
            and any(
                int(rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation", 0)) == 1
                and "Prefix" not in rule
                for rule in _enabled(bucket)
            )
        ),
        {"LifecycleConfiguration": {"Rules": []}},
    ),
    "BUCKET_POLICY": Rule(
        "AWS::S3::BucketPolicy",
        "no other principal has access",
        _allows_only_some,
        {"PolicyDocument": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}]}},
    ),
    "READ_INSIDE": Rule(
        "AWS::S3::BucketPolicy",
        "photos can be read only from inside the network",
        _is_read_from_inside_only,
        {"PolicyDocument": {"Statement": []}},
    ),
    # Logs, alarms
    "TOPIC_POLICY": Rule(
        "AWS::SNS::TopicPolicy",
        "only named services of this account may publish",
        _allows_only_some,
        {"PolicyDocument": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sns:Publish"}]}},
    ),
    "TOPIC_TLS": Rule(
        "AWS::SNS::TopicPolicy",
        "messages without TLS are refused",
        _refuses_plain_text,
        {"PolicyDocument": {"Statement": []}},
    ),
    # Firewall
    "NO_COORDINATES": Rule(
        "AWS::WAFv2::WebACL",
        "requests are not sampled: their queries hold coordinates",
        lambda acl: (
            not any(each["VisibilityConfig"]["SampledRequestsEnabled"] for each in [acl, *acl.get("Rules", [])])
        ),
        {"VisibilityConfig": {"SampledRequestsEnabled": True}},
    ),
}

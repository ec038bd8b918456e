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
    """`kind`: type of resource. `says`: the rule. `broken`: properties that break it.

    `wanted`: a function that checks properties, or values that some of them must have.
    """

    kind: str
    says: str
    wanted: Callable[[Properties], bool] | Properties
    broken: Properties

    def holds(self, properties: Properties) -> bool:
        """Return whether a resource with these properties obeys."""
        if callable(self.wanted):
            return self.wanted(properties)
        return {name: properties.get(name) for name in self.wanted} == self.wanted


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


def _expires(bucket: Properties) -> bool:
    """Return whether uploads and unfinished ones go after a day, and everything else at some time."""
    rules = [rule for rule in bucket["LifecycleConfiguration"]["Rules"] if rule["Status"] == "Enabled"]
    unfinished = [rule for rule in rules if "AbortIncompleteMultipartUpload" in rule and "Prefix" not in rule]
    return (
        any(each.get("Prefix", "uploads/") == "uploads/" and each.get("ExpirationInDays") == 1 for each in rules)
        and all("ExpirationInDays" in each or "AbortIncompleteMultipartUpload" in each for each in rules)
        and any(each["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 1 for each in unfinished)
    )


TLS = {"rds.force_ssl": "1", "ssl_min_protocol_version": "TLSv1.2"}

RULES = {
    # Network
    "NO_PUBLIC_ADDRESS": Rule(
        "AWS::EC2::Subnet",
        "subnets assign no public addresses",
        {"MapPublicIpOnLaunch": False},
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
        {"EngineLifecycleSupport": "open-source-rds-extended-support-disabled"},
        {"EngineLifecycleSupport": "open-source-rds-extended-support"},
    ),
    "NO_DATA_API": Rule(
        "AWS::RDS::DBCluster",
        "the Data API is off",
        {"EnableHttpEndpoint": False},
        {"EnableHttpEndpoint": True},
    ),
    "DATABASE_TLS": Rule(
        "AWS::RDS::DBClusterParameterGroup",
        "connections without TLS 1.2 are refused",
        lambda group: group["Parameters"].items() >= TLS.items(),
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
        {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
        {"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
    ),
    "GONE_WITHIN_TWO_DAYS": Rule(
        "AWS::S3::Bucket",
        "photos of the website expire after a day, those of operators at some time, unfinished uploads after a day",
        _expires,
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
        lambda acl: not any(each["VisibilityConfig"]["SampledRequestsEnabled"] for each in [acl, *acl["Rules"]]),
        {"VisibilityConfig": {"SampledRequestsEnabled": True}},
    ),
}

"""What makes a template safe, as rules over single resources. Names are checkov's where it has the same rule.

An exception stands beside the resource that needs it, where checkov looks for it too:

    Metadata: {checkov: {skip: [{id: CKV_AWS_21, comment: why}]}}

Each rule comes with a change that breaks it, so that a test can see it fail.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

type Properties = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """`kind`: type of resource. `holds`: whether its properties are as they should be. `broken`: some that are not."""

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
    """Nobody is allowed everything, and everybody nothing."""
    return all(
        each["Effect"] == "Deny"
        or (each["Principal"] != "*" and "*" not in str(each["Action"]) and "Condition" in each)
        for each in _statements(properties["PolicyDocument"])
    )


def _is_read_from_inside_only(properties: Properties) -> bool:
    """Whether reading is denied to everybody whose request did not come through our network."""
    return any(
        each["Effect"] == "Deny"
        and each["Principal"] == "*"
        and each["Action"] == "s3:GetObject"
        and each["Condition"] == {"StringNotEquals": {"aws:SourceVpc": {"Ref": "Vpc"}}}
        for each in _statements(properties["PolicyDocument"])
    )


def _ingress(properties: Properties) -> list[Any]:
    return list(properties.get("SecurityGroupIngress", []))


def _egress(properties: Properties) -> list[Any]:
    return list(properties.get("SecurityGroupEgress", []))


_NOBODY = "255.255.255.255/32"

RULES = {
    # Network
    "NO_PUBLIC_ADDRESS": Rule(
        "AWS::EC2::Subnet",
        "machines get no public address",
        lambda subnet: subnet["MapPublicIpOnLaunch"] is False,
        {"MapPublicIpOnLaunch": True},
    ),
    "CKV_AWS_260": Rule(
        "AWS::EC2::SecurityGroup",
        "only other groups come in, never addresses",
        lambda group: all("SourceSecurityGroupId" in rule for rule in _ingress(group)),
        {"SecurityGroupIngress": [{"CidrIp": "0.0.0.0/0", "Description": "all"}]},
    ),
    "CKV_AWS_382": Rule(
        "AWS::EC2::SecurityGroup",
        "what goes out is named, by port at least",
        lambda group: bool(_egress(group)) and all(rule["IpProtocol"] in ("tcp", "icmp") for rule in _egress(group)),
        {"SecurityGroupEgress": [{"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}]},
    ),
    "CKV_AWS_23": Rule(
        "AWS::EC2::SecurityGroup",
        "each rule says what it is for",
        lambda group: all(rule.get("Description") for rule in [*_ingress(group), *_egress(group)]),
        {"SecurityGroupEgress": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}]},
    ),
    "ENDPOINT_POLICY": Rule(
        "AWS::EC2::VPCEndpoint",
        "an endpoint leads to named things for named actions",
        lambda endpoint: all(
            "*" not in str(each["Action"]) and each["Resource"] != "*"
            for each in _statements(endpoint["PolicyDocument"])
        ),
        {"PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}},
    ),
    # Database
    "CKV_AWS_96": Rule(
        "AWS::RDS::DBCluster",
        "what lies on disk is encrypted",
        lambda cluster: cluster["StorageEncrypted"] is True,
        {"StorageEncrypted": False},
    ),
    "CKV_AWS_162": Rule(
        "AWS::RDS::DBCluster",
        "users sign in by IAM",
        lambda cluster: cluster["EnableIAMDatabaseAuthentication"] is True,
        {"EnableIAMDatabaseAuthentication": False},
    ),
    "NO_PASSWORD": Rule(
        "AWS::RDS::DBCluster",
        "the administrator has no password, so nobody can lose it",
        lambda cluster: (
            cluster["MasterUserAuthenticationType"] == "iam-db-auth"
            and not cluster.keys() & {"MasterUserPassword", "ManageMasterUserPassword"}
        ),
        {"ManageMasterUserPassword": True},
    ),
    "CKV_AWS_133": Rule(
        "AWS::RDS::DBCluster",
        "there are backups",
        lambda cluster: int(cluster["BackupRetentionPeriod"]) >= 1,
        {"BackupRetentionPeriod": 0},
    ),
    "CKV_AWS_313": Rule(
        "AWS::RDS::DBCluster",
        "snapshots keep the tags by which they are found",
        lambda cluster: cluster["CopyTagsToSnapshot"] is True,
        {"CopyTagsToSnapshot": False},
    ),
    "CKV_AWS_324": Rule(
        "AWS::RDS::DBCluster",
        "its log is kept",
        lambda cluster: cluster["EnableCloudwatchLogsExports"] == ["postgresql"],
        {"EnableCloudwatchLogsExports": []},
    ),
    "NO_DATA_API": Rule(
        "AWS::RDS::DBCluster",
        "nobody asks it from outside of the network",
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
    "CKV_AWS_17": Rule(
        "AWS::RDS::DBInstance",
        "no instance has a public address",
        lambda instance: instance["PubliclyAccessible"] is False,
        {"PubliclyAccessible": True},
    ),
    "CKV_AWS_226": Rule(
        "AWS::RDS::DBInstance",
        "mended versions are taken by themselves",
        lambda instance: instance["AutoMinorVersionUpgrade"] is True,
        {"AutoMinorVersionUpgrade": False},
    ),
    "CKV_AWS_118": Rule(
        "AWS::RDS::DBInstance",
        "the operating system is watched",
        lambda instance: int(instance.get("MonitoringInterval", 0)) > 0,
        {"MonitoringInterval": 0},
    ),
    # Cache
    "CACHE_IAM": Rule(
        "AWS::ElastiCache::User",
        "users sign in by IAM",
        lambda user: user["AuthenticationMode"] == {"Type": "iam"} and user["UserId"] == user["UserName"],
        {"AuthenticationMode": {"Type": "no-password-required"}},
    ),
    "CACHE_RIGHTS": Rule(
        "AWS::ElastiCache::User",
        "users reach our keys only, and no dangerous command",
        lambda user: (
            user["AccessString"].startswith("on ~faunalens:* ")
            and user["AccessString"].endswith(" -@admin -@dangerous")
        ),
        {"AccessString": "on ~* +@all"},
    ),
    "CACHE_USERS": Rule(
        "AWS::ElastiCache::UserGroup",
        "the user that needs no password is not let in",
        lambda group: "default" not in group["UserIds"],
        {"UserIds": ["default"]},
    ),
    "CACHE_LIMITS": Rule(
        "AWS::ElastiCache::ServerlessCache",
        "only the group's users get in, and what it costs is bounded",
        lambda cache: {"UserGroupId", "CacheUsageLimits"} <= cache.keys() and len(cache["CacheUsageLimits"]) == 2,
        {"CacheUsageLimits": {}},
    ),
    # Photos
    "CKV_AWS_53": Rule(
        "AWS::S3::Bucket",
        "nothing in it can be made public",
        lambda bucket: (
            bucket["PublicAccessBlockConfiguration"]
            == dict.fromkeys(
                ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
            )
        ),
        {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}},
    ),
    "CKV_AWS_19": Rule(
        "AWS::S3::Bucket",
        "it is encrypted",
        lambda bucket: "ServerSideEncryptionConfiguration" in bucket["BucketEncryption"],
        {"BucketEncryption": {}},
    ),
    "NO_ACL": Rule(
        "AWS::S3::Bucket",
        "rights come from policies alone",
        lambda bucket: bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}],
        {"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
    ),
    "GONE_AFTER_A_DAY": Rule(
        "AWS::S3::Bucket",
        "photos are deleted after a day, unfinished ones too",
        lambda bucket: any(
            rule["Status"] == "Enabled"
            and int(rule["ExpirationInDays"]) == 1
            and int(rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]) == 1
            and not rule.keys() & {"Prefix", "TagFilters"}
            for rule in bucket["LifecycleConfiguration"]["Rules"]
        ),
        {"LifecycleConfiguration": {"Rules": []}},
    ),
    "CKV_AWS_18": Rule(
        "AWS::S3::Bucket",
        "who read what is logged",
        lambda bucket: "LoggingConfiguration" in bucket,
        {"LoggingConfiguration": None},
    ),
    "CKV_AWS_21": Rule(
        "AWS::S3::Bucket",
        "what is overwritten is kept",
        lambda bucket: bool(bucket.get("VersioningConfiguration")),
        {"VersioningConfiguration": None},
    ),
    "CKV_AWS_379": Rule(
        "AWS::S3::BucketPolicy",
        "requests without TLS are refused",
        _refuses_plain_text,
        {"PolicyDocument": {"Statement": []}},
    ),
    "CKV_AWS_70": Rule(
        "AWS::S3::BucketPolicy",
        "nobody is allowed in from elsewhere",
        _allows_only_some,
        {"PolicyDocument": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}]}},
    ),
    "READ_INSIDE": Rule(
        "AWS::S3::BucketPolicy",
        "photos are read from inside the network only, whoever asks",
        _is_read_from_inside_only,
        {"PolicyDocument": {"Statement": []}},
    ),
    # Logs, alarms
    "CKV_AWS_66": Rule(
        "AWS::Logs::LogGroup",
        "lines have an end",
        lambda group: int(group["RetentionInDays"]) <= 400,
        {"RetentionInDays": 3653},
    ),
    "CKV_AWS_158": Rule(
        "AWS::Logs::LogGroup",
        "lines are encrypted with a key of ours",
        lambda group: "KmsKeyId" in group,
        {"LogGroupName": "any"},
    ),
    "CKV_AWS_26": Rule(
        "AWS::SNS::Topic",
        "messages are encrypted at rest",
        lambda topic: "KmsMasterKeyId" in topic,
        {"TopicName": "any"},
    ),
    "CKV_AWS_385": Rule(
        "AWS::SNS::TopicPolicy",
        "only named services of this account publish",
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
        "requests, whose queries hold coordinates, are not sampled",
        lambda acl: (
            not any(each["VisibilityConfig"]["SampledRequestsEnabled"] for each in [acl, *acl.get("Rules", [])])
        ),
        {"VisibilityConfig": {"SampledRequestsEnabled": True}},
    ),
}

"""Connect to AWS with settings from the environment and short timeouts, and explain boto3's errors."""

import os
from typing import Any

from cloudwatch.project import DEPLOY_GUIDE

ACTIONS = (
    "cloudwatch: PutDashboard GetDashboard ListDashboards DeleteDashboards PutMetricAlarm PutCompositeAlarm "
    "DescribeAlarms DeleteAlarms TagResource ListTagsForResource; "
    "logs: PutQueryDefinition DescribeQueryDefinitions DeleteQueryDefinition; sns: GetTopicAttributes"
)
"""The actions that the credentials must allow."""

ATTEMPTS = 5
"""Attempts for one call: CloudWatch accepts only a few alarms a second and throttles the others."""


class AwsError(Exception):
    """A call to AWS failed. The message says what happened and what to do."""


class AwsSession:
    """A session of boto3 in one region. Raises `AwsError` if no region is set."""

    def __init__(self, region: str | None = None) -> None:
        import boto3  # late: it takes half a second, and lint and template do not need it
        from botocore.config import Config

        self._session = boto3.Session(region_name=region or os.environ.get("AWS_REGION"))
        if not self._session.region_name:
            raise AwsError("no region is set; use --region, or set AWS_REGION")
        retries = {"mode": "standard", "total_max_attempts": ATTEMPTS}
        self._config = Config(connect_timeout=5, read_timeout=30, retries=retries)
        self.region = str(self._session.region_name)
        self.partition = str(self._session.get_partition_for_region(self.region))

    def client(self, service: str) -> Any:
        """Return a client of boto3. Raises `AwsError` if AWS_ENDPOINT_URL is not a URL."""
        try:
            return self._session.client(service, config=self._config)
        except ValueError as error:  # botocore's message names the endpoint
            raise AwsError(f"{error}; AWS_ENDPOINT_URL must be a URL such as http://127.0.0.1:5000") from error

    def account(self) -> str:
        """Return the number of the AWS account that the credentials belong to."""
        return str(self.client("sts").get_caller_identity()["Account"])


def subscription_problem(sns: Any, topic: str) -> str | None:
    """Return why messages to a topic reach no one. Return None if they reach someone or if AWS does not say."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    except ClientError as error:
        is_missing = error.response["Error"]["Code"] in ("NotFound", "NotFoundException", "InvalidParameter")
        return f"there is no topic {topic}" if is_missing else None
    except BotoCoreError:
        return None
    if int(attributes.get("SubscriptionsConfirmed", 1)) == 0:
        return f"topic {topic} has no confirmed subscription ({DEPLOY_GUIDE})"
    return None


def explained(error: Exception) -> AwsError | None:
    """Return an `AwsError` that explains an error of boto3; None for any other error."""
    from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError

    if isinstance(error, ClientError):
        return AwsError(_refusal(error))
    if isinstance(error, NoCredentialsError):
        return AwsError("no credentials found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    if isinstance(error, EndpointConnectionError):
        return AwsError(f"{error} Check the region, the network, and AWS_ENDPOINT_URL if it is set")
    return AwsError(str(error)) if isinstance(error, BotoCoreError) else None


def _refusal(error: Any) -> str:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if message.lstrip().startswith("<"):
        message = "the reply was HTML; check that the server at AWS_ENDPOINT_URL supports this operation"
    what = f"AWS refused {error.operation_name} ({code}): {message}".rstrip(": ")
    if "AccessDenied" in code or "Unauthorized" in code:
        return f"{what}\nthe credentials must allow {ACTIONS}"
    if "Token" in code or "Signature" in code or code == "AuthFailure":
        return f"{what}\nthe credentials are wrong or expired; get new ones"
    return what

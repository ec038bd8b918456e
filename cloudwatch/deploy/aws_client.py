"""The way to AWS: credentials, region and endpoint from the environment, bounded waits, and errors in our words."""

import os
from typing import Any

ACTIONS = (
    "cloudwatch: PutDashboard GetDashboard ListDashboards DeleteDashboards PutMetricAlarm PutCompositeAlarm "
    "DescribeAlarms DeleteAlarms TagResource ListTagsForResource; "
    "logs: PutQueryDefinition DescribeQueryDefinitions DeleteQueryDefinition; sns: GetTopicAttributes"
)
"""What the credentials must allow, for people who are told that something was not."""

ATTEMPTS = 5
"""Of one call: CloudWatch takes a few alarms a second, and says so to the next."""


class NotConnected(Exception):
    """AWS did not do what it was asked: what happened, and what to do."""


class Connection:
    """A session of boto3 in one region. Raises `NotConnected` if no region is known."""

    def __init__(self, region: str | None = None) -> None:
        import boto3  # here, since it takes half a second, and lint and template do without
        from botocore.config import Config

        self._session = boto3.Session(region_name=region or os.environ.get("AWS_REGION"))
        if not self._session.region_name:
            raise NotConnected("no region is known; give --region, or set AWS_REGION")
        retries = {"mode": "standard", "total_max_attempts": ATTEMPTS}
        self._config = Config(connect_timeout=5, read_timeout=30, retries=retries)
        self.region = str(self._session.region_name)
        self.partition = str(self._session.get_partition_for_region(self.region))

    def client(self, service: str) -> Any:
        """A client of boto3. Raises `NotConnected` if the endpoint of the environment is no address."""
        try:
            return self._session.client(service, config=self._config)
        except ValueError as error:  # of botocore, which names the endpoint and no class of its own
            raise NotConnected(
                f"{error}; AWS_ENDPOINT_URL has to be an address such as http://127.0.0.1:5000"
            ) from error

    def account(self) -> str:
        """Number of the account that the credentials are of."""
        return str(self.client("sts").get_caller_identity()["Account"])


def missing_subscription(sns: Any, topic: str) -> str | None:
    """Why messages to a topic reach nobody; None if they do, or if one may not ask: that hinders no deploy."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    except ClientError as error:
        is_missing = error.response["Error"]["Code"] in ("NotFound", "NotFoundException", "InvalidParameter")
        return f"there is no topic {topic}" if is_missing else None
    except BotoCoreError:
        return None
    if int(attributes.get("SubscriptionsConfirmed", 1)) == 0:
        return f"nobody has subscribed to {topic} and confirmed it (docs/how-to/deploy.md)"
    return None


def in_our_words(error: Exception) -> NotConnected | None:
    """An error of boto3 as what happened and what to do; None if it is none of boto3's."""
    from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError

    if isinstance(error, ClientError):
        return NotConnected(_refusal(error))
    if isinstance(error, NoCredentialsError):
        return NotConnected(
            "no credentials were found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    if isinstance(error, EndpointConnectionError):
        return NotConnected(f"{error} Check the region, the network, and AWS_ENDPOINT_URL if it is set")
    return NotConnected(str(error)) if isinstance(error, BotoCoreError) else None


def _refusal(error: Any) -> str:
    code, said = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if said.lstrip().startswith("<"):
        said = "a page instead of a reason; does what AWS_ENDPOINT_URL leads to know this operation?"
    what = f"AWS refused {error.operation_name} ({code}): {said}".rstrip(": ")
    if "AccessDenied" in code or "Unauthorized" in code:
        return f"{what}\nthe credentials must allow {ACTIONS}"
    if "Token" in code or "Signature" in code or code == "AuthFailure":
        return f"{what}\nthe credentials are wrong or too old; get new ones"
    return what

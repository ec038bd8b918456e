"""Errors of boto3, explained: what happened, and what to do."""

from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from cloudwatch.deploy.aws_client import AwsError, AwsSession, explained, subscription_problem


def refused(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "PutMetricAlarm")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            refused("AccessDenied"),
            "AWS refused PutMetricAlarm (AccessDenied): no\nthe credentials must allow cloudwatch",
        ),
        (
            refused("ExpiredToken"),
            "AWS refused PutMetricAlarm (ExpiredToken): no\nthe credentials are wrong or expired",
        ),
        (refused("SignatureDoesNotMatch", ""), "AWS refused PutMetricAlarm (SignatureDoesNotMatch)\nthe credentials"),
        (
            refused("ValidationError", "Period must be a multiple"),
            "AWS refused PutMetricAlarm (ValidationError): Period",
        ),
        (
            refused("500", "<!doctype html>"),
            "AWS refused PutMetricAlarm (500): the reply was HTML; check that",
        ),
        (NoCredentialsError(), "no credentials found; set AWS_PROFILE"),
        (
            EndpointConnectionError(endpoint_url="http://x"),
            'Could not connect to the endpoint URL: "http://x" Check the',
        ),
        (ReadTimeoutError(endpoint_url="http://x"), 'Read timeout on endpoint URL: "http://x"'),
    ],
    ids=lambda each: getattr(each, "fmt", None) or str(each)[:40],
)
def test_an_error_of_boto3_is_explained(error: Exception, message: str) -> None:
    assert str(explained(error)).startswith(message)


def test_other_errors_are_not_explained() -> None:
    assert explained(KeyError("x")) is None


def test_an_endpoint_that_is_no_url_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "127.0.0.1:5000")
    with pytest.raises(AwsError, match=r"Invalid endpoint: 127\.0\.0\.1:5000; AWS_ENDPOINT_URL must be a URL"):
        AwsSession("eu-west-1").client("sts")


class Sns:
    """A client for SNS with a fixed reply."""

    def __init__(self, error: Exception | None, subscriptions: str = "1") -> None:
        self.error, self.subscriptions = error, subscriptions

    def get_topic_attributes(self, **_named: Any) -> dict[str, Any]:
        """Reply, or raise the error."""
        if self.error:
            raise self.error
        return {"Attributes": {"SubscriptionsConfirmed": self.subscriptions}}


@pytest.mark.parametrize(
    ("error", "there"),
    [(None, True), (refused("NotFound"), False), (refused("AuthorizationError"), True), (BotoCoreError(), True)],
    ids=["there", "not there", "not allowed to ask", "not reached"],
)
def test_a_topic_is_missing_only_if_aws_says_so(error: Exception | None, there: bool) -> None:
    assert (subscription_problem(Sns(error), "arn") is None) is there


def test_a_topic_without_confirmed_subscription_is_reported() -> None:
    assert (
        subscription_problem(Sns(None, "0"), "arn") == "topic arn has no confirmed subscription (docs/how-to/deploy.md)"
    )

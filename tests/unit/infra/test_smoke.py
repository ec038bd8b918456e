"""Metrics arrive, and alarms reach someone."""

from datetime import UTC, datetime
from typing import Any

import pytest

from infra import smoke
from infra.stage import Stage
from infra.step import PreconditionFailed
from tests.unit.infra.fake_aws import Client, Session

SINCE = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _topic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stage, "output", lambda *_: "topic")


def cloudwatch(*sums: float) -> Stage:
    """Return a stage with these sums of its metric, one a call; 0 is a metric without data."""
    left = list(sums)

    def get(**arguments: Any) -> dict[str, Any]:
        assert arguments["Dimensions"] == [{"Name": "service", "Value": "faunalens"}, {"Name": "stage", "Value": "dev"}]
        assert (arguments["Namespace"], arguments["StartTime"]) == ("Faunalens", SINCE)
        value = left.pop(0) if len(left) > 1 else left[0]
        return {"Datapoints": [{"Sum": value}] if value else []}

    return Stage("dev", "eu-west-1", Session(cloudwatch=Client(get_metric_statistics=get)), {})


def sns(*arns: str) -> Stage:
    found = [{"Protocol": "email", "SubscriptionArn": arn, "Endpoint": "me@example.org"} for arn in arns]
    client = Client(list_subscriptions_by_topic=lambda **_: {"Subscriptions": found})
    return Stage("dev", "eu-west-1", Session(sns=client), {})


def test_a_metric_is_waited_for_with_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "METRIC_PAUSE", 0.0)
    output: list[str] = []
    smoke.wait_for_metric(cloudwatch(0, 0, 3), SINCE, output.append)
    waiting = "    0 s  waiting for the metric Identifications"
    assert output == [waiting, waiting, "Identifications: 3, there after 0 s"]


def test_a_metric_that_never_comes_is_an_error_that_says_where_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "METRIC_PATIENCE", 0.0)
    with pytest.raises(PreconditionFailed, match=r"no metric Identifications of stage dev .* log group /aws/lambda/fa"):
        smoke.wait_for_metric(cloudwatch(0), SINCE, lambda _: None)


def test_one_confirmed_subscription_is_enough_and_no_address_is_printed() -> None:
    output: list[str] = []
    summary = smoke.check_recipients(sns("PendingConfirmation", "arn:aws:sns:x:1:t:2"), output.append)
    assert output == [summary] == ["1 of 2 subscriptions confirmed (email)"]


@pytest.mark.parametrize(
    ("arns", "message"),
    [
        ([], "has no subscription; set AlarmEmail"),
        (["PendingConfirmation"], "1 subscription not confirmed; open the mail"),
    ],
)
def test_alarms_for_no_one_are_an_error(arns: list[str], message: str) -> None:
    with pytest.raises(PreconditionFailed, match=rf"alarms reach no one: .*{message}"):
        smoke.check_recipients(sns(*arns), lambda _: None)

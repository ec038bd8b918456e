"""Check a stage's monitoring: the metrics of requests arrive, and alarms reach someone."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.telemetry.metrics import NAMESPACE
from cloudwatch.project import SERVICE
from infra.polling import poll
from infra.step import Echo, PreconditionFailed

METRIC = "Identifications"
PATIENCE = 120.0  # seconds to wait for a metric; CloudWatch usually needs less than a minute
PAUSE = 10.0

_PENDING = "PendingConfirmation"  # in place of the ARN of a subscription that nobody has confirmed


def wait_for_metric(cloudwatch: Any, stage: str, since: datetime, echo: Echo, metric: str = METRIC) -> float:
    """Wait until CloudWatch has the metric since a time. Return its sum. Raise `PreconditionFailed` if it never comes.

    `cloudwatch`: a boto3 client of `cloudwatch`.
    """
    for waited in poll(PAUSE, PATIENCE):
        if count := metric_sum(cloudwatch, stage, metric, since):
            echo(f"{metric}: {count:.0f}, there after {waited:.0f} s")
            return count
        echo(f"{waited:5.0f} s  waiting for the metric {metric}")
    raise PreconditionFailed(
        f"CloudWatch has no metric {metric} of stage {stage} after {PATIENCE:.0f} s; look for lines with `_aws` in the "
        f"log group /aws/lambda/faunalens-{stage}, and for its role's rights to write there"
    )


def metric_sum(cloudwatch: Any, stage: str, metric: str, since: datetime) -> float:
    """Return the sum of one of the app's metrics since a time, which CloudWatch rounds down to a minute."""
    return sum(statistics(cloudwatch, NAMESPACE, metric, dimensions(stage), "Sum", since, 60))


def dimensions(stage: str) -> dict[str, str]:
    """Return the dimensions of the app's metrics."""
    return {"service": SERVICE, "stage": stage}


def statistics(
    cloudwatch: Any,
    namespace: str,
    metric: str,
    where: Mapping[str, str],
    statistic: str,
    since: datetime,
    period: int,
) -> list[float]:
    """Return a statistic of a metric since a time, one value for each period with data, in any order.

    `where`: the dimensions. `period`: in seconds.
    """
    found = cloudwatch.get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in where.items()],
        StartTime=since,
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        Period=period,
        Statistics=[statistic],
    )
    return [float(each[statistic]) for each in found["Datapoints"]]


def check_recipients(sns: Any, topic: str, echo: Echo) -> str:
    """Return who gets alarms, without addresses. Raise `PreconditionFailed` if it is no one.

    `sns`: a boto3 client of `sns`. `topic`: ARN of the alarms' topic.
    """
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    found = [each for page in pages for each in page["Subscriptions"]]
    confirmed = [each["Protocol"] for each in found if each["SubscriptionArn"] != _PENDING]
    if not found:
        raise PreconditionFailed(
            "alarms reach no one: their topic has no subscription; set AlarmEmail in infra/stages/STAGE.json and run "
            "`infra up` again"
        )
    if not confirmed:
        raise PreconditionFailed(
            f"alarms reach no one: {len(found)} subscription{'s' * (len(found) > 1)} not confirmed; open the mail "
            "'AWS Notification - Subscription Confirmation' and follow its link"
        )
    summary = f"{len(confirmed)} of {len(found)} subscriptions confirmed ({', '.join(sorted(confirmed))})"
    echo(summary)
    return summary

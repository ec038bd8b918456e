"""What other ways cost: Fargate in place of Lambda, the web tier, and a million photos in batches.

docs/explanation/cost.md shows the results.
"""

from bisect import bisect_left
from dataclasses import replace

from infra.cost import ASSUMPTIONS, HOURS, MONTHS, Month, Prices, bill
from infra.template.web import task_size

_A = {name: each.value for name, each in ASSUMPTIONS.items()}

LEAST_TASKS = 2
BALANCER_ADDRESSES = 2  # one in each zone
BEATING = 4  # metrics that every task reports each minute, with or without traffic (web/admission.py)

MILLION = 1e6
BATCH = 10  # messages of a batch, in infra/stream.yaml
BACKFILL_BATCH = 100  # photos of a batch, in infra/backfill.yaml
CALLS = 2  # of SQS for a batch: to receive it, and to delete it


def serverless_cost(month: Month, prices: Prices) -> float:
    """Return the cost of Lambda and API Gateway, which Fargate could replace."""
    items = bill(month, prices)
    return items["Lambda"] + items["API Gateway"]


def fargate_cost(month: Month, prices: Prices) -> float:
    """Return the cost of Fargate instead of Lambda and API Gateway.

    Fargate needs at least two tasks, a load balancer and VPC endpoints.
    """
    busy_s = (month.identifications * _A["billed_ms"] + month.other_requests * _A["file_ms"]) / 1e3
    tasks = max(2.0, busy_s / _A["busy"] / (HOURS * 3600))
    task = prices["fargate_vcpu_hour"] + 2 * prices["fargate_gb_hour"]
    moved_gb = month.identifications * _A["photo_mb"] / 1e3
    balancer = HOURS * prices["alb_hour"] + moved_gb * prices["alb_lcu_hour"]
    return HOURS * (tasks * task + _A["endpoints"] * prices["endpoint_hour"]) + balancer


def break_even(prices: Prices, files: float) -> int | None:
    """Return the lowest number of identifications a month at which Fargate is cheaper; None if above a billion.

    `files` is as in `Month`. The other values are those of the month with a million identifications.
    """

    def is_fargate_cheaper(identifications: int) -> bool:
        month = replace(MONTHS[2], identifications=identifications, files=files)
        return serverless_cost(month, prices) > fargate_cost(month, prices)

    counts = range(10**4, 10**9)
    found = bisect_left(counts, True, key=is_fargate_cheaper)
    return counts[found] if found < len(counts) else None


def task_count(month: Month) -> float:
    """Return the average number of tasks."""
    seconds = (
        month.identifications * _A["tier_photo_ms"] + month.identifications * month.files * _A["tier_file_ms"]
    ) / 1e3
    return max(LEAST_TASKS, seconds / task_size().vcpu / _A["busy"] / (HOURS * 3600))


def tier_bill(month: Month, prices: Prices) -> dict[str, float]:
    """Return the cost of each item that the tier adds to a month, in US dollars."""
    tasks, count = task_count(month), month.identifications
    size = task_size()
    task = size.vcpu * prices["fargate_vcpu_hour"] + size.memory_mb / 1024 * prices["fargate_gb_hour"]
    held = count * _A["photo_mb"] / 1e3 * _A["photo_days"] / 30
    emitting = max(month.emitting, BEATING / prices["web_series_count"])
    return {
        "tasks": HOURS * tasks * task,
        "load balancer": HOURS * prices["alb_hour"] + count * _A["photo_mb"] / 1e3 * prices["alb_lcu_hour"],
        "public addresses": HOURS * (tasks + BALANCER_ADDRESSES) * prices["address_hour"],
        "photos through S3": count / 1e3 * (prices["s3_thousand_puts"] + prices["s3_thousand_gets"])
        + held * prices["s3_gb_month"]
        + count * _A["fetch_ms"] / 1e3 * prices["lambda_memory_gb"] * prices["lambda_gb_second"],
        "logs, metrics, alarms, dashboard": count * _A["tier_log_kb"] / 1e6 * prices["logs_gb"]
        + emitting * prices["web_series_count"] * prices["series_month"]
        + prices["web_alarm_metric_count"] * prices["alarm_metric_month"]
        + prices["web_composite_count"] * prices["composite_month"]
        + prices["web_dashboard_count"] * prices["dashboard_month"],
    }


def saved(month: Month, prices: Prices) -> dict[str, float]:
    """Return what the tier saves in a month if all requests come through it, in US dollars."""
    files = month.identifications * month.files
    lambda_files = files * _A["file_ms"] / 1e3 * prices["lambda_memory_gb"] * prices["lambda_gb_second"]
    direct = month.identifications * _A["uploaded"]  # photos that go through S3 without the tier too
    return {
        "API Gateway": bill(month, prices)["API Gateway"],
        "Lambda and logs for files of the page": lambda_files
        + files / 1e6 * prices["lambda_million_requests"]
        + files * _A["other_log_kb"] / 1e6 * prices["logs_gb"],
        "photos through S3 without the tier": direct / 1e3 * (prices["s3_thousand_puts"] + prices["s3_thousand_gets"])
        + direct * _A["upload_mb"] / 1e3 * _A["photo_days"] / 30 * prices["s3_gb_month"],
    }


def photo_ms(identification_ms: float) -> float:
    """Return the billed milliseconds of a photo. `identification_ms`: those of an identification alone.

    The next photos are fetched meanwhile, so what remains is to wait for the line.
    """
    return identification_ms + _A["line_ms"]


def million_bill(milliseconds: float, memory: int, prices: Prices) -> dict[str, float]:
    """Return the cost of each item of a million photos, in US dollars. `milliseconds`: of a photo, with `memory` MB."""
    seconds = MILLION * milliseconds / 1e3
    return {
        "Lambda": seconds * memory / 1024 * prices["lambda_gb_second"] + prices["lambda_million_requests"] / BATCH,
        "S3, two writes and a read a photo": MILLION
        / 1e3
        * (2 * prices["s3_thousand_puts"] + prices["s3_thousand_gets"]),
        "SQS": (1 + CALLS / BATCH) * prices["sqs_million_requests"],
        "logs": MILLION * _A["batch_log_kb"] / 1e6 * prices["logs_gb"],
    }


def backfill_bill(
    milliseconds: float, memory: int, prices: Prices, calls: float = MILLION / BACKFILL_BATCH
) -> dict[str, float]:
    """Return the same for a backfill, which has Step Functions in place of SQS. `calls`: of the function."""
    bill = million_bill(milliseconds, memory, prices)
    del bill["SQS"]
    bill["Lambda"] += (calls - MILLION / BATCH) / 1e6 * prices["lambda_million_requests"]
    steps = MILLION / BACKFILL_BATCH * _A["batch_transitions"]
    return {**bill, "Step Functions": steps / 1e6 * prices["step_million_transitions"]}


def storage_month(prices: Prices) -> float:
    """Return the cost of keeping a million photos for a month, in US dollars."""
    return MILLION * _A["batch_photo_mb"] / 1e3 * prices["s3_gb_month"]


def hours(milliseconds: float, containers: int) -> float:
    """Return the hours that a million photos take."""
    return MILLION * milliseconds / 1e3 / containers / 3600

"""What other ways cost: the web tier, and a million photos in batches.

docs/explanation/cost.md shows the results.
"""

from infra.cost import ASSUMPTIONS, HOURS, Month, Prices, bill
from infra.template.web import task_size

_A = {name: each.value for name, each in ASSUMPTIONS.items()}

LEAST_TASKS = 2
BALANCER_ADDRESSES = 2  # one in each zone
BEATING = 4  # metrics that every task reports each minute, with or without traffic (web/admission.py)

MILLION = 1e6
BATCH = 10  # messages of a batch, in infra/stream.yaml
BACKFILL_BATCH = 100  # photos of a batch, in infra/backfill.yaml
CALLS = 2  # of SQS for a batch: to receive it, and to delete it


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

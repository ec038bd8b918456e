"""Calculate what the web tier costs in a month, and what it saves: API Gateway, and Lambda for the page's files.

docs/explanation/cost.md shows the results. The rest of the bill is that of `infra.cost`: the tier invokes the same
function, which uses the same database and cache.
"""

from infra.cost import ASSUMPTIONS, HOURS, Month, Prices, bill

VCPU, GIGABYTES = 0.25, 0.5  # of a task, in infra/web.yaml
LEAST_TASKS = 2
BALANCER_ADDRESSES = 2  # one in each zone
BEATING = 4  # metrics that every task reports each minute, with or without traffic (web/admission.py)

_A = {name: each.value for name, each in ASSUMPTIONS.items()}


def task_count(month: Month) -> float:
    """Return the average number of tasks."""
    seconds = (
        month.identifications * _A["tier_photo_ms"] + month.identifications * month.files * _A["tier_file_ms"]
    ) / 1e3
    return max(LEAST_TASKS, seconds / VCPU / _A["busy"] / (HOURS * 3600))


def tier_bill(month: Month, prices: Prices) -> dict[str, float]:
    """Return the cost of each item that the tier adds to a month, in US dollars."""
    tasks, count = task_count(month), month.identifications
    task = VCPU * prices["fargate_vcpu_hour"] + GIGABYTES * prices["fargate_gb_hour"]
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

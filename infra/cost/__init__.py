"""The AWS bill of a month, of a day, and of a day at the limits: `python -m infra.cost` prints it.

It also has the cost of the web tier, and of a million photos in batches.

The inputs are the prices in dashboards/prices.csv, the assumptions in assumptions.csv, and the usage in a
`Month`. The bill ignores free tiers, except the first 100 GB of outgoing data. docs/explanation/cost.md shows results.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp
from typing import NamedTuple

from chalicelib.config.settings import ROOT
from dashboards.figures import billed_counts, read_prices
from infra.api_stage import method_limits
from infra.functions import containers_of_api
from infra.template import parameters_of
from infra.template.web import task_size

HOURS = 730.0  # in a month, as AWS counts
DAY, DAYS = 86_400.0, HOURS / 24  # seconds in a day, days in a month
WARMING_RUNS = HOURS * 12  # in a month: one every five minutes, with or without traffic
Prices = Mapping[str, float]


class Assumption(NamedTuple):
    """A number that the calculation assumes, and its source."""

    value: float
    unit: str
    what: str
    source: str


with (ROOT / "infra" / "cost" / "assumptions.csv").open(encoding="utf-8", newline="") as _file:
    ASSUMPTIONS = {name: Assumption(float(value), *texts) for name, value, *texts in list(csv.reader(_file))[1:]}
"""Every input that is neither a price nor part of a `Month`."""
_A = {name: each.value for name, each in ASSUMPTIONS.items()}


@dataclass(frozen=True, slots=True)
class Month:
    """The usage of the service in one month."""

    name: str
    identifications: float
    cold: float  # share of identifications with a cold start
    missed: float  # share of identifications that query the database
    capacity: float  # least ACU that the database uses while awake
    pauses: bool  # True if the database may pause when it is idle
    emitting: float  # share of the hours in which a metric has data, averaged over all metrics
    files: float = 1.0  # requests for files of the page per identification: a first visit has three of each

    @property
    def requests(self) -> float:
        """Number of API calls: identifications, upload forms and files of the page."""
        return self.identifications * (1 + _A["uploaded"] + self.files)


MONTHS = (
    Month("idle", 0, 0.0, 0.0, 0.5, True, 9 / 90),
    Month("10 k", 1e4, 0.3, 0.5, 0.5, True, 0.6),
    Month("1 M", 1e6, 0.02, 0.1, 0.5, False, 1.0),
    Month("100 M", 1e8, 0.005, 0.01, 1.0, False, 1.0),
)


def current_prices() -> dict[str, float]:
    """Return prices in US dollars, and the numbers of billed metrics, alarms and dashboards, all keyed by name."""
    return {name: float(text) for name, text in read_prices().items()} | billed_counts()


def awake_hours(month: Month) -> float:
    """Return a month's hours with the database awake. Queries come at random; each keeps it awake for `awake_s`."""
    if not month.pauses:
        return HOURS
    hourly = month.identifications * month.missed / HOURS
    return HOURS * (1 - exp(-hourly * _A["awake_s"] / 3600))


def at_most(month: Month) -> Month:
    """Return a month like `month`, but with the most ACU that its database may use: a pause may end with more."""
    return replace(month, capacity=max(month.capacity, _A["resumed_acu"])) if month.pauses else month


def trace_count(month: Month) -> float:
    """Return a month's number of X-Ray traces: all warming runs, the first request of each second, 5 % of others."""
    first = min(month.requests, HOURS * 3600)
    return WARMING_RUNS + first + 0.05 * (month.requests - first)


def bill(month: Month, prices: Prices) -> dict[str, float]:
    """Return the least cost of each item in a month, in US dollars.

    If the database pauses, `bill(at_most(month))` is the most.
    """
    count, millions = month.identifications, month.requests / 1e6
    others = month.requests - count
    seconds = count * (_A["billed_ms"] + month.cold * _A["init_ms"]) / 1e3 + others * _A["file_ms"] / 1e3
    warm_seconds = WARMING_RUNS * _A["warm_ms"] / 1e3
    gigabyte_seconds = seconds * prices["lambda_memory_gb"] + warm_seconds * prices["lambda_warm_memory_gb"]
    photos = count * _A["uploaded"]
    photo_months = photos * _A["photo_days"] / 30
    log_kb = count * _A["log_kb"] + others * _A["other_log_kb"] + WARMING_RUNS * _A["warm_log_kb"]
    kept_gb_months = log_kb / 1e6 * _A["log_packed"] * _A["log_months"]
    return {
        "Lambda": gigabyte_seconds * prices["lambda_gb_second"]
        + (month.requests + WARMING_RUNS) / 1e6 * prices["lambda_million_requests"],
        "API Gateway": min(millions, 333) * prices["api_million_requests"]
        + max(millions - 333, 0) * prices["api_million_requests_over_333"],
        "Aurora": awake_hours(month) * month.capacity * prices["aurora_acu_hour"]
        + _A["database_gb"] * prices["aurora_gb_month"]
        + count * month.missed / 1e6 * prices["aurora_million_io"],  # at most one read from disk per query
        "ElastiCache": _A["cache_gb"] * HOURS * prices["cache_gb_hour"]
        + count * _A["ecpus"] / 1e6 * prices["cache_million_ecpu"],
        "S3": photos / 1e3 * (prices["s3_thousand_puts"] + prices["s3_thousand_gets"])
        + photo_months * _A["upload_mb"] / 1e3 * prices["s3_gb_month"],
        "data out": max(count * _A["out_kb"] / 1e6 - 100, 0) * prices["transfer_gb"],
        "logs and traces": log_kb / 1e6 * prices["logs_gb"]
        + kept_gb_months * prices["logs_gb_month"]
        + trace_count(month) / 1e6 * prices["xray_million_traces"],
        "metrics, alarms, dashboards": month.emitting * prices["series_count"] * prices["series_month"]
        + prices["alarm_metric_count"] * prices["alarm_metric_month"]
        + prices["composite_count"] * prices["composite_month"]
        + prices["dashboard_count"] * prices["dashboard_month"],
    }


class FullDay(NamedTuple):
    """A day on which all clients together use a stage's API up to its limits. Costs are in US dollars."""

    requests: float
    identifications: float
    usual: float  # cost of photos as in `ASSUMPTIONS`
    most: float  # cost if photos keep all containers busy, and database and cache run at their limits


def full_day(stage: str, prices: Prices) -> FullDay:
    """Return the costs of a day on which a stage serves as much as its files in infra/stages allow."""
    parameters, limits = parameters_of(stage, {}), method_limits(stage)
    rate = sum(each.rate for each in limits.values())
    photos = [each for (name, path), each in limits.items() if path.endswith("/identify") and name == "POST"]
    identified = sum(each.rate for each in photos)
    files = rate / identified - 1 - _A["uploaded"]
    month = replace(MONTHS[-1], identifications=identified * HOURS * 3600, files=files)
    items = {name: dollars / DAYS for name, dollars in bill(month, prices).items()}
    if parameters["Firewall"] == "yes":
        items["firewall"] = rate * DAY / 1e6 * prices["waf_million_requests"] + prices["waf_month"] / DAYS
    limited = {
        "Lambda": containers_of_api(stage) * DAY * prices["lambda_memory_gb"] * prices["lambda_gb_second"]
        + rate * DAY / 1e6 * prices["lambda_million_requests"],
        "Aurora": float(parameters["DatabaseMaxCapacity"]) * 24 * prices["aurora_acu_hour"],
        "ElastiCache": float(parameters["CacheMaxEcpuPerSecond"]) * DAY / 1e6 * prices["cache_million_ecpu"]
        + float(parameters["CacheMaxGigabytes"]) * 24 * prices["cache_gb_hour"],
    }
    return FullDay(rate * DAY, identified * DAY, sum(items.values()), sum({**items, **limited}.values()))


def month_like(identifications: float) -> Month:
    """Return a month with this many identifications. The rest is that of the next smaller month in `MONTHS`."""
    nearest = [month for month in MONTHS if month.identifications <= identifications][-1]
    return replace(nearest, name=f"{identifications:,.0f}", identifications=identifications)


def cost_of_days() -> dict[str, tuple[float, float]]:
    """Return, by stage, the cost of an idle day and of a day with 330 identifications, in US dollars."""
    prices, (idle, quiet, *_) = current_prices(), MONTHS

    def cost(month: Month, stage: str) -> float:
        return sum(bill(replace(month, pauses=stage == "dev"), prices).values()) / DAYS

    return {stage: (cost(idle, stage), cost(quiet, stage)) for stage in ("dev", "prod")}


def cost_of_a_day(stage: str) -> str:
    """Return a sentence on the daily cost of a stage, idle and quiet. An unknown stage has the cost of `prod`."""
    idle, quiet = cost_of_days().get(stage, cost_of_days()["prod"])
    return f"about {idle:.2f} US dollars a day without traffic, {quiet:.2f} with 330 identifications a day"


# The web tier, and a million photos in batches

LEAST_TASKS = 2
BALANCER_ADDRESSES = 2  # one in each zone
BEATING = 4  # metrics that every task reports each minute, with or without traffic (faunalens/web/admission.py)

MILLION = 1e6
BATCH = 10  # messages of a batch, in infra/stream.yaml
BACKFILL_BATCH = 100  # photos of a batch, in infra/backfill.yaml
CALLS = 2  # of SQS for a batch: to receive it, and to delete it


def task_count(month: Month) -> float:
    """Return the average number of the web tier's tasks in a month."""
    seconds = month.identifications * (_A["tier_photo_ms"] + month.files * _A["tier_file_ms"]) / 1e3
    return max(LEAST_TASKS, seconds / task_size().vcpu / _A["busy"] / (HOURS * 3600))


def tier_bill(month: Month, prices: Prices) -> dict[str, float]:
    """Return the cost of each item that the web tier adds to a month, in US dollars."""
    tasks, count, size = task_count(month), month.identifications, task_size()
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
    """Return the savings in a month if all requests come through the web tier, in US dollars."""
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


def million_bill(milliseconds: float, memory: int, prices: Prices) -> dict[str, float]:
    """Return the cost of each item for a million photos, in US dollars. `milliseconds`: per photo, with `memory` MB."""
    return {
        "Lambda": MILLION * milliseconds / 1e3 * memory / 1024 * prices["lambda_gb_second"]
        + prices["lambda_million_requests"] / BATCH,
        "S3, two writes and a read a photo": 1e3 * (2 * prices["s3_thousand_puts"] + prices["s3_thousand_gets"]),
        "SQS": (1 + CALLS / BATCH) * prices["sqs_million_requests"],
        "logs": MILLION * _A["batch_log_kb"] / 1e6 * prices["logs_gb"],
    }


def backfill_bill(milliseconds: float, memory: int, prices: Prices) -> dict[str, float]:
    """Return the cost as `million_bill`, but of a backfill: with larger batches, and Step Functions in place of SQS."""
    bill = million_bill(milliseconds, memory, prices)
    del bill["SQS"]
    bill["Lambda"] += (1 / BACKFILL_BATCH - 1 / BATCH) * prices["lambda_million_requests"]
    transitions = _A["batch_transitions"] / BACKFILL_BATCH
    return {**bill, "Step Functions": transitions * prices["step_million_transitions"]}

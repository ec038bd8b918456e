"""Calculate the AWS bill of a month: `python -m infra.cost`.

The inputs are the prices in dashboards/prices.csv, the assumptions in assumptions.csv, and the usage in a
`Month`. The bill ignores free tiers, except the first 100 GB of data out. docs/explanation/cost.md shows the results.
"""

import argparse
import csv
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp

from chalicelib.config.settings import ROOT
from cloudwatch.figures import ACCOUNT, billed_counts, read_prices
from infra.chalice_config import function_settings
from infra.parameters import parameters_of
from infra.throttling import method_limits

HOURS = 730.0  # in a month, as AWS counts
DAY, DAYS = 86_400.0, HOURS / 24  # seconds in a day, days in a month
WARMING_RUNS = HOURS * 12  # in a month: one every five minutes, with or without traffic
Prices = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Assumption:
    """A number that the calculation assumes, and its source."""

    value: float
    unit: str
    what: str
    source: str


def _read_assumptions() -> dict[str, Assumption]:
    with (ROOT / "infra" / "assumptions.csv").open(encoding="utf-8", newline="") as file:
        return {name: Assumption(float(value), *texts) for name, value, *texts in list(csv.reader(file))[1:]}


ASSUMPTIONS = _read_assumptions()  # every input that is neither a price nor part of a `Month`
_A = {name: each.value for name, each in ASSUMPTIONS.items()}


@dataclass(frozen=True, slots=True)
class Month:
    """The usage of the service in one month.

    `cold`: share of identifications with a cold start. `missed`: share of identifications that query the database.
    `capacity`: ACU that the database uses while awake, at least. `pauses`: True if it may pause when it is idle.
    `emitting`: share of the hours in which a metric has data, averaged over all metrics. `files`: requests for files of
    the web page per identification (a first visit needs three files, and identifies three photos).
    """

    name: str
    identifications: float
    cold: float
    missed: float
    capacity: float
    pauses: bool
    emitting: float
    files: float = 1.0

    @property
    def requests(self) -> float:
        """Number of API calls: identifications, upload forms and files of the page."""
        return self.identifications * (1 + _A["uploaded"] + self.files)

    @property
    def other_requests(self) -> float:
        """Number of API calls that are not identifications."""
        return self.requests - self.identifications


MONTHS = (
    Month("idle", 0, 0.0, 0.0, 0.5, True, 9 / 90),
    Month("10 k", 1e4, 0.3, 0.5, 0.5, True, 0.6),
    Month("1 M", 1e6, 0.02, 0.1, 0.5, False, 1.0),
    Month("100 M", 1e8, 0.005, 0.01, 1.0, False, 1.0),
)


def current_prices() -> dict[str, float]:
    """Return the prices by name, in US dollars, and the numbers of metrics, alarms and dashboards that AWS bills."""
    return {name: price.value for name, price in read_prices().items()} | billed_counts()


def awake_hours(month: Month) -> float:
    """Return the hours for which the database is awake.

    Queries arrive at random times, and each keeps the database awake for `awake_s` seconds.
    """
    if not month.pauses:
        return HOURS
    hourly = month.identifications * month.missed / HOURS
    return HOURS * (1 - exp(-hourly * _A["awake_s"] / 3600))


def at_most(month: Month) -> Month:
    """Return the month with the highest capacity that its database may have. A database that pauses resumes larger."""
    return replace(month, capacity=max(month.capacity, _A["resumed_acu"])) if month.pauses else month


def trace_count(month: Month) -> float:
    """Return the number of X-Ray traces: all runs of warming, one request a second, and 5 % of the other requests."""
    first = min(month.requests, HOURS * 3600)
    return WARMING_RUNS + first + 0.05 * (month.requests - first)


def bill(month: Month, prices: Prices) -> dict[str, float]:
    """Return the cost of each item of a month, in US dollars. A month with pauses costs up to the bill of `at_most`."""
    count, millions = month.identifications, month.requests / 1e6
    seconds = count * (_A["billed_ms"] + month.cold * _A["init_ms"]) / 1e3 + month.other_requests * _A["file_ms"] / 1e3
    warm_seconds = WARMING_RUNS * _A["warm_ms"] / 1e3
    gigabyte_seconds = seconds * prices["lambda_memory_gb"] + warm_seconds * prices["lambda_warm_memory_gb"]
    photos = count * _A["uploaded"]
    photo_months = photos * _A["photo_days"] / 30
    log_kb = count * _A["log_kb"] + month.other_requests * _A["other_log_kb"] + WARMING_RUNS * _A["warm_log_kb"]
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


@dataclass(frozen=True, slots=True)
class FullDay:
    """A day on which everybody together does all that the limits in front of a stage's API allow.

    `requests`, `identifications`: their numbers. `usual`: cost if the photos are as `ASSUMPTIONS` say. `most`: cost if
    each photo keeps a container busy for so long that all are, and database and cache run at their limits. Both in US
    dollars.
    """

    requests: float
    identifications: float
    usual: float
    most: float


def full_day(stage: str, prices: Prices) -> FullDay:
    """Return the most that a stage can do in a day, with the values of its files in infra/stages."""
    parameters, limits = parameters_of(stage, {}), method_limits(stage)
    rate = sum(each.rate for each in limits.values())
    identified = sum(
        each.rate for method, each in limits.items() if method.path.endswith("/identify") and method.name == "POST"
    )
    files = rate / identified - 1 - _A["uploaded"]
    month = replace(MONTHS[-1], identifications=identified * HOURS * 3600, files=files)
    items = {name: dollars / DAYS for name, dollars in bill(month, prices).items()}
    if parameters["Firewall"] == "yes":
        items["firewall"] = rate * DAY / 1e6 * prices["waf_million_requests"] + prices["waf_month"] / DAYS
    containers = float(function_settings(stage)["api_handler"].get("reserved_concurrency", ACCOUNT))
    limited = {
        "Lambda": containers * DAY * prices["lambda_memory_gb"] * prices["lambda_gb_second"]
        + rate * DAY / 1e6 * prices["lambda_million_requests"],
        "Aurora": float(parameters["DatabaseMaxCapacity"]) * 24 * prices["aurora_acu_hour"],
        "ElastiCache": float(parameters["CacheMaxEcpuPerSecond"]) * DAY / 1e6 * prices["cache_million_ecpu"]
        + float(parameters["CacheMaxGigabytes"]) * 24 * prices["cache_gb_hour"],
    }
    return FullDay(rate * DAY, identified * DAY, sum(items.values()), sum({**items, **limited}.values()))


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


def month_like(identifications: float) -> Month:
    """Return a month with this many identifications. The other values come from the next smaller month in `MONTHS`."""
    nearest = [month for month in MONTHS if month.identifications <= identifications][-1]
    return replace(nearest, name=f"{identifications:,.0f}", identifications=identifications)


def main() -> None:
    """Print the bill of each month given, or of each month in `MONTHS`."""
    parser = argparse.ArgumentParser(prog="python -m infra.cost", description="Print the bill of a month, in USD.")
    counts = "identifications in the month, such as 250000 (default: the months of docs/explanation/cost.md)"
    parser.add_argument("identifications", type=float, nargs="*", help=counts)
    wanted: list[float] = parser.parse_args().identifications
    prices = current_prices()
    for month in [month_like(count) for count in wanted] or MONTHS:
        least, most = bill(month, prices), bill(at_most(month), prices)
        print(f"\n{month.identifications:,.0f} identifications: {_range(sum(least.values()), sum(most.values()))} USD")
        for name, dollars in least.items():
            print(f"  {name:<28} {_range(dollars, most[name]):>20}")


def _range(least: float, most: float) -> str:
    return f"{least:,.2f}" if most == least else f"{least:,.2f} to {most:,.2f}"


if __name__ == "__main__":
    main()

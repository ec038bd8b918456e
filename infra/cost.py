"""What a month costs, piece by piece: `python -m infra.cost`. docs/explanation/cost.md shows it, made by `make docs`.

Prices are those of dashboards/prices.csv; everything else that goes in is an assumption, in `ASSUMED` or a `Month`, and
is shown beside the result. Free tiers are left out, but for the first 100 GB of data out.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import exp

from cloudwatch.prices import read_prices

HOURS = 730.0
"""Hours of a month, as AWS counts."""

RUNS = HOURS * 12
"""Runs of warming in a month: one every five minutes, whatever is asked."""

Prices = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Assumed:
    """A number that goes in, and where it comes from."""

    value: float
    unit: str
    says: str
    source: str


ASSUMED = {
    "billed_ms": Assumed(
        100.0,
        "ms",
        "an identification is billed for, a 12 MP photo at one vCPU",
        "41.6 ms measured on two cores (benchmarks.md), doubled for one slower core, and base64 and Chalice besides",
    ),
    "init_ms": Assumed(
        1500.0,
        "ms",
        "a cold start is billed for",
        "0.27 s from process to ready (benchmarks.md), and fetching and unpacking the package",
    ),
    "visit_ms": Assumed(5.0, "ms", "a file of the page is billed for", "no model and no store is asked"),
    "out_kb": Assumed(15.0, "kB", "sent for each identification", "2.5 kB of answer, a third of 40 kB of page"),
    "photo_mb": Assumed(1.0, "MB", "of a photo as it arrives", "the page makes larger ones smaller"),
    "uploaded": Assumed(0.05, "share", "of photos go by way of S3", "clients other than the page, above 4.5 MB"),
    "upload_mb": Assumed(8.0, "MB", "of such a photo", "12 to 48 MP straight from a camera"),
    "ecpus": Assumed(3.0, "units", "of Redis for each identification", "a look-up, a share of counting and leases"),
    "cache_gb": Assumed(0.1, "GB", "in Redis", "20,000 cells of 0.7 kB take 17 MB; the least that is billed"),
    "database_gb": Assumed(0.5, "GB", "in PostgreSQL", "three datasets of 95 MB (database.md), and its own"),
    "awake_s": Assumed(360.0, "s", "a query keeps a pausing database awake", "300 s of quiet, 60 s of idle connection"),
    "warm_ms": Assumed(250.0, "ms", "a run of warming is billed for", "a look at Redis; 8,760 runs a month"),
    "log_kb": Assumed(3.5, "kB", "of log for each identification", "logs.md"),
    "visit_log_kb": Assumed(0.35, "kB", "of log for each other request", "Lambda's own three lines"),
    "warm_log_kb": Assumed(2.5, "kB", "of log for each run of warming", "metrics, a report, Lambda's own three lines"),
    "log_months": Assumed(3.0, "months", "that lines are kept", "infra/stages/prod.json"),
    "log_packed": Assumed(0.15, "share", "of their size that kept lines take", "CloudWatch compresses them"),
    "busy": Assumed(0.4, "share", "of the time that a Fargate task computes", "meets peaks until others have started"),
    "endpoints": Assumed(6.0, "endpoints", "that tasks without NAT need", "ECR (two) and logs, in two zones"),
}  # fmt: skip
"""Everything that is neither a price nor a choice of a `Month`."""


@dataclass(frozen=True, slots=True)
class Month:
    """How much a month asks. Shares are of identifications.

    `cold`: those that start a container. `missed`: those that ask the database. `capacity`: ACU while it is awake.
    `pauses`: whether it may pause. `emitting`: share of the metrics' hours with data. `files`: of the page for each
    identification: 15 for a first visit, in which three photos are sent.
    """

    name: str
    identifications: float
    cold: float
    missed: float
    capacity: float
    pauses: bool
    emitting: float
    files: float = 5.0


MONTHS = (
    Month("idle", 0, 0.0, 0.0, 0.5, True, 9 / 77),
    Month("10 k", 1e4, 0.3, 0.5, 0.5, True, 0.6),
    Month("1 M", 1e6, 0.02, 0.1, 0.5, False, 1.0),
    Month("100 M", 1e8, 0.005, 0.01, 1.0, False, 1.0),
)


def prices_now() -> dict[str, float]:
    """The table of prices, US dollars."""
    return {name: price.value for name, price in read_prices().items()}


def _a(name: str) -> float:
    return ASSUMED[name].value


def requests(month: Month) -> float:
    """Calls of the API: identifications, the forms that some of them need, and the page's files."""
    return month.identifications * (1 + _a("uploaded") + month.files)


def awake(month: Month) -> float:
    """Hours in which the database is awake: queries come at random, and each keeps it so for a while."""
    if not month.pauses:
        return HOURS
    an_hour = month.identifications * month.missed / HOURS
    return HOURS * (1 - exp(-an_hour * _a("awake_s") / 3600))


def compute(month: Month, prices: Prices) -> float:
    """Lambda, warming included."""
    each = _a("billed_ms") + month.cold * _a("init_ms")
    others = requests(month) - month.identifications
    seconds = (month.identifications * each + others * _a("visit_ms")) / 1e3
    gigabyte_seconds = seconds * prices["lambda_memory_gb"]
    gigabyte_seconds += RUNS * _a("warm_ms") / 1e3 * prices["lambda_warm_memory_gb"]
    calls = requests(month) + RUNS
    return gigabyte_seconds * prices["lambda_gb_second"] + calls / 1e6 * prices["lambda_million_requests"]


def gateway(month: Month, prices: Prices) -> float:
    """API Gateway, whose price falls after 333 million calls."""
    millions = requests(month) / 1e6
    cheaper = max(0.0, millions - 333)
    return (millions - cheaper) * prices["api_million_requests"] + cheaper * prices["api_million_requests_over_333"]


def transfer(month: Month, prices: Prices) -> float:
    """Data out to the internet."""
    return max(0.0, month.identifications * _a("out_kb") / 1e6 - 100) * prices["transfer_gb"]


def uploads(month: Month, prices: Prices) -> float:
    """Photos by way of S3: each is put, fetched, and lies there for a day."""
    photos = month.identifications * _a("uploaded")
    calls = photos / 1e3 * (prices["s3_thousand_puts"] + prices["s3_thousand_gets"])
    return calls + photos * _a("upload_mb") / 1e3 / 30 * prices["s3_gb_month"]


def database(month: Month, prices: Prices) -> float:
    """Aurora: capacity while awake, storage always; at most one read of its disk a query."""
    capacity = awake(month) * month.capacity * prices["aurora_acu_hour"]
    reads = month.identifications * month.missed / 1e6 * prices["aurora_million_io"]
    return capacity + _a("database_gb") * prices["aurora_gb_month"] + reads


def cache(month: Month, prices: Prices) -> float:
    """ElastiCache Serverless: the least storage all month, and its work."""
    work = month.identifications * _a("ecpus") / 1e6 * prices["cache_million_ecpu"]
    return _a("cache_gb") * HOURS * prices["cache_gb_hour"] + work


def traces(month: Month) -> float:
    """Traces of X-Ray: every run of warming, one request a second and 5 % of the others."""
    first = min(requests(month), HOURS * 3600)
    return RUNS + first + 0.05 * (requests(month) - first)


def logs(month: Month, prices: Prices) -> float:
    """Lines taken in and kept, and traces."""
    others = requests(month) - month.identifications
    kilobytes = month.identifications * _a("log_kb") + others * _a("visit_log_kb") + RUNS * _a("warm_log_kb")
    gigabytes = kilobytes / 1e6
    kept = gigabytes * _a("log_packed") * _a("log_months") * prices["logs_gb_month"]
    return gigabytes * prices["logs_gb"] + kept + traces(month) / 1e6 * prices["xray_million_traces"]


def watching(month: Month, prices: Prices) -> float:
    """Metrics, alarms and dashboards: by the month, whatever is asked."""
    metrics = month.emitting * prices["series_count"] * prices["series_month"]
    alarms = prices["alarm_metric_count"] * prices["alarm_metric_month"]
    composites = prices["composite_count"] * prices["composite_month"]
    return metrics + alarms + composites + prices["dashboard_count"] * prices["dashboard_month"]


PIECES: Mapping[str, Callable[[Month, Prices], float]] = {
    "Lambda": compute,
    "API Gateway": gateway,
    "Aurora": database,
    "ElastiCache": cache,
    "S3": uploads,
    "data out": transfer,
    "logs and traces": logs,
    "metrics, alarms, dashboards": watching,
}


def bill(month: Month, prices: Prices) -> dict[str, float]:
    """US dollars for each piece of a month."""
    return {name: piece(month, prices) for name, piece in PIECES.items()}


def containers(month: Month, prices: Prices) -> float:
    """What Fargate would cost in place of Lambda and API Gateway: two tasks at least, a load balancer, endpoints."""
    others = requests(month) - month.identifications
    busy_s = (month.identifications * _a("billed_ms") + others * _a("visit_ms")) / 1e3
    tasks = max(2.0, busy_s / _a("busy") / (HOURS * 3600))
    task = prices["fargate_vcpu_hour"] + 2 * prices["fargate_gb_hour"]
    moved_gb = month.identifications * _a("photo_mb") / 1e3
    balancer = HOURS * prices["alb_hour"] + moved_gb * prices["alb_lcu_hour"]
    return HOURS * (tasks * task + _a("endpoints") * prices["endpoint_hour"]) + balancer


def even(prices: Prices, files: float) -> float | None:
    """Identifications a month from which on Fargate is cheaper; None if it never is, up to a billion.

    The month is else like that of a million.
    """

    def gain(identifications: float) -> float:
        month = replace(MONTHS[2], identifications=identifications, files=files)
        return compute(month, prices) + gateway(month, prices) - containers(month, prices)

    low, high = 1e4, 1e9
    if gain(high) < 0:
        return None
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if gain(middle) > 0 else (middle, high)
    return high


def main() -> None:
    """Print the bill of a month."""
    parser = argparse.ArgumentParser(prog="python -m infra.cost", description="What a month costs in US dollars.")
    parser.add_argument(
        "identifications", type=float, nargs="*", help="a month, such as 250000; else those of docs/explanation/cost.md"
    )
    wanted: list[float] = parser.parse_args().identifications
    prices = prices_now()
    for month in [like(count) for count in wanted] or MONTHS:
        pieces = bill(month, prices)
        print(f"\n{month.identifications:,.0f} identifications: {sum(pieces.values()):,.2f} USD")
        for name, dollars in pieces.items():
            print(f"  {name:<28} {dollars:>12,.2f}")


def like(identifications: float) -> Month:
    """A month of so many, else as the nearest smaller one of `MONTHS`."""
    nearest = [month for month in MONTHS if month.identifications <= identifications][-1]
    return replace(nearest, name=f"{identifications:,.0f}", identifications=identifications)


if __name__ == "__main__":
    main()

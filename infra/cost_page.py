"""docs/explanation/cost.md, out of infra/cost.py: `make docs` writes it, and a test fails if it is not what this would write."""

from collections.abc import Sequence
from dataclasses import replace

from infra.cost import ASSUMED, MONTHS, Month, Prices, bill, compute, containers, even, gateway, prices_now

MEMORIES = (512, 884, 1769, 3538)
"""Sizes of the API's function, MB; 1769 is one virtual core."""
CORE_MB = 1769
SHARED = 0.25
"""Share of an identification that a second core can take over: the model, of model and decoding."""


def page() -> str:
    """The whole page."""
    prices = prices_now()
    return "\n".join([_HEAD, _months(prices), _READING, _memory(prices), _containers(prices), _assumed(), ""])


def _months(prices: Prices) -> str:
    bills = [bill(month, prices) for month in MONTHS]
    rows = [[name, *(_dollars(each[name]) for each in bills)] for name in bills[0]]
    totals = [sum(each.values()) for each in bills]
    rows.append(["**all**", *(f"**{_dollars(total)}**" for total in totals)])
    each = [
        "a thousand identifications",
        "",
        *(_dollars(total / month.identifications * 1e3) for total, month in zip(totals[1:], MONTHS[1:], strict=True)),
    ]
    return _table(["USD a month, identifications", *(month.name for month in MONTHS)], [*rows, each])


def _memory(prices: Prices) -> str:
    rows = []
    for memory in MEMORIES:
        billed = billed_ms(memory)
        cost = billed * 1e3 * memory / 1024 * prices["lambda_gb_second"] + prices["lambda_million_requests"]
        rows.append([f"{memory} MB", f"{memory / CORE_MB:.2g}", f"{billed:.0f} ms", _dollars(cost)])
    return _MEMORY + _table(["memory", "cores", "an identification", "USD a million"], rows)


def billed_ms(memory: int) -> float:
    """Milliseconds of an identification: all of it is work, and only a share is for more than one core."""
    whole, cores = ASSUMED["billed_ms"].value, memory / CORE_MB
    return whole / cores if cores <= 1 else whole * (1 - SHARED + SHARED / cores)


def _containers(prices: Prices) -> str:
    rows = []
    for count in (1e4, 1e6, 3e6, 1e7, 3e7, 1e8):
        month, bare = (replace(MONTHS[2], identifications=count, files=files) for files in (MONTHS[2].files, 0.0))
        sides = [side for each in (month, bare) for side in (_serverless(each, prices), containers(each, prices))]
        rows.append([f"{count / 1e6:g} M", *map(_dollars, sides)])
    head = ["identifications", "Lambda, API Gateway", "Fargate", "without the page: Lambda, API Gateway", "Fargate"]
    found = [_even(prices, files) for files in (MONTHS[2].files, 0.0)]
    return _CONTAINERS.format(*found) + _table(head, rows)


def _serverless(month: Month, prices: Prices) -> float:
    return compute(month, prices) + gateway(month, prices)


def _even(prices: Prices, files: float) -> str:
    point = even(prices, files)
    return "at no number up to a billion" if point is None else f"from about {point / 1e6:.0f} million a month on"


def _assumed() -> str:
    numbers = [[f"{each.value:g} {each.unit}", each.says, each.source] for each in ASSUMED.values()]
    shape = [
        [
            month.name,
            f"{month.cold:.1%}",
            f"{month.missed:.0%}",
            f"{month.capacity:g} ACU{', pauses' if month.pauses else ''}",
            f"{month.emitting:.0%}",
            f"{month.files:g}",
        ]
        for month in MONTHS
    ]
    head = [
        "a month of",
        "start a container",
        "ask the database",
        "database",
        "hours with metrics",
        "files of the page",
    ]
    return _ASSUMED + _table(["", "is", "because"], numbers) + _SHAPES + _table(head, shape)


def _dollars(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    columns = list(zip(*rows, strict=True))[1:]
    rule = ["---", *("---:" if all(len(cell) < 20 for cell in column) else "---" for column in columns)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows]) + "\n"


_HEAD = """\
# What it costs

Made from [`infra/cost.py`](../../infra/cost.py) by `make docs`; `python -m infra.cost 250000` prints any other month.
Prices are those of [`dashboards/prices.csv`](../../dashboards/prices.csv), list prices of us-east-1 with date and source.
Free tiers are left out, but for the first 100 GB of data out. Nothing was billed yet: where a number was measured, the
[assumptions](#assumptions) say where, and the cost dashboard shows what a real stage costs.
"""

_READING = """
- *Idle* is a stage that nobody asks, whose database pauses, as dev's does, and whose warming looks at Redis. What is
  left is watching it, the least storage of Redis, and nothing for computing. Without dashboards and alarms it would be
  6 dollars. (An account's first three dashboards and ten alarms are free, which this leaves out.) prod's database does
  not pause: its half ACU is 44 dollars more, asked or not.
- With few requests, the database is the price: each query that no cache answers keeps it awake for six minutes. A
  longer `FEATURES_SOFT_TTL` asks less; `DatabaseMinCapacity` above 0 never waits and always pays.
- With many, it is API Gateway, and there the page: its files are calls like any other. CloudFront before it, or a
  client of your own, would take most of that away.
- There is nothing to pay for network, secrets and keys: no NAT, no interface endpoint (ElastiCache's own is free), no
  secret and no key of ours. The firewall is not in it: 8 dollars a month with its three rules, and 0.60 for a million
  calls. Nor are what passes between zones (kilobytes a request), queries in Logs Insights (0.005 a GB), backups beyond
  the database's size, taxes, support, and snapshots that are kept.
"""

_MEMORY = """
## Memory

Lambda gives processor by memory: 1769 MB are one core. Decoding and the model keep it busy all the time, so below one
core half the memory takes twice the time at the same price, and only people wait. Above one core, decoding stays on
the first. So 1769 MB it is. The process itself needs 173 MB; 512 MB would do for it.

"""

_CONTAINERS = """
## Where Fargate would be cheaper

Containers cost while they wait: two tasks of one core and 2 GB (for two zones), a load balancer, which charges for
each gigabyte, and endpoints to fetch images through, since there is no NAT. Database, cache, logs and metrics are the
same on both sides and left out.

With the page's files coming from the same place, Fargate is cheaper **{0}**; without them, **{1}**.
Five calls of API Gateway for each identification are dearer than the identification. So the first thing to do about
cost is to put the page elsewhere, not to change where the model runs. And Lambda has a thousand containers in seconds,
where Fargate has a few in a minute: the spike that this app is made for is not in the table.

"""

_ASSUMED = """
## Assumptions

"""

_SHAPES = """
What a month is like, as shares of identifications:

"""

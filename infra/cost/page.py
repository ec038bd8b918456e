"""The calculated parts of docs/explanation/cost.md; `python -m docs.generate` puts them in their place."""

from collections.abc import Sequence

from tabulate import tabulate

from infra import cost
from infra.api_stage import throttle_limits
from infra.cost import Prices

CORE_MB = 1769  # memory of the API's function, which is one virtual core


def tables() -> dict[str, str]:
    """Return the tables of the page, by their names there."""
    prices = cost.current_prices()
    return {
        "months": _months(prices),
        "full day": _full_day(prices),
        "tier": _tier(prices),
        "batches": _batches(prices),
        "assumptions": _assumptions(),
        "shapes": _shapes(),
    }


def _months(prices: Prices) -> str:
    bills = [(cost.bill(month, prices), cost.bill(cost.at_most(month), prices)) for month in cost.MONTHS]
    totals = [(sum(least.values()), sum(most.values())) for least, most in bills]
    thousands = [
        [total / month.identifications * 1e3 for total in ends]
        for ends, month in zip(totals[1:], cost.MONTHS[1:], strict=True)
    ]
    return _table(
        ["USD a month, identifications", *(month.name for month in cost.MONTHS)],
        [
            *([name, *(_range(least[name], most[name]) for least, most in bills)] for name in bills[0][0]),
            ["**all**", *(f"**{_range(*ends)}**" for ends in totals)],
            ["a thousand identifications", "", *(_range(*ends) for ends in thousands)],
        ],
    )


def _batches(prices: Prices) -> str:
    """Return a table of the cost of a million photos in batches, and sentences on their time and their storage."""
    # The next photos are fetched meanwhile, so beside the identification itself only the line is waited for.
    time = cost.ASSUMPTIONS["billed_ms"].value + cost.ASSUMPTIONS["line_ms"].value
    bills = cost.million_bill(time, CORE_MB, prices), cost.backfill_bill(time, CORE_MB, prices)
    names = dict.fromkeys(name for each in bills for name in each)
    table = _table(
        ["USD for a million photos", "the stream", "a backfill"],
        [
            *([name, *(_dollars(each[name]) if name in each else "" for each in bills)] for name in names),
            ["**all**", *(f"**{_dollars(sum(each.values()))}**" for each in bills)],
        ],
    )
    ten, fifty = (f"{cost.MILLION * time / 1e3 / containers / 3600:.1f}" for containers in (10, 50))
    storage = cost.MILLION * cost.ASSUMPTIONS["batch_photo_mb"].value / 1e3 * prices["s3_gb_month"]
    return (
        f"{table}\n\nWith {time:.0f} ms for a photo they take {ten} hours with 10 containers, {fifty} with 50. Keeping "
        f"the photos in S3 costs more: {_dollars(storage)} dollars a month."
    )


def _full_day(prices: Prices) -> str:
    rows = []
    for stage in ("dev", "prod"):
        total, day = throttle_limits(stage), cost.full_day(stage, prices)
        calls = [f"{day.requests / 1e6:.1f} M", f"{day.identifications / 1e6:.1f} M"]
        rows.append([stage, f"{total.rate:g}", *calls, _dollars(day.usual), _dollars(day.most)])
    head = ["stage", "requests a second", "requests", "identifications", "USD a day", "USD a day, costliest photos"]
    return _table(head, rows)


def _tier(prices: Prices) -> str:
    costs, savings = ([each(month, prices) for month in cost.MONTHS] for each in (cost.tier_bill, cost.saved))
    pairs = list(zip((sum(each.values()) for each in costs), (sum(each.values()) for each in savings), strict=True))
    return _table(
        ["USD a month, identifications", *(month.name for month in cost.MONTHS)],
        [
            ["tasks, on average", *(f"{cost.task_count(month):.1f}" for month in cost.MONTHS)],
            *([name, *(_dollars(each[name]) for each in costs)] for name in costs[0]),
            ["**the tier**", *(f"**{_dollars(more)}**" for more, _ in pairs)],
            *([f"saved: {name}", *(_dollars(each[name]) for each in savings)] for name in savings[0]),
            ["**more (or, with −, less) than without**", *(f"**{_signed(more - less)}**" for more, less in pairs)],
        ],
    )


def _assumptions() -> str:
    rows = [[f"{each.value:g} {each.unit}", each.what, each.source] for each in cost.ASSUMPTIONS.values()]
    return _table(["value", "assumption", "reason"], rows)


def _shapes() -> str:
    rows = []
    for each in cost.MONTHS:
        database = f"{each.capacity:g} ACU"
        if each.pauses:
            database = f"{each.capacity:g} to {cost.at_most(each).capacity:g} ACU, pauses"
        shares = [f"{each.cold:.1%}", f"{each.missed:.0%}", database, f"{each.emitting:.0%}"]
        rows.append([each.name, *shares, f"{each.files:g}"])
    head = ["a month of", "cold starts", "database queries", "database", "hours with metrics", "files of the page"]
    return _table(head, rows)


def _dollars(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.2f}"


def _signed(amount: float) -> str:
    return f"{'−' if amount < 0 else ''}{_dollars(abs(amount))}"


def _range(least: float, most: float) -> str:
    least_text, most_text = _dollars(least), _dollars(most)
    return least_text if least_text == most_text else f"{least_text} to {most_text}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; columns of numbers are aligned right."""
    columns = zip(*rows, strict=True)
    align = ["left", *("right" if all(len(cell) < 20 for cell in each) else "left" for each in list(columns)[1:])]
    return tabulate(rows, head, tablefmt="pipe", colalign=align, disable_numparse=True)

"""What the statement for Athena scans and costs, by the assumptions in assumptions.csv."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from database.athena.query import scanned_columns
from database.occurrences.filters import Filters

ASSUMPTIONS: Final = Path(__file__).with_name("assumptions.csv")


@dataclass(frozen=True, slots=True)
class Assumption:
    """A number, such as the bytes that a value of a column takes in Parquet, and where it is from."""

    value: float
    unit: str
    source: str
    date: str


def assumptions() -> dict[str, Assumption]:
    """Return every assumption by its name."""
    with ASSUMPTIONS.open(encoding="utf-8", newline="") as file:
        return {
            row["name"]: Assumption(float(row["value"]), row["unit"], row["source"], row["date"])
            for row in csv.DictReader(file)
        }


def cost(scanned: float) -> float:
    """Return what a scan of some bytes costs in US dollars."""
    return scanned / 1e12 * assumptions()["price"].value


def estimate(filters: Filters, months: bool = False) -> Iterator[str]:
    """Yield lines: the bytes of each column that the statement reads, all together, and their price."""
    known = assumptions()
    records, price = known["records"], known["price"]
    columns = scanned_columns(filters, months)
    total = 0.0
    yield f"{'column':<30} {'scans':>5} {'bytes a row':>12} {'GB':>8}"
    for name in dict.fromkeys(columns):
        scans, each = columns.count(name), known[name].value
        scanned = scans * each * records.value
        total += scanned
        yield f"{name:<30} {scans:>5} {each:>12g} {scanned / 1e9:>8.1f}"
    yield (
        f"{records.value:,.0f} records: about {total / 1e9:,.0f} GB, which cost {cost(total):.2f} US dollars at "
        f"{price.value:g} a TB"
    )
    yield f"price: {price.source}, {price.date}; bytes are assumed, rather too high; --run prints those scanned"

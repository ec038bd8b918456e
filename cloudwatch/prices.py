"""Read prices.csv. Its prices replace `PRICE_…` in widgets. infra/cost.py uses them for docs/explanation/cost.md."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cloudwatch.errors import FileError
from cloudwatch.project import DASHBOARDS

_COLUMNS = ("name", "value", "unit", "what", "region", "date", "source")
_DECIMAL = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one `unit` in US dollars, with the region, date and source of the price."""

    name: str
    text: str
    unit: str
    what: str
    region: str
    date: str
    source: str

    @property
    def value(self) -> float:
        """US dollars for one unit."""
        return float(self.text)

    @property
    def placeholder(self) -> str:
        """The placeholder that stands for the price in expressions."""
        return f"PRICE_{self.name.upper()}"


def read_prices(path: Path = DASHBOARDS / "prices.csv") -> dict[str, Price]:
    """Return the prices by name, or no prices if there is no file. Raises `FileError`, which names the invalid line."""
    if not path.exists():
        return {}
    shown = f"{path.parent.name}/{path.name}"
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if tuple(rows.fieldnames or ()) != _COLUMNS:
            raise FileError(shown, f"line 1: the columns must be {','.join(_COLUMNS)}")
        prices: dict[str, Price] = {}
        for row in rows:
            if problem := _problem(row, prices):
                raise FileError(shown, f"line {rows.line_num}: {problem}")
            prices[row["name"]] = Price(*(row[column] for column in _COLUMNS))
    return prices


def _problem(row: Mapping[str, str], prices: Mapping[str, Price]) -> str | None:
    if None in row or None in row.values():
        return f"expected {len(_COLUMNS)} columns; put text with commas in quotes"
    name, value = row["name"], row["value"]
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        return f'name "{name}" is invalid; use lower-case letters, digits and _'
    if not _DECIMAL.fullmatch(value):  # metric math does not support 1.6e-05
        return f'value "{value}" is invalid; write a plain decimal number such as 0.0000133334'
    return f"{name} appears twice; remove one" if name in prices else None

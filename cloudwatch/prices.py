"""The one table of prices, prices.csv: for `PRICE_…` in widgets and for the figures of docs/explanation/cost.md (infra/cost.py)."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parents[1] / "dashboards" / "prices.csv"

_COLUMNS = ("name", "value", "unit", "what", "region", "date", "source")
_DECIMAL = re.compile(r"\d+(\.\d+)?")


class PriceError(ValueError):
    """The table of prices is not of its form; the message names the line."""


@dataclass(frozen=True, slots=True)
class Price:
    """One price: US dollars for one `unit`, with where and when it was read."""

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
        """What an expression says for it."""
        return f"PRICE_{self.name.upper()}"


def read_prices(path: Path = FILE) -> dict[str, Price]:
    """Prices by name. Raises `PriceError` with the line that is wrong; a folder without a table has no prices."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if tuple(rows.fieldnames or ()) != _COLUMNS:
            raise PriceError(f"{path.name}: the columns are not {','.join(_COLUMNS)}")
        prices: dict[str, Price] = {}
        for row in rows:
            where = f"{path.name} line {rows.line_num}"
            if None in row or None in row.values():
                raise PriceError(f"{where}: {len(_COLUMNS)} columns are wanted; put text with commas in quotes")
            price = Price(row["name"], row["value"], *(row[column] for column in _COLUMNS[2:]))
            if not re.fullmatch(r"[a-z][a-z0-9_]*", price.name):
                raise PriceError(f'{where}: name "{price.name}"; write small letters, digits and _')
            if not _DECIMAL.fullmatch(price.text):
                # metric math knows no 1.6e-05
                raise PriceError(f'{where}: value "{price.text}"; write a plain decimal number such as 0.0000133334')
            if price.name in prices:
                raise PriceError(f"{where}: {price.name} stands there twice")
            prices[price.name] = price
    return prices

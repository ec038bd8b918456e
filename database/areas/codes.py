"""Read the ISO 3166-1 codes of countries and territories, and suggest corrections for wrong codes."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("countries.csv")

EU_CODES: Final = {"UK": "GB", "EL": "GR"}  # codes of the European Union that differ from ISO codes


def read_areas(path: Path = FILE) -> dict[str, str]:
    """Return the English names of countries and territories, keyed by ISO 3166-1 alpha-2 code."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["area"]: row["name"] for row in csv.DictReader(file)}


def suggest_code(text: str, areas: Mapping[str, str]) -> str:
    """Return advice on a code that is not in `areas`: the right code, or where to look it up.

    >>> suggest_code("Germany", {"DE": "Germany"})
    'write DE'
    """
    normalized = text.strip().upper()
    by_name = {name.upper(): code for code, name in areas.items()}
    code = EU_CODES.get(normalized) or by_name.get(normalized, normalized)
    return f"write {code}" if code in areas else "see ISO 3166-1 alpha-2"

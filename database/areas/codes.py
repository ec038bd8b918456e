"""The names of countries and their subdivisions, and the code that an unknown name may mean."""

import csv
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent

EU_CODES: Final = {"UK": "GB", "EL": "GR"}  # codes of the European Union that differ from ISO codes


def read_names(folder: Path = HERE) -> dict[str, str]:
    """Return the English name of each country (ISO 3166-1) and subdivision (ISO 3166-2), keyed by code."""
    names: dict[str, str] = {}
    for file, column in (("countries.csv", "area"), ("subdivisions.csv", "subdivision")):
        with (folder / file).open(encoding="utf-8", newline="") as rows:
            names |= {row[column]: row["name"] for row in csv.DictReader(rows)}
    return names


def suggest(text: str, names: Mapping[str, str], areas: Iterable[str]) -> str:
    """Return advice on an unknown area: its code, areas with similar names, or where to look.

    `names`: name of each code. `areas`: all areas that exist.

    >>> suggest("Germany", {"DE": "Germany"}, ["DE"])
    'write DE'
    >>> suggest("Sahell", {}, ["Sahel", "Sahara", "DE"])
    'similar: Sahel'
    """
    normalized = text.strip().upper()
    by_name = {name.upper().replace(" ", "-"): code for code, name in reversed(list(names.items()))}
    code = EU_CODES.get(normalized) or by_name.get(normalized.replace(" ", "-"), normalized)
    if code in names:
        return f"write {code}"
    close = get_close_matches(text, [area for area in areas if len(area) > 2], n=3, cutoff=0.7)
    return f"similar: {', '.join(close)}" if close else "docs/how-to/data.md says which areas there are"

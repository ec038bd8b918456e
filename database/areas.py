"""Codes of countries and territories: which there are, and what is meant by one that is none."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("areas.csv")

OFTEN_MEANT: Final = {"UK": "GB", "EL": "GR"}
"""The European Union's own codes for two countries."""


def read_areas(path: Path = FILE) -> dict[str, str]:
    """English names by code (ISO 3166-1 alpha-2)."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["area"]: row["name"] for row in csv.DictReader(file)}


def instead_of(text: str, areas: Mapping[str, str]) -> str:
    """What to do about a code that is none of `areas`: write the one that is meant, as far as that can be told.

    >>> instead_of("Germany", {"DE": "Germany"})
    'write DE'
    """
    meant = text.strip().upper()
    by_name = {name.upper(): code for code, name in areas.items()}
    code = OFTEN_MEANT.get(meant) or by_name.get(meant, meant)
    return f"write {code}" if code in areas else "see ISO 3166-1 alpha-2"

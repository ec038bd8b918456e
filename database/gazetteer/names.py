"""Names of towns in other languages and scripts, as far as they are worth their bytes.

GeoNames has up to a hundred names of a town, without a language. Those in European languages that people would type are
in exonyms.csv, which counts only where GeoNames agrees; those in other scripts are taken by the script and the country.
"""

import csv
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

_EXONYMS: Final = Path(__file__).with_name("exonyms.csv")
_REGION_NAMES: Final = Path(__file__).with_name("region_names.csv")
_LANGUAGES: Final = ("de", "es", "fr", "zh")
"""Of the page, beside English."""
_HAN: Final = "CJK"
_KNOWN: Final = 100_000
"""Inhabitants from which a name in the script of the country is taken; Chinese and Japanese names are always taken."""
_WELL_KNOWN: Final = 500_000
"""Inhabitants from which a town outside of East Asia has a common Chinese name."""
_COMPARED: Final = 3
"""Letters by which two names in a script are taken for forms of one."""
_HOMES: Final = {
    _HAN: "CN TW HK MO JP",
    "HANGUL": "KR KP",
    "CYRILLIC": "RU UA BY BG RS MK ME BA KZ KG TJ MN",
    "GREEK": "GR CY",
    "ARABIC": "AE AF BH DJ DZ EG EH ER IQ IR JO KM KW LB LY MA MR OM PK PS QA SA SD SO SY TD TN YE",
    "HEBREW": "IL",
    "THAI": "TH",
    "DEVANAGARI": "IN NP",
    "BENGALI": "BD",
    "GEORGIAN": "GE",
    "ARMENIAN": "AM",
}
"""The countries in which people write a script, which is the first word of the Unicode names of its letters."""

type Exonyms = dict[tuple[str, str], tuple[str, ...]]


def read_exonyms() -> Exonyms:
    """Return the further names of towns by GeoNames' name and the country (ISO 3166-1 alpha-2)."""
    return {(row["town"], row["country"]): tuple(row["also"].split(";")) for row in _rows(_EXONYMS)}


def read_region_names() -> Exonyms:
    """Return the further names of regions by GeoNames' name and the country (ISO 3166-1 alpha-2).

    Each is marked with the languages in which the page shows it, if any: `Tirol;de es`.
    """
    return {(row["region"], row["country"]): tuple(_marked(row)) for row in _rows(_REGION_NAMES)}


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _marked(row: Mapping[str, str]) -> Iterator[str]:
    languages: dict[str, list[str]] = defaultdict(list)
    for language in _LANGUAGES:
        if name := row[language]:
            languages[name].append(language)
    yield from (f"{name};{' '.join(used)}" for name, used in languages.items())
    yield from filter(None, row["also"].split(";"))


def alternates(name: str, others: Collection[str], country: str, population: int, exonyms: Exonyms) -> list[str]:
    """Return those of the other names of a town by which people would look for it.

    `others`: all names that GeoNames has; `country`: ISO 3166-1 alpha-2; `population`: inhabitants.
    """
    european = [each for each in exonyms.get((name, country), ()) if each in others]
    scripts: dict[tuple[str, str], str] = {}
    for other in sorted(others, key=lambda each: (len(each), each)):
        if not other.isascii() and _is_wanted(other, country, population):
            scripts.setdefault((_script(other), other[:2] if _script(other) == _HAN else other[:_COMPARED]), other)
    return european + list(scripts.values())


def _is_wanted(name: str, country: str, population: int) -> bool:
    script = _script(name)
    if any(letter.isdigit() or letter in "|\t\n" for letter in name):
        return False
    if country in _HOMES.get(script, "").split():
        return population >= _KNOWN or script == _HAN
    return script == _HAN and population >= _WELL_KNOWN


def _script(name: str) -> str:
    letter = next((each for each in name if each.isalpha()), " ")
    return unicodedata.name(letter, "").partition(" ")[0]

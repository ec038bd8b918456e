"""The functions of metric math, read from metric_functions.csv, with their parameters and results.

Source: "Using metric math" in the CloudWatch user guide, section "Functions supported for metric math". The types have
the guide's abbreviations: `S` is a number, `TS` one time series, `TS[]` an array of time series. In addition, `text` is
a quoted string, and keywords in capitals (`REPEAT`, `DESC`) stand for themselves. In `parameters`, `|` separates
alternatives, `?` marks an optional parameter, and `…` allows any number of further arguments.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

TYPES = frozenset({"S", "TS", "TS[]", "text"})


@dataclass(frozen=True, slots=True)
class Function:
    """One function. `parameters` lists the types that each argument may have; the first `required` are mandatory.

    `most` is the highest number of arguments, None if there is no limit. `returns` is `S`, `TS`, `TS[]`, `same`
    (as the first argument), or `folded`: `S` for one series, `TS` for an array.
    """

    name: str
    parameters: tuple[tuple[str, ...], ...]
    required: int
    most: int | None
    returns: str
    evaluated: bool
    signature: str

    @property
    def keywords(self) -> frozenset[str]:
        """The keywords in capitals that the function accepts."""
        return frozenset(each for types in self.parameters for each in types) - TYPES


def _function(row: Mapping[str, str]) -> Function:
    places = [place for place in row["parameters"].split(", ") if place not in ("", "…")]
    return Function(
        name=row["name"],
        parameters=tuple(tuple(place.removesuffix("?").split("|")) for place in places),
        required=sum(not place.endswith("?") for place in places),
        most=None if row["parameters"].endswith("…") else len(places),
        returns=row["returns"],
        evaluated=row["evaluated"] == "yes",
        signature=f"{row['name']}({row['parameters']})",
    )


with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as _file:
    FUNCTIONS: Mapping[str, Function] = {row["name"]: _function(row) for row in csv.DictReader(_file)}


def nearest(name: str) -> str | None:
    """Return the most similar function name, if any."""
    return next(iter(get_close_matches(name.upper(), FUNCTIONS, n=1)), None)

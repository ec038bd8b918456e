"""The season as a soft factor: the weights of a cell's animals in the month of a photo."""

import re
from dataclasses import replace
from typing import Final

import numpy as np

from chalicelib.features.features import Features

_TIME: Final = re.compile(r"\d{4}[-:](0[1-9]|1[0-2])(?![^-:T ])[-:T 0-9.+Z]*", re.ASCII)


def month_in(text: str) -> int | None:
    """Return the month, 1 to 12, of a time that begins with year and month: ISO 8601, or as EXIF writes it.

    The rest of the time is not looked at: a day more or less hardly changes the season.

    >>> month_in("2026-07-14T09:30:00+02:00"), month_in("2026:07:14 09:30:00"), month_in("0000:00:00 00:00:00")
    (7, 7, None)
    """
    found = _TIME.fullmatch(text.strip(" \0"))
    return int(found[1]) if found else None


def in_month(features: Features, month: int | None, floor: float) -> Features:
    """Return features with the weights of a month: an animal that nobody sees then keeps `floor` of its weight.

        weight · (floor + (1 - floor) · months[month] / 255)

    Animals without a known season keep their weights. Without a month, or with a floor of 1, nothing changes.
    docs/explanation/narrowing.md explains the factor.
    """
    if month is None or floor >= 1 or not len(features.seasons.animals):
        return features
    factors = np.ones(len(features.animals), np.float32)
    shares = features.seasons.months[:, month - 1] / np.float32(255)
    factors[np.searchsorted(features.animals, features.seasons.animals)] = floor + (1 - floor) * shares
    return replace(features, weights=features.weights * factors, month=month)

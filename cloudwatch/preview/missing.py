"""From the last points of an alarm to its state, points being missing or not.

An alarm with N evaluation periods fetches a few points more than N. It judges the latest N that exist; only if fewer
exist, missing ones are treated as the alarm says. It fires when M of them cross the threshold. Where missing ones are
to stay missing (or to be ignored), it fires on fewer than M if no point is good and the oldest bad one is at least M
periods old, and otherwise goes by what exists.

Source: "Configuring how CloudWatch alarms treat missing data" in the CloudWatch user guide; its tables are tests here.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cloudwatch.preview.periods import Floats, Integers

MORE = 2  # points fetched beyond N, as in the tables of the user guide; CloudWatch does not promise a number

type Treatment = Literal["missing", "ignore", "breaching", "notBreaching"]

OK, ALARM, INSUFFICIENT_DATA, RETAIN = 0, 1, 2, 3
"""What an evaluation says; RETAIN is to stay in the state of before."""


def judge(points: Floats, crossing: NDArray[np.bool_], total: int, needed: int, treatment: Treatment) -> Integers:
    """One verdict a row of points, which are in columns, the latest first; NaN is missing.

    `crossing` says for each point whether it is beyond the threshold; `total` is N, `needed` is M.
    """
    exists = ~np.isnan(points)
    judged = exists & (np.cumsum(exists, axis=1) <= total)
    found = judged.sum(axis=1)
    bad = (judged & crossing).sum(axis=1)
    if treatment == "breaching":
        return np.where(bad + np.maximum(total - found, 0) >= needed, ALARM, OK)
    if treatment == "notBreaching":
        return np.where(bad >= needed, ALARM, OK)
    ages = np.where(judged, np.arange(1, points.shape[1] + 1), 0).max(axis=1)
    nothing_good = (bad == found) & (found < total)
    undecided = RETAIN if treatment == "ignore" else INSUFFICIENT_DATA
    fallback = np.where(nothing_good, undecided, OK)
    early = nothing_good & (found > 0) & (ages >= needed) & (treatment == "missing")
    return np.where((bad >= needed) | early, ALARM, fallback)

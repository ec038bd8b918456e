"""The state of an alarm from its latest points, some of which may be missing.

An alarm with N evaluation periods fetches a few points more than N and judges the latest N that exist. If fewer than N
exist, it treats the missing ones as configured. It fires when M points cross the threshold. With `missing`, it also
fires on fewer than M if no existing point is within the threshold and the oldest one is at least M periods old.

Source: "Configuring how CloudWatch alarms treat missing data" in the CloudWatch user guide. Its tables are tests.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cloudwatch.preview.periods import Floats, Integers

EXTRA_POINTS = 2  # fetched beyond N, as in the tables of the user guide; CloudWatch does not promise a number

type Treatment = Literal["missing", "ignore", "breaching", "notBreaching"]

OK, ALARM, INSUFFICIENT_DATA, RETAIN = 0, 1, 2, 3
"""Verdicts of one evaluation. RETAIN keeps the state of the evaluation before."""


def verdicts_of(points: Floats, crossing: NDArray[np.bool_], total: int, needed: int, treatment: Treatment) -> Integers:
    """Return one verdict per row of points. The latest point is in the first column; NaN is missing.

    `crossing` marks the points beyond the threshold, `total` is N and `needed` is M.
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

"""Decide the state of an alarm from its latest points, some of which may be missing.

An alarm with N evaluation periods fetches a few points more than N and evaluates the latest N existing points. If
fewer than N points exist, TreatMissingData decides how the missing points count. The alarm fires if M points cross
the threshold. With the treatment `missing`, it also fires if all existing points cross the threshold and the oldest of
them is at least M periods old.

Source: "Configuring how CloudWatch alarms treat missing data" in the CloudWatch user guide. The tests use its tables.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cloudwatch.preview.periods import Floats, Integers

EXTRA_POINTS = 2  # fetched in addition to N, as in the tables of the user guide; AWS guarantees no number

type Treatment = Literal["missing", "ignore", "breaching", "notBreaching"]

OK, ALARM, INSUFFICIENT_DATA, RETAIN = 0, 1, 2, 3
"""Verdicts of one evaluation. RETAIN means that the alarm keeps its previous state."""


def verdicts_of(points: Floats, crossing: NDArray[np.bool_], total: int, needed: int, treatment: Treatment) -> Integers:
    """Return one verdict per row of points. The latest point is in the first column; NaN marks a missing point.

    `crossing` is True for each point that crosses the threshold. The alarm needs `needed` of the last `total` points to
    cross it ("M out of N" in CloudWatch).
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

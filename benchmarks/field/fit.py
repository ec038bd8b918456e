"""Fit the curves of certainty.json on field photos.

A curve belongs to one level of names. It is a logistic regression of right answers on the logit of their probability.
A study counts with the root of its number of photos, so that a large one does not decide alone.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from math import log
from typing import Any, NamedTuple

import numpy as np

from benchmarks.field.answers import Answered, Case
from chalicelib.model.certainty import PLAIN, Curve, Level
from chalicelib.model.naming import Decision, Naming
from chalicelib.model.recogniser import surest_boxes


def fit_curves(placed: Sequence[Case], alone: Sequence[Case], clean: Sequence[Case], rule: Naming) -> str:
    """Return certainty.json, fitted on field photos with their places and without. `rule`: which has found the cases.

    `clean`: photos such as people send without a place. Field photos alone would make their scores too low, and a fit
    to both would make field photos' scores too high, so the curves without a place are the means of the two fits.
    """
    open_rule = _with(rule, {level: curve._replace(least=0.0) for level, curve in PLAIN.items()})
    known = [(photo, found) for photo, found in placed if photo.place]
    rows: dict[str, dict[str, Any]] = {}
    for level in PLAIN:
        chances = [list(_found(level, cases, rule, open_rule)) for cases in (known, alone, clean)]
        of_placed, of_field, of_clean = chances
        field, both = (_fitted(those, packs=False) for those in (of_field, of_field + of_clean))
        rows[level] = {
            "place": _fitted(of_placed, packs=False),
            "alone": [round((one + other) / 2, 2) for one, other in zip(field, both, strict=True)],
            "pack": _fitted([each for those in chances for each in those], packs=True),
            "least": rule.curves[level].least,
        }
    lines = ",\n".join(f'  "{level}": {json.dumps(row)}' for level, row in rows.items())
    return f"{{\n{lines}\n}}"


class Chance(NamedTuple):
    """A name that a photo might get: its probability, and whether it is right. `packs`: whether a pack scored it."""

    study: str
    packs: bool
    probability: float
    is_right: bool


def _fitted(found: Sequence[Chance], *, packs: bool) -> list[float]:
    those = [each for each in found if each.packs == packs]
    sizes = {study: sum(each.study == study for each in those) for study in {each.study for each in those}}
    logits = np.array([log(each.probability / (1 - each.probability)) for each in those])
    weights = np.array([sizes[each.study] ** -0.5 for each in those])
    right = np.array([each.is_right for each in those], float)
    return _regression(logits, right, weights * len(those) / weights.sum())


def _found(level: Level, cases: Sequence[Case], rule: Naming, open_rule: Naming) -> Iterator[Chance]:
    """Yield the names, or for level `list` the lists, that the photos could get at a level. A head needs no curve."""
    for photo, recognised in cases:
        scores, decision, _ = recognised.together
        if recognised.subject != "animal" or scores.headed:
            continue
        surest = surest_boxes(recognised.detections)
        names = open_rule.names(scores, recognised.prior, surest)
        found = []
        if level != "list":
            named = [each.prediction for each in names.certain() if each.level == level]
            found = [(each.score, Answered.of(photo, Decision(each)).is_right) for each in named]
        elif decision.prediction is None or decision.prediction.is_wide:
            name = next(rule.names(scores, recognised.prior, surest).certain(), None)
            perhaps = Answered.of(photo, names.decision(name))
            found = [(perhaps.list_score, perhaps.is_listed)]
        for probability, is_right in found:
            yield Chance(photo.study, bool(scores.packs), min(max(probability, 1e-4), 1 - 1e-4), is_right)


def _regression(logits: Any, right: Any, weights: Any) -> list[float]:
    """Return offset a and slope b of the logistic regression, by Newton's method.

    A prior with one photo's weight draws them to 0 and 1, so that both stay finite if all names are right.
    """
    inputs, found, usual = np.stack([np.ones_like(logits), logits]), np.array([0.0, 1.0]), np.array([0.0, 1.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-found @ inputs))
        slope = inputs @ (weights * (right - p)) - (found - usual)
        found = found + np.linalg.solve((inputs * weights * p * (1 - p)) @ inputs.T + np.eye(2), slope)
    return [round(float(each), 2) for each in found]


def _with(rule: Naming, curves: Mapping[Level, Curve]) -> Naming:
    changed = Naming(rule.families, rule.certainty, rule.animal)
    changed.__dict__["curves"] = curves
    return changed

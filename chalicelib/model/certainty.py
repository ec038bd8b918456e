"""How certain an answer is: the number that is shown, calibrated from the model's probability by level of name."""

import json
from collections.abc import Mapping
from math import exp, log
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

from chalicelib.errors import ModelError

Level = Literal["animal", "family", "group", "list"]
"""What is named: an animal that a model knows; a genus or family; an order or class; a list of families."""

Basis = Literal["place", "alone", "pack"]
"""The photos that a curve is for: those with the features of a place, those without, or those that a pack scored, with
a place or without."""
LEAST: Final = 1e-9
"""Least probability of an answer, and of its contrary, so that its logit is finite."""


class Curve(NamedTuple):
    """The calibration of one level: the share of its answers with probability p that are right.

    This share is 1 / (1 + exp(-a - b · logit p)). `fits`: a and b for each basis. `least`: the share from which an
    answer of this level is given.
    """

    fits: Mapping[Basis, tuple[float, float]]
    least: float

    def number(self, probability: float, basis: Basis) -> float:
        """Return the share of answers with this probability that are right."""
        a, b = self.fits[basis]
        p = min(max(probability, LEAST), 1.0 - LEAST)
        return 1.0 / (1.0 + exp(-a - b * log(p / (1.0 - p))))


PLAIN: Final[Mapping[Level, Curve]] = {
    level: Curve(dict.fromkeys(get_args(Basis), (0.0, 1.0)), least)
    for level, least in zip(get_args(Level), (0.7, 0.7, 0.85, 0.4), strict=True)
}
"""Curves that leave probabilities as they are, for a model without certainty.json."""


def read_certainty(path: Path) -> Mapping[Level, Curve]:
    """Return the curves in certainty.json beside a model, or `PLAIN` without this file. Raises `ModelError`.

    `python -m benchmarks.field --fit` computes the file, and says from which photos.
    """
    try:
        rows = json.loads(path.read_text("utf-8"))
        return {
            level: Curve({basis: _pair(rows[level][basis]) for basis in curve.fits}, float(rows[level]["least"]))
            for level, curve in PLAIN.items()
        }
    except FileNotFoundError:
        return PLAIN
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path.name} cannot be read ({error}); expected keys place, alone, pack and least in {', '.join(PLAIN)}"
        ) from error


def _pair(values: list[float]) -> tuple[float, float]:
    a, b = values
    return float(a), float(b)

"""How certain an answer is: the number that is shown, from the model's probability, by what the answer names."""

import json
from collections.abc import Mapping
from math import exp, log
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

from chalicelib.errors import ModelError

Level = Literal["animal", "family", "group", "list"]
"""What is named: an animal that a model knows; a genus or family; an order or class; a list of families."""

Basis = Literal["place", "alone", "pack"]
"""Whose curve a number is: of photos with the features of a place, without, or of those that a pack scored."""
_LEAST: Final = 1e-9
"""No photo makes an answer less probable, or its contrary."""


class Curve(NamedTuple):
    """Of answers with a probability p, the share 1 / (1 + exp(-a - b · logit p)) is right.

    `place`, `alone`: a and b with and without the features of a place. `pack`: of photos that a pack scored, with a
    place or without. `least`: the number from which a level is said.
    """

    place: tuple[float, float]
    alone: tuple[float, float]
    pack: tuple[float, float]
    least: float

    def number(self, probability: float, basis: Basis) -> float:
        """Return the share of answers with this probability that are right."""
        a, b = {"place": self.place, "alone": self.alone, "pack": self.pack}[basis]
        p = min(max(probability, _LEAST), 1.0 - _LEAST)
        return 1.0 / (1.0 + exp(-a - b * log(p / (1.0 - p))))


PLAIN: Final[Mapping[Level, Curve]] = {
    level: Curve((0.0, 1.0), (0.0, 1.0), (0.0, 1.0), least)
    for level, least in zip(get_args(Level), (0.7, 0.7, 0.85, 0.4), strict=True)
}
"""Curves that leave probabilities as they are, for a model without certainty.json."""


def read_certainty(path: Path) -> Mapping[Level, Curve]:
    """Return the curves in certainty.json beside a model, or `PLAIN` without one. Raises `ModelError`.

    `python -m benchmarks.field --fit` computes the file, and says from which photos.
    """
    try:
        rows = json.loads(path.read_text("utf-8"))
        return {
            level: Curve(_pair(row["place"]), _pair(row["alone"]), _pair(row["pack"]), float(row["least"]))
            for level, row in ((level, rows[level]) for level in PLAIN)
        }
    except FileNotFoundError:
        return PLAIN
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path.name} cannot be read ({error}); expected place, alone, pack and least for {', '.join(PLAIN)}"
        ) from error


def _pair(values: list[float]) -> tuple[float, float]:
    a, b = values
    return float(a), float(b)

"""What was found in a photo, from the JSON of its answer or from a person's review.

This module alone reads answers. What answers gain (several animals, boxes) joins exports and reports here.
"""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["animal", "human", "vehicle", "blank", "unknown"]
"""As `observationType` in Camtrap DP."""

_KIND_OF_SUBJECT: dict[str, Kind] = {"person": "human", "vehicle": "vehicle", "none": "blank", "unclear": "unknown"}


@dataclass(frozen=True, slots=True)
class Named:
    """A taxon with its probability, 0 to 1."""

    name: str
    scientific_name: str
    rank: str
    score: float


ANY_ANIMAL = Named("animal", "Animalia", "kingdom", 0.0)


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a photo, relative to its width and height, from the upper left corner."""

    x: float
    y: float
    width: float
    height: float


WHOLE = Box(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in a photo.

    `named`: the animal, if `kind` is `animal`. `candidates`: the likeliest animals, best first. `probability`: that it
    is of this kind; for `animal`, that it shows any. `box`: where, or None if it is not known. `by`: the models with
    their versions, or the person. `at`: UTC in ISO 8601.
    """

    kind: Kind
    named: Named | None
    candidates: tuple[Named, ...]
    probability: float
    by: str
    at: str
    is_human: bool = False
    box: Box | None = None

    @property
    def is_wider(self) -> bool:
        """Return whether what is named is another taxon than the likeliest candidate, such as its family."""
        return self.named is not None and (not self.candidates or self.named.name != self.candidates[0].name)


def finding_of(row: sqlite3.Row) -> Finding:
    """Return what was found in a photo of the results file: by a person if one has reviewed it, else by the models."""
    machine = _of_answer(json.loads(row["answer"]), row["identified"])
    if row["reviewer"] is None:
        return machine
    named = None
    if row["kind"] == "animal":
        named = Named(row["name"], row["scientific_name"], row["rank"], 1.0)
    return Finding(row["kind"], named, machine.candidates, 1.0, row["reviewer"], row["reviewed"], is_human=True)


def _of_answer(answer: dict[str, Any], at: str) -> Finding:
    candidates = tuple(
        Named(each["name"], each["scientific_name"], each["rank"], each["score"]) for each in answer["candidates"]
    )
    prediction, probability = answer["prediction"], answer["animal_probability"]
    kind = _KIND_OF_SUBJECT.get(answer.get("subject", ""), "animal" if prediction or "subject" in answer else "blank")
    named = None
    if kind == "animal":
        named = ANY_ANIMAL if prediction is None else _named(prediction)
    if named is ANY_ANIMAL:
        named = Named(*_texts(ANY_ANIMAL), probability)
    return Finding(kind, named, candidates, 1 - probability if kind == "blank" else probability, _models(answer), at)


def _named(prediction: dict[str, Any]) -> Named:
    return Named(prediction["name"], prediction["scientific_name"], prediction["rank"], prediction["score"])


def _texts(named: Named) -> tuple[str, str, str]:
    return named.name, named.scientific_name, named.rank


def _models(answer: dict[str, Any]) -> str:
    """Return the names and versions of all models that looked."""
    model = answer["model"]
    return "; ".join(f"{each['name']} {each['version']}" for each in (model, *model.get("packs", ())))

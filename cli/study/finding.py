"""What was found in a photo, from the JSON of its answer or from a person's review.

This module alone reads answers. What answers gain (several animals, boxes) joins exports and reports here.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from typing import Any, Literal

from chalicelib.api.words import FORMER
from chalicelib.model.naming import LEAST_BOX
from cli.study.taxa import ScoredTaxon

Kind = Literal["animal", "human", "vehicle", "blank", "unknown"]
"""As `observationType` in Camtrap DP."""

_KIND_OF_SUBJECT: dict[str, Kind] = {"person": "human", "vehicle": "vehicle", "none": "blank", "unclear": "unknown"}


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
    is of this kind; for `animal`, that it shows any. `box`: where, or None if it is the whole photo. `by`: the models
    with their versions, or the person. `at`: UTC in ISO 8601. `parts`: what is in each box, if boxes were looked for.
    `perhaps`: where `named` is wider than a family, the families or narrower taxa that it may be.

    An answer without boxes says that a person or a vehicle is there, but not how sure the detector is: `probability` is
    then `LEAST_BOX`, the least with which it is said.
    """

    kind: Kind
    named: ScoredTaxon | None
    candidates: tuple[ScoredTaxon, ...]
    probability: float
    by: str
    at: str
    is_human: bool = False
    box: Box | None = None
    parts: "tuple[Finding, ...]" = ()
    perhaps: tuple[ScoredTaxon, ...] = ()

    @property
    def each(self) -> "tuple[Finding, ...]":
        """Return what is in each box; only this finding if no boxes were asked for or found."""
        return self.parts or (self,)

    @property
    def sureness(self) -> float:
        """Return the score of the named taxon; without one, the probability that the photo shows this kind of thing."""
        return self.named.score if self.named else self.probability

    @property
    def method(self) -> Literal["human", "machine"]:
        """Return the classification method, as exports call it."""
        return "human" if self.is_human else "machine"

    @property
    def shows_people(self) -> bool:
        """Return whether a person is on the photo. Without boxes, one beside an animal is not noticed."""
        return any(part.kind == "human" for part in self.each)

    @property
    def remark(self) -> str:
        """Return what it perhaps is as a remark of exports, or an empty string."""
        return f"; perhaps: {', '.join(map(str, self.perhaps))}" if self.perhaps else ""

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
        named = ScoredTaxon(row["name"], row["scientific_name"], row["rank"], 1.0)
    return Finding(row["kind"], named, machine.candidates, 1.0, row["reviewer"], row["reviewed"], is_human=True)


def _of_answer(answer: dict[str, Any], at: str) -> Finding:
    candidates = _taxa(answer["candidates"])
    prediction, probability = answer["prediction"], answer["animal_probability"]
    kind = _KIND_OF_SUBJECT.get(answer.get("subject", ""), "animal" if prediction or "subject" in answer else "blank")
    by = _models(answer)
    if kind in ("blank", "unknown"):
        return Finding(kind, None, candidates, 1 - probability if kind == "blank" else probability, by, at)
    named = _named(prediction, probability) if kind == "animal" else None
    parts = tuple(_parts(answer, by, at))
    if kind != "animal":
        probability = max((part.probability for part in parts if part.kind == kind), default=LEAST_BOX)
    whole = Finding(kind, named, candidates, probability, by, at, perhaps=_taxa(answer.get("perhaps", ())))
    if parts and kind == "animal" and not any(part.kind == "animal" for part in parts):
        parts = (whole, *parts)
    return replace(whole, parts=parts)


def _parts(answer: dict[str, Any], by: str, at: str) -> Iterator[Finding]:
    """Yield a finding for each box with a score of at least `LEAST_BOX`."""
    for animal in answer.get("animals") or ():
        score = animal["box"]["score"]
        if score >= LEAST_BOX:
            named = _named(animal["prediction"], score)
            yield Finding("animal", named, _taxa(animal["candidates"]), score, by, at, box=_box(animal["box"]))
    kinds: tuple[tuple[Kind, str], ...] = (("human", "people"), ("vehicle", "vehicles"))
    for kind, key in kinds:
        for box in (answer.get(key) or {}).get("boxes", ()):
            if box["score"] >= LEAST_BOX:
                yield Finding(kind, None, (), box["score"], by, at, box=_box(box))


def _box(box: dict[str, float]) -> Box:
    return Box(box["x"], box["y"], box["width"], box["height"])


def _taxa(rows: Iterable[dict[str, Any]]) -> tuple[ScoredTaxon, ...]:
    return tuple(
        ScoredTaxon(each["name"], each["scientific_name"], each["rank"], each["score"], FORMER.get(sure, sure))
        for each in rows
        for sure in (each.get("sure", ""),)
    )


def _named(prediction: dict[str, Any] | None, probability: float) -> ScoredTaxon:
    """Return what is predicted, or any animal with a probability if nothing is."""
    if prediction is None:
        return ScoredTaxon("animal", "Animalia", "kingdom", probability)
    return _taxa([prediction])[0]


def _models(answer: dict[str, Any]) -> str:
    """Return the names and versions of all models that the answer comes from."""
    model = answer["model"]
    return "; ".join(f"{each['name']} {each['version']}" for each in (model, *model.get("packs", ())))


SURE = 0.7
"""Probability from which the fused candidate is named, if a photo names it: it may have look-alikes that none knows."""
LEAST = 0.001
"""Probability of an animal that is not among a photo's candidates, so that one photo cannot rule it out."""
_ORDER: tuple[Kind, ...] = ("animal", "human", "vehicle", "unknown", "blank")
"""What an event shows, if its photos differ: the first of these that one of them shows."""


def fused(findings: Sequence[Finding]) -> Finding:
    """Return the finding of an event from those of its photos. What a person said overrides the models.

    Of the photos that show an animal, the candidates are fused: the probability of each is the geometric mean over the
    photos. If none reaches `SURE`, or no photo names it, the event gets the finding of the surest photo, of those that
    do not include a taxon that another one names as surely: a mammal in one photo is the fox of the next.
    """
    said = [each for each in findings if each.is_human] or list(findings)
    kind = next(kind for kind in _ORDER if any(each.kind == kind for each in said))
    same = [each for each in said if each.kind == kind]
    wide = {above for each in same if each.named and each.named.score >= SURE for above in each.named.above}
    narrow = [each for each in same if not each.named or each.named.scientific_name not in wide]
    surest = max(narrow, key=lambda each: each.sureness)
    if kind != "animal" or len(same) == 1:
        return surest
    if surest.is_human:
        most = Counter(each.named for each in same).most_common(1)[0][0]
        return next(each for each in same if each.named == most)
    candidates = _fused_candidates(same)
    said_by_one = {str(each.named) for each in same}
    is_sure = candidates and candidates[0].score >= SURE and str(candidates[0]) in said_by_one
    named = candidates[0] if is_sure else surest.named
    by = "; ".join(dict.fromkeys(each.by for each in same))
    probability = _geometric_mean([each.probability for each in same])
    perhaps = surest.perhaps if named is surest.named else ()
    return Finding("animal", named, candidates, probability, by, max(each.at for each in same), perhaps=perhaps)


def _fused_candidates(findings: Sequence[Finding]) -> tuple[ScoredTaxon, ...]:
    """Return the geometric means of the candidates' probabilities, scaled so that the sum stays that of the photos."""
    known = {(each.scientific_name, each.name): each for finding in findings for each in finding.candidates}
    scores = [{(each.scientific_name, each.name): each.score for each in finding.candidates} for finding in findings]
    means = {key: _geometric_mean([score.get(key, LEAST) for score in scores]) for key in known}
    shared = sum(sum(score.values()) for score in scores) / len(scores)
    factor = shared / sum(means.values()) if means else 0.0
    fused = (
        ScoredTaxon(each.name, each.scientific_name, each.rank, means[key] * factor) for key, each in known.items()
    )
    most = max(len(finding.candidates) for finding in findings)
    return tuple(sorted(fused, key=lambda each: -each.score)[:most])


def _geometric_mean(values: Sequence[float]) -> float:
    return exp(sum(log(max(value, LEAST)) for value in values) / len(values))

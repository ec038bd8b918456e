"""What was found in a photo, from the JSON of its answer or from people's opinions.

Only this module reads answers: exports and reports see a new part of answers, such as boxes, through it.

An opinion consists of one observation or more, since a photo may show two species. The newest opinion on a photo is
the one that counts. Other reviewers' opinions are kept.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal, NamedTuple

from chalicelib.model.certainty import LEAST_BOX
from faunalens.taxa.taxa import ANIMALS, Kind, ScoredTaxon, agree

KINDS: dict[Kind, str] = {"human": "person", "vehicle": "vehicle", "blank": "nothing recognised", "unknown": "unclear"}
"""Everyday words for kinds without an animal."""
_KIND_OF_SUBJECT: dict[str, Kind] = {"person": "human", "vehicle": "vehicle", "none": "blank", "unclear": "unknown"}
OBSERVED: tuple[Kind, ...] = ("animal", *KINDS)
VALUES = {
    "sex": ("female", "male"),
    "life_stage": ("adult", "subadult", "juvenile"),
    "behavior": ("grazing", "browsing", "rooting", "vigilance", "running", "walking"),
}
"""The values of Camtrap DP 1.0.2. Its behaviours are only examples: it allows any other word."""
TYPED = "; the name as it was typed, of no taxon that Faunalens knows"
"""Follows a typed name in the remarks of exports."""
COUNTED = "count of the models' boxes"
"""Begins a Camtrap DP's comment on what a person named but did not count."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a person saw in a photo: one taxon or kind, with sex, age and behaviour if the person gave them.

    An animal without `scientific_name` has the name that the person typed. `count`: how many there are, or None.
    """

    kind: Kind
    name: str | None = None
    scientific_name: str | None = None
    rank: str | None = None
    count: int | None = None
    sex: str | None = None
    life_stage: str | None = None
    behavior: str | None = None
    note: str | None = None

    @property
    def named(self) -> ScoredTaxon | None:
        named = ScoredTaxon(self.name or "animal", self.scientific_name or ANIMALS, self.rank or "kingdom", 1.0)
        return named if self.kind == "animal" else None


class Opinion(NamedTuple):
    """What a reviewer said of a photo. `at`: when, in UTC. Without observations, it accepts the models' answer."""

    reviewer: str
    at: str
    observations: tuple[Observation, ...] = ()


def of_taxon(named: ScoredTaxon | None, kind: Kind) -> Observation:
    """Return the observation of a taxon, or of a kind if there is none."""
    latin = named.scientific_name if named and not named.is_typed else None
    return Observation(kind, named.name, latin, named.rank) if named else Observation(kind)


def opinions_of(row: sqlite3.Row) -> Sequence[Opinion]:
    """Return reviewers' opinions on a photo, the newest last. `row`: of the view `reviewed_photo`."""
    said = json.loads(row["opinions"])
    return [
        Opinion(reviewer, at, tuple(Observation(*values) for _, _, *values in same))
        for (reviewer, at), same in groupby(said, lambda each: each[:2])
    ]


@dataclass(frozen=True, slots=True)
class Box:
    """A box in a photo: upper left corner and size, as shares of the photo's width and height."""

    x: float
    y: float
    width: float
    height: float


_EDGES = itemgetter("x", "y", "width", "height")
WHOLE = Box(0.0, 0.0, 1.0, 1.0)
NOTHING_SAID = Observation("unknown")


class Clip(NamedTuple):
    """The frame of a video that an answer is about: its number and time in seconds. `processed`: frames looked at.

    `fps`, `duration` (seconds): those of the video, 0 if unknown.
    """

    frame: int
    seconds: float
    fps: float
    duration: float
    processed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Other:
    """A second opinion: what others called a photo. `by`: a program and its version, or our models.

    `geofence`: if SpeciesNet's disagrees with our ranges, the `country`, the `taxon`, and whether it `excludes` it.
    """

    by: str
    kind: Kind
    named: ScoredTaxon | None
    score: float
    geofence: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        fence, what = self.geofence, self.named.name if self.named else self.kind
        verb = "excludes" if fence and fence["excludes"] else "allows"
        more = f" (its geofence {verb} {fence['taxon']} in {fence['country']})" if fence else ""
        return f"{self.by}: {what} {self.score:.2f}{more}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in a photo.

    `named`: the animal, if `kind` is `animal`. `candidates`: the likeliest animals, best first. `probability`: that the
    photo shows something of this kind. `box`: where it is, or None for the whole photo. `by`: the models with their
    versions, or the person. `at`: when, UTC in ISO 8601. `parts`: what is in each box, if boxes were looked for.
    `perhaps`: if `named` is wider than a family, the families or narrower taxa that it may be. `count`: how many there
    are, or None if unknown. `faint`: boxes, or an animal in the whole photo, that the models are too unsure of to
    report. `said`: what a person saw. `people`: the models' boxes of people, if the photo was reviewed: the reviewer
    may have named only the animal. `clip`: the frame, if it is a video. `others`: second opinions.

    For a person or vehicle without a box, `probability` is `LEAST_BOX`: the detector was at least that sure.
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
    count: int | None = None
    faint: "tuple[Finding, ...]" = ()
    said: Observation = NOTHING_SAID
    people: "tuple[Finding, ...]" = ()
    clip: Clip | None = None
    others: tuple[Other, ...] = ()

    @property
    def differing(self) -> tuple[Other, ...]:
        """Return the second opinions that differ by kind or taxon, or whose geofence disagrees with our ranges."""
        return tuple(each for each in self.others if each.geofence or not alike(self, each))

    @property
    def each(self) -> "tuple[Finding, ...]":
        """Return what is in each box; only this finding itself if no boxes were asked for or found."""
        return self.parts or (self,)

    @property
    def sureness(self) -> float:
        """Return the score of the named taxon; without one, the probability that the photo shows this kind of thing."""
        return self.named.score if self.named else self.probability

    @property
    def method(self) -> Literal["human", "machine"]:
        """Return `human` if a person classified the photo, or else `machine`, as exports call it."""
        return "human" if self.is_human else "machine"

    @property
    def shows_people(self) -> bool:
        """Return whether the photo shows people. Without boxes, a person beside an animal is not noticed."""
        return bool(self.people) or any(part.kind == "human" for part in self.each)

    @property
    def remark(self) -> str:
        """Return a remark for exports: what the animal perhaps is, or that its name is of no known taxon; or ''."""
        if self.is_typed:
            return TYPED
        return f"; perhaps: {', '.join(map(str, self.perhaps))}" if self.perhaps else ""

    @property
    def is_typed(self) -> bool:
        return self.named is not None and self.named.is_typed


def finding_of(row: sqlite3.Row) -> Finding:
    """Return what the last reviewer, or else the models, found in a photo. `row`: of the view `reviewed_photo`."""
    machine = machine_of(row)
    opinions = opinions_of(row)
    return _of_opinion(opinions[-1], machine) if opinions else machine


def machine_of(row: sqlite3.Row) -> Finding:
    """Return what the models found in a photo, whatever reviewers say. `row`: of the view `reviewed_photo`."""
    return of_answer(json.loads(row["answer"]), row["identified"])


def _of_opinion(opinion: Opinion, machine: Finding) -> Finding:
    """Return what a person found in a photo. Where the person gave no count, it is the number of the models' boxes."""
    kinds = Counter(each.kind for each in opinion.observations)
    parts = []
    for said in opinion.observations:
        named = said.named
        boxes = [part for part in machine.each if part.box and part.kind == said.kind]
        if named and kinds["animal"] > 1:
            boxes = [part for part in boxes if part.named and agree(part.named.line, named.line)]
        alone = Finding(said.kind, named, machine.candidates, 1.0, opinion.reviewer, opinion.at, is_human=True)
        parts.append(replace(alone, clip=machine.clip, count=said.count or len(boxes) or None, said=said))
    faint = tuple(replace(part, named=None, candidates=()) for part in (*machine.each, *machine.faint))
    return replace(
        next((part for part in parts if part.kind == "animal"), parts[0]),
        parts=tuple(parts) if len(parts) > 1 else (),
        faint=faint if parts[0].kind == "unknown" else (),
        people=tuple(part for part in machine.each if part.kind == "human") if parts[0].kind != "blank" else (),
    )


def of_answer(answer: dict[str, Any], at: str) -> Finding:
    """Return what an answer says. `at`: when it was made, UTC in ISO 8601."""
    found = replace(_of_picture(answer, at), others=tuple(map(_other, answer.get("others", ()))))
    return _of_video(found, answer["video"], at) if "video" in answer else found


def _of_video(best: Finding, video: dict[str, Any], at: str) -> Finding:
    """Return what the best frames of a video show: all that the first one (`best`) shows, and what is new in others."""
    clip = Clip._make((*(video[name] for name in Clip._fields[:-1]), tuple(video["processed"])))
    parts = [replace(part, clip=clip, faint=()) for part in best.each]
    for frame in video["also"]:
        here = clip._replace(frame=frame["frame"], seconds=frame["seconds"])
        others = [part for part in _of_picture(frame["answer"], at).each if not any(alike(part, p) for p in parts)]
        parts += [replace(part, clip=here, faint=()) for part in others]
    faint = tuple(replace(part, clip=clip) for part in best.faint)
    return replace(best, clip=clip, faint=faint, parts=tuple(parts) if best.parts or len(parts) > 1 else ())


def alike(one: Finding, other: Finding | Other) -> bool:
    """Return whether two findings are of the same kind, and of the same taxon or one that includes the other."""
    if one.named is None or other.named is None:
        return one.kind == other.kind
    return agree(one.named.line, other.named.line)


def _of_picture(answer: dict[str, Any], at: str) -> Finding:
    candidates = _taxa(answer["candidates"])
    prediction, probability = answer["prediction"], answer["animal_probability"]
    kind = _KIND_OF_SUBJECT.get(answer.get("subject", ""), "animal" if prediction or "subject" in answer else "blank")
    by = _models(answer)
    boxes = list(_boxes(answer, by, at))
    parts = tuple(box for box in boxes if box.probability >= LEAST_BOX)
    faint = tuple(box for box in boxes if box.probability < LEAST_BOX)
    if kind != "animal" and not any(box.kind == "animal" for box in boxes):
        faint += (Finding("animal", None, (), probability, by, at),)
    if kind in ("blank", "unknown"):
        sure = 1 - probability if kind == "blank" else probability
        return Finding(kind, None, candidates, sure, by, at, faint=faint)
    named = _named(prediction, probability) if kind == "animal" else None
    if kind != "animal":
        probability = max((part.probability for part in parts if part.kind == kind), default=LEAST_BOX)
    perhaps = _taxa(answer.get("perhaps", ()))
    whole = Finding(kind, named, candidates, probability, by, at, perhaps=perhaps, faint=faint)
    if parts and kind == "animal" and not any(part.kind == "animal" for part in parts):
        parts = (replace(whole, faint=()), *parts)
    return replace(whole, parts=parts)


def _boxes(answer: dict[str, Any], by: str, at: str) -> Iterator[Finding]:
    for animal in answer.get("animals") or ():
        box = animal["box"]
        named, candidates = _named(animal["prediction"], box["score"]), _taxa(animal["candidates"])
        yield Finding("animal", named, candidates, box["score"], by, at, box=Box(*_EDGES(box)), count=1)
    kinds: tuple[tuple[Kind, str], ...] = (("human", "people"), ("vehicle", "vehicles"))
    for kind, key in kinds:
        for box in (answer.get(key) or {}).get("boxes", ()):
            yield Finding(kind, None, (), box["score"], by, at, box=Box(*_EDGES(box)), count=1)


def _taxa(rows: Iterable[dict[str, Any]]) -> tuple[ScoredTaxon, ...]:
    from chalicelib.api.words import FORMER  # loads NumPy, which takes longer than most commands do

    return tuple(
        ScoredTaxon(each["name"], each["scientific_name"], each["rank"], each["score"], FORMER.get(sure, sure))
        for each in rows
        for sure in (each.get("sure", ""),)
    )


def _named(prediction: dict[str, Any] | None, probability: float) -> ScoredTaxon:
    """Return the predicted taxon; if there is none, an animal without a name, with `probability` as its score."""
    return _taxa([prediction])[0] if prediction else ScoredTaxon("animal", ANIMALS, "kingdom", probability)


def _other(said: dict[str, Any]) -> Other:
    named = _taxa([said])[0] if "name" in said else None
    return Other(said["by"], said["kind"], named, said["score"], said.get("geofence"))


def _models(answer: dict[str, Any]) -> str:
    """Return the names and versions of all models that an answer comes from; empty if no model looked at the photo."""
    model = answer.get("model")
    used = (model, *model.get("packs", ())) if model else ()
    return "; ".join(f"{each['name']} {each['version']}" for each in used)

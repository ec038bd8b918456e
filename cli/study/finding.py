"""What was found in a photo, from the JSON of its answer or from a person's review.

This module alone reads answers. What answers gain (several animals, boxes) joins exports and reports here.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from typing import Any, Literal, NamedTuple

from chalicelib.api.words import FORMER
from chalicelib.model.naming import LEAST_BOX
from cli.study.clip import Clip
from cli.study.opinions import Kind, Observation, Opinion, opinions_of
from cli.study.taxa import ANIMALS, Line, ScoredTaxon, agree, taxon_of

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
    `perhaps`: where `named` is wider than a family, the families or narrower taxa that it may be. `count`: how many
    there are of this kind, or None if it is not known. `faint`: boxes, or the whole photo as an animal, of which the
    models are too unsure to say so. `said`: what a person saw. `people`: where the models found people in a
    photo that a person has reviewed, who may have named the animal alone. `clip`: the frame, if it is a video.

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
    count: int | None = None
    faint: "tuple[Finding, ...]" = ()
    said: Observation | None = None
    people: "tuple[Finding, ...]" = ()
    clip: Clip | None = None

    @property
    def sex(self) -> str | None:
        """Return the sex, as a person said; a value of Camtrap DP."""
        return self.said.sex if self.said else None

    @property
    def life_stage(self) -> str | None:
        """Return the age, as a person said; a value of Camtrap DP."""
        return self.said.life_stage if self.said else None

    @property
    def behavior(self) -> str | None:
        """Return the behaviour, as a person said. Several are separated by `|`, as in Camtrap DP."""
        return self.said.behavior if self.said else None

    @property
    def note(self) -> str | None:
        """Return a person's note."""
        return self.said.note if self.said else None

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
        return bool(self.people) or any(part.kind == "human" for part in self.each)

    @property
    def remark(self) -> str:
        """Return what it perhaps is, or that no taxon is known, as a remark of exports; or an empty string."""
        if self.is_typed:
            return "; the name as it was typed, of no taxon that Faunalens knows"
        return f"; perhaps: {', '.join(map(str, self.perhaps))}" if self.perhaps else ""

    @property
    def is_typed(self) -> bool:
        """Return whether a person typed the animal's name, which is of no taxon at hand."""
        return self.named is not None and self.named.is_typed

    @property
    def is_wider(self) -> bool:
        """Return whether what is named is another taxon than the likeliest candidate, such as its family."""
        return self.named is not None and (not self.candidates or self.named.name != self.candidates[0].name)


def finding_of(row: sqlite3.Row) -> Finding:
    """Return what was found in a photo of the results file: by the last person who reviewed it, else by the models.

    `row`: with the column `OPINIONS`.
    """
    machine = machine_of(row)
    opinions = opinions_of(row)
    return _of_opinion(opinions[-1], machine) if opinions else machine


def machine_of(row: sqlite3.Row) -> Finding:
    """Return what the models found in a photo of the results file."""
    return of_answer(json.loads(row["answer"]), row["identified"])


def _of_opinion(opinion: Opinion, machine: Finding) -> Finding:
    """Return what a person found. Where they did not count, the models' boxes of the same kind, or taxon, do."""
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
    """Return what an answer says. `at`: when, UTC in ISO 8601."""
    found = _of_picture(answer, at)
    return _of_video(found, answer["video"], at) if "video" in answer else found


def _of_video(best: Finding, video: dict[str, Any], at: str) -> Finding:
    """Return what the best frames of a video show: all of the first, and of the others what those before them lack."""
    clip = Clip.of(video)
    parts = [replace(part, clip=clip, faint=()) for part in best.each]
    for frame in video["also"]:
        here = clip._replace(frame=frame["frame"], seconds=frame["seconds"])
        others = [part for part in _of_picture(frame["answer"], at).each if not any(alike(part, p) for p in parts)]
        parts += [replace(part, clip=here, faint=()) for part in others]
    faint = tuple(replace(part, clip=clip) for part in best.faint)
    return replace(best, clip=clip, faint=faint, parts=tuple(parts) if best.parts or len(parts) > 1 else ())


def alike(one: Finding, other: Finding) -> bool:
    """Return whether two findings are of one kind, and of one taxon or of one within the other."""
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
    """Yield a finding for each box."""
    for animal in answer.get("animals") or ():
        score = animal["box"]["score"]
        named = _named(animal["prediction"], score)
        yield Finding("animal", named, _taxa(animal["candidates"]), score, by, at, box=_box(animal["box"]), count=1)
    kinds: tuple[tuple[Kind, str], ...] = (("human", "people"), ("vehicle", "vehicles"))
    for kind, key in kinds:
        for box in (answer.get(key) or {}).get("boxes", ()):
            yield Finding(kind, None, (), box["score"], by, at, box=_box(box), count=1)


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
        return ScoredTaxon("animal", ANIMALS, "kingdom", probability)
    return _taxa([prediction])[0]


def _models(answer: dict[str, Any]) -> str:
    """Return the names and versions of all models that the answer comes from."""
    model = answer["model"]
    return "; ".join(f"{each['name']} {each['version']}" for each in (model, *model.get("packs", ())))


SURE = 0.7
"""Probability from which a photo's name, or that of several photos together, is taken for sure."""
ALIKE = 0.05
"""A photo's name is a slip if the photo gives this share of its probability to the name of other photos of its event:
most events show one animal, and about 1 of 20 a second one."""
LEAST = 0.001
"""Probability of an animal that is not among a photo's candidates, so that one photo cannot rule it out."""


class _Sighting(NamedTuple):
    """An animal in a photo of an event. `photo`: its number. `line`: see `ScoredTaxon`."""

    photo: int
    finding: Finding
    line: Line

    def share(self, line: Line) -> float:
        """Return the probability of the candidates that belong to a taxon."""
        return sum(each.score for each in self.finding.candidates if each.line[: len(line)] == line)

    def is_slip_for(self, line: Line) -> bool:
        """Return whether it may be a taxon that its name excludes."""
        return not agree(self.line, line) and self.share(line) > ALIKE * self.finding.sureness


def found_in(event: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return what an event shows, from the findings of its photos: each taxon, then people, then vehicles.

    It is blank only if every photo is. What a person said replaces the finding of that photo only. `count` is what
    people counted, or else the largest number in one photo, if there are boxes. A taxon of which people saw several
    sexes or ages is found once with each.
    """
    parts = [(photo, part) for photo, finding in enumerate(event) for part in finding.each]
    animals = [_Sighting(photo, part, part.named.line) for photo, part in parts if part.named]
    found = [
        replace(_fused(line, alike), parts=(), **_together([(each.photo, each.finding) for each in alike]))
        for line, same in _by_taxon(animals).items()
        for alike in _by_traits(same)
    ]
    kinds: tuple[Kind, ...] = ("human", "vehicle", "unknown", "blank")
    for kind in kinds:
        same = [(photo, part) for photo, part in parts if part.kind == kind]
        if same and (kind in ("human", "vehicle") or not found):
            surest = max((part for _, part in same), key=lambda part: (part.is_human, part.sureness))
            found.append(replace(surest, box=None, parts=(), **_together(same)))
    return tuple(found)


def _by_taxon(animals: Sequence[_Sighting]) -> Mapping[Line, list[_Sighting]]:
    """Return the sightings of each taxon of an event.

    A taxon is one of its own if a person said so, if a photo is sure of it, or if a photo has it beside another one.
    The other sightings join the taxon that they most likely are. Those that can be none of them are together one more.
    """
    in_photo: dict[int, set[Line]] = {}
    for each in animals:
        in_photo.setdefault(each.photo, set()).add(each.line)
    own: list[Line] = []
    for each in sorted(animals, key=lambda each: (not each.finding.is_human, -each.finding.sureness)):
        if each.line in own:
            continue
        is_certain = each.finding.is_human or any(not agree(each.line, other) for other in in_photo[each.photo])
        if is_certain or (each.finding.sureness >= SURE and not any(map(each.is_slip_for, own))):
            own.append(each.line)
    own = [line for line in own if not any(line == other[: len(line)] != other for other in own)]
    found: dict[Line, list[_Sighting]] = {}
    for each in animals:
        likely = [line for line in own if agree(each.line, line)] or list(filter(each.is_slip_for, own))
        found.setdefault(max(likely, key=each.share, default=()), []).append(each)
    return found


def _fused(line: Line, same: Sequence[_Sighting]) -> Finding:
    """Return the finding of sightings of a taxon, or of one that nothing is sure of. If people named some, as they did.

    Otherwise the name is the narrowest that most of the sightings have or belong to; or one within it of which a
    sighting is sure, or of which all together are, if one of them has it.
    """
    findings = [each.finding for each in same]
    if said := [each for each in findings if each.is_human]:
        most = Counter(each.named for each in said).most_common(1)[0][0]
        return next(each for each in said if each.named == most)
    if len(same) == 1:
        return replace(findings[0], box=None)
    candidates = _fused_candidates(findings)
    lines = [line, _shared([each.line for each in same])]
    if candidates and candidates[0].score >= SURE and any(each.line == candidates[0].line for each in same):
        lines.append(candidates[0].line)
    line = max((each for each in lines if agree(each, line)), key=len)
    within = sorted((each for each in same if each.line[: len(line)] == line), key=lambda each: -each.finding.sureness)
    is_fused = candidates and candidates[0].line == line
    score = candidates[0].score if is_fused else within[0].finding.sureness
    exact = [each.finding for each in within if each.line == line]
    return Finding(
        *("animal", _taxon(line, [each.finding.named for each in within if each.finding.named], score), candidates),
        _geometric_mean([each.probability for each in findings]),
        "; ".join(dict.fromkeys(each.by for each in findings)),
        max(each.at for each in findings),
        perhaps=exact[0].perhaps if exact else (),
    )


def _taxon(line: Line, named: Sequence[ScoredTaxon], score: float) -> ScoredTaxon:
    """Return the taxon at the end of a line, as it is named within it: a breed only if all are of that breed."""
    is_one = len({str(each) for each in named}) == 1
    found = next((each for each in named if each.line == line and (is_one or each.is_at_end)), None) or taxon_of(line)
    return replace(found, score=score)


def _shared(lines: Sequence[Line]) -> Line:
    """Return the narrowest line that more than half of the lines begin with. That of any animal says nothing."""
    known = [line for line in lines if len(line) > 1] or lines
    counts = Counter(line[:length] for line in known for length in range(1, len(line) + 1))
    return max((line for line, count in counts.items() if 2 * count > len(known)), key=len)


def _by_traits(same: list[_Sighting]) -> list[list[_Sighting]]:
    """Return the sightings of a taxon by sex and age, if people saw several; else all together.

    A photo of which neither is said shows the same animals, unless one photo has both those and others.
    """
    groups: dict[tuple[str | None, str | None], list[_Sighting]] = {}
    for each in same:
        if each.finding.is_human:
            groups.setdefault((each.finding.sex, each.finding.life_stage), []).append(each)
    others = {each.photo for traits, some in groups.items() if any(traits) for each in some}
    if not others.intersection(each.photo for each in groups.get((None, None), ())):
        groups.pop((None, None), None)
    return list(groups.values()) if len(groups) > 1 else [same]


def _together(parts: Sequence[tuple[int, Finding]]) -> dict[str, Any]:
    """Return the largest number in one photo, or None if it is not known, and what people said of all, as fields.

    `parts`: with the numbers of their photos.
    """
    said = [(photo, part.said) for photo, part in parts if part.said]
    counted = [(photo, each.count) for photo, each in said if each.count]
    counts = Counter[int]()
    for photo, count in counted or [(photo, part.count or 0) for photo, part in parts]:
        counts[photo] += count
    fields: dict[str, Any] = {"count": max(counts.values()) or None}
    if said:
        fullest = max(
            (each for _, each in said), key=lambda each: (each.sex is not None) + (each.life_stage is not None)
        )
        behaviors = [word for _, each in said for word in (each.behavior or "").split("|")]
        fields["said"] = replace(
            fullest, behavior=_joined("|", behaviors), note=_joined("; ", [each.note for _, each in said])
        )
    return fields


def _joined(separator: str, words: Iterable[str | None]) -> str | None:
    """Return the distinct words, the most frequent first."""
    return separator.join(word for word, _ in Counter(filter(None, words)).most_common()) or None


def _fused_candidates(findings: Sequence[Finding]) -> tuple[ScoredTaxon, ...]:
    """Return the geometric means of the candidates' probabilities, scaled so that the sum stays that of the photos.

    Breeds and subspecies count for their species.
    """
    scores: list[dict[Line, float]] = []
    known: dict[Line, list[ScoredTaxon]] = {}
    for finding in findings:
        scores.append({})
        for each in finding.candidates:
            scores[-1][each.line] = scores[-1].get(each.line, 0.0) + each.score
            known.setdefault(each.line, []).append(each)
    means = {line: _geometric_mean([score.get(line, 0.0) for score in scores]) for line in known}
    shared = sum(sum(score.values()) for score in scores) / len(scores)
    factor = shared / sum(means.values()) if means else 0.0
    fused = (_taxon(line, named, means[line] * factor) for line, named in known.items())
    most = max(len(finding.candidates) for finding in findings)
    return tuple(sorted(fused, key=lambda each: -each.score)[:most])


def _geometric_mean(values: Sequence[float]) -> float:
    return exp(sum(log(max(value, LEAST)) for value in values) / len(values))

"""Find out what an event shows from the findings of its photos: each taxon, people and vehicles, and how many."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import geometric_mean
from typing import Any, NamedTuple

from faunalens.study.finding import NOTHING_SAID, Finding
from faunalens.taxa.taxa import Line, ScoredTaxon, agree, taxon_of

SURE = 0.7  # from this probability on, a name counts as sure, by one photo or by several together
ALIKE = 0.05
"""A photo's name counts as a slip if the photo gives another taxon of its event more than this share of the name's
probability: most events show one animal; about 1 in 20 shows a second."""
LEAST = 0.001
"""Probability assumed for an animal that is not among a photo's candidates, so that no single photo rules it out."""


class _Sighting(NamedTuple):
    """One thing seen in an event. `photo`: index of its photo. `line`: see `ScoredTaxon`; empty unless an animal."""

    photo: int
    finding: Finding
    line: Line

    def share(self, line: Line) -> float:
        """Return the probability of a taxon: the sum over the photo's candidates that belong to it."""
        return sum(each.score for each in self.finding.candidates if each.line[: len(line)] == line)

    def is_slip_for(self, line: Line) -> bool:
        """Return whether the photo may show the taxon of `line`, although the photo's own name excludes it."""
        return not agree(self.line, line) and self.share(line) > ALIKE * self.finding.sureness


def found_in(event: Sequence[Finding], *, by_traits: bool = False) -> tuple[Finding, ...]:
    """Return what an event shows, from the findings of its photos: each taxon, then people, then vehicles.

    The event is blank only if all photos are. What a person said of a photo replaces only that photo's finding. `count`
    is what people counted, or else the largest number of boxes in one photo, or None without boxes. `by_traits`:
    whether to return a taxon once for each sex and age that people saw.
    """
    shown = [(photo, part) for photo, finding in enumerate(event) for part in finding.each]
    parts = [_Sighting(photo, part, part.named.line if part.named else ()) for photo, part in shown]
    found = [
        replace(_fused(line, alike), parts=(), **_together(alike))
        for line, same in _by_taxon([each for each in parts if each.finding.named]).items()
        for alike in (_by_traits(same) if by_traits else [same])
    ]
    for kind in ("human", "vehicle", "unknown", "blank"):
        same = [each for each in parts if each.finding.kind == kind]
        if same and (kind in ("human", "vehicle") or not found):
            surest = max((each.finding for each in same), key=lambda part: (part.is_human, part.sureness))
            found.append(replace(surest, box=None, parts=(), **_together(same)))
    return tuple(found)


def _by_taxon(animals: Sequence[_Sighting]) -> Mapping[Line, list[_Sighting]]:
    """Return an event's sightings of animals, grouped by the line of the taxon that they count as.

    An event shows a taxon if a person said so, if a photo is sure of it, or if a photo shows it beside another taxon.
    Each other sighting joins the likeliest of these taxa. Sightings that fit none of them count as one more taxon.
    """
    in_photo: dict[int, set[Line]] = {}
    for each in animals:
        in_photo.setdefault(each.photo, set()).add(each.line)
    own: list[Line] = []
    for each in sorted(animals, key=lambda each: (not each.finding.is_human, -each.finding.sureness)):
        is_certain = each.finding.is_human or any(not agree(each.line, other) for other in in_photo[each.photo])
        is_likely = each.finding.sureness >= SURE and not any(map(each.is_slip_for, own))
        if each.line not in own and (is_certain or is_likely):
            own.append(each.line)
    said = [each for each in animals if each.finding.is_human]  # "7 dogs and 2 mammals" means other mammals
    apart = {each.line for each in said if any(_is_within(each.line, other) for other in in_photo[each.photo])}
    own = [line for line in own if line in apart or not any(_is_within(line, other) for other in own)]
    found: dict[Line, list[_Sighting]] = {}
    for each in animals:
        agreed = [each.line] if each.line in own else [line for line in own if agree(each.line, line)]
        likely = agreed or list(filter(each.is_slip_for, own))
        found.setdefault(max(likely, key=each.share, default=()), []).append(each)
    return found


def _is_within(wide: Line, line: Line) -> bool:
    return wide == line[: len(wide)] != line


def _fused(line: Line, same: Sequence[_Sighting]) -> Finding:
    """Return one finding for all sightings of a taxon (`line`), or for those of no certain taxon.

    If people named some of them, their name counts: the taxon itself if someone named it, or else what most said.
    Otherwise the name is the narrowest taxon that includes most of the sightings; or a narrower one, if a sighting is
    sure of it, or if a sighting names it and all together are sure of it.
    """
    findings = [each.finding for each in same]
    if said := [each for each in findings if each.is_human]:
        exact = [each for each in said if each.named and each.named.line == line]
        most = Counter(each.named for each in exact or said).most_common(1)[0][0]
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
    """Return the narrowest taxon of a line, named as its sightings are (`named`): a breed only if all name it."""
    is_one = len({str(each) for each in named}) == 1
    same = (each for each in named if each.line == line)
    found = next((each for each in same if is_one or (each.scientific_name == line[-1] and each.rank != "breed")), None)
    return replace(found or taxon_of(line), score=score)


def _shared(lines: Sequence[Line]) -> Line:
    """Return the narrowest line that more than half of the lines begin with. Lines of unnamed animals do not count."""
    known = [line for line in lines if len(line) > 1] or lines
    counts = Counter(line[:length] for line in known for length in range(1, len(line) + 1))
    return max((line for line, count in counts.items() if 2 * count > len(known)), key=len)


def _by_traits(same: list[_Sighting]) -> list[list[_Sighting]]:
    """Return the sightings of a taxon grouped by sex and age, if people saw several of these; else all in one group.

    Sightings without sex and age are left out, because they show the same animals, unless one photo has both sorts.
    """
    groups: dict[tuple[str | None, str | None], list[_Sighting]] = {}
    for each in same:
        if each.finding.is_human:
            groups.setdefault((each.finding.said.sex, each.finding.said.life_stage), []).append(each)
    others = {each.photo for traits, some in groups.items() if any(traits) for each in some}
    if not others.intersection(each.photo for each in groups.get((None, None), ())):
        groups.pop((None, None), None)
    return list(groups.values()) if len(groups) > 1 else [same]


def _together(same: Sequence[_Sighting]) -> dict[str, Any]:
    """Return the fields of a finding for sightings of a taxon: `count`, and, if people said anything, `said`.

    `count` is the largest number in one photo, or None.
    """
    said = [each.finding.said for each in same if each.finding.said is not NOTHING_SAID]
    counted = [(each.photo, each.finding.said.count) for each in same if each.finding.said.count]
    counts = Counter[int]()
    for photo, count in counted or [(each.photo, each.finding.count or 0) for each in same]:
        counts[photo] += count
    most = max(counts.values()) or None
    if not said:
        return {"count": most}
    fullest = max(said, key=lambda each: (each.sex is not None) + (each.life_stage is not None))
    behavior = _joined("|", [word for each in said for word in (each.behavior or "").split("|")])
    note = _joined("; ", [each.note for each in said])
    return {"count": most, "said": replace(fullest, behavior=behavior, note=note)}


def _joined(separator: str, words: Iterable[str | None]) -> str | None:
    return separator.join(word for word, _ in Counter(filter(None, words)).most_common()) or None


def _fused_candidates(findings: Sequence[Finding]) -> tuple[ScoredTaxon, ...]:
    """Return joint candidates, best first: geometric means of the photos' scores, scaled to the mean of their sums."""
    scores = [defaultdict[Line, float](float) for _ in findings]
    known: dict[Line, list[ScoredTaxon]] = {}
    for score, finding in zip(scores, findings, strict=True):
        for each in finding.candidates:
            score[each.line] += each.score
            known.setdefault(each.line, []).append(each)
    means = {line: _geometric_mean([score[line] for score in scores]) for line in known}
    shared = sum(sum(score.values()) for score in scores) / len(scores)
    factor = shared / sum(means.values()) if means else 0.0
    fused = (_taxon(line, named, means[line] * factor) for line, named in known.items())
    most = max(len(finding.candidates) for finding in findings)
    return tuple(sorted(fused, key=lambda each: -each.score)[:most])


def _geometric_mean(values: Sequence[float]) -> float:
    return geometric_mean([max(value, LEAST) for value in values])

"""Events: photos of one deployment that follow each other closely, and one answer fused from them. No I/O."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import exp, log

from cli.study.finding import Finding, Kind, Named
from cli.study.photo import StudyPhoto

SURE = 0.7
"""Probability from which the fused candidate is named; a service names taxa from as much (RANK_THRESHOLD)."""
LEAST = 0.001
"""Probability of an animal that is not among a photo's candidates, so that one photo cannot rule it out."""
_ORDER: tuple[Kind, ...] = ("animal", "human", "vehicle", "unknown", "blank")
"""What an event shows, if its photos differ: the first of these that one of them shows."""


def events_of(photos: Iterable[StudyPhoto], gap: float) -> Iterator[list[StudyPhoto]]:
    """Yield the events of photos that are sorted by deployment and time.

    `gap`: the longest time between two photos of an event, in seconds.
    """
    event: list[StudyPhoto] = []
    for photo in photos:
        last = event[-1] if event else None
        if last and (photo.deployment != last.deployment or (photo.time - last.time).total_seconds() > gap):
            yield event
            event = []
        event.append(photo)
    if event:
        yield event


def fused(findings: Sequence[Finding]) -> Finding:
    """Return the finding of an event from those of its photos. What a person said overrides the models.

    The candidates of the photos that show an animal are fused by the geometric mean of their probabilities, which all
    have to share. If none then has `SURE`, the surest of what the photos were named is the event's, which is wider.
    """
    said = [each for each in findings if each.is_human] or list(findings)
    kind = next(kind for kind in _ORDER if any(each.kind == kind for each in said))
    same = [each for each in said if each.kind == kind]
    surest = max(same, key=lambda each: each.named.score if each.named else each.probability)
    if kind != "animal" or len(same) == 1:
        return surest
    if surest.is_human:
        most = Counter(each.named for each in same).most_common(1)[0][0]
        return next(each for each in same if each.named == most)
    candidates = _fused_candidates(same)
    named = candidates[0] if candidates and candidates[0].score >= SURE else surest.named
    by = "; ".join(dict.fromkeys(each.by for each in same))
    probability = _geometric_mean([each.probability for each in same])
    return Finding("animal", named, candidates, probability, by, max(each.at for each in same))


def _fused_candidates(findings: Sequence[Finding]) -> tuple[Named, ...]:
    """Return the geometric means of the candidates' probabilities, scaled so that the sum stays that of the photos."""
    known = {(each.scientific_name, each.name): each for finding in findings for each in finding.candidates}
    scores = [{(each.scientific_name, each.name): each.score for each in finding.candidates} for finding in findings]
    means = {key: _geometric_mean([score.get(key, LEAST) for score in scores]) for key in known}
    shared = sum(sum(score.values()) for score in scores) / len(scores)
    factor = shared / sum(means.values()) if means else 0.0
    fused = (Named(each.name, each.scientific_name, each.rank, means[key] * factor) for key, each in known.items())
    most = max(len(finding.candidates) for finding in findings)
    return tuple(sorted(fused, key=lambda each: -each.score)[:most])


def _geometric_mean(values: Sequence[float]) -> float:
    return exp(sum(log(max(value, LEAST)) for value in values) / len(values))

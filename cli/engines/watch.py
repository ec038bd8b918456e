"""The answer for a video, from those for its frames."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cli.study.event import found_in
from cli.study.finding import Finding, alike, of_answer


class Seen(NamedTuple):
    """A frame with its answer. `number`: from 0. `seconds`: from the start."""

    number: int
    seconds: float
    answer: Mapping[str, Any]


def answer_of_frames(frames: Sequence[Seen], fps: float, duration: float) -> dict[str, Any]:
    """Return the answer of the best frame, with a part `video`, of which the fields are those of `Clip`.

    The frames are weighed together, as the photos of an event are. Each taxon and kind that they show has a best frame,
    and that of the first answers; `also` has the answers of the others.
    """
    findings = [of_answer(dict(frame.answer), "") for frame in frames]
    best = list(dict.fromkeys(_best(shown, findings) for shown in found_in(findings)))
    first, *others = (frames[index] for index in best)
    video = {
        "frame": first.number,
        "seconds": first.seconds,
        "fps": round(fps, 3),
        "duration": round(duration, 3),
        "processed": [frame.number for frame in frames],
        "also": [{"frame": each.number, "seconds": each.seconds, "answer": each.answer} for each in others],
    }
    return {**first.answer, "video": video}


def _best(shown: Finding, findings: Sequence[Finding]) -> int:
    """Return which frame shows something best: by its name, then by how sure that is, then by how many there are."""

    def worth(index: int) -> tuple[int, float, int, float]:
        same = [part for part in findings[index].each if alike(part, shown)]
        sure = max((part.sureness for part in same), default=0.0)
        named = max((_fit(part, shown) for part in same), default=0)
        return named, round(sure, 1), len(same), sure

    return max(range(len(findings)), key=worth)


def _fit(part: Finding, shown: Finding) -> int:
    """Return 2 for the taxon itself or one within it, 1 for another of the same kind."""
    if part.named is None or shown.named is None:
        return 1
    line = shown.named.line
    return 1 + (part.named.line[: len(line)] == line)

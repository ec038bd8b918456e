"""Words for how sure an answer is, and why it is wide or missing. The page reads the table of the first, sure.json."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

from chalicelib.features.features import Mode
from chalicelib.model.naming import Subject
from chalicelib.model.taxonomy import Prediction
from chalicelib.photo.quality import Quality

Reason = Literal[
    "person",
    "vehicle",
    "no_animal",
    "animal_small",
    "photo_small",
    "photo_dark",
    "photo_blurred",
    "photo_grey",
    "unknown_relatives",
    "unclear",
    "unlike",
]


class SureWord(NamedTuple):
    """A word for how sure an answer is. `right`: share of such answers to field photos that are right, or more.

    `least`: score from which an answer that knows the place has this word. `least_alone`: the same for an answer from
    the photo alone; None if such an answer is never as sure.
    """

    word: str
    right: float
    least: float
    least_alone: float | None


SURE: Final = tuple(SureWord(**row) for row in json.loads(Path(__file__).with_name("sure.json").read_text("utf-8")))
"""The words, the surest first; the page reads the same file.

`python -m benchmarks.field` measures them, and docs/explanation/field.md has their numbers of photos."""
SMALL_SHARE: Final = 0.05
"""Share of the photo's area below which an animal is small."""


def sure_of(score: float, mode: Mode) -> str:
    """Return the word for how sure a prediction is. `score`: that of the prediction. `mode`: that of the features."""
    thresholds = ((each.word, each.least if mode == "narrowed" else each.least_alone) for each in SURE)
    return next(word for word, least in thresholds if least is not None and score >= least)


_SENTENCES: Final[dict[Reason, str]] = {
    "person": "The photo shows a person and no animal.",
    "vehicle": "The photo shows a vehicle and no animal.",
    "no_animal": "There seems to be no animal in the photo.",
    "unknown_relatives": "It may be one of the relatives that live here and that no model knows.",
    "unclear": "The photo does not show clearly whether there is an animal.",
    "unlike": "It looks like several animals that are not close relatives; a photo from another side would help.",
}
_PHOTO_FAULTS: Final[dict[Reason, str]] = {
    "photo_small": "a thumbnail",
    "photo_dark": "dark",
    "photo_blurred": "blurred",
    "photo_grey": "without colour",
}


def reasons_of(
    subject: Subject,
    prediction: Prediction | None,
    quality: Quality,
    share: float | None = None,
    *,
    is_widened: bool = False,
) -> tuple[Reason, ...]:
    """Return why an answer is wide or missing; nothing if it is neither.

    `share`: the animal's share of the photo's area, if a detector has found it. `is_widened`: whether the answer
    would be narrower if no unknown relatives lived there.
    """
    if subject == "person" or subject == "vehicle":
        return (subject,)
    if subject == "none":
        return ("no_animal",)
    if prediction is not None and not prediction.is_wide:
        return ()
    faults: dict[Reason, bool] = {
        "animal_small": share is not None and share < SMALL_SHARE,
        "photo_small": quality.is_small,
        "photo_dark": quality.is_dark,
        "photo_blurred": quality.is_soft,
        "photo_grey": quality.is_grey,
    }
    if any(faults.values()):
        return tuple(fault for fault, applies in faults.items() if applies)
    return ("unknown_relatives" if is_widened else "unclear" if subject == "unclear" else "unlike",)


def why_not(reasons: Sequence[Reason]) -> str | None:
    """Return reasons as a sentence, or None if there are none."""
    if not reasons:
        return None
    if reasons[0] in _SENTENCES:
        return _SENTENCES[reasons[0]]
    photo = [_PHOTO_FAULTS[each] for each in reasons if each in _PHOTO_FAULTS]
    animal = ["the animal is small"] if "animal_small" in reasons else []
    text = and_list(animal + ([f"the photo is {and_list(photo)}"] if photo else []))
    closer = "closer" if {"animal_small", "photo_small"} & set(reasons) else "better"
    return f"{text[0].upper()}{text[1:]}; a {closer} photo would help."


def and_list(words: Sequence[str]) -> str:
    """Return words as in a sentence: `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))

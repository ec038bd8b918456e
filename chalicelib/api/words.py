"""Words for how sure an answer is, and why it is wide or missing. No I/O."""

from typing import Final

from chalicelib.api.responses import PhotoQuality, Sure
from chalicelib.features.features import Mode
from chalicelib.model.subject import Subject
from chalicelib.model.taxonomy import Prediction
from chalicelib.photo.quality import Quality

VERY_SURE: Final = 0.96
"""Score from which an answer that knows the place is very sure: 95% and more of such answers are right."""
FAIRLY_SURE: Final = 0.84
"""Score from which an answer that knows the place is fairly sure: 80% and more are right."""
FAIRLY_SURE_ALONE: Final = 0.96
"""The same for an answer from the photo alone, which is never very sure. Below it, half and more are right.

`python -m benchmarks.field` measures these three, and docs/explanation/field.md has their numbers of photos."""
SMALL_SHARE: Final = 0.05
"""Share of the photo's area below which an animal is small."""


def sure_of(score: float, mode: Mode) -> Sure:
    """Return the word for how sure a prediction is. `score`: that of the prediction. `mode`: that of the features."""
    if mode == "narrowed":
        return "very sure" if score >= VERY_SURE else "fairly sure" if score >= FAIRLY_SURE else "perhaps"
    return "fairly sure" if score >= FAIRLY_SURE_ALONE else "perhaps"


def why_not(
    subject: Subject,
    prediction: Prediction | None,
    quality: Quality,
    share: float | None = None,
    *,
    is_widened: bool = False,
) -> str | None:
    """Return why an answer is wide or missing, as a sentence, or None if it is neither.

    `share`: the animal's share of the photo's area, if a detector has seen it. `is_widened`: whether the answer
    would be narrower if no unknown relatives lived there.
    """
    if subject in ("person", "vehicle"):
        return f"The photo shows a {subject} and no animal."
    if subject == "none":
        return "There seems to be no animal in the photo."
    if prediction is not None and not prediction.is_wide:
        return None
    faults = faults_of(quality, share)
    if faults:
        closer = "closer" if quality.is_small or (share is not None and share < SMALL_SHARE) else "better"
        return f"{_listed(faults)}; a {closer} photo would help."
    if is_widened:
        return "It may be one of the relatives that live here and that no model knows."
    if subject == "unclear":
        return "The photo does not show clearly whether there is an animal."
    return "It looks like several animals that are not close relatives; a photo from another side would help."


def quality_shown(quality: Quality) -> PhotoQuality:
    """Return the quality of a photo in the form that responses show."""
    return PhotoQuality(quality.pixels, quality.is_dark, quality.is_soft, quality.is_grey)


def faults_of(quality: Quality, share: float | None = None) -> list[str]:
    """Return what makes the animal hard to recognise, in words. `share` is as in `why_not`."""
    photo = [
        word
        for word, applies in (
            ("a thumbnail", quality.is_small),
            ("dark", quality.is_dark),
            ("blurred", quality.is_soft),
            ("without colour", quality.is_grey),
        )
        if applies
    ]
    animal = ["the animal is small"] if share is not None and share < SMALL_SHARE else []
    return animal + ([f"the photo is {_and(photo)}"] if photo else [])


def _listed(faults: list[str]) -> str:
    text = _and(faults)
    return text[0].upper() + text[1:]


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))

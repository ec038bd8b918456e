"""Words for how sure an answer is (sure.json, which the page reads too) and for why it is wide or missing."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

from chalicelib.model.certainty import Subject
from chalicelib.model.naming import Decision
from chalicelib.photo.pixels import Quality

Reason = Literal[
    "person",
    "vehicle",
    "no_animal",
    "animal_small",
    "photo_small",
    "photo_dark",
    "photo_blurred",
    "night_camera",
    "unknown_relatives",
    "unclear",
    "unlike",
]


class SureWord(NamedTuple):
    """A word for how sure an answer is. `right`: lowest score that gets this word. Scores are calibrated
    (docs/explanation/field.md), so at least this share of such answers is right. `english`: the word in the message."""

    word: str
    right: float
    english: str


SURE: Final = tuple(SureWord(**row) for row in json.loads(Path(__file__).with_name("sure.json").read_text("utf-8")))
"""The words, the surest first; the page reads the same file."""
FORMER: Final = {"very sure": "almost certain", "fairly sure": "likely", "photo_grey": "night_camera"}
"""Today's words and reasons, by those that an earlier release used and that stored results still have."""
_VOWEL: Final = re.compile("(?!eu|one-|u(ga|in|ni[cf]|ra|ru|ta))[aeiou]|hour", re.IGNORECASE)
"""Matches names that begin with the sound of a vowel, unlike 'European'."""
SMALL_SHARE: Final = 0.05
"""Share of the photo's area below which an animal is small."""


def sure_of(score: float) -> str:
    """Return the word for how sure a prediction is, from its score."""
    return next(each.word for each in SURE if score >= each.right)


def english_of(sure: str) -> str:
    """Return the English for a word of `SURE`, as the message has it."""
    return next(each.english for each in SURE if each.word == sure)


_SENTENCES: Final[dict[Reason, str]] = {
    "person": "The photo shows a person and no animal.",
    "vehicle": "The photo shows a vehicle and no animal.",
    "night_camera": "Photos of night cameras have no colours, which tell many animals apart.",
    "no_animal": "There seems to be no animal in the photo.",
    "unknown_relatives": "It may be an animal that lives here and that no model knows.",
    "unclear": "The photo does not show clearly whether there is an animal.",
    "unlike": "It looks like several animals that are not close relatives; a photo from another side would help.",
}
_PHOTO_FAULTS: Final[dict[Reason, str]] = {
    "photo_small": "a thumbnail",
    "photo_dark": "dark",
    "photo_blurred": "blurred",
}


def reasons_of(
    subject: Subject, decision: Decision, quality: Quality, share: float | None = None
) -> tuple[Reason, ...]:
    """Return why an answer is wide or missing; empty if it is neither.

    `share`: the animal's share of the photo's area, if a detector has found the animal. The faults of a night camera's
    photo do not count as reasons, because its next photo has them too. If the photo looks like a single animal or
    family, no reason is needed.
    """
    if subject == "person" or subject == "vehicle":
        return (subject,)
    if subject == "none":
        return ("no_animal",)
    if decision.prediction is not None and not decision.prediction.is_wide:
        return ()
    faults: dict[Reason, bool] = {
        "animal_small": share is not None and share < SMALL_SHARE,
        "photo_small": quality.is_small,
        "photo_dark": quality.is_dark,
        "photo_blurred": quality.is_soft,
    }
    if any(faults.values()) and not quality.is_infrared:
        return tuple(fault for fault, applies in faults.items() if applies)
    if decision.is_widened:
        return ("unknown_relatives",)
    if quality.is_infrared:
        return ("night_camera",)
    if subject == "unclear":
        return ("unclear",)
    return () if len(decision.perhaps) == 1 or decision.looks_like else ("unlike",)


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


def and_list(words: Sequence[str], last: str = "and") -> str:
    """Return words as in a sentence: `a, b and c`. `last`: the word before the last one."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def with_article(name: str) -> str:
    """Return a name with its indefinite article.

    >>> with_article("opossum"), with_article("Eurasian beaver")
    ('an opossum', 'a Eurasian beaver')
    """
    return f"{'an' if _VOWEL.match(name) else 'a'} {name}"


def or_list(names: Sequence[str]) -> str:
    """Return names with articles: `a deer or a peccary`, `an opossum; a raccoon or coati; or a dog, wolf or fox`."""
    words = [with_article(name) for name in names]
    pause = "; " if any("," in name for name in names) else ", "
    if len(words) == 1 or (len(words) == 2 and not any("," in name or " or " in name for name in names)):
        return and_list(words, "or")
    return f"{pause.join(words[:-1])}{pause}or {words[-1]}"

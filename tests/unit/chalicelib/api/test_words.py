"""Words: how sure an answer is, and why it is wide or missing."""

import pytest

from chalicelib.api.words import SURE, reasons_of, sure_of, why_not
from chalicelib.features.features import Mode
from chalicelib.model.naming import Subject
from chalicelib.model.taxonomy import Prediction, Taxon
from chalicelib.photo.quality import Quality

ORDER = Taxon("carnivore", "Carnivora", "order")
FAMILY = Taxon("cat", "Felidae", "family")
WIDE = Prediction(ORDER, 0.9, (ORDER,))
NARROW = Prediction(FAMILY, 0.9, (ORDER, FAMILY))
CLEAR = Quality(800, is_dark=False, is_soft=False, is_grey=False)
AT_NIGHT = Quality(800, is_dark=True, is_soft=False, is_grey=True)
THUMBNAIL = Quality(100, is_dark=False, is_soft=True, is_grey=False)


@pytest.mark.parametrize(
    ("score", "mode", "word"),
    [
        (SURE[0].least, "narrowed", "very sure"),
        (SURE[1].least, "narrowed", "fairly sure"),
        (0.6, "narrowed", "perhaps"),
        (1.0, "no_location", "fairly sure"),
        (SURE[1].least_alone, "unknown_area", "fairly sure"),
        (0.94, "degraded", "perhaps"),
    ],
)
def test_an_answer_without_the_place_is_less_sure(score: float, mode: Mode, word: str) -> None:
    assert sure_of(score, mode) == word


def test_an_answer_is_wide_above_the_family() -> None:
    assert WIDE.is_wide
    assert Prediction(Taxon("animal", "Animalia", "kingdom"), 1.0).is_wide
    assert not NARROW.is_wide


def test_a_narrow_answer_needs_no_reason() -> None:
    reasons = reasons_of("animal", NARROW, AT_NIGHT, 0.01, is_widened=True)
    assert reasons == ()
    assert why_not(reasons) is None


@pytest.mark.parametrize(
    ("subject", "prediction", "reason"),
    [
        ("person", None, "The photo shows a person and no animal."),
        ("vehicle", None, "The photo shows a vehicle and no animal."),
        ("none", None, "There seems to be no animal in the photo."),
        ("unclear", None, "The photo does not show clearly whether there is an animal."),
        (
            "animal",
            WIDE,
            "It looks like several animals that are not close relatives; a photo from another side would help.",
        ),
    ],
)
def test_a_missing_or_wide_answer_to_a_clear_photo_has_a_reason(
    subject: Subject, prediction: Prediction | None, reason: str
) -> None:
    assert why_not(reasons_of(subject, prediction, CLEAR, 0.5)) == reason


def test_a_photo_with_faults_says_what_would_help() -> None:
    dark = reasons_of("animal", None, AT_NIGHT)
    assert dark == ("photo_dark", "photo_grey")
    assert why_not(dark) == "The photo is dark and without colour; a better photo would help."
    small = why_not(reasons_of("animal", WIDE, AT_NIGHT, 0.01))
    assert small == "The animal is small and the photo is dark and without colour; a closer photo would help."
    thumbnail = why_not(reasons_of("unclear", None, THUMBNAIL))
    assert thumbnail == "The photo is a thumbnail and blurred; a closer photo would help."


def test_unknown_relatives_are_a_reason() -> None:
    reason = "It may be one of the relatives that live here and that no model knows."
    assert why_not(reasons_of("animal", WIDE, CLEAR, 0.5, is_widened=True)) == reason


def test_a_clear_photo_has_no_faults() -> None:
    assert reasons_of("animal", None, CLEAR) == ("unlike",)
    assert reasons_of("animal", None, CLEAR, 0.3) == ("unlike",)

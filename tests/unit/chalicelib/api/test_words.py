"""Words: how sure an answer is, why it is wide or missing, and how a sentence lists names."""

import pytest

from chalicelib.api.words import SURE, or_list, reasons_of, sure_of, why_not, with_article
from chalicelib.model.naming import Decision, Member
from chalicelib.model.subject import Subject
from chalicelib.model.taxonomy import Prediction, Taxon
from chalicelib.photo.quality import Quality

ORDER = Taxon("carnivore", "Carnivora", "order")
FAMILY = Taxon("cat", "Felidae", "family")
WIDE = Decision(Prediction(ORDER, 0.9, (ORDER,)))
NARROW = Decision(Prediction(FAMILY, 0.9, (ORDER, FAMILY)))
LIKE_ONE = WIDE._replace(looks_like=Member("panthera-leo", "lion", "Panthera leo"))
CLEAR = Quality(800, is_dark=False, is_soft=False, is_grey=False)
DARK = Quality(800, is_dark=True, is_soft=False, is_grey=False)
AT_NIGHT = Quality(800, is_dark=True, is_soft=False, is_grey=True)
THUMBNAIL = Quality(100, is_dark=False, is_soft=True, is_grey=False)


@pytest.mark.parametrize(
    ("score", "word"),
    [
        (1.0, "almost certain"),
        (0.95, "almost certain"),
        (0.9499, "likely"),
        (0.75, "likely"),
        (0.7499, "perhaps"),
        (0.4, "perhaps"),
        (0.3999, "unclear"),
        (0.0, "unclear"),
    ],
)
def test_the_word_comes_from_the_number(score: float, word: str) -> None:
    assert sure_of(score) == word
    assert word in {each.word for each in SURE}


WIDENED = WIDE._replace(is_widened=True)


@pytest.mark.parametrize(
    ("decision", "quality", "share", "reasons"),
    [
        (NARROW._replace(is_widened=True), AT_NIGHT, 0.01, ()),  # a narrow answer needs none
        (LIKE_ONE, CLEAR, None, ()),  # nor does a list of one family
        (WIDE, CLEAR, None, ("unlike",)),
        (LIKE_ONE, DARK, None, ("photo_dark",)),
        (Decision(), DARK, None, ("photo_dark",)),
        (WIDE, AT_NIGHT, 0.01, ("night_camera",)),  # no advice that a night camera cannot follow
        (WIDENED, CLEAR, 0.5, ("unknown_relatives",)),
        (WIDENED, AT_NIGHT, 0.5, ("unknown_relatives",)),
        (Decision(), CLEAR, None, ("unlike",)),
        (Decision(), CLEAR, 0.3, ("unlike",)),
    ],
)
def test_a_wide_or_missing_answer_has_reasons(
    decision: Decision, quality: Quality, share: float | None, reasons: tuple[str, ...]
) -> None:
    assert reasons_of("animal", decision, quality, share) == reasons


@pytest.mark.parametrize(
    ("subject", "decision", "reason"),
    [
        ("person", Decision(), "The photo shows a person and no animal."),
        ("vehicle", Decision(), "The photo shows a vehicle and no animal."),
        ("none", Decision(), "There seems to be no animal in the photo."),
        ("unclear", Decision(), "The photo does not show clearly whether there is an animal."),
        ("animal", WIDENED, "It may be one of the relatives that live here and that no model knows."),
        (
            "animal",
            WIDE,
            "It looks like several animals that are not close relatives; a photo from another side would help.",
        ),
    ],
)
def test_a_missing_or_wide_answer_to_a_clear_photo_has_a_reason(
    subject: Subject, decision: Decision, reason: str
) -> None:
    assert why_not(reasons_of(subject, decision, CLEAR, 0.5)) == reason


def test_a_photo_with_faults_says_what_would_help() -> None:
    assert why_not(()) is None
    assert why_not(reasons_of("animal", Decision(), DARK)) == "The photo is dark; a better photo would help."
    small = why_not(reasons_of("animal", WIDE, DARK, 0.01))
    assert small == "The animal is small and the photo is dark; a closer photo would help."
    thumbnail = why_not(reasons_of("unclear", Decision(), THUMBNAIL))
    assert thumbnail == "The photo is a thumbnail and blurred; a closer photo would help."


@pytest.mark.parametrize(
    "name", ["an opossum", "an elephant", "an upland goose", "a deer", "a Eurasian beaver", "a Ural owl"]
)
def test_a_name_has_the_article_of_its_sound(name: str) -> None:
    assert with_article(name.partition(" ")[2]) == name


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["deer"], "a deer"),
        (["deer", "peccary"], "a deer or a peccary"),
        (["opossum", "raccoon or coati", "fox"], "an opossum, a raccoon or coati, or a fox"),
        (["opossum", "raccoon", "dog, wolf or fox"], "an opossum; a raccoon; or a dog, wolf or fox"),
        (["deer", "dog, wolf or fox"], "a deer; or a dog, wolf or fox"),
    ],
)
def test_a_list_of_possible_animals_has_articles(names: list[str], text: str) -> None:
    assert or_list(names) == text

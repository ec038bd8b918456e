"""Words: how sure an answer is, why it is wide or missing, and how a sentence lists names."""

import pytest

from chalicelib.api.words import SURE, or_list, reasons_of, sure_of, why_not, with_article
from chalicelib.model.certainty import Subject
from chalicelib.model.naming import Decision, Member
from chalicelib.model.taxonomy import Prediction, Taxon
from chalicelib.photo.pixels import Quality

ORDER = Taxon("carnivore", "Carnivora", "order")
FAMILY = Taxon("cat", "Felidae", "family")
WIDE = Decision(Prediction(ORDER, 0.9, (ORDER,)))
NARROW = Decision(Prediction(FAMILY, 0.9, (ORDER, FAMILY)))
LIKE_ONE = WIDE._replace(looks_like=Member("panthera-leo", "lion", "Panthera leo"))
CLEAR = Quality(800, is_dark=False, is_soft=False, is_infrared=False)
DARK = Quality(800, is_dark=True, is_soft=False, is_infrared=False)
AT_NIGHT = Quality(800, is_dark=True, is_soft=False, is_infrared=True)
THUMBNAIL = Quality(100, is_dark=False, is_soft=True, is_infrared=False)


@pytest.mark.parametrize(
    ("score", "word"),
    [
        *((1.0, "almost certain"), (0.95, "almost certain"), (0.9499, "likely"), (0.75, "likely")),
        *((0.7499, "perhaps"), (0.4, "perhaps"), (0.3999, "unclear"), (0.0, "unclear")),
    ],
)
def test_the_word_comes_from_the_number(score: float, word: str) -> None:
    assert sure_of(score) == word
    assert word in {each.word for each in SURE}


WIDENED = WIDE._replace(is_widened=True)
SEVERAL = "It looks like several animals that are not close relatives; a photo from another side would help."
RELATIVES = "It may be an animal that lives here and that no model knows."
NIGHT = "Photos of night cameras have no colours, which tell many animals apart."


@pytest.mark.parametrize(
    ("subject", "decision", "quality", "share", "reason"),
    [
        ("animal", NARROW._replace(is_widened=True), AT_NIGHT, 0.01, None),  # a narrow answer needs none
        ("animal", LIKE_ONE, CLEAR, None, None),  # nor does a list of one family
        ("animal", WIDE, CLEAR, None, SEVERAL),
        ("animal", Decision(), CLEAR, 0.3, SEVERAL),
        ("animal", LIKE_ONE, DARK, None, "The photo is dark; a better photo would help."),
        ("animal", Decision(), DARK, None, "The photo is dark; a better photo would help."),
        ("animal", WIDE, DARK, 0.01, "The animal is small and the photo is dark; a closer photo would help."),
        ("unclear", Decision(), THUMBNAIL, None, "The photo is a thumbnail and blurred; a closer photo would help."),
        ("animal", WIDE, AT_NIGHT, 0.01, NIGHT),  # no advice that a night camera cannot follow
        ("animal", WIDENED, CLEAR, 0.5, RELATIVES),
        ("animal", WIDENED, AT_NIGHT, 0.5, RELATIVES),
        ("person", Decision(), CLEAR, 0.5, "The photo shows a person and no animal."),
        ("vehicle", Decision(), CLEAR, 0.5, "The photo shows a vehicle and no animal."),
        ("none", Decision(), CLEAR, 0.5, "There seems to be no animal in the photo."),
        ("unclear", Decision(), CLEAR, 0.5, "The photo does not show clearly whether there is an animal."),
    ],
)
def test_a_wide_or_missing_answer_has_a_reason_and_says_what_would_help(
    subject: Subject, decision: Decision, quality: Quality, share: float | None, reason: str | None
) -> None:
    assert why_not(reasons_of(subject, decision, quality, share)) == reason


@pytest.mark.parametrize(
    "name",
    ["an opossum", "an elephant", "an upland goose", "a deer", "a Eurasian beaver", "a Ural owl", "a Uinta chipmunk"],
)
def test_a_name_has_the_article_of_its_sound(name: str) -> None:
    assert with_article(name.partition(" ")[2]) == name


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["deer"], "a deer"),
        (["deer", "peccary"], "a deer or a peccary"),
        (["indri or sifaka", "sportive lemur"], "an indri or sifaka, or a sportive lemur"),
        (["opossum", "raccoon or coati", "fox"], "an opossum, a raccoon or coati, or a fox"),
        (["opossum", "raccoon", "dog, wolf or fox"], "an opossum; a raccoon; or a dog, wolf or fox"),
        (["deer", "dog, wolf or fox"], "a deer; or a dog, wolf or fox"),
    ],
)
def test_a_list_of_possible_animals_has_articles(names: list[str], text: str) -> None:
    assert or_list(names) == text

"""Numbers with their nouns and verbs."""

import pytest

from cli.words import count


@pytest.mark.parametrize(
    ("number", "words", "many", "expected"),
    [
        (0, "photo", "", "0 photos"),
        (1, "photo", "", "1 photo"),
        (1200, "photo", "", "1,200 photos"),
        (1, "labelled photo has", "", "1 labelled photo has"),
        (2, "labelled photo has", "", "2 labelled photos have"),
        (2, "video was", "", "2 videos were"),
        (2, "class is", "classes are", "2 classes are"),
    ],
)
def test_noun_and_verb_follow_the_number(number: int, words: str, many: str, expected: str) -> None:
    assert count(number, words, many) == expected

"""Two versions on the same photos: which one is worse, and whether that is more than noise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.verdict import NOISE, Verdict, grade, verdict

FOX = ("Chordata", "Mammalia", "Carnivora", "Canidae", "Vulpes", "Vulpes vulpes")


@pytest.mark.parametrize(
    ("named", "truth", "expected"),
    [
        (FOX, FOX, 6),
        (FOX[:4], FOX, 4),
        (FOX, FOX[:4], 4),
        (FOX[:2], FOX, 2),
        ((*FOX[:4], "Canis"), FOX, -1),
        ((), FOX, 0),
        ((), (), 1),
        (FOX, (), -1),
    ],
)
def test_a_narrower_right_answer_is_better_and_a_wrong_one_is_worse_than_none(
    named: tuple[str, ...], truth: tuple[str, ...], expected: int
) -> None:
    assert grade(named, truth) == expected


@pytest.mark.parametrize(
    ("better", "worse", "is_worse"),
    [(0, 0, False), (0, 4, False), (0, 5, True), (3, 8, False), (30, 50, True), (50, 30, False), (495, 505, False)],
)
def test_worse_is_more_than_a_fair_coin_would_make_it(better: int, worse: int, is_worse: bool) -> None:
    assert Verdict(better, worse, same=1000).is_worse is is_worse


@given(st.integers(0, 400), st.integers(0, 400))
def test_equally_good_versions_are_rarely_called_worse(better: int, worse: int) -> None:
    # GIVEN any counts THEN the chance is a probability, and both directions share the middle outcome
    one, other = Verdict(better, worse, 0), Verdict(worse, better, 0)
    assert 0 <= one.chance <= 1
    assert one.chance + other.chance >= 1
    # AND no pair of counts is worse in both directions
    assert not (one.is_worse and other.is_worse)
    assert one.is_worse == (worse > better and one.chance < NOISE)


def test_grades_of_the_same_photos_become_a_verdict() -> None:
    assert verdict([(6, 6), (6, 4), (0, 4), (-1, 0), (4, -1)]) == Verdict(better=2, worse=2, same=1)

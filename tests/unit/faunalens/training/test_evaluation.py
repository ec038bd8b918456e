"""Figures of a trained head: what is right, named and reliable. tests/golden/card/ has all figures of some photos."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.model.detector import Box
from chalicelib.model.taxonomy import Animal, Taxon
from faunalens.training.evaluation import OTHER, About, Evaluation, Outcome, Point, outlook

FOX = Animal(1, "vulpes", 0, "fox", "Vulpes", "genus", "wild", (Taxon("fox", "Vulpes", "genus"),))
HARE = Animal(2, "lepus", 1, "hare", "Lepus", "genus", "wild", (Taxon("hare", "Lepus", "genus"),))
ABOUT = About("dune_animals", (FOX, HARE), 0.95, "0123456789ab", 7)


def outcome(photo: str, taxon: str, *probabilities: float, box: Box | None = None) -> Outcome:
    """Return a photo by the camera of its folder."""
    return Outcome(Path(photo), photo.partition("/")[0], taxon, np.array(probabilities, np.float32), box)


def test_of_nothing_nothing_is_right_and_a_taxon_that_never_was_precise_enough_is_never_named() -> None:
    empty = Evaluation(ABOUT, (), {}, ())
    assert (empty.worst(), empty.total, empty.reliability) == ([], (None, 0, 0, 0, 0, None), ())
    never = Evaluation(ABOUT, (outcome("a/1.jpg", "vulpes", 0.9, 0.1, 0),), {"lepus": 0.5}, ())
    assert (never.total.right, never.total.named, never.total.right_of_named) == (1, 0, None)


SHARES = st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda each: sum(each) > 0.01)


@given(st.lists(st.tuples(SHARES, st.sampled_from(["vulpes", "lepus", OTHER]))))
def test_every_photo_counts_once(drawn: list[tuple[list[float], str]]) -> None:
    outcomes = tuple(outcome(f"c/{at}.jpg", taxon, *(p / sum(ps) for p in ps)) for at, (ps, taxon) in enumerate(drawn))
    found = Evaluation(ABOUT, outcomes, {}, ())
    assert found.confusion.sum() == sum(each.photos for each in found.rows) == len(outcomes)
    assert sum(each.photos for each in found.reliability) == len(outcomes)
    assert all(each.low <= each.stated <= each.high <= 1 for each in found.reliability)


def test_the_outlook_doubles_a_curve_whose_wrong_answers_shrink_by_one_factor() -> None:
    # GIVEN a curve that leaves 0.8 of the wrong answers at each doubling
    curve = [Point(100 * 2**step, 10, 1 - 0.5 * 0.8**step) for step in range(4)]
    # THEN the next doubling does too, whichever point is left out
    assert outlook(curve) == pytest.approx((0.256 * 0.2,) * 3)
    # WHEN a point hangs apart THEN the range shows it; two points leave none
    gain, low, high = outlook([Point(100, 10, 0.5), Point(200, 20, 0.6), Point(400, 40, 0.6)]) or (0, 0, 0)
    assert pytest.approx(0) == low < gain < high
    assert [outlook(few) for few in ((), curve[:2], curve[:1] * 5)] == [None] * 3


@given(st.lists(st.tuples(st.integers(1, 10**6), st.floats(0, 1)), max_size=6))
def test_the_outlook_never_brings_more_than_everything(points: list[tuple[int, float]]) -> None:
    curve = [Point(photos, 1, right) for photos, right in sorted(points)]
    if found := outlook(curve):
        assert found.low - 1e-9 <= found.gain <= found.high + 1e-9
        assert curve[-1].right + found.high <= 1

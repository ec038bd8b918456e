"""Figures of a trained head: what is right, named, confused, reliable and worst."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.model.taxonomy import Animal, Taxon
from cli.training.evaluation import OTHER, About, Evaluation, Outcome, Point, Row, outlook

FOX = Animal(1, "vulpes", 0, "fox", "Vulpes", "genus", "wild", (Taxon("fox", "Vulpes", "genus"),))
HARE = Animal(2, "lepus", 1, "hare", "Lepus", "genus", "wild", (Taxon("hare", "Lepus", "genus"),))
ABOUT = About("deer", (FOX, HARE), 0.95, "0" * 12)


def outcome(number: int, camera: str, taxon: str, *probabilities: float) -> Outcome:
    return Outcome(Path(f"{number}.jpg"), camera, taxon, np.array(probabilities, np.float32), None)


OUTCOMES = (
    outcome(0, "north", "vulpes", 0.91, 0.04, 0.05),
    outcome(1, "north", "vulpes", 0.6, 0.3, 0.1),
    outcome(2, "south", "vulpes", 0.05, 0.85, 0.1),
    outcome(3, "south", "lepus", 0.1, 0.8, 0.1),
    outcome(4, "west", "lepus", 0.1, 0.2, 0.7),
    outcome(5, "west", OTHER, 0.2, 0.1, 0.7),
    outcome(6, "west", OTHER, 0.95, 0.0, 0.05),
)


def evaluation(*outcomes: Outcome) -> Evaluation:
    thresholds = {"vulpes": 0.75, "lepus": 0.7}
    curve = (Point(3, 2, 0.5), Point(5, 3, 0.6))
    return Evaluation(ABOUT, outcomes, thresholds, curve)


def test_shares_are_of_photos_that_show_a_taxon_of_the_head() -> None:
    found = evaluation(*OUTCOMES)
    # THEN strangers count apart
    assert found.total == Row(None, 5, 3, 3 / 5, 3 / 5, 2 / 3)
    assert found.rows[-1].named == 1 / 2
    # THEN the confusion counts by what is shown and by what is said
    assert found.confusion.tolist() == [[2, 1, 0], [0, 1, 1], [1, 0, 1]]


def test_a_photo_is_named_if_its_taxon_is_certain_enough() -> None:
    found = evaluation(*OUTCOMES)
    names = [found.name_of(each) for each in OUTCOMES]
    assert names == ["vulpes", None, "lepus", "lepus", None, None, "vulpes"]
    # WHEN a taxon has no threshold, because it never was precise enough
    never = Evaluation(ABOUT, OUTCOMES, {}, ())
    # THEN it is never named
    assert (never.total.named, never.total.right_of_named) == (0, None)


def test_each_taxon_has_a_row_and_strangers_the_last() -> None:
    assert evaluation(*OUTCOMES).rows == (
        Row(FOX, 3, 2, 2 / 3, 2 / 3, 1 / 2),
        Row(HARE, 2, 2, 1 / 2, 1 / 2, 1 / 2),
        Row(None, 2, 1, 1 / 2, 1 / 2, None),
    )
    # WHEN there are no strangers
    assert [each.taxon for each in evaluation(*OUTCOMES[:5]).rows] == [FOX, HARE]


def test_reliability_compares_what_was_stated_with_what_was_right() -> None:
    bins = evaluation(*OUTCOMES).reliability
    found = [(each.low, each.photos, each.right) for each in bins]
    assert found == [(0.2, 2, 1 / 2), (0.6, 1, 1), (0.8, 2, 1 / 2), (0.9, 2, 1 / 2)]
    assert bins[-1].stated == pytest.approx(0.93)


def test_the_worst_photos_are_the_surest_wrong_ones() -> None:
    found = evaluation(*OUTCOMES)
    assert [[each.photo.stem for each in found.worst(most)] for most in (20, 1)] == [["6", "2"], ["6"]]
    # THEN nothing at all has none, and no share
    empty = evaluation()
    assert (empty.worst(), empty.total, empty.reliability) == ([], (None, 0, 0, 0, 0, None), ())


SHARES = st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda each: sum(each) > 0.01)


@given(st.lists(st.tuples(SHARES, st.sampled_from(["vulpes", "lepus", OTHER]))))
def test_every_photo_counts_once(drawn: list[tuple[list[float], str]]) -> None:
    outcomes = [outcome(at, "c", taxon, *(p / sum(ps) for p in ps)) for at, (ps, taxon) in enumerate(drawn)]
    found = evaluation(*outcomes)
    assert found.confusion.sum() == sum(each.photos for each in found.rows) == len(outcomes)
    assert sum(each.photos for each in found.reliability) == len(outcomes)


def test_the_outlook_doubles_a_curve_whose_wrong_answers_shrink_by_one_factor() -> None:
    # GIVEN a curve that leaves 0.8 of the wrong answers at each doubling
    curve = [Point(100 * 2**step, 10, 1 - 0.5 * 0.8**step) for step in range(4)]
    found = outlook(curve)
    # THEN the next doubling does too, whichever point is left out
    assert found is not None
    assert tuple(found) == pytest.approx((0.256 * 0.2,) * 3)


def test_the_range_of_the_outlook_shows_how_much_hangs_on_one_point() -> None:
    curve = [Point(100, 10, 0.5), Point(200, 20, 0.6), Point(400, 40, 0.6)]
    found = outlook(curve)
    assert found is not None
    assert pytest.approx(0) == found.low < found.gain < found.high
    # THEN two points leave none
    assert [outlook(few) for few in ((), curve[:2], curve[:1] * 5)] == [None] * 3


@given(st.lists(st.tuples(st.integers(1, 10**6), st.floats(0, 1)), max_size=6))
def test_the_outlook_never_brings_more_than_everything(points: list[tuple[int, float]]) -> None:
    curve = [Point(photos, 1, right) for photos, right in sorted(points)]
    if found := outlook(curve):
        assert found.low - 1e-9 <= found.gain <= found.high + 1e-9
        assert curve[-1].right + found.high <= 1

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
    return Evaluation(ABOUT, outcomes, {"vulpes": 0.75, "lepus": 0.7}, ())


FOUND = evaluation(*OUTCOMES)


def test_a_photo_is_named_if_its_taxon_is_certain_enough() -> None:
    assert [FOUND.name_of(each) for each in OUTCOMES] == ["vulpes", None, "lepus", "lepus", None, None, "vulpes"]
    # WHEN a taxon has no threshold, because it never was precise enough THEN it is never named
    never = Evaluation(ABOUT, OUTCOMES, {}, ())
    assert (never.total.named, never.total.right_of_named) == (0, None)


def test_shares_are_of_photos_that_show_a_taxon_of_the_head_and_strangers_count_apart() -> None:
    assert FOUND.total == Row(None, 5, 3, 3 / 5, 3 / 5, 2 / 3)
    assert FOUND.rows == (
        Row(FOX, 3, 2, 2 / 3, 2 / 3, 1 / 2),
        Row(HARE, 2, 2, 1 / 2, 1 / 2, 1 / 2),
        Row(None, 2, 1, 1 / 2, 1 / 2, None),
    )
    # THEN the confusion counts by what is shown and by what is said
    assert FOUND.confusion.tolist() == [[2, 1, 0], [0, 1, 1], [1, 0, 1]]


def test_reliability_compares_what_was_stated_with_what_was_right() -> None:
    found = [(each.low, each.photos, each.right) for each in FOUND.reliability]
    assert found == [(0.2, 2, 1 / 2), (0.6, 1, 1), (0.8, 2, 1 / 2), (0.9, 2, 1 / 2)]
    assert FOUND.reliability[-1].stated == pytest.approx(0.93)


def test_the_worst_photos_are_the_surest_wrong_ones() -> None:
    assert [[each.photo.stem for each in FOUND.worst(most)] for most in (20, 1)] == [["6", "2"], ["6"]]
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

"""Boxes: where they are in the photo, and which of several around one thing is kept."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from chalicelib.model.boxes import GREY, Box, corners_of, letter_box, suppress

shares = st.floats(0, 1, width=32)
overlaps = st.floats(0.0625, 1, width=32)


@st.composite
def scored(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw up to 30 boxes, by their corners, and their scores."""
    count = draw(st.integers(0, 30))
    ends = draw(arrays(np.float32, (count, 2, 2), elements=shares))
    return np.sort(ends, axis=1).reshape(count, 4), draw(arrays(np.float32, count, elements=shares))


def overlap_of(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return the share of two boxes' union that both cover, from its definition."""
    both = max(min(a[2], b[2]) - max(a[0], b[0]), 0.0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0.0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both
    return float(both / union) if union > 0 else 1.0


@given(st.integers(1, 32), st.integers(1, 32))
def test_a_letter_box_has_the_photo_at_its_left_upper_corner(height: int, width: int) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    boxed = letter_box(frame, 32)
    assert boxed.shape == (32, 32, 3)
    assert np.array_equal(boxed[:height, :width], frame)
    assert (boxed[height:] == GREY).all()
    assert (boxed[:, width:] == GREY).all()


def test_boxes_are_shares_of_the_photo_and_end_at_its_borders() -> None:
    # GIVEN boxes in a letter-box whose photo is 400 × 200: in the middle, over a corner, in the grey, and infinite
    boxes = np.array([[200, 100, 100, 50], [400, 0, 80, 80], [200, 300, 10, 10], [9, 9, np.inf, 20]], np.float32)
    # WHEN they become shares; THEN each ends where the photo does
    expected = [[0.375, 0.375, 0.625, 0.625], [0.9, 0, 1, 0.2], [0.4875, 1, 0.5125, 1], [0, 0, 1, 0.095]]
    np.testing.assert_allclose(corners_of(boxes, 400, 200), expected, atol=1e-6)


def test_the_surest_box_around_a_thing_is_kept() -> None:
    # GIVEN two boxes around one thing, and one beside it
    corners = np.array([[0, 0, 0.5, 0.5], [0.02, 0, 0.52, 0.5], [0.5, 0, 1, 0.5]], np.float32)
    scores = np.array([0.5, 0.9, 0.4], np.float32)
    # WHEN boxes around the same are suppressed; THEN the surest and the other one stay
    assert suppress(corners, scores, 0.5, 10).tolist() == [1, 2]
    assert suppress(corners, scores, 0.5, 1).tolist() == [1]
    assert suppress(corners[:0], scores[:0], 0.5, 10).tolist() == []


@given(scored(), overlaps, st.integers(1, 40))
def test_what_is_kept_does_not_overlap_and_what_is_not_does(
    boxes: tuple[NDArray[np.float32], NDArray[np.float32]], overlap: float, most: int
) -> None:
    corners, scores = boxes
    kept = suppress(corners, scores, overlap, most).tolist()
    # THEN the surest come first
    assert kept == sorted(set(kept), key=lambda index: (-scores[index], index))
    assert len(kept) <= most
    # AND no two of them overlap too much
    for place, index in enumerate(kept):
        assert all(overlap_of(corners[index], corners[other]) < overlap + 1e-4 for other in kept[:place])
    # AND each of the others overlaps with a surer one, unless there are enough
    for index in set(range(len(scores))) - set(kept) if len(kept) < most else ():
        surer = [other for other in kept if scores[other] >= scores[index]]
        assert any(overlap_of(corners[index], corners[other]) > overlap - 1e-4 for other in surer)


@given(scored())
def test_the_order_of_boxes_with_different_scores_does_not_matter(
    boxes: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> None:
    corners, _ = boxes
    scores = np.linspace(0.1, 0.9, len(corners), dtype=np.float32)
    order = np.random.default_rng(len(corners)).permutation(len(corners))
    kept, again = suppress(corners, scores, 0.5, 30), suppress(corners[order], scores[order], 0.5, 30)
    assert kept.tolist() == order[again].tolist()


@given(shares, shares, shares, shares, st.floats(0, 2))
def test_a_grown_box_holds_the_box_and_is_in_the_photo(x: float, y: float, w: float, h: float, share: float) -> None:
    box = Box(x, y, w * (1 - x), h * (1 - y), 0.5, "animal")
    left, top, right, bottom = box.grown(share)
    assert 0 <= left <= box.x
    assert 0 <= top <= box.y
    assert min(box.x + box.width, 1) <= right <= 1
    assert min(box.y + box.height, 1) <= bottom <= 1


def test_a_box_grows_on_each_side() -> None:
    grown = Box(0.4, 0.5, 0.2, 0.1, 0.9, "animal").grown(0.1)
    assert grown == pytest.approx((0.38, 0.49, 0.62, 0.61))

"""The pictures of a model card."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.training.diagrams import confusion_picture, curve_picture, percent, reliability_picture
from cli.training.evaluation import Bin, Point, outlook

SHARES = st.floats(0, 1)
CIRCLE = re.compile(r'<circle class="[^"]+" cx="([\d.-]+)" cy="([\d.-]+)" r="([\d.]+)"/>')


def circles(picture: str) -> list[tuple[float, float, float]]:
    """Return x, y and radius of each circle."""
    return [(float(x), float(y), float(radius)) for x, y, radius in CIRCLE.findall(picture)]


def texts(picture: str) -> list[str]:
    return re.findall(r"<text [^>]+>([^<]*)</text>", picture)


def test_a_share_is_text() -> None:
    assert (percent(0.954), percent(None)) == ("95%", "–")


def test_the_confusion_has_shares_and_counts_and_marks_what_is_right() -> None:
    picture = confusion_picture(["fox", "<hare>"], [("fox", [3, 1]), ("<hare>", [0, 2])])
    assert '<td class="right" style="--share:0.750"><b>75%</b><small>3</small></td>' in picture
    assert '<td class="wrong" style="--share:0.000"></td>' in picture
    assert "<hare>" not in picture


def test_a_bin_is_a_circle_as_large_as_its_photos() -> None:
    picture = reliability_picture([Bin(0.5, 0.6, 25, 0.5, 0.5), Bin(0.9, 1.0, 100, 0.95, 1.0)])
    (x, y, small), (right, top, large) = circles(picture)
    assert (x < right, y > top, large / small) == (True, True, 2)
    assert {"25", "100"} <= set(texts(picture))


def test_the_outlook_is_a_point_of_its_own_at_twice_the_photos() -> None:
    curve = (Point(10, 2, 0.5), Point(20, 3, 0.6), Point(40, 6, 0.68))
    without, more = curve_picture(curve, None), curve_picture(curve, outlook(curve))
    assert (len(circles(without)), len(circles(more))) == (3, 4)
    assert {"10", "20", "40", "80?", "+6?"} <= set(texts(more))
    assert "?" not in without
    # AND each doubling is as wide as the next
    a, b, c, d = (x for x, _, _ in circles(more))
    assert (c - b, d - c) == pytest.approx((b - a, b - a))


def test_without_a_curve_there_is_no_picture() -> None:
    assert curve_picture((), None) == ""
    assert len(circles(curve_picture((Point(7, 2, 0.5),), None))) == 1


@given(st.lists(st.tuples(SHARES, SHARES, st.integers(1, 10**6)), max_size=10))
def test_every_circle_lies_in_the_picture(bins: list[tuple[float, float, int]]) -> None:
    picture = reliability_picture([Bin(0, 1, photos, stated, right) for stated, right, photos in bins])
    left, top, wide, high = map(int, re.findall(r"-?\d+", picture.partition('viewBox="')[2])[:4])
    for x, y, radius in circles(picture):
        assert left <= x - radius <= x + radius <= left + wide
        assert top <= y - radius <= y + radius <= top + high

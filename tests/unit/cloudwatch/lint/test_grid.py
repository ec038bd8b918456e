"""The grid: overlaps are found, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from cloudwatch.lint.grid import Rectangle, check

PLACES = st.builds(
    Rectangle,
    title=st.just("w"),
    x=st.integers(0, 23),
    y=st.integers(0, 12),
    width=st.integers(1, 24),
    height=st.integers(1, 8),
)


def cells(place: Rectangle) -> set[tuple[int, int]]:
    return {(x, y) for x in range(place.x, place.right) for y in range(place.y, place.bottom)}


@given(PLACES, PLACES)
def test_two_overlap_if_they_share_a_cell(one: Rectangle, other: Rectangle) -> None:
    assert one.overlaps(other) == bool(cells(one) & cells(other)) == other.overlaps(one)


@given(st.lists(PLACES, max_size=6))
def test_every_overlap_and_every_overhang_is_reported_once(places: list[Rectangle]) -> None:
    found = [problem for _, problem in check(places)]
    pairs = sum(bool(cells(one) & cells(other)) for at, one in enumerate(places) for other in places[at + 1 :])
    assert sum(problem.startswith("overlaps") for problem in found) == pairs
    assert sum(problem.startswith("reaches") for problem in found) == sum(place.right > 24 for place in places)

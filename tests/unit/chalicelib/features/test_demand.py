from hypothesis import given
from hypothesis import strategies as st

from chalicelib.features.demand import HALF_LIFE, Demand, hottest


def test_requests_are_counted_by_cell() -> None:
    # GIVEN three requests, one of them without a hit and one on a warmed value
    demand = Demand()
    demand.note(1, hit=True, warmed=True)
    demand.note(1, hit=True, warmed=False)
    demand.note(2, hit=False, warmed=False)
    # WHEN taken THEN each count is given once
    tally = demand.take()
    assert (tally.cells, tally.hits, tally.warmed) == ({1: 2, 2: 1}, 2, 1)
    assert demand.take().cells == {}


@given(st.lists(st.integers(0, 1000)), st.integers(1, 50))
def test_counts_are_bounded(cells: list[int], most: int) -> None:
    demand = Demand(most)
    for cell in cells:
        demand.note(cell, hit=True, warmed=False)
    tally = demand.take()
    assert len(tally.cells) <= most
    assert tally.hits == len(cells)


def test_older_demand_counts_less() -> None:
    # GIVEN a cell with ten requests now, and one with nineteen a half-life ago
    hours: list[dict[int, float]] = [{} for _ in range(int(HALF_LIFE) + 1)]
    hours[0], hours[-1] = {1: 10.0}, {2: 19.0, 3: 1.0}
    # THEN the first is hotter, and the coldest is cut
    assert hottest(hours, 2) == [1, 2]


def test_without_demand_nothing_is_hot() -> None:
    assert hottest([], 10) == []


@given(st.lists(st.text(max_size=3)), st.integers(1, 50))
def test_classes_are_counted_and_bounded(classes: list[str], most: int) -> None:
    demand = Demand(most)
    demand.see(classes)
    seen = demand.take().seen
    assert len(seen) <= most
    assert all(classes.count(name) == photos for name, photos in seen.items())
    assert not demand.take().seen

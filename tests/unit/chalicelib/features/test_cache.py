import re

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.config.settings import ROOT
from chalicelib.features.cache import HEALTH, PREFIX, ROLLOUT, Demand, demand_key, hits_key, taxon_key


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


@given(st.lists(st.text(max_size=3)), st.integers(1, 50))
def test_classes_are_counted_and_bounded(classes: list[str], most: int) -> None:
    demand = Demand(most)
    demand.see(classes)
    seen = demand.take().seen
    assert len(seen) <= most
    assert all(classes.count(name) == photos for name, photos in seen.items())
    assert not demand.take().seen


def test_the_page_about_features_lists_the_keys() -> None:
    page = (ROOT / "docs/explanation/features.md").read_text(encoding="utf-8")
    assert PREFIX in {key.partition(":")[0] + ":" for key in re.findall(r"`(\w+:[^`]+)`", page)}
    for key in (ROLLOUT, HEALTH, demand_key(0), hits_key(0), taxon_key("TAXON", "PART", "VERSION")):
        assert f"`{key.decode().removesuffix(':0')}" in page, key

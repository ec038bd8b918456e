from collections import Counter
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.config.settings import ROOT
from chalicelib.config.stores import RedisSettings
from chalicelib.features.cache import HEALTH, ROLLOUT, Demand, DemandCounts, demand_key, hits_key, taxon_key


@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.booleans())),
    st.lists(st.text(max_size=1)),
    st.integers(1, 5),
)
def test_requests_and_photos_are_counted_once_and_bounded(
    requests: list[tuple[int, bool, bool]], classes: list[str], most: int
) -> None:
    # GIVEN requests for cells, some of which are hits, some on warmed values, and photos of some classes
    demand = Demand(most)
    for cell, hit, warmed in requests:
        demand.note(cell, hit=hit, warmed=warmed)
    demand.see(classes)
    # WHEN the counts are taken THEN they are right, for a bounded number of cells and classes, and begin anew
    tally = demand.take()
    pairs: list[tuple[dict[Any, int], list[Any]]] = [(tally.cells, [r[0] for r in requests]), (tally.seen, classes)]
    for found, sent in pairs:
        assert len(found) == min(len(set(sent)), most)
        assert found.items() <= Counter(sent).items()
    assert (tally.hits, tally.warmed) == (sum(hit for _, hit, _ in requests), sum(h and w for _, h, w in requests))
    assert demand.take() == DemandCounts()


def test_counts_that_were_taken_stay_as_they_are_while_another_thread_counts() -> None:
    # GIVEN a thread that is counting the classes of a photo
    demand, taken = Demand(), list[Iterator[str]]()

    def classes() -> Iterator[str]:
        yield "quality:good"
        # WHEN another thread takes the counts, and goes through them while the first one goes on
        taken.append(iter(demand.take().seen))
        yield "quality:dark"

    demand.see(classes())
    # THEN the counts have not changed meanwhile, which would be an error
    assert list(taken[0]) == ["quality:good"]


def test_the_page_about_features_lists_the_keys() -> None:
    page = (ROOT / "docs/explanation/features.md").read_text(encoding="utf-8")
    for key in (ROLLOUT, HEALTH, demand_key(0), hits_key(0), taxon_key("TAXON", "PART", "VERSION")):
        assert f"`{RedisSettings().prefix}{key.decode().removesuffix(':0')}" in page, key

from collections import Counter
from collections.abc import Iterator
from typing import Any

import h3.api.basic_int as h3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.config.settings import ROOT
from chalicelib.config.stores import RedisSettings
from chalicelib.features.cache import (
    BUCKETS,
    HEALTH,
    ROLLOUT,
    ActiveRollout,
    Demand,
    DemandCounts,
    Rollout,
    bucket_of,
    demand_key,
    hits_key,
    taxon_key,
)
from chalicelib.location import cell_of
from tests.support.in_memory import rollout


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


CELLS = [cell_of(latitude, longitude) for latitude in range(-80, 81, 2) for longitude in range(-180, 180, 2)]


def test_a_trial_answers_for_its_share_and_a_larger_one_keeps_the_cells_of_a_smaller_one() -> None:
    small, large, all_ = (Rollout(2, "v1", "v2", share=share) for share in (1000, 5000, BUCKETS))
    found = Counter(small.version_of(cell) for cell in set(CELLS))
    assert found["v2"] / found.total() == pytest.approx(0.1, abs=0.01)
    for cell in CELLS:
        assert small.version_of(cell) == "v1" or large.version_of(cell) == "v2"
        assert (all_.version_of(cell), small.shadow_of(cell)) == ("v2", None)


def test_neighbours_are_in_unrelated_buckets() -> None:
    # GIVEN a share of a tenth THEN it is no tenth of the regions: of the cells on trial, few have a neighbour on trial
    on_trial = [cell for cell in set(CELLS) if bucket_of(cell) < 1000]
    neighbours = [bucket_of(each) < 1000 for cell in on_trial for each in h3.grid_ring(cell, 1)]
    assert sum(neighbours) / len(neighbours) < 0.2


def test_in_shadow_the_active_dataset_answers_and_the_other_is_compared() -> None:
    rollout = Rollout(2, "v1", "v2", share=5000, in_shadow=True)
    assert {rollout.version_of(cell) for cell in CELLS} == {"v1"}
    compared = Counter(rollout.shadow_of(cell) for cell in set(CELLS))
    assert compared["v2"] / compared.total() == pytest.approx(0.5, abs=0.01)


TEXT = st.text(min_size=1)


@given(st.builds(Rollout, st.integers(0, 2**62), TEXT, st.none() | TEXT, st.integers(0, BUCKETS), st.booleans()))
def test_a_rollout_survives_its_text(rollout: Rollout) -> None:
    assert Rollout.from_text(rollout.to_text().encode("utf-8", "surrogatepass")) == rollout


@pytest.mark.parametrize("text", [b"", b"v1", b"\xff\xfe", b"[]", b'["v1"]', b'[1, "v1", null, "10 %", false]', b"{}"])
def test_any_other_text_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Rollout.from_text(text)


CELL, TTL = 7, 10.0


def test_a_rollout_is_trusted_for_its_ttl_counted_from_the_start_of_the_read() -> None:
    known = ActiveRollout(TTL)
    assert (known.version_of(CELL), known.is_trusted(0.0)) == (None, False)
    known.set(rollout("v1"), since=5.0)
    assert (known.version_of(CELL), known.is_trusted(14.9), known.is_trusted(15.0)) == ("v1", True, False)


def test_what_was_read_earlier_does_not_replace_what_was_read_later() -> None:
    # GIVEN a slow query that began before a switch, and a read that began after it
    known = ActiveRollout(TTL)
    known.set(rollout("v2"), since=2.0)
    # WHEN the query ends last THEN the switch is not forgotten
    known.set(rollout("v1"), since=1.0)
    assert (known.version_of(CELL), known.text, known.is_trusted(11.5)) == ("v2", rollout("v2"), True)


def test_a_rollout_that_redis_has_lost_stays_trusted() -> None:
    known = ActiveRollout(TTL)
    known.keep(0.0)
    assert not known.is_trusted(0.0)
    known.set(rollout("v1"), since=0.0)
    known.keep(20.0)
    assert (known.version_of(CELL), known.is_trusted(29.0)) == ("v1", True)


def test_a_corrupt_text_raises_and_changes_nothing() -> None:
    known = ActiveRollout(TTL)
    known.set(rollout("v1"), since=0.0)
    for _ in range(2):
        with pytest.raises(ValueError, match="utf-8"):
            known.set(b"\xff", since=20.0)
    assert (known.version_of(CELL), known.is_trusted(20.0)) == ("v1", False)
    # AND the corrupt text is remembered, so that it can be overwritten
    assert known.text == b"\xff"

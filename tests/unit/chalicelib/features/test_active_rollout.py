"""The rollout of datasets: trusted for a while after it was read, then read again."""

import pytest

from chalicelib.errors import CacheError
from chalicelib.features.active_rollout import ActiveRollout
from chalicelib.features.deadline import Deadline
from chalicelib.features.demand import Demand
from chalicelib.features.keys import ROLLOUT
from testing.in_memory import InMemoryCache, rollout

CELL, TTL = 7, 10.0


def read(known: ActiveRollout, cache: InMemoryCache, moment: float = 0.0) -> None:
    known.read(cache, Demand(), moment, Deadline.after(1))


def test_a_rollout_is_trusted_for_its_ttl_counted_from_the_start_of_the_read() -> None:
    known = ActiveRollout(TTL)
    assert (known.version_of(CELL), known.is_trusted(0.0)) == (None, False)
    known.set(rollout("v1"), since=5.0)
    assert (known.version_of(CELL), known.is_trusted(14.9), known.is_trusted(15.0)) == ("v1", True, False)


def test_a_read_takes_over_what_redis_has_and_reports_the_demand() -> None:
    # GIVEN Redis with a newer version, and two requests counted
    cache, known, demand = InMemoryCache(), ActiveRollout(TTL), Demand()
    known.set(rollout("v1"), since=0.0)
    cache.put(ROLLOUT, rollout("v2"))
    for _ in range(2):
        demand.note(CELL, hit=True, warmed=False)
    # WHEN the rollout is read
    known.read(cache, demand, 20.0, Deadline.after(1))
    # THEN it is the newer one, and the counts went along in the same call
    assert (known.version_of(CELL), known.is_trusted(29.0)) == ("v2", True)
    assert cache.calls == ["check_in"]
    assert [counts.cells for counts in cache.demand_counts] == [{CELL: 2}]


def test_what_was_read_earlier_does_not_replace_what_was_read_later() -> None:
    # GIVEN a slow query that began before a switch, and a read that began after it
    known = ActiveRollout(TTL)
    known.set(rollout("v2"), since=2.0)
    # WHEN the query ends last
    known.set(rollout("v1"), since=1.0)
    # THEN the switch is not forgotten
    assert (known.version_of(CELL), known.text, known.is_trusted(11.5)) == ("v2", rollout("v2"), True)


def test_a_rollout_that_redis_has_lost_stays_trusted() -> None:
    known = ActiveRollout(TTL)
    read(known, InMemoryCache())
    assert not known.is_trusted(0.0)
    known.set(rollout("v1"), since=0.0)
    read(known, InMemoryCache(), moment=20.0)
    assert (known.version_of(CELL), known.is_trusted(29.0)) == ("v1", True)


def test_a_corrupt_text_and_a_failing_redis_raise_and_change_nothing() -> None:
    known, cache = ActiveRollout(TTL), InMemoryCache()
    known.set(rollout("v1"), since=0.0)
    cache.put(ROLLOUT, b"\xff")
    for _ in range(2):
        with pytest.raises(ValueError, match="utf-8"):
            read(known, cache, moment=20.0)
    assert not known.is_trusted(20.0)
    # AND the corrupt text is remembered, so that it can be overwritten
    assert known.text == b"\xff"
    cache.fault = "redis_timeout"
    with pytest.raises(CacheError):
        read(known, cache)
    assert known.version_of(CELL) == "v1"

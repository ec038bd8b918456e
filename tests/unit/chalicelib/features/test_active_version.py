"""The active version: trusted for a while after it was read, then read again."""

import pytest

from chalicelib.errors import CacheError
from chalicelib.features.active_version import ActiveVersion
from chalicelib.features.deadline import Deadline
from chalicelib.features.demand import Demand
from chalicelib.features.keys import VERSION
from testing.in_memory import InMemoryCache

TTL = 10.0


def read(version: ActiveVersion, cache: InMemoryCache, moment: float = 0.0) -> None:
    version.read(cache, Demand(), moment, Deadline.after(1))


def test_a_version_is_trusted_for_its_ttl_counted_from_the_start_of_the_read() -> None:
    version = ActiveVersion(TTL)
    assert not version.is_trusted(0.0)
    version.set("v1", since=5.0)
    assert (version.value, version.is_trusted(14.9), version.is_trusted(15.0)) == ("v1", True, False)


def test_a_read_takes_over_what_redis_has_and_reports_the_demand() -> None:
    # GIVEN Redis with a newer version, and two requests counted
    cache, version, demand = InMemoryCache(), ActiveVersion(TTL), Demand()
    version.set("v1", since=0.0)
    cache.put(VERSION, b"v2")
    for _ in range(2):
        demand.note(7, hit=True, warmed=False)
    # WHEN the version is read
    version.read(cache, demand, 20.0, Deadline.after(1))
    # THEN it is the newer one, and the counts went along in the same call
    assert (version.value, version.is_trusted(29.0)) == ("v2", True)
    assert cache.calls == ["check_in"]
    assert [counts.cells for counts in cache.demand_counts] == [{7: 2}]


def test_a_version_that_redis_has_lost_stays_trusted() -> None:
    version = ActiveVersion(TTL)
    read(version, InMemoryCache())
    assert not version.is_trusted(0.0)
    version.set("v1", since=0.0)
    read(version, InMemoryCache(), moment=20.0)
    assert (version.value, version.is_trusted(29.0)) == ("v1", True)


def test_a_corrupt_version_and_a_failing_redis_raise_and_change_nothing() -> None:
    version, cache = ActiveVersion(TTL), InMemoryCache()
    version.set("v1", since=0.0)
    cache.put(VERSION, b"\xff")
    with pytest.raises(UnicodeDecodeError):
        read(version, cache)
    cache.fault = "redis_timeout"
    with pytest.raises(CacheError):
        read(version, cache)
    assert version.value == "v1"

"""The dataset in shadow: looked up without anybody waiting for it."""

import time
from collections.abc import Sequence
from threading import Event

import pytest

from chalicelib.config.features import FeaturePolicy, TtlPolicy
from chalicelib.features.cell_features import Shadow, ShadowLookup
from chalicelib.features.codec import CachedValue, CellAnimals, pack
from chalicelib.features.deadline import Clock, Deadline
from chalicelib.features.demand import Demand
from chalicelib.features.lookup import Memory, Shared
from chalicelib.features.redis_keys import ROLLOUT, lease_key, shadow_lease_key, value_key
from chalicelib.features.rollout import BUCKETS, ActiveRollout, Rollout, bucket_of
from testing.in_memory import InMemoryCache, InMemoryStore, cell_animals, rollout

CELL = 0x83BE0AFFFFFFFFF
IN_SHADOW = Rollout(3, "v1", "v2", BUCKETS, in_shadow=True)
TTL = TtlPolicy(soft=100, hard=1000, empty_factor=0.25, jitter=0)


class World:
    """A process that knows of a dataset in shadow, and in-memory stores."""

    def __init__(self, state: Rollout = IN_SHADOW) -> None:
        self.cache, self.store, known = InMemoryCache(), InMemoryStore(), ActiveRollout(10.0)
        known.set(state.to_text().encode(), since=0.0)
        self.shadow = Shadow(Shared(self.cache, self.store, FeaturePolicy(TTL), Clock(), Memory(0), Demand(), known))

    def look_up(self) -> ShadowLookup | None:
        """Look up the cell in shadow, and wait until it is done, which no request does."""
        lookup = self.shadow.start(CELL)
        self.wait()
        return lookup

    def wait(self) -> None:
        until = time.monotonic() + 5
        while self.shadow._busy.locked():
            assert time.monotonic() < until
            time.sleep(0.001)


def version_found(lookup: ShadowLookup | None) -> str | None:
    assert lookup is not None
    return lookup.features.version if lookup.features is not None else None


def test_it_is_queried_once_and_then_read_from_redis() -> None:
    world = World()
    assert [version_found(world.look_up()) for _ in range(3)] == ["v2", "v2", "v2"]
    assert world.store.queries == [CELL]
    # AND the value is where the dataset's own requests would look for it, and the lease is free
    assert world.cache.get(value_key(CELL, "v2")) is not None
    assert world.cache.get(shadow_lease_key(CELL)) is None


def test_a_stale_value_is_good_enough() -> None:
    world = World()
    value = CachedValue.stamped(cell_animals(CELL, "v2"), TTL, time.time() - 500)
    world.cache.put(value_key(CELL, "v2"), pack(value))
    assert version_found(world.look_up()) == "v2"
    assert world.store.queries == []


@pytest.mark.parametrize(
    "state",
    [
        Rollout(1, "v1"),
        Rollout(2, "v1", "v2", BUCKETS),
        Rollout(2, "v1", "v2", bucket_of(CELL), in_shadow=True),
    ],
)
def test_without_a_dataset_in_shadow_for_the_cell_nothing_is_looked_up(state: Rollout) -> None:
    world = World(state)
    assert world.look_up() is None
    assert world.cache.calls == []


def test_while_another_process_queries_it_is_left_out() -> None:
    world = World()
    world.cache.put(shadow_lease_key(CELL), b"another")
    assert version_found(world.look_up()) is None
    assert world.store.queries == []


def test_the_lease_of_requests_is_left_alone() -> None:
    world = World()
    world.cache.put(lease_key(CELL), b"a request")
    assert version_found(world.look_up()) == "v2"
    assert world.cache.get(lease_key(CELL)) == b"a request"


def test_faults_leave_it_out_and_nothing_else() -> None:
    world = World()
    world.cache.put(value_key(CELL, "v2"), b"not what was written")
    assert version_found(world.look_up()) is None
    world = World()
    world.store.breaker_is_open = True
    assert version_found(world.look_up()) is None
    assert world.store.queries == []
    world = World()
    world.store.fault = "postgres_timeout"
    assert version_found(world.look_up()) is None
    world.cache.fault = "redis_timeout"
    assert version_found(world.look_up()) is None


def test_a_slow_one_is_not_waited_for_and_a_second_does_not_begin() -> None:
    # GIVEN a database that does not reply
    world, replied = World(), Event()
    query = world.store.features_of

    def reply_late(cells: Sequence[int], deadline: Deadline, version: str | None = None) -> list[CellAnimals]:
        assert replied.wait(5)
        return query(cells, deadline, version)

    world.store.features_of = reply_late  # type: ignore[method-assign]
    # WHEN two requests begin lookups THEN both go on at once
    started = time.monotonic()
    first, second = world.shadow.start(CELL), world.shadow.start(CELL)
    assert time.monotonic() - started < 0.5
    assert (version_found(first), version_found(second)) == (None, None)
    assert world.cache.calls.count("read") <= 1
    replied.set()
    world.wait()


def test_what_the_database_says_of_its_datasets_replaces_no_later_announcement() -> None:
    world = World()
    world.cache.put(ROLLOUT, rollout("v7"))
    world.look_up()
    assert world.cache.get(ROLLOUT) == rollout("v7")

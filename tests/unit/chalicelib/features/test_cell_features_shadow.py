"""The dataset in shadow: looked up beside the live one, and given up soon."""

import time
from collections.abc import Sequence

from chalicelib.config.features import FeaturePolicy, TtlPolicy
from chalicelib.deadline import Deadline
from chalicelib.errors import StoreError
from chalicelib.features.cache import ROLLOUT, shadow_lease_key, value_key
from chalicelib.features.cell_features import SHADOW_SECONDS, CellFeatures
from chalicelib.features.codec import CachedValue, CellAnimals, pack
from tests.support.in_memory import InMemoryCache, InMemoryStore, cell_animals, rollout

CELL = 0x83BE0AFFFFFFFFF
TTL = TtlPolicy(soft=100, hard=1000, empty_factor=0.25, jitter=0)


class World:
    """A process with in-memory stores."""

    def __init__(self) -> None:
        self.cache, self.store = InMemoryCache(), InMemoryStore()
        self.features = CellFeatures(self.cache, self.store, FeaturePolicy(TTL))

    def look_up(self) -> str | None:
        """Return the version of what is found in the dataset in shadow."""
        found = self.features.in_shadow(CELL, "v2")
        return found.version if found is not None else None


def test_it_is_queried_once_and_then_read_from_redis() -> None:
    world = World()
    assert [world.look_up() for _ in range(3)] == ["v2", "v2", "v2"]
    assert world.store.queries == [CELL]
    # AND the value is where the dataset's own requests would look for it, and the lease is free
    assert world.cache.get(value_key(CELL, "v2")) is not None
    assert world.cache.get(shadow_lease_key(CELL)) is None


def test_a_stale_value_is_good_enough() -> None:
    world = World()
    value = CachedValue.stamped(cell_animals(CELL, "v2"), TTL, time.time() - 500)
    world.cache.put(value_key(CELL, "v2"), pack(value))
    assert world.look_up() == "v2"
    assert world.store.queries == []


def test_while_another_process_queries_it_is_left_out() -> None:
    world = World()
    world.cache.put(shadow_lease_key(CELL), b"another")
    assert world.look_up() is None
    assert world.store.queries == []


def test_faults_leave_it_out_and_nothing_else() -> None:
    corrupt, resting, failing, without = World(), World(), World(), World()
    corrupt.cache.put(value_key(CELL, "v2"), b"not what was written")
    resting.store.breaker_is_open = True
    failing.store.fault = "postgres_timeout"
    without.cache.fault = "redis_timeout"
    assert [each.look_up() for each in (corrupt, resting, failing, without)] == [None] * 4
    assert resting.store.queries == []


def test_a_slow_one_is_given_up() -> None:
    # GIVEN a database that does not reply in time
    world, left = World(), list[float]()

    def reply_late(cells: Sequence[int], deadline: Deadline, version: str | None = None) -> list[CellAnimals]:
        left.append(deadline.left())
        raise StoreError("postgres_timeout", f"{cells} in {version}")

    world.store.features_of = reply_late  # type: ignore[method-assign]
    # THEN its deadline is short
    assert world.look_up() is None
    assert 0 < left[0] <= SHADOW_SECONDS


def test_what_the_database_says_of_its_datasets_replaces_no_later_announcement() -> None:
    world = World()
    world.cache.put(ROLLOUT, rollout("v7"))
    world.look_up()
    assert world.cache.get(ROLLOUT) == rollout("v7")

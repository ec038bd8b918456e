"""The naive strategy is plain cache-aside and no worse; otherwise it would be easy to beat."""

import pytest

from benchmarks.spike.container import NaiveFeatures
from chalicelib.features.redis_keys import value_key
from testing.in_memory import InMemoryCache, InMemoryStore

CELL = 0x83BE0AFFFFFFFFF
TTL = 60.0


@pytest.fixture
def cache() -> InMemoryCache:
    return InMemoryCache()


@pytest.fixture
def store() -> InMemoryStore:
    return InMemoryStore()


@pytest.fixture
def naive(cache: InMemoryCache, store: InMemoryStore) -> NaiveFeatures:
    return NaiveFeatures(cache, store, "v1", ttl=TTL, total=1.0)


def test_a_miss_asks_the_database_and_the_next_is_a_hit(naive: NaiveFeatures, store: InMemoryStore) -> None:
    assert [naive.at(CELL), naive.at(CELL), naive.at(CELL + 1)] == ["miss", "hit", "miss"]
    assert store.queries == [CELL, CELL + 1]


def test_without_redis_it_asks_the_database(naive: NaiveFeatures, cache: InMemoryCache, store: InMemoryStore) -> None:
    cache.fault = "redis_unreachable"
    assert naive.at(CELL) == "bypass"
    # AND without either there is nothing
    store.fault = "postgres_unreachable"
    assert naive.at(CELL) is None


def test_what_cannot_be_read_is_written_anew(naive: NaiveFeatures, cache: InMemoryCache) -> None:
    cache.put(value_key(CELL, "v1"), b"rubbish", 60)
    assert [naive.at(CELL), naive.at(CELL)] == ["miss", "hit"]

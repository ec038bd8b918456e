"""The Redis cache on a real cluster of several nodes, and over TLS."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from redis.crc import key_slot

from chalicelib.deadline import Deadline
from chalicelib.features.cache import ROLLOUT, DemandCounts, Entry, Publication, lease_key, value_key
from chalicelib.stores.redis_cache import RedisCache
from tests.faults.rig import command
from tests.faults.valkey_cluster import SLOTS, ClusterNode, cluster
from tests.support.feature_rig import FIRST, REDIS

CELLS = range(FIRST, FIRST + 60)
KEYS = [value_key(cell, "v1") for cell in CELLS]


def soon() -> Deadline:
    return Deadline.after(10)


def cache_at(url: str) -> RedisCache:
    return RedisCache.of(replace(REDIS, url=url, breaker_failures=1000))


def owned_by(node: int) -> list[bytes]:
    """Return the keys whose slots a node owns."""
    first, last = SLOTS[node]
    return [key for key in KEYS if first <= key_slot(key) <= last]


def exercise(cache: RedisCache) -> None:
    """Do everything that features/ does, on cells of different nodes."""
    cache.write([Entry(key, b"value", 60) for key in KEYS], soon())
    assert cache.read_headers(KEYS, soon()) == [b"value"] * len(KEYS)
    for cell, key in zip(CELLS, KEYS, strict=True):
        lease = lease_key(cell)
        assert cache.claim(lease, b"one", 10, key, soon()) == (None, b"value")
        assert cache.claim(lease, b"two", 10, key, soon()) == (b"one", b"value")
        cache.publish(Publication(Entry(key, b"value", 60), b"v1", b"v0"), lease, b"one", soon())
        assert cache.claim(lease, b"two", 10, key, soon()) == (None, b"value")
        cache.release(lease, b"two", soon(), b"failed", 5)
        assert cache.claim(lease, b"three", 10, None, soon()) == (b"failed", None)
        assert cache.read(key, soon()) == b"value"
    assert cache.check_in(ROLLOUT, DemandCounts({1: 2, 3: 4}, hits=6), soon()) == b"v1"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ClusterNode]]:
    with cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


class TestCluster:
    @pytest.mark.parametrize("start", [0, 2, 3], ids=["first primary", "last primary", "replica"])
    def test_any_node_is_a_valid_endpoint(self, nodes: list[ClusterNode], start: int) -> None:
        for node in nodes[:3]:
            command(node, "FLUSHALL")
        with closing(cache_at(nodes[start].url)) as cache:
            exercise(cache)
        assert all(owned_by(node) for node in range(3))

    def test_the_slot_map_is_read_at_the_first_moved(self, nodes: list[ClusterNode]) -> None:
        with closing(cache_at(nodes[0].url)) as cache:
            # GIVEN a cache that has used only its endpoint so far
            cache.read(owned_by(0)[0], soon())
            before = _calls(nodes[0], "cluster|slots")
            assert cache._client.get()._cluster is None
            # WHEN it is redirected THEN it reads the slot map once
            for node in (1, 2, 1):
                cache.read(owned_by(node)[0], soon())
            assert _calls(nodes[0], "cluster|slots") == before + 1


def _calls(node: ClusterNode, name: str) -> int:
    """Return how often a node received a command."""
    statistics = command(node, "INFO", "commandstats")
    assert isinstance(statistics, dict)
    calls = statistics.get(f"cmdstat_{name}", {"calls": 0})["calls"]
    assert isinstance(calls, int)
    return calls

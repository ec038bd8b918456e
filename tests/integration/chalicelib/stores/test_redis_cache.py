"""The Redis cache on a real Valkey in cluster mode, checked through a plain redis-py client."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
import redis
from redis.crc import key_slot

from chalicelib.deadline import Deadline
from chalicelib.features.cache import (
    KEEP_SECONDS,
    KEEP_SEEN,
    ROLLOUT,
    DemandCounts,
    Entry,
    Publication,
    demand_key,
    hits_key,
    lease_key,
    reference_key,
    seen_key,
    shadow_lease_key,
    taxon_key,
    value_key,
)
from chalicelib.features.codec import HEADER
from chalicelib.stores.redis_cache import RedisCache
from local.stack.valkey import ValkeyServer
from tests.support.feature_rig import FIRST, REDIS

KEY, LEASE = value_key(FIRST, "v1"), lease_key(FIRST)
HOUR = 490_000


def soon() -> Deadline:
    return Deadline.after(10)


@pytest.fixture
def plain_redis(valkey_server: ValkeyServer) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(valkey_server.admin_url)) as client:
        client.flushall()
        yield client


@pytest.fixture
def cache(valkey_server: ValkeyServer, plain_redis: redis.Redis) -> Iterator[RedisCache]:
    assert plain_redis.dbsize() == 0
    with closing(RedisCache.of(replace(REDIS, url=valkey_server.url))) as cache:
        cache._now = lambda: HOUR * 3600.0
        yield cache


def published(value: bytes = b"value", rollout: bytes = b"v1", known: bytes | None = None) -> Publication:
    return Publication(Entry(KEY, value, 60), rollout, known)


def test_stages_with_different_prefixes_share_a_cluster(valkey_server: ValkeyServer, plain_redis: redis.Redis) -> None:
    # GIVEN two stages, and a value of each kind of key
    entries = [Entry(key, b"dev", 60) for key in (KEY, taxon_key("koala", "facts", "v1"), reference_key("7"))]
    dev, prod = (RedisCache.of(replace(REDIS, url=valkey_server.url, prefix=f"{stage}:")) for stage in ("dev", "prod"))
    with closing(dev), closing(prod):
        dev.write(entries, soon())
        dev.publish(Publication(entries[0], b"v1", None), LEASE, b"", soon())
        assert dev.claim(LEASE, b"one", 10, KEY, soon()) == (None, b"dev")
        assert dev.claim(shadow_lease_key(FIRST), b"one", 10, KEY, soon()) == (None, b"dev")
        dev.check_in(ROLLOUT, DemandCounts({1: 5}, hits=2, seen=Counter(a=1)), soon())
        dev.ping(soon())
        # THEN the other stage has none of them, nor does it take the first one's lease
        assert not any(prod.read_headers([each.key for each in entries], soon()))
        hour = int(dev._now()) // 3600
        assert (prod.read(ROLLOUT, soon()), prod.hits(hour, soon())) == (None, (0, 0))
        assert (prod.demand([hour], 9, soon()), prod.seen([hour], soon())) == ([{}], [Counter()])
        assert prod.claim(LEASE, b"two", 10, KEY, soon()) == (None, None)
        prod.release(LEASE, b"two", soon())
        prod.announce(b"v2", 60, soon())
        prod.ping(soon())
        # AND the first stage has what it wrote
        assert dev.read_headers([each.key for each in entries], soon()) == [b"dev"] * 3
        assert (dev.read(ROLLOUT, soon()), dev.read(LEASE, soon()), dev.hits(hour, soon())) == (b"v1", b"one", (2, 0))
        assert (dev.demand([hour], 9, soon()), dev.seen([hour], soon())) == ([{1: 5.0}], [Counter(a=1)])
    keys = [str(key, "ascii") for key in plain_redis.scan_iter() if isinstance(key, bytes)]
    assert [len([key for key in keys if key.startswith(stage)]) for stage in ("dev:", "prod:")] == [10, 2]
    # AND a cell's value and lease are in one slot
    assert len({key_slot(key.encode()) for key in keys if "{" in key}) == 1


def test_values_are_read_whole_or_by_their_headers_and_have_a_ttl(cache: RedisCache, plain_redis: redis.Redis) -> None:
    other = value_key(FIRST + 1, "v1")
    cache.write([Entry(KEY, bytes(range(256)) * 2000, 60)], soon())
    assert (cache.read(KEY, soon()), cache.read(other, soon())) == (bytes(range(256)) * 2000, None)
    assert cache.read_headers([KEY, other], soon()) == [bytes(range(HEADER.size)), b""]
    assert 59_000 < plain_redis.pttl(KEY) <= 60_000


def test_a_lease_has_one_holder(cache: RedisCache, plain_redis: redis.Redis) -> None:
    # GIVEN a value
    plain_redis.set(KEY, b"value")
    # WHEN three claim it THEN the first holds it, and each gets the holder and the value
    assert cache.claim(LEASE, b"one", 10, KEY, soon()) == (None, b"value")
    assert cache.claim(LEASE, b"two", 10, KEY, soon()) == (b"one", b"value")
    assert cache.claim(LEASE, b"three", 10, None, soon()) == (b"one", None)
    assert 9_000 < plain_redis.pttl(LEASE) <= 10_000
    # AND a repeated claim, whose reply was lost, finds that it succeeded
    assert cache.claim(LEASE, b"one", 10, KEY, soon()) == (b"one", b"value")


def test_only_the_holder_releases_a_lease_or_leaves_a_note(cache: RedisCache, plain_redis: redis.Redis) -> None:
    cache.claim(LEASE, b"one", 10, None, soon())
    cache.release(LEASE, b"two", soon())
    cache.publish(published(), LEASE, b"two", soon())
    assert plain_redis.get(LEASE) == b"one"
    cache.release(LEASE, b"one", soon())
    assert not plain_redis.exists(LEASE)
    # AND a note replaces the lease for a while
    cache.claim(LEASE, b"one", 10, None, soon())
    cache.release(LEASE, b"one", soon(), b"failed", 3)
    assert plain_redis.get(LEASE) == b"failed"
    assert 2_000 < plain_redis.pttl(LEASE) <= 3_000


def test_publish_writes_value_and_version_and_releases_the_lease(cache: RedisCache, plain_redis: redis.Redis) -> None:
    cache.claim(LEASE, b"one", 10, None, soon())
    cache.publish(published(), LEASE, b"one", soon())
    assert (plain_redis.get(KEY), plain_redis.get(ROLLOUT), plain_redis.exists(LEASE)) == (b"value", b"v1", 0)
    assert all(0 < plain_redis.pttl(key) <= 60_000 for key in (KEY, ROLLOUT))
    # AND another rollout is written only in place of the known one
    cache.publish(published(rollout=b"v0"), LEASE, b"one", soon())
    assert plain_redis.get(ROLLOUT) == b"v1"
    cache.publish(published(rollout=b"v2", known=b"v1"), LEASE, b"one", soon())
    assert plain_redis.get(ROLLOUT) == b"v2"
    cache.publish(published(rollout=b"v3", known=b"v1"), LEASE, b"one", soon())
    assert plain_redis.get(ROLLOUT) == b"v2"
    assert 0 < plain_redis.pttl(ROLLOUT) <= 60_000


def test_demand_is_counted_and_the_hottest_cells_are_returned(cache: RedisCache, plain_redis: redis.Redis) -> None:
    # GIVEN the demand of two containers
    plain_redis.set(ROLLOUT, b"v1")
    assert cache.check_in(ROLLOUT, DemandCounts({1: 5, 2: 1, 3: 2}, hits=7, warmed=3), soon()) == b"v1"
    assert cache.check_in(ROLLOUT, DemandCounts({1: 1, 2: 9}, hits=10, warmed=10), soon()) == b"v1"
    # THEN it adds up, and all but the hottest cells are deleted
    assert cache.demand([HOUR, HOUR - 1], 2, soon()) == [{2: 10.0, 1: 6.0}, {}]
    assert plain_redis.zcard(demand_key(HOUR)) == 2
    assert cache.hits(HOUR, soon()) == (17, 13)
    assert cache.hits(HOUR - 1, soon()) == (0, 0)
    # AND it expires
    assert all(0 < plain_redis.ttl(key) <= KEEP_SECONDS for key in (demand_key(HOUR), hits_key(HOUR)))
    # AND what is no number is ignored
    plain_redis.zadd(demand_key(HOUR), {"not a cell": 99})
    plain_redis.hset(hits_key(HOUR), "hits", "many")
    assert (cache.demand([HOUR], 2, soon()), cache.hits(HOUR, soon())) == ([{2: 10.0}], (0, 0))


def test_photos_by_class_are_counted_hour_by_hour(cache: RedisCache, plain_redis: redis.Redis) -> None:
    # GIVEN two containers, of which one has only photos without a place
    cache.check_in(ROLLOUT, DemandCounts({1: 5}, seen=Counter({"quality:good": 2})), soon())
    cache.check_in(ROLLOUT, DemandCounts(seen=Counter({"quality:good": 1, "taxa:AU Aves": 1})), soon())
    plain_redis.hset(seen_key(HOUR), "quality:dark", "many")
    # THEN the counts add up, what is no number is ignored, and they expire
    assert cache.seen([HOUR, HOUR - 1], soon()) == [Counter({"quality:good": 3, "taxa:AU Aves": 1}), Counter()]
    assert 0 < plain_redis.ttl(seen_key(HOUR)) <= KEEP_SEEN


def test_a_rollout_is_announced(cache: RedisCache, plain_redis: redis.Redis) -> None:
    plain_redis.set(ROLLOUT, b"v1")
    cache.announce(b"v2", 60, soon())
    assert plain_redis.get(ROLLOUT) == b"v2"
    # AND in place of a known one only if it is still there
    cache.announce(b"v3", 60, soon(), known=b"v1")
    assert plain_redis.get(ROLLOUT) == b"v2"
    cache.announce(b"v3", 60, soon(), known=b"v2")
    assert plain_redis.get(ROLLOUT) == b"v3"
    assert 0 < plain_redis.pttl(ROLLOUT) <= 60_000

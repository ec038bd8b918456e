"""The cache user's rights from infra/faunalens.yaml, on a real Valkey: enough for the app, and no more."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
import redis

from chalicelib.config.stores import RedisSettings
from chalicelib.deadline import Deadline
from chalicelib.features.cache import DemandCounts, Entry, Publication, lease_key, value_key
from chalicelib.stores.redis_cache import RedisCache
from local.stack.ports import HOST
from local.stack.valkey import ValkeyServer
from tests.support.cloudformation import template
from tests.support.feature_rig import FIRST, REDIS

RIGHTS: str = template("faunalens.yaml")["Resources"]["CacheUser"]["Properties"]["AccessString"]
KEY, LEASE = value_key(FIRST, "v1"), lease_key(FIRST)
HOUR = 490_000


@pytest.fixture
def user_url(valkey_server: ValkeyServer) -> Iterator[str]:
    """Yield the URL of a user with these rights; delete the user afterwards."""
    with closing(redis.Redis.from_url(valkey_server.admin_url)) as admin:
        admin.flushall()
        execute(admin, "ACL", "SETUSER", "template", "reset", ">token", *RIGHTS.split())
        yield f"redis://template:token@{HOST}:{valkey_server.port}"
        admin.acl_deluser("template")


def execute(client: redis.Redis, *command: str) -> object:
    return client.execute_command(*command)  # type: ignore[no-untyped-call]


def soon() -> Deadline:
    return Deadline.after(10)


def test_everything_that_the_app_asks_is_allowed(user_url: str) -> None:
    with closing(RedisCache.of(replace(REDIS, url=user_url, prefix=RedisSettings().prefix))) as cache:
        cache._now = lambda: HOUR * 3600.0
        # WHEN a request finds nothing, takes the lease, publishes, and the next one finds it
        assert cache.check_in(KEY, DemandCounts({FIRST: 1}), soon()) is None
        assert cache.claim(LEASE, b"one", 10, KEY, soon()) == (None, None)
        cache.publish(Publication(Entry(KEY, b"value", 60), b"v1", b"v0"), LEASE, b"one", soon())
        assert cache.read(KEY, soon()) == b"value"
        cache.release(LEASE, b"one", soon())
        # AND warming reads the demand, and writes
        assert cache.demand([HOUR], 10, soon()) == [{FIRST: 1.0}]
        assert cache.hits(HOUR, soon()) == (0, 0)
        assert not cache.seen([HOUR], soon())[0]
        assert cache.read_headers([KEY], soon())
        cache.write([Entry(KEY, b"another", 60)], soon())
        # AND a loader announces the version, and the health check pings
        cache.announce(b"v2", 10, soon())
        cache.ping(soon())
        # AND a client reads the cluster's slots
        with closing(redis.Redis.from_url(user_url)) as client:
            assert execute(client, "CLUSTER", "SLOTS")
        # THEN Valkey refused nothing
        assert cache.read(KEY, soon()) == b"another"


@pytest.mark.parametrize(
    "command",
    ["GET other:key", "SET other 1", "FLUSHALL", "KEYS *", "CONFIG GET *", "ACL LIST"],
)
def test_nothing_beyond_its_keys_and_nothing_dangerous(user_url: str, command: str) -> None:
    with closing(redis.Redis.from_url(user_url)) as client, pytest.raises(redis.exceptions.NoPermissionError):
        execute(client, *command.split())

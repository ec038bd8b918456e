"""Features in Redis or Valkey: the `Cache` of features/cache.py, and further operations for warming and the loader.

Supports Redis 7 and later as a single server, a cluster or ElastiCache Serverless, with or without TLS. Each command
uses one key, and each value has a TTL. Every failure is a `CacheError` with one of these fault codes:

    redis_timeout             no reply within the budget
    redis_signing_in          the sign-in is not complete yet; the next call continues it
    redis_unreachable         connection refused, unknown host or no route
    redis_disconnected        the server closed the connection before its reply
    redis_tls                 the server's certificate is invalid, or the CA bundle cannot be read
    redis_auth                the server rejected the user, password or token
    redis_oom                 the server's memory is full, so it rejects writes
    redis_readonly            a replica replied, and no primary was found
    redis_clusterdown         the cluster has no majority, or no node owns the slot
    redis_loading             the server is still loading its data after a start
    redis_moved               too many redirections, or a redirection to a node that the cluster does not list
    redis_too_many_clients    the server accepts no more connections
    redis_pool_exhausted      all connections of this process are in use
    redis_refused             any other error reply
    redis_breaker_open        the circuit breaker is open after consecutive failures

The first call, or `RedisCache.prepare`, imports redis_client.py and with it redis-py.
"""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from time import time
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

from chalicelib.config.stores import RedisSettings
from chalicelib.deadline import TIMEOUT, Breaker, Deadline
from chalicelib.errors import CacheError
from chalicelib.features.cache import (
    HEALTH,
    KEEP_SECONDS,
    KEEP_SEEN,
    ROLLOUT,
    DemandCounts,
    Entry,
    Publication,
    demand_key,
    hits_key,
    seen_key,
)
from chalicelib.features.codec import HEADER
from chalicelib.lazy import Lazy, without_versions
from chalicelib.stores.sign_in import Login

if TYPE_CHECKING:
    from redis import Redis

    from chalicelib.stores.redis_client import Commands, RedisClient


def _leave_out_asyncio() -> None:
    """Keep `import redis` from importing its asyncio client, which takes a seventh of the time and is never used.

    The modules of `redis.asyncio` that redis-py itself needs can still be imported from the package's folder.
    """
    if "redis" not in sys.modules and (found := find_spec("redis")):
        package = ModuleType("redis.asyncio")
        package.__path__ = [f"{folder}/asyncio" for folder in found.submodule_search_locations or ()]
        sys.modules[package.__name__] = package


_RELEASE = b"""\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1"""
"""A Lua script. If the key's value is ARGV[1], set the key to ARGV[2], or delete the key if ARGV[2] is empty.

Valkey 9's DELIFEQ deletes no faster (within 5 %, on loopback)."""

_REPLACE = b"""\
local now = redis.call('GET', KEYS[1])
if now and now ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1"""
"""A Lua script. Set the key to ARGV[2] if its value is ARGV[1] or if it is missing."""

_ANSWERED = frozenset({"redis_auth", "redis_loading", "redis_too_many_clients"})
"""Faults that redis-py reports as connection errors although the server replied."""
_UNCOUNTED = frozenset({"redis_signing_in", "redis_pool_exhausted"})
"""Faults that say nothing about whether Redis works."""


class RedisCache:
    """A `Cache` over one `RedisClient`, with a circuit breaker.

    `connect`: function that creates the client at first use. `prefix`: what the methods put before each key.
    """

    def __init__(self, connect: Callable[[], "RedisClient"], breaker: Breaker, prefix: bytes = b"") -> None:
        self._client, self._breaker, self._prefix, self._now = Lazy(connect), breaker, prefix, time

    @classmethod
    def of(cls, settings: RedisSettings, login: Login | None = None) -> Self:
        """Return a cache, without connecting or importing redis-py.

        `login`: returns user and password of each connection in place of those in the URL (`Signer.cache_login`).
        """

        def connect() -> "RedisClient":
            _leave_out_asyncio()
            with without_versions():
                from chalicelib.stores.redis_client import RedisClient

            return RedisClient(settings, login)

        breaker = Breaker(settings.breaker_failures, settings.breaker_reset_timeout)
        return cls(connect, breaker, settings.prefix.encode())

    def prepare(self) -> None:
        """Import redis-py (90 ms) and connect, in the background thread of a cold start. Requests report failures."""
        with suppress(CacheError):
            self._client.get().run(lambda redis: redis.exists(self._prefix + ROLLOUT), Deadline.after(60.0), alone=True)

    @property
    def sign_in_seconds(self) -> float | None:
        """Return the duration of the last sign-in in seconds, or None if none has succeeded."""
        return self._client.get().sign_ins.last if self._client.is_made else None

    def close(self) -> None:
        """Close all connections."""
        if self._client.is_made:
            self._client.get().close()

    # Used by lookups

    def read(self, key: bytes, deadline: Deadline) -> bytes | None:
        """Return the value of a key, or None."""
        return _bytes(self._run(lambda redis: redis.get(self._prefix + key), deadline, alone=True)[0])

    def check_in(self, key: bytes, tally: DemandCounts, deadline: Deadline) -> bytes | None:
        """Return the value of a key, and add the counts in `tally` to Redis in the same round trip."""
        if not (tally.cells or tally.seen):
            return self.read(key, deadline)
        hour = int(self._now()) // 3600
        demand, hits, seen = (self._prefix + each(hour) for each in (demand_key, hits_key, seen_key))

        def commands(redis: "Redis") -> None:
            redis.get(self._prefix + key)
            for cell, count in tally.cells.items():
                redis.zincrby(demand, count, str(cell))
            redis.hincrby(hits, "hits", tally.hits)
            redis.hincrby(hits, "warmed", tally.warmed)
            redis.expire(demand, KEEP_SECONDS)
            redis.expire(hits, KEEP_SECONDS)
            for each, count in tally.seen.items():
                redis.hincrby(seen, each, count)
            redis.expire(seen, KEEP_SEEN)

        return _bytes(self._run(commands, deadline, needed=1)[0])

    def claim(
        self, lease: bytes, token: bytes, seconds: float, key: bytes | None, deadline: Deadline
    ) -> tuple[bytes | None, bytes | None]:
        """Take a lease for `seconds` if it is free, by writing `token` to it, and read `key` in the same round trip.

        Returns the previous content of the lease (None if it was free) and the value of `key`.
        A claim whose reply was lost can be repeated: `SET … NX GET` then returns the caller's own `token`.
        """

        def commands(redis: "Redis") -> None:
            redis.set(self._prefix + lease, token, nx=True, get=True, px=_ms(seconds))
            if key is not None:
                redis.get(self._prefix + key)

        holder, *value = self._run(commands, deadline)
        return _bytes(holder), _bytes(value[0]) if value else None

    def publish(self, value: Publication, lease: bytes, token: bytes, deadline: Deadline) -> None:
        """Write a value and the rollout, and delete the lease if it still contains `token`."""

        def commands(redis: "Redis") -> None:
            known = value.rollout if value.known is None else value.known
            self._set(redis, value.entry)
            self._announce(redis, value.rollout, value.entry.seconds, known)
            self._release(redis, lease, token)

        self._run(commands, deadline)

    def release(self, lease: bytes, token: bytes, deadline: Deadline, note: bytes = b"", seconds: float = 0.0) -> None:
        """Delete the lease, or replace it with `note` for `seconds`, but only if it still contains `token`."""
        self._run(lambda redis: self._release(redis, lease, token, note, seconds), deadline, alone=True)

    # Used by warming and the loader

    def read_headers(self, keys: Sequence[bytes], deadline: Deadline) -> list[bytes]:
        """Return the first `codec.HEADER.size` bytes of each key's value; b"" if the key has no value."""
        full = [self._prefix + key for key in keys]
        replies = self._run(lambda redis: [redis.getrange(key, 0, HEADER.size - 1) for key in full], deadline)
        return [_bytes(reply) or b"" for reply in replies]

    def write(self, entries: Sequence[Entry], deadline: Deadline) -> None:
        """Write values with their TTLs, in one pipeline per server."""
        self._run(lambda redis: self._set(redis, *entries), deadline)

    def announce(self, rollout: bytes, seconds: float, deadline: Deadline, known: bytes | None = None) -> None:
        """Write the rollout of datasets. Each process notices it at its next read.

        `known`: overwrite only this rollout, so that no switch since it was read is undone. None: overwrite any.
        """
        self._run(lambda redis: self._announce(redis, rollout, seconds, known), deadline, alone=True)

    def demand(self, hours: Sequence[int], count: int, deadline: Deadline) -> list[dict[int, float]]:
        """Return the number of requests for each of the `count` cells in most demand, for each hour.

        Delete other counts. `hours`: hours since 1970.
        """
        keys = [self._prefix + demand_key(hour) for hour in hours]

        def commands(redis: "Redis") -> None:
            for key in keys:
                redis.zrevrange(key, 0, count - 1, withscores=True)
            for key in keys:
                redis.zremrangebyrank(key, 0, -count - 1)

        replies = self._run(commands, deadline)[: len(hours)]
        return [{int(cell): float(asked) for cell, asked in reply or () if cell.isdigit()} for reply in replies]

    def hits(self, hour: int, deadline: Deadline) -> tuple[int, int]:
        """Return the number of cache hits in one hour, and the number of hits on warmed values among them."""
        key = self._prefix + hits_key(hour)
        match self._run(lambda redis: redis.hmget(key, ["hits", "warmed"]), deadline, alone=True):
            case [[bytes() as hits, bytes() as warmed]] if hits.isdigit() and warmed.isdigit():
                return int(hits), int(warmed)
        return 0, 0

    def seen(self, hours: Sequence[int], deadline: Deadline) -> list[Counter[str]]:
        """Return the number of photos in each class, for each hour. `hours`: hours since 1970."""
        keys = [self._prefix + seen_key(hour) for hour in hours]
        replies = self._run(lambda redis: [redis.hgetall(key) for key in keys], deadline)
        return [
            Counter({name.decode(): int(count) for name, count in dict(reply or {}).items() if count.isdigit()})
            for reply in replies
        ]

    def ping(self, deadline: Deadline) -> None:
        """Check that Redis accepts a read and a write of keys. Raises `CacheError`.

        The check bypasses the circuit breaker, and a success closes it: the next request uses Redis again. A cluster
        without all its slots, or with too little memory, replies to PING but not to these commands.
        """
        read, written = self._prefix + ROLLOUT, self._prefix + HEALTH
        client = self._client.get()
        _raise_errors(*client.run(lambda redis: [redis.get(read), redis.set(written, b"", px=1000)], deadline))
        self._breaker.record_success()

    def _set(self, redis: "Redis", *entries: Entry) -> None:
        for entry in entries:
            redis.set(self._prefix + entry.key, entry.value, px=_ms(entry.seconds))

    def _announce(self, redis: "Redis", rollout: bytes, seconds: float, known: bytes | None) -> object:
        key = self._prefix + ROLLOUT
        if known is None or known == rollout:
            return redis.set(key, rollout, px=_ms(seconds), nx=known is not None)
        return redis.execute_command("EVAL", _REPLACE, 1, key, known, rollout, _ms(seconds))

    def _release(self, redis: "Redis", lease: bytes, token: bytes, note: bytes = b"", seconds: float = 0.0) -> object:
        # redis-py's pipelines for clusters have no eval()
        return redis.execute_command("EVAL", _RELEASE, 1, self._prefix + lease, token, note, _ms(seconds))

    def _run(
        self, commands: "Commands", deadline: Deadline, *, alone: bool = False, needed: int | None = None
    ) -> Sequence[Any]:
        """Run commands and return their replies, or the first `needed` replies. Raises the first error among them.

        `alone`: whether there is only one command. The breaker counts only timeouts and broken connections, and only
        if there was time for a whole command. Otherwise a slow database could open the breaker of Redis.
        """
        may_ask = self._breaker.allows()
        # A sign-in that is under way costs Redis no further attempt, so each call may continue it.
        if not may_ask and not (self._client.is_made and self._client.get().sign_ins.any_under_way):
            raise CacheError("redis_breaker_open", "the circuit breaker is open after consecutive failures of Redis")
        client = self._client.get()
        had_time = deadline.left() >= client.settings.command
        try:
            replies = client.run(commands, deadline, alone=alone, may_retry=may_ask)
        except CacheError as error:
            if error.fault in _ANSWERED:
                self._breaker.record_success()
            elif had_time and error.fault not in _UNCOUNTED:
                error.opened = self._breaker.record_failure(TIMEOUT if error.fault == "redis_timeout" else 1)
            raise
        self._breaker.record_success()
        return _raise_errors(*replies[:needed])


def _raise_errors(*replies: Any) -> Sequence[Any]:
    """Return the replies, or raise the first error among them."""
    for reply in replies:
        if isinstance(reply, CacheError):
            raise CacheError(reply.fault, str(reply))
    return replies


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _bytes(reply: object) -> bytes | None:
    return reply if isinstance(reply, bytes) else None

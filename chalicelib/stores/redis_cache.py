"""The Redis (or Valkey) side of the features' cache: a `Cache` for features.py, and what warming needs.

Redis 7 or later, as one server, a cluster, or ElastiCache Serverless; plain or TLS. One key a command, every value
with a time to live. Whatever goes wrong is a `CacheError` whose fault code says what:

    redis_timeout             no answer within the budget
    redis_unreachable         nobody listens, no such host, no route
    redis_disconnected        hung up in the middle of an exchange
    redis_tls                 the server's certificate is not what was expected
    redis_auth                user, password or token refused
    redis_oom                 memory is full; nothing can be written
    redis_readonly            a replica answered and no primary was found
    redis_clusterdown         the cluster has no majority, or no owner for the slot
    redis_loading             just started, still reading its data
    redis_moved               redirections without end, or to a server that the cluster does not list
    redis_too_many_clients    the server takes no more connections
    redis_pool_exhausted      this process may open no more connections
    redis_refused             any other error reply
    redis_breaker_open        failed several times in a row; left alone for a while

redis-py lies behind it (redis_client.py), and is imported by the first call or by `RedisCache.prepare`.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from time import time
from typing import TYPE_CHECKING, Any, Self

from chalicelib.config.settings import Budget
from chalicelib.errors import CacheError
from chalicelib.features.codec import HEADER
from chalicelib.features.deadline import Deadline
from chalicelib.features.demand import KEEP_SECONDS, DemandCounts
from chalicelib.features.keys import VERSION, demand_key, hits_key
from chalicelib.features.protocols import Entry, Publication
from chalicelib.stores.breaker import Breaker
from chalicelib.stores.iam import Login

if TYPE_CHECKING:
    from redis import Redis

    from chalicelib.stores.redis_client import Ask, RedisClient

_GIVE_BACK = b"""\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1"""
"""Compare and delete, or compare and replace. DELIFEQ of Valkey 9 does the first, no faster (within 5 %, loopback)."""

_ANSWERED = frozenset({"redis_auth", "redis_loading", "redis_too_many_clients"})
"""Faults that redis-py takes for a broken connection, where there is a server and it said no."""


class RedisCache:
    """A `Cache` over one `RedisClient`, with a breaker before it.

    `connect` makes the client, when it is first needed; an `OSError` of its is a certificate that cannot be read.
    """

    def __init__(self, connect: Callable[[], "RedisClient"], breaker: Breaker, now: Callable[[], float] = time) -> None:
        self._connect, self._breaker, self._now = connect, breaker, now
        self._made: RedisClient | None = None
        self._making = Lock()

    @classmethod
    def from_url(
        cls,
        url: str,
        budget: Budget,
        breaker: Breaker,
        *,
        ca: Path | None = None,
        login: Login | None = None,
        idle: float = 240.0,
        size: int = 16,
    ) -> Self:
        """A cache at `redis://` or `rediss://[user[:password]@]host[:port]`. Opens and imports nothing yet.

        `ca`: certificates to trust for `rediss://` instead of the system's. `login`: takes the place of the URL's
        user and password, such as `iam.cache_login(…)`. `idle`: seconds after which a connection is replaced before
        use. `size`: connections to one server at most.
        """

        def connect() -> "RedisClient":
            from chalicelib.stores.redis_client import RedisClient

            return RedisClient(url, budget, ca=ca, login=login, idle=idle, size=size)

        return cls(connect, breaker)

    def prepare(self) -> None:
        """Import redis-py and open a connection, so that the first request finds both; in a thread, at a cold start.

        Takes `Budget.total` at most, after the import (90 ms). A Redis that does not answer is left to the request.
        """
        with suppress(CacheError):
            self.ping(Deadline.after(60.0))

    def close(self) -> None:
        """Close all connections."""
        if self._made is not None:
            self._made.close()

    # For features.py

    def read(self, key: bytes, deadline: Deadline) -> bytes | None:
        """The value of a key."""
        (value,) = self._run(lambda redis: redis.get(key), deadline, alone=True)
        return _bytes(value)

    def check_in(self, key: bytes, tally: DemandCounts, deadline: Deadline) -> bytes | None:
        """The value of a key, and in the same message the demand counted since the last time."""
        if not tally.cells:
            return self.read(key, deadline)
        hour = int(self._now()) // 3600
        demand, hits = demand_key(hour), hits_key(hour)

        def ask(redis: "Redis") -> None:
            redis.get(key)
            for cell, count in tally.cells.items():
                redis.zincrby(demand, count, str(cell))
            redis.hincrby(hits, "hits", tally.hits)
            redis.hincrby(hits, "warmed", tally.warmed)
            redis.expire(demand, KEEP_SECONDS)
            redis.expire(hits, KEEP_SECONDS)

        return _bytes(self._run(ask, deadline, needed=1)[0])

    def claim(
        self, lease: bytes, token: bytes, seconds: float, key: bytes | None, deadline: Deadline
    ) -> tuple[bytes | None, bytes | None]:
        """Take a lease if it is free. Returns who held it before (None: it is ours now) and the value of `key`.

        `SET … NX GET` tells the holder, so that a claim whose reply was lost can be sent again.
        """

        def ask(redis: "Redis") -> None:
            redis.set(lease, token, nx=True, get=True, px=_ms(seconds))
            if key is not None:
                redis.get(key)

        holder, *value = self._run(ask, deadline)
        return _bytes(holder), _bytes(value[0]) if value else None

    def publish(self, value: Publication, lease: bytes, token: bytes, deadline: Deadline) -> None:
        """Write a value and the version of its dataset, and give the lease back if it is still ours."""

        def ask(redis: "Redis") -> None:
            _set(redis, Entry(value.key, value.value, value.seconds))
            _set(redis, _version(value.version, value.seconds), only_if_missing=not value.version_changed)
            _give_back(redis, lease, token)

        self._run(ask, deadline)

    def release(self, lease: bytes, token: bytes, deadline: Deadline, note: bytes = b"", seconds: float = 0.0) -> None:
        """Give a lease back if it is still ours, or leave a note in its place for `seconds`."""
        self._run(lambda redis: _give_back(redis, lease, token, note, seconds), deadline, alone=True)

    # For warming.py and the loader

    def heads(self, keys: Sequence[bytes], deadline: Deadline) -> list[bytes]:
        """The first `packing.HEADER.size` bytes of each value; b"" where there is none."""

        def ask(redis: "Redis") -> None:
            for key in keys:
                redis.getrange(key, 0, HEADER.size - 1)

        return [_bytes(reply) or b"" for reply in self._run(ask, deadline)]

    def write(self, entries: Sequence[Entry], deadline: Deadline) -> None:
        """Write values, in one message a server."""
        self._run(lambda redis: _set(redis, *entries), deadline)

    def announce(self, version: str, seconds: float, deadline: Deadline) -> None:
        """Say which dataset is active; containers see it when they next ask."""
        self._run(lambda redis: _set(redis, _version(version, seconds)), deadline)

    def demand(self, hours: Sequence[int], count: int, deadline: Deadline) -> list[dict[int, float]]:
        """The `count` most asked cells of each hour (hours since 1970) with their requests; forgets all below them."""

        def ask(redis: "Redis") -> None:
            for hour in hours:
                redis.zrevrange(demand_key(hour), 0, count - 1, withscores=True)
            for hour in hours:
                redis.zremrangebyrank(demand_key(hour), 0, -count - 1)

        return [_scores(reply) for reply in self._run(ask, deadline)[: len(hours)]]

    def hits(self, hour: int, deadline: Deadline) -> tuple[int, int]:
        """Requests of one hour that the cache answered, and those of them that values from warming did."""
        name = hits_key(hour)
        match self._run(lambda redis: redis.hmget(name, ["hits", "warmed"]), deadline, alone=True):
            case [[bytes() as hits, bytes() as warmed]] if hits.isdigit() and warmed.isdigit():
                return int(hits), int(warmed)
        return 0, 0

    def ping(self, deadline: Deadline) -> None:
        """Whether Redis answers; for the health check, past the breaker. Raises `CacheError`."""
        _accepted(*self._client().run(lambda redis: redis.exists(VERSION), deadline, alone=True))

    def _client(self) -> "RedisClient":
        if self._made is None:
            with self._making:
                try:
                    self._made = self._made or self._connect()
                except OSError as error:
                    raise CacheError("redis_tls", f"REDIS_CA cannot be used: {error}") from error
        return self._made

    def _run(self, ask: "Ask", deadline: Deadline, *, alone: bool = False, needed: int | None = None) -> Sequence[Any]:
        """Replies to commands, or to one `alone`. Raises if one of them (of the first `needed`) was refused.

        Only silence and broken lines count as failures, and only where there was time to wait for an answer: the last
        moments of a request that waited for the database prove nothing about Redis.
        """
        if not self._breaker.allows():
            raise CacheError("redis_breaker_open", "Redis failed several times in a row and is left alone for a while")
        client = self._client()
        patient = deadline.left() >= client.budget.command
        try:
            replies = client.run(ask, deadline, alone=alone)
        except CacheError as error:
            if error.fault in _ANSWERED:
                self._breaker.record_success()
            elif patient and error.fault != "redis_pool_exhausted":
                error.opened = self._breaker.record_failure()
            raise
        self._breaker.record_success()
        return _accepted(*replies[:needed])


def _accepted(*replies: Any) -> Sequence[Any]:
    """The replies, if none is a refusal."""
    for reply in replies:
        if isinstance(reply, CacheError):
            raise reply
    return replies


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _version(version: str, seconds: float) -> Entry:
    return Entry(VERSION, version.encode(), seconds)


def _set(redis: "Redis", *entries: Entry, only_if_missing: bool = False) -> None:
    for entry in entries:
        redis.set(entry.key, entry.value, px=_ms(entry.seconds), nx=only_if_missing)


def _give_back(redis: "Redis", lease: bytes, token: bytes, note: bytes = b"", seconds: float = 0.0) -> object:
    # not redis.eval(): pipelines of redis-py's cluster client have none
    return redis.execute_command("EVAL", _GIVE_BACK, 1, lease, token, note, _ms(seconds))


def _bytes(reply: object) -> bytes | None:
    return reply if isinstance(reply, bytes) else None


def _scores(reply: object) -> dict[int, float]:
    """Cells and requests from members and scores; members that are no numbers are left out."""
    pairs = reply if isinstance(reply, list) else []
    return {int(cell): float(requests) for cell, requests in pairs if cell.isdigit()}

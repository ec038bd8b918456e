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
    redis_moved               redirections without end
    redis_too_many_clients    the server takes no more connections
    redis_pool_exhausted      this process may open no more connections
    redis_refused             any other error reply
    redis_breaker_open        failed several times in a row; left alone for a while
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from chalicelib.breaker import Breaker
from chalicelib.cluster import Cluster, PoolExhausted
from chalicelib.deadline import Deadline
from chalicelib.demand import KEEP_SECONDS, Tally
from chalicelib.errors import CacheError
from chalicelib.keys import VERSION, demand_key, hits_key
from chalicelib.packing import HEADER
from chalicelib.resp import Address, Login, LoginRefused, ProtocolError, Refusal, Reply, encode
from chalicelib.settings import Budget
from chalicelib.sources import Publication

if TYPE_CHECKING:
    from ssl import SSLContext

_GIVE_BACK = b"""\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1"""
"""Compare and delete, or compare and replace. DELIFEQ of Valkey 9 does the first, no faster (within 5 %, loopback)."""

_FAULT_OF_WORD = {
    "OOM": "redis_oom",
    "READONLY": "redis_readonly",
    "CLUSTERDOWN": "redis_clusterdown",
    "MASTERDOWN": "redis_clusterdown",
    "TRYAGAIN": "redis_clusterdown",
    "LOADING": "redis_loading",
    "MOVED": "redis_moved",
    "ASK": "redis_moved",
    "NOAUTH": "redis_auth",
    "NOPERM": "redis_auth",
    "WRONGPASS": "redis_auth",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A value to write under a key, for so many seconds."""

    key: bytes
    value: bytes
    seconds: float


class RedisCache:
    """A `Cache` over one `Cluster`, with a breaker before it."""

    def __init__(self, cluster: Cluster, breaker: Breaker, now: Callable[[], float] = time) -> None:
        self._cluster, self._breaker, self._now = cluster, breaker, now

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
        """A cache at `redis://` or `rediss://[user[:password]@]host[:port]`. Opens nothing yet.

        `ca`: certificates to trust for `rediss://` instead of the system's. `login`: takes the place of the URL's
        user and password, such as `iam.cache_login(…)`. `idle`: seconds after which a connection is replaced before
        use. `size`: connections to one server at most.
        """
        parts = urlsplit(url)
        if login is None:
            who = (unquote(parts.username or ""), unquote(parts.password)) if parts.password else None
            login = lambda: who  # noqa: E731
        tls = _tls_context(ca) if parts.scheme == "rediss" else None
        home = Address(parts.hostname or "localhost", parts.port or 6379)
        return cls(Cluster(home, budget, tls=tls, login=login, size=size, idle=idle), breaker)

    def close(self) -> None:
        """Close idle connections."""
        self._cluster.close()

    # For features.py

    def read(self, key: bytes, deadline: Deadline) -> bytes | None:
        """The value of a key."""
        return _bytes(_accepted(self._guarded(self._cluster.run_one, key, encode("GET", key), deadline)))

    def check_in(self, key: bytes, tally: Tally, deadline: Deadline) -> bytes | None:
        """The value of a key, and in the same message the demand counted since the last time."""
        hour = int(self._now()) // 3600
        counts: list[tuple[bytes, bytes]] = []
        if tally.cells:
            demand, hits = demand_key(hour), hits_key(hour)
            counts += ((demand, encode("ZINCRBY", demand, n, cell)) for cell, n in tally.cells.items())
            counts += (
                (hits, encode("HINCRBY", hits, f, n)) for f, n in (("hits", tally.hits), ("warmed", tally.warmed))
            )
            counts += ((k, encode("EXPIRE", k, KEEP_SECONDS)) for k in (demand, hits))
        return _bytes(self._run([(key, encode("GET", key)), *counts], deadline, ignore=slice(1, None))[0])

    def claim(
        self, lease: bytes, token: bytes, seconds: float, key: bytes | None, deadline: Deadline
    ) -> tuple[bytes | None, bytes | None]:
        """Take a lease if it is free. Returns who held it before (None: it is ours now) and the value of `key`.

        `SET … NX GET` tells the holder, so that a claim whose reply was lost can be sent again.
        """
        requests = [(lease, encode("SET", lease, token, "NX", "GET", "PX", _ms(seconds)))]
        if key is not None:
            requests.append((key, encode("GET", key)))
        replies = self._run(requests, deadline)
        return _bytes(replies[0]), _bytes(replies[1]) if key is not None else None

    def publish(self, value: Publication, lease: bytes, token: bytes, deadline: Deadline) -> None:
        """Write a value and the version of its dataset, and give the lease back if it is still ours."""
        announcement = _writes(_version(value.version, value.seconds), only_if_missing=not value.news)
        give_back = encode("EVAL", _GIVE_BACK, 1, lease, token, b"", 0)
        self._run([*_writes(Entry(value.key, value.value, value.seconds)), *announcement, (lease, give_back)], deadline)

    def release(self, lease: bytes, token: bytes, deadline: Deadline, note: bytes = b"", seconds: float = 0.0) -> None:
        """Give a lease back if it is still ours, or leave a note in its place for `seconds`."""
        self._run([(lease, encode("EVAL", _GIVE_BACK, 1, lease, token, note, _ms(seconds)))], deadline)

    # For warming.py and the loader

    def heads(self, keys: Sequence[bytes], deadline: Deadline) -> list[bytes]:
        """The first `packing.HEADER.size` bytes of each value; b"" where there is none."""
        requests = [(key, encode("GETRANGE", key, 0, HEADER.size - 1)) for key in keys]
        return [_bytes(reply) or b"" for reply in self._run(requests, deadline)]

    def write(self, entries: Sequence[Entry], deadline: Deadline) -> None:
        """Write values, in one message a server."""
        self._run(_writes(*entries), deadline)

    def announce(self, version: str, seconds: float, deadline: Deadline) -> None:
        """Say which dataset is active; containers see it when they next ask."""
        self._run(_writes(_version(version, seconds)), deadline)

    def demand(self, hours: Sequence[int], count: int, deadline: Deadline) -> list[dict[int, float]]:
        """The `count` most asked cells of each hour (hours since 1970) with their requests; forgets all below them."""
        names = [demand_key(hour) for hour in hours]
        requests = [(name, encode("ZRANGE", name, 0, count - 1, "REV", "WITHSCORES")) for name in names]
        requests += [(name, encode("ZREMRANGEBYRANK", name, 0, -count - 1)) for name in names]
        replies = self._run(requests, deadline)[: len(names)]
        return [_scores(reply) for reply in replies]

    def hits(self, hour: int, deadline: Deadline) -> tuple[int, int]:
        """Requests of one hour that the cache answered, and those of them that values from warming did."""
        name = hits_key(hour)
        match self._run([(name, encode("HMGET", name, "hits", "warmed"))], deadline)[0]:
            case [bytes() as hits, bytes() as warmed] if hits.isdigit() and warmed.isdigit():
                return int(hits), int(warmed)
        return 0, 0

    def ping(self, deadline: Deadline) -> None:
        """Whether Redis answers; for the health check, past the breaker. Raises `CacheError`."""
        try:
            _accepted(self._cluster.run_one(VERSION, encode("EXISTS", VERSION), deadline))
        except OSError as error:
            raise CacheError(fault_of(error), str(error)) from error

    def _run(
        self, requests: Sequence[tuple[bytes, bytes]], deadline: Deadline, ignore: slice = slice(0)
    ) -> list[Reply]:
        """Run commands; error replies outside of `ignore` raise. Only silence and broken lines count as failures."""
        replies = self._guarded(self._cluster.run, requests, deadline)
        for index, reply in enumerate(replies):
            if index not in range(*ignore.indices(len(replies))):
                _accepted(reply)
        return replies

    def _guarded[**P, R](self, exchange: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Talk to the server if the breaker allows it, and tell it how that went."""
        if not self._breaker.allows():
            raise CacheError("redis_breaker_open", "Redis failed several times in a row and is left alone for a while")
        try:
            result = exchange(*args, **kwargs)
        except PoolExhausted as error:
            raise CacheError("redis_pool_exhausted", str(error)) from error
        except OSError as error:
            raise CacheError(fault_of(error), str(error), opened=self._breaker.failed()) from error
        self._breaker.worked()
        return result


def fault_of(failure: OSError | Refusal) -> str:
    """The fault code of a failed exchange or an error reply."""
    if isinstance(failure, LoginRefused):
        return "redis_too_many_clients" if "max number of clients" in str(failure) else "redis_auth"
    if isinstance(failure, PermissionError):  # no credentials to sign a token with
        return "redis_auth"
    if isinstance(failure, Refusal):
        if "max number of clients" in failure.text:
            return "redis_too_many_clients"
        return _FAULT_OF_WORD.get(failure.word, "redis_refused")
    if isinstance(failure, TimeoutError):
        return "redis_timeout"
    if type(failure).__name__.startswith("SSL"):  # ssl is imported only where it is used
        return "redis_tls"
    if isinstance(failure, ConnectionResetError | BrokenPipeError | ProtocolError):
        return "redis_disconnected"
    return "redis_unreachable"


def _tls_context(ca: Path | None) -> "SSLContext":
    """One context for all connections: building one costs 13 ms, half a connection."""
    import ssl

    return ssl.create_default_context(cafile=str(ca) if ca else None)


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _version(version: str, seconds: float) -> Entry:
    return Entry(VERSION, version.encode(), seconds)


def _writes(*entries: Entry, only_if_missing: bool = False) -> list[tuple[bytes, bytes]]:
    flags = ("NX",) if only_if_missing else ()
    return [(e.key, encode("SET", e.key, e.value, "PX", _ms(e.seconds), *flags)) for e in entries]


def _accepted(reply: Reply) -> Reply:
    """The reply, if it is no error."""
    if type(reply) is Refusal:
        raise CacheError(fault_of(reply), reply.text)
    return reply


def _bytes(reply: Reply) -> bytes | None:
    return reply if isinstance(reply, bytes) else None


def _scores(reply: Reply) -> dict[int, float]:
    """Cells and requests of `ZRANGE … WITHSCORES`; members that are no numbers are left out."""
    if not isinstance(reply, list):
        return {}
    pairs = zip(reply[::2], reply[1::2], strict=False)
    return {int(c): float(n) for c, n in pairs if isinstance(c, bytes) and isinstance(n, bytes) and c.isdigit()}

"""redis-py as the cache uses it: every wait bounded, one retry, and a cluster only where there is one.

Importing this module imports redis-py (90 ms), so `cache.RedisCache` does it at first use, or when told to prepare.

A client begins with a plain `redis.Redis`. That is one connection, and all that a single server needs, or ElastiCache
Serverless, whose one endpoint answers for every slot. The first `MOVED` or `ASK` makes it a `redis.RedisCluster`,
which reads the map of slots (8 ms and another connection) and follows it.

redis-py's time-outs belong to a connection and begin anew with each wait. Here they follow the deadline of the thread
that uses the connection, whenever it connects or receives. So an exchange ends by its deadline. Beyond reach are: the
resolver; a host's second address, which gets the time to connect anew; a message that the server does not take in,
`Budget.command` more; and, in a cluster that lost a node, the wait for another thread that is reading the new map.
"""

import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from socket import socket
from threading import Lock, local
from time import monotonic
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import AskError, BusyLoadingError, ReadOnlyError, RedisClusterException
from redis.retry import Retry

from chalicelib.config.settings import Budget
from chalicelib.errors import CacheError
from chalicelib.features.deadline import Deadline
from chalicelib.stores.iam import Login
from chalicelib.stores.redis_faults import fault_of

Ask = Callable[[redis.Redis], object]
"""Gives commands to a client or to a pipeline, such as `lambda redis: redis.get(key)`."""

MAX_AGE = 11 * 3600.0
"""Seconds after which a connection is replaced: ElastiCache ends it 12 h after it signed in with an IAM token."""

_FAILURES = (redis.RedisError, RedisClusterException, OSError)
_ANSWERED = (redis.AuthenticationError, BusyLoadingError)
"""Connections that failed because of what the server said: it would say so again at once."""


class _Turn(local):
    """By when the exchange of the calling thread ends: where the connections that it takes find it."""

    deadline = Deadline(float("inf"))


class _Login(CredentialProvider):
    """Signs each connection in anew, since a token is not good for long."""

    def __init__(self, login: Login) -> None:
        self._login = login

    def get_credentials(self) -> tuple[str, str]:
        try:
            return self._login()
        except PermissionError as error:  # redis-py closes a connection that was not signed in for its own errors only
            raise redis.AuthenticationError(str(error)) from error


class _Connection(redis.Connection):
    """A connection that waits no longer than its thread's turn, and is replaced when it is old.

    `idle`: seconds since it was last taken after which it is replaced: a frozen Lambda's sockets die unnoticed. (That
    the server has closed it, redis-py's pool sees before it lends it.) `tls`: one context for all connections, since
    building one costs 13 ms; redis-py's own TLS connection builds one each time.
    """

    def __init__(self, turn: _Turn, budget: Budget, tls: ssl.SSLContext | None, idle: float, **options: Any) -> None:
        self._turn, self._budget, self._tls, self._idle = turn, budget, tls, idle
        self._born = self._taken = monotonic()
        self._unused = True
        super().__init__(**options)

    def connect(self) -> None:
        """Get ready for an exchange: redis-py's pools call this whenever they lend a connection."""
        now = monotonic()
        if self.is_connected and (now - self._taken > self._idle or now - self._born > MAX_AGE):
            self.disconnect()
        self._taken = now
        self._unused = not self.is_connected
        if self._unused:
            self._born = now
            super().connect()

    def can_read(self, timeout: float = 0) -> bool:
        """Whether there is something to read, or an end: redis-py's pools do not lend such a connection."""
        readable = super().can_read(timeout)
        if readable and self._unused:  # what a server says before it is asked is why it will hang up
            self.read_response()
        return readable

    def _connect(self) -> Any:
        until = self._turn.deadline.within(self._budget.connect)
        self.socket_connect_timeout = _left(until)
        line: socket = super()._connect()
        if self._tls is not None:
            try:
                line.settimeout(_left(until))
                line = self._tls.wrap_socket(line, server_hostname=self.host)
                line.settimeout(self.socket_timeout)
            except BaseException:
                line.close()
                raise
        return _Line(line, self._turn, self._budget.command)


class _Line:
    """A socket that takes nothing in any more once the turn is over, however slowly it drips."""

    def __init__(self, line: socket, turn: _Turn, patience: float) -> None:
        self._line, self._turn, self._patience = line, turn, patience
        self.sendall, self.settimeout = line.sendall, line.settimeout

    def recv(self, size: int) -> bytes:
        left = self._turn.deadline.left()
        if left < self._patience and self._line.gettimeout() != 0:  # 0: only looks whether there is something
            self._line.settimeout(_left(self._turn.deadline))
        return self._line.recv(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._line, name)


def _left(until: Deadline) -> float:
    left = until.left()
    if left <= 0:
        raise TimeoutError("no time is left")
    return left


class RedisClient:
    """Commands to the Redis at `url`, whatever kind it is. Safe for threads; opens nothing yet.

    `ca`: certificates to trust for `rediss://` in place of the system's. `login`: takes the place of the URL's user
    and password. `idle`: see `_Connection`. `size`: exchanges at a time, and so connections to one server.
    """

    def __init__(
        self, url: str, budget: Budget, *, ca: Path | None, login: Login | None, idle: float, size: int
    ) -> None:
        parts = urlsplit(url)
        tls = ssl.create_default_context(cafile=ca) if parts.scheme == "rediss" else None
        self.budget = budget
        self._turn = _Turn()
        self._places: SimpleQueue[None] = SimpleQueue()  # a semaphore, at a tenth of what Python's costs
        for _ in range(size):
            self._places.put(None)
        self._host, self._port = parts.hostname or "localhost", parts.port or 6379
        self._options: dict[str, Any] = {
            "connection_class": partial(_Connection, self._turn, budget, tls, idle),
            "max_connections": 2 * size,  # one for the exchange, one for reading the map of slots meanwhile
            "socket_timeout": budget.command,
            "protocol": 2,
            "driver_info": None,  # spares two round trips a connection
        }
        if login is not None:
            self._options["credential_provider"] = _Login(login)
        elif parts.password:
            self._options |= {"username": unquote(parts.username or ""), "password": unquote(parts.password)}
        pool = redis.ConnectionPool(host=self._host, port=self._port, retry=Retry(NoBackoff(), 0), **self._options)
        self._plain = redis.Redis(connection_pool=pool)
        self._cluster: redis.RedisCluster | None = None
        self._other: redis.RedisCluster | None = None  # whose nodes could not be reached, while we ask the endpoint
        self._is_map_old = False
        self._switching = Lock()

    def run(self, ask: Ask, deadline: Deadline, *, alone: bool = False) -> list[Any]:
        """The replies to commands with one key each, sent as one message a server; `alone`: there is but one.

        What a server refuses is a `CacheError` among the replies. Raises `CacheError` where there are none: no server,
        no answer within the budget, no sign-in. Tries once more where that may help, so every command has to be one
        that may be carried out twice.
        """
        deadline = deadline.within(self.budget.total)
        left = deadline.left()
        if left <= 0:
            raise CacheError("redis_timeout", "no time was left to ask Redis")
        try:
            self._places.get(timeout=left)
        except Empty:
            raise CacheError("redis_pool_exhausted", "all connections to Redis are in use") from None
        try:
            self._turn.deadline = deadline
            try:
                return self._try(ask, alone=alone)
            except _FAILURES as error:
                self._on_failure(error)
                if isinstance(error, _ANSWERED) or deadline.left() < min(0.05, self.budget.command):
                    raise
            return self._try(ask, alone=alone)
        except _FAILURES as error:
            raise CacheError(fault_of(error), str(error)) from error
        finally:
            self._places.put(None)

    def close(self) -> None:
        """Close all connections."""
        for cluster in (self._cluster, self._other):
            if cluster is not None:
                cluster.close()
        self._plain.connection_pool.disconnect()

    def _try(self, ask: Ask, *, alone: bool) -> list[Any]:
        if alone and self._cluster is None:
            try:
                return [ask(self._plain)]
            except redis.ResponseError as error:
                replies: list[Any] = [error]
        else:
            replies = self._piped(ask)
        if any(isinstance(reply, Exception) for reply in replies):
            if self._cluster is None and any(isinstance(reply, AskError) for reply in replies):  # MOVED is one
                self._join_cluster()
                replies = self._piped(ask)
            elif any(isinstance(reply, ReadOnlyError) for reply in replies):  # the name may be another server's now
                self._plain.connection_pool.disconnect(inuse_connections=False)
                replies = self._piped(ask)
        return [_reply_or_refusal(reply) for reply in replies]

    def _piped(self, ask: Ask) -> list[Any]:
        """Replies and errors, in a cluster even for one command: there redis-py sleeps for 0.25 s on `CLUSTERDOWN`."""
        cluster = self._cluster
        if cluster is not None and self._is_map_old:
            cluster.nodes_manager.initialize()
            self._is_map_old = False
        with (cluster or self._plain).pipeline(transaction=False) as pipeline:
            ask(cast("redis.Redis", pipeline))
            try:
                return pipeline.execute(raise_on_error=False)
            except (LookupError, AttributeError) as error:  # how redis-py 8.1 trips over a node or slot off its map
                raise RedisClusterException("a node redirected to one that the cluster does not list") from error

    def _join_cluster(self) -> None:
        host = f"[{self._host}]" if ":" in self._host else self._host
        cluster = redis.RedisCluster(
            url=f"redis://{host}:{self._port}",  # a connection class can be given only beside a URL
            require_full_coverage=False,
            retry=Retry(NoBackoff(), 0),
            **self._options,
        )
        with self._switching:
            self._cluster, self._other, self._is_map_old = cluster, None, False

    def _on_failure(self, error: Exception) -> None:
        """What broke one connection broke the others that lay beside it; and slots may have other owners now."""
        self._plain.connection_pool.disconnect(inuse_connections=False)
        self._is_map_old = True  # redis-py reads it anew by itself, but not if it has no time left
        with self._switching:
            if self._cluster is None:  # the endpoint fails: perhaps the nodes that we knew are back
                self._cluster, self._other = self._other, None
            elif isinstance(error, RedisClusterException):  # the nodes fail: perhaps the endpoint knows others
                self._cluster, self._other = None, self._cluster


def _reply_or_refusal(reply: Any) -> Any:
    """A reply as it is, an error reply as `CacheError`. Raises what befell one server's line among several."""
    if not isinstance(reply, Exception):
        return reply
    if isinstance(reply, redis.ConnectionError | redis.TimeoutError):
        raise reply
    return CacheError(fault_of(reply), str(reply))

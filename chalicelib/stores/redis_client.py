"""A Redis client based on redis-py, with a deadline and one retry for each call, and cluster mode if it is needed.

Importing this module imports redis-py (90 ms), so `RedisCache` imports it at first use or in `prepare`.

A client starts with a plain `redis.Redis`. One connection suffices for a single server, and for ElastiCache Serverless,
whose endpoint serves every slot. At the first `MOVED` or `ASK` reply the client switches to `redis.RedisCluster`, which
reads the slot map (8 ms and another connection).

redis-py's timeouts belong to a connection and restart with each wait. Here each connect and receive also observes the
deadline of the calling thread, so a call ends by its deadline. A call may take longer in three cases: name resolution
is slow; the server does not read the command (at most `Budget.command` longer); or the cluster lost a node, and another
thread is reading the slot map.

A sign-in that is not complete by then continues in the next call (redis_connection.py).
"""

import ssl
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock
from time import sleep
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    ClusterError,
    InvalidResponse,
    MaxConnectionsError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    ResponseError,
    TimeoutError,  # noqa: A004
    TryAgainError,
)
from redis.retry import Retry

from chalicelib.config.stores import RedisSettings
from chalicelib.deadline import Deadline
from chalicelib.errors import CacheError, without_frames
from chalicelib.stores.redis_connection import (
    GLANCE,
    CurrentDeadline,
    DeadlineConnection,
    NodePool,
    OpenFirstPool,
    RedisSignIns,
    SignInUnderWay,
)
from chalicelib.stores.sign_in import Login

Commands = Callable[[redis.Redis], object]
"""A function that calls commands on a client or a pipeline, such as `lambda redis: redis.get(key)`."""

_FAILURES = (redis.RedisError, RedisClusterException, OSError)
_ANSWERED = (redis.AuthenticationError, BusyLoadingError)
"""Errors that the server sent as a reply. A retry would get the same reply."""
_FAULTS: tuple[tuple[str, tuple[type[Exception], ...]], ...] = (  # the first match counts
    ("redis_signing_in", (SignInUnderWay,)),
    ("redis_pool_exhausted", (MaxConnectionsError,)),
    ("redis_auth", (AuthenticationError, AuthorizationError, NoPermissionError, AuthenticationWrongNumberOfArgsError)),
    ("redis_loading", (BusyLoadingError,)),
    ("redis_oom", (OutOfMemoryError,)),
    ("redis_readonly", (ReadOnlyError,)),
    ("redis_clusterdown", (ClusterDownError, TryAgainError)),
    ("redis_moved", (AskError, ClusterError, LookupError, AttributeError)),
    ("redis_refused", (ResponseError,)),
    ("redis_timeout", (TimeoutError,)),
    ("redis_disconnected", (InvalidResponse,)),
)


class RedisClient:
    """A client of the Redis server or cluster at `settings.url`. Thread-safe. The first command opens a connection.

    `login`: replaces the user and password in the URL. `sign_ins`: those of its connections. Raises `CacheError` if the
    CA bundle cannot be read.
    """

    def __init__(self, settings: RedisSettings, login: Login | None = None) -> None:
        parts, size = urlsplit(settings.url), settings.connections
        try:
            tls = ssl.create_default_context(cafile=settings.ca) if parts.scheme == "rediss" else None
        except OSError as error:
            raise CacheError("redis_tls", f"the file in REDIS_CA cannot be read: {error}") from error
        if login is None and parts.password:
            credentials = unquote(parts.username or ""), unquote(parts.password)
            login = lambda: credentials  # noqa: E731
        self.settings = settings
        self._current = CurrentDeadline()
        self.sign_ins = RedisSignIns(settings, tls, login)
        self._permits: SimpleQueue[None] = SimpleQueue()  # a semaphore that takes a tenth of the time of Python's
        for _ in range(size):
            self._permits.put(None)
        self._host, self._port = parts.hostname or "localhost", parts.port or 6379
        self._options: dict[str, Any] = {
            "connection_class": partial(DeadlineConnection, self._current, settings, self.sign_ins),
            "max_connections": 2 * size,  # each call may need one more to read the slot map
            "socket_timeout": settings.command,
            "protocol": 2,
            "driver_info": None,  # saves two round trips per connection
        }
        self._pool = OpenFirstPool(host=self._host, port=self._port, retry=Retry(NoBackoff(), 0), **self._options)
        self._plain = redis.Redis(connection_pool=self._pool)
        self._cluster: redis.RedisCluster | None = None
        self._previous: redis.RedisCluster | None = None  # the last cluster, if its nodes failed
        self._is_slot_map_stale = False
        self._switching = Lock()

    def run(self, commands: Commands, deadline: Deadline, *, alone: bool = False, may_retry: bool = True) -> list[Any]:
        """Run commands with one key each, in one pipeline per server, and return the replies.

        `alone`: whether there is only one command. `may_retry`: whether to try once more if the connection or the
        sign-in fails. An error reply is a `CacheError` in the list. Raises `CacheError` if there are no replies,
        because the connection or the sign-in failed or timed out. Commands must be safe to run twice.
        """
        deadline = deadline.within(self.settings.total)
        left = deadline.left()
        if left <= 0:
            raise CacheError("redis_timeout", "the deadline passed before the command was sent")
        try:
            self._permits.get(timeout=left)
        except Empty:
            raise CacheError("redis_pool_exhausted", "all connections to Redis are in use") from None
        try:
            self._current.deadline = deadline
            try:
                return self._try_open(commands, alone=alone)
            except _FAILURES as error:
                first = without_frames(error)
                self._on_failure(first)
                no_time = deadline.left() < min(0.05, self.settings.command)
                if isinstance(error, _ANSWERED) or no_time or not may_retry:
                    raise
            try:
                return self._try_open(commands, alone=alone)
            except SignInUnderWay:  # what failed before says more
                raise first from None
        except _FAILURES as error:
            raise CacheError(fault_of(error), str(error)) from without_frames(error)
        finally:
            self._permits.put(None)

    def close(self) -> None:
        """Close all connections."""
        for cluster in (self._cluster, self._previous):
            if cluster is not None:
                cluster.close()
        self._pool.disconnect()
        self.sign_ins.close()

    def _try_open(self, commands: Commands, *, alone: bool) -> list[Any]:
        """Run commands. While a sign-in is under way, wait until an open connection is free."""
        while True:
            try:
                return self._try(commands, alone=alone)
            except SignInUnderWay as error:
                is_over = self._current.deadline.left() <= GLANCE
                if is_over or self._cluster is not None or not self._pool.has_open():
                    raise
                without_frames(error)
            self._pool.prefer_open()
            sleep(GLANCE)

    def _try(self, commands: Commands, *, alone: bool) -> list[Any]:
        if alone and self._cluster is None:
            try:
                return [commands(self._plain)]
            except redis.ResponseError as error:
                replies: list[Any] = [without_frames(error)]
        else:
            replies = self._run_pipeline(commands)
        if any(isinstance(reply, Exception) for reply in replies):
            # AskError is also the base class of MovedError.
            if self._cluster is None and any(isinstance(reply, AskError) for reply in replies):
                self._switch_to_cluster()
                replies = self._run_pipeline(commands)
            elif any(isinstance(reply, ReadOnlyError) for reply in replies):  # the host name may point to a new primary
                self._pool.disconnect(inuse_connections=False)
                replies = self._run_pipeline(commands)
        return [_to_cache_error(reply) for reply in replies]

    def _run_pipeline(self, commands: Commands) -> list[Any]:
        """Run commands in a pipeline, even a single one: otherwise redis-py sleeps for 0.25 s after `CLUSTERDOWN`."""
        cluster = self._cluster
        if cluster is not None and self._is_slot_map_stale:
            cluster.nodes_manager.initialize()
            self._is_slot_map_stale = False
        with (cluster or self._plain).pipeline(transaction=False) as pipeline:
            commands(cast("redis.Redis", pipeline))
            try:
                replies = pipeline.execute(raise_on_error=False)
            except (LookupError, AttributeError) as error:  # redis-py 8.1 raises these for unknown nodes and slots
                raise RedisClusterException("a redirection leads to a node that is not in the slot map") from error
        return [without_frames(reply) if isinstance(reply, Exception) else reply for reply in replies]

    def _switch_to_cluster(self) -> None:
        host = f"[{self._host}]" if ":" in self._host else self._host
        cluster = redis.RedisCluster(
            url=f"redis://{host}:{self._port}",  # redis-py accepts a connection class only with a URL
            connection_pool_class=NodePool,
            require_full_coverage=False,
            retry=Retry(NoBackoff(), 0),
            **self._options,
        )
        with self._switching:
            is_first = self._cluster is None  # of the threads that switch at once
            unused = self._previous if is_first else cluster
            if is_first:
                self._cluster, self._previous, self._is_slot_map_stale = cluster, None, False
        for node in unused.get_nodes() if unused else ():  # they are in reference cycles, with their open connections
            if node.redis_connection:
                node.redis_connection.connection_pool.disconnect(inuse_connections=False)

    def _on_failure(self, error: Exception) -> None:
        """Close idle connections, which are probably broken too, and mark the slot map as stale."""
        if not isinstance(error, SignInUnderWay):
            self._pool.disconnect(inuse_connections=False)
        self._is_slot_map_stale = True  # redis-py itself reads it again only before the deadline
        with self._switching:
            if self._cluster is None:  # the endpoint failed: try the previous nodes
                self._cluster, self._previous = self._previous, None
            elif isinstance(error, RedisClusterException):  # the nodes failed: ask the endpoint for others
                self._cluster, self._previous = None, self._cluster


def _to_cache_error(reply: Any) -> Any:
    """Convert an error reply to `CacheError`; return other replies unchanged. Raises connection errors and timeouts."""
    if not isinstance(reply, Exception):
        return reply
    if isinstance(reply, redis.ConnectionError | redis.TimeoutError):
        raise reply
    return CacheError(fault_of(reply), str(reply))


def fault_of(error: BaseException) -> str:
    """Return the fault code of an error reply or a failed call."""
    if "max number of clients" in str(error):
        return "redis_too_many_clients"
    for code, kinds in _FAULTS:
        if isinstance(error, kinds):
            return code
    if isinstance(error, RedisClusterException):
        return fault_of(error.__cause__) if error.__cause__ else "redis_clusterdown"
    cause: BaseException | None = error  # of redis-py's `ConnectionError`, which an error of the system caused
    while cause is not None:
        if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionResetError | BrokenPipeError):
            return "redis_disconnected"
        if isinstance(cause, ssl.SSLError):
            return "redis_tls"
        if isinstance(cause, OSError):
            return "redis_unreachable"
        cause = cause.__cause__ or cause.__context__
    return "redis_disconnected"

"""redis-py's connections and their pool, with a deadline for each call. This module imports redis-py."""

from collections.abc import Callable
from itertools import chain
from socket import socket
from threading import local
from time import monotonic
from typing import Any

import redis

from chalicelib.config.stores import RedisSettings
from chalicelib.features.deadline import Deadline
from chalicelib.stores.redis_sign_in import RedisSignIns

MAX_AGE = 11 * 3600.0
"""Age in seconds at which a connection is replaced. ElastiCache closes connections 12 h after their IAM sign-in."""
GLANCE = 0.002
"""Longest wait for a new connection, in seconds, before another look for one that is open and free."""


class CurrentDeadline(local):
    """The deadline of the calling thread's current call. The thread's connection observes it."""

    deadline = Deadline(float("inf"))


class DeadlineConnection(redis.Connection):
    """A connection that observes its thread's deadline, and reconnects if it is too old or was idle for too long.

    `RedisSettings.idle` seconds after its last use, the connection reconnects, because the sockets of a frozen Lambda
    container may break unnoticed. (redis-py's pool detects only a connection that the server closed.) `has_open`:
    whether the pool has an open connection, so that a caller need not wait for this one.
    """

    def __init__(
        self,
        current: CurrentDeadline,
        settings: RedisSettings,
        sign_ins: RedisSignIns,
        has_open: Callable[[], bool] = lambda: False,
        **options: Any,
    ) -> None:
        self._current, self._settings, self._sign_ins = current, settings, sign_ins
        self._has_open = has_open
        self._connected_at = self._used_at = monotonic()
        self._unused = True
        super().__init__(**options)

    def connect(self) -> None:
        """Connect if needed. redis-py's pools call this method before they hand out a connection."""
        now = monotonic()
        if self.is_connected and (now - self._used_at > self._settings.idle or now - self._connected_at > MAX_AGE):
            self.disconnect()
        self._used_at = now
        self._unused = not self.is_connected
        if self._unused:
            self._connected_at = now
            super().connect()

    def can_read(self, timeout: float = 0) -> bool:
        """Return whether data or an end of stream can be read. If so, redis-py's pools do not use the connection."""
        readable = super().can_read(timeout)
        if readable and self._unused:  # a server that rejects a new connection sends an error and closes it
            self.read_response()
        return readable

    def _connect(self) -> Any:
        wait = GLANCE if self._has_open() else self._settings.connect
        sock = self._sign_ins.open((self.host, self.port), self._current.deadline.within(wait))
        sock.settimeout(self.socket_timeout)
        return _DeadlineSocket(sock, self._current, self._settings.command)


class OpenFirstPool(redis.ConnectionPool):
    """A pool that can prefer open connections to those whose sign-in is under way."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.connection_kwargs["has_open"] = self.has_open

    def has_open(self) -> bool:
        """Return whether a connection is open, in use or not."""
        with self._lock:
            return any(each.is_connected for each in chain(self._available_connections, self._in_use_connections))

    def prefer_open(self) -> None:
        """Hand out connections that are open before others. redis-py hands out the one that was used last."""
        with self._lock:
            self._available_connections.sort(key=lambda each: each.is_connected)


class _DeadlineSocket:
    """A socket whose reads end at the thread's deadline, even if data arrives byte by byte."""

    def __init__(self, sock: socket, current: CurrentDeadline, timeout: float) -> None:
        self._socket, self._current, self._timeout = sock, current, timeout
        self.sendall, self.settimeout = sock.sendall, sock.settimeout

    def recv(self, size: int) -> bytes:
        left = self._current.deadline.left()
        if left < self._timeout and self._socket.gettimeout() != 0:  # 0: a non-blocking check for data
            if left <= 0:
                raise TimeoutError("the deadline has passed")
            self._socket.settimeout(left)
        return self._socket.recv(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

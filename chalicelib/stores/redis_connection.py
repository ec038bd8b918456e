"""redis-py's connections, with a deadline for each call, and their sign-ins. This module imports redis-py.

A sign-in is TCP, TLS and `AUTH` on a non-blocking socket, which a redis-py connection then takes over. redis-py's own
connect is one blocking call, so a request that runs out of time could not hand a half-finished sign-in to the next
request.
"""

import select
import socket
import ssl
from collections.abc import Callable
from errno import EINPROGRESS
from functools import partial
from itertools import chain
from os import strerror
from threading import Lock, get_ident, local
from time import monotonic
from typing import Any

import redis
from redis.connection import DefaultParser
from redis.exceptions import InvalidResponse

from chalicelib.config.stores import RedisSettings, StoreSettings
from chalicelib.deadline import Deadline
from chalicelib.stores.sign_in import Login, SignIn, Steps

_MAX_REPLY = 65_536
"""Longest reply to `AUTH`, in bytes; it is one line."""
_SILENCE = 1000
"""Milliseconds for which the peer may leave a packet unacknowledged. After that, a new sign-in is faster than to wait
for the kernel, which doubles its pause before each resend."""
MAX_AGE = 11 * 3600.0
"""Age in seconds at which a connection is replaced. ElastiCache closes connections 12 h after their IAM sign-in."""
GLANCE = 0.002
"""Longest wait for a new connection, in seconds, before another look for one that is open and free."""

Address = tuple[str, int]


class SignInUnderWay(redis.TimeoutError):
    """The sign-in was not complete in time, and continues. redis-py handles this as a connect timeout."""


class RedisSignIns:
    """The sign-ins of one client: at most one under way to each address. Thread-safe.

    `tls`: context for all connections, because creating one takes 13 ms. `login`: returns user and password of a new
    connection; an empty user stands for the default one. `last`: duration of the last sign-in that succeeded, seconds.
    """

    def __init__(self, settings: StoreSettings, tls: ssl.SSLContext | None, login: Login | None) -> None:
        self._settings, self._tls, self._login = settings, tls, login
        self._under_way: dict[Address, SignIn[socket.socket]] = {}
        self._locks: dict[Address, Lock] = {}
        self.last: float | None = None

    @property
    def any_under_way(self) -> bool:
        """Return whether a sign-in is under way and not overdue, as one to a node that left the cluster may be."""
        return bool(self._under_way) and not all(each.is_overdue for each in list(self._under_way.values()))

    def open(self, address: Address, deadline: Deadline) -> socket.socket:
        """Return a signed-in socket. Raises `SignInUnderWay` at the deadline, and errors of redis-py and `OSError`.

        Concurrent calls wait for each other, so that together they begin only one sign-in.
        """
        lock = self._locks.setdefault(address, Lock())
        if not lock.acquire(timeout=max(deadline.left(), 0.0)):
            raise SignInUnderWay("another thread is signing in")
        try:
            if address not in self._under_way:
                steps = _steps(address, self._tls, self._login)
                self._under_way[address] = SignIn(steps, self._settings.connect, self._settings.sign_in)
            sign_in, is_over = self._under_way[address], True
            try:
                signed_in = sign_in.proceed(deadline)
                is_over = signed_in is not None
            finally:
                if is_over:
                    del self._under_way[address]
            if signed_in is None:
                raise SignInUnderWay(f"the sign-in has been under way for {sign_in.seconds:.1f} s")
            self.last = sign_in.seconds
            return signed_in
        finally:
            lock.release()

    def close(self) -> None:
        """Give up the sign-ins that are under way."""
        for address, lock in list(self._locks.items()):
            with lock:
                if sign_in := self._under_way.pop(address, None):
                    sign_in.close()


def _steps(address: Address, tls: ssl.SSLContext | None, login: Login | None) -> Steps[socket.socket]:
    sock = yield from _tcp(address)
    try:
        if tls is not None:
            sock = tls.wrap_socket(sock, server_hostname=address[0], do_handshake_on_connect=False)
            yield from _when_ready(sock, sock.do_handshake)
        if login is not None:
            yield from _auth(sock, login)
    except BaseException:  # GeneratorExit too
        sock.close()
        raise
    return sock


def _tcp(address: Address) -> Steps[socket.socket]:
    """Connect to the first of the host's addresses that accepts a connection. Raises `OSError`."""
    failure = OSError(f"{address[0]} has no address")
    for family, kind, protocol, _, resolved in socket.getaddrinfo(*address, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENCE)
            code = sock.connect_ex(resolved)
            if code == EINPROGRESS:
                yield sock.fileno(), select.POLLOUT
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code == 0:
                return sock
            failure = OSError(code, strerror(code))
        except GeneratorExit:
            sock.close()
            raise
        sock.close()
    raise failure


def _auth(sock: socket.socket, login: Login) -> Steps[None]:
    """Send `AUTH` and read the reply. Raises redis-py's errors."""
    try:
        credentials = login()
    except PermissionError as error:
        raise redis.AuthenticationError(str(error)) from error
    words = [b"AUTH", *(word.encode() for word in credentials if word)]
    message = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
    while message:
        sent = yield from _when_ready(sock, partial(sock.send, message), select.POLLOUT)
        message = message[sent:]
    reply = b""
    while not reply.endswith(b"\r\n"):
        part = yield from _when_ready(sock, partial(sock.recv, 4096))
        reply += part
        if not part:
            raise redis.ConnectionError("the server closed the connection during the sign-in")
        if len(reply) > _MAX_REPLY:
            raise InvalidResponse("the reply to AUTH is too long")
    if reply.startswith(b"-"):
        raise DefaultParser.parse_error(reply[1:-2].decode("utf-8", "replace"))
    if reply != b"+OK\r\n":
        raise InvalidResponse(f"unexpected reply to AUTH: {reply[:40]!r}")


def _when_ready[R](sock: socket.socket, call: Callable[[], R], event: int = select.POLLIN) -> Steps[R]:
    """Repeat a call on a non-blocking socket until it does not have to wait, and return its result."""
    while True:
        try:
            return call()
        except ssl.SSLWantReadError:
            awaited = select.POLLIN
        except ssl.SSLWantWriteError:
            awaited = select.POLLOUT
        except BlockingIOError:
            awaited = event
        yield sock.fileno(), awaited


class CurrentDeadline(local):
    """The deadline of the calling thread's current call. The thread's connection observes it."""

    deadline = Deadline(float("inf"))


class DeadlineConnection(redis.Connection):
    """A connection that observes its thread's deadline, and reconnects if it is too old or was idle for too long.

    The sockets of a frozen Lambda container may break unnoticed: redis-py's pool detects only what the server closed.
    `has_open`: whether the pool has an open connection, so that a caller need not wait for this one. `user`: the thread
    that uses the connection, or None.
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
        self.user: int | None = None
        super().__init__(**options)

    def connect(self) -> None:
        """Connect if needed. redis-py's pools call this method before they hand out a connection."""
        now, self.user = monotonic(), get_ident()
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
        """Make the pool hand out open connections first; otherwise redis-py hands out the one that was used last."""
        with self._lock:
            self._available_connections.sort(key=lambda each: each.is_connected)


class NodePool(redis.ConnectionPool):
    """The pool of a cluster's node, which takes a connection back only from the thread that uses it.

    redis-py 8.1 gives a connection back twice if it cannot connect to another node, nor read the slot map. If a thread
    got the connection meanwhile, another one would get it too, and they would read each other's replies.
    """

    def release(self, connection: Any) -> None:
        """Take a connection back, unless its thread has given it back already."""
        if connection.user == get_ident():
            connection.user = None
            super().release(connection)


class _DeadlineSocket:
    """A socket whose reads end at the thread's deadline, even if data arrives byte by byte."""

    def __init__(self, sock: socket.socket, current: CurrentDeadline, timeout: float) -> None:
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

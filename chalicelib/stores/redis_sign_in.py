"""Sign-ins to Redis: TCP, TLS and `AUTH` on a non-blocking socket, which a redis-py connection then takes over.

redis-py itself connects in one blocking call, which a request could not leave and another one continue.
"""

import select
import socket
import ssl
from collections.abc import Callable
from errno import EINPROGRESS
from functools import partial
from os import strerror
from threading import Lock

import redis
from redis.connection import DefaultParser
from redis.exceptions import InvalidResponse

from chalicelib.config.stores import StoreSettings
from chalicelib.features.deadline import Deadline
from chalicelib.stores.iam import Login
from chalicelib.stores.sign_in import SignIn, Steps

_MAX_REPLY = 65_536
"""Longest reply to `AUTH`, in bytes; it is one line."""

_SILENCE = 1000
"""Time for which the peer may leave a packet unacknowledged, in milliseconds.

Then a new sign-in loses nothing, and it sends its packets earlier than the kernel, whose pauses double."""

Address = tuple[str, int]


class SignInUnderWay(redis.TimeoutError):
    """The sign-in was not through in time, and continues. redis-py handles this as a connect timeout."""


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
        """Return whether a sign-in is under way, and not overdue, as one to a node that left the cluster may be."""
        return bool(self._under_way) and not all(each.is_overdue for each in list(self._under_way.values()))

    def open(self, address: Address, deadline: Deadline) -> socket.socket:
        """Return a signed-in socket. Raises `SignInUnderWay` at the deadline, and errors of redis-py and `OSError`.

        Concurrent calls wait for each other, so that they do not begin a sign-in each.
        """
        lock = self._locks.setdefault(address, Lock())
        if not lock.acquire(timeout=max(deadline.left(), 0.0)):
            raise SignInUnderWay("another thread is signing in")
        try:
            sign_in = self._under_way.get(address)
            if sign_in is None:
                steps = _steps(address, self._tls, self._login)
                sign_in = self._under_way[address] = SignIn(steps, self._settings.connect, self._settings.sign_in)
            is_over = True
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
                sign_in = self._under_way.pop(address, None)
                if sign_in is not None:
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
    """Connect to the first address of the host that accepts. Raises `OSError`."""
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

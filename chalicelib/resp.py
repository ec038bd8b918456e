"""RESP 2 over one socket: what Redis and Valkey speak, as far as a cache needs it.

Ours because of what a cold start costs: `import redis` takes 94 ms (asyncio and every command of every module),
its cluster client another 20 ms to connect, this module 2 ms and one round trip. It also lets a deadline hold for
the whole exchange, however slowly bytes drip in, where a client's timeout starts anew with every read. redis-py is
a development dependency: the peer in tests and benchmarks.
"""

import select
import socket
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from chalicelib.deadline import Deadline

if TYPE_CHECKING:
    from ssl import SSLContext

type Reply = bytes | int | list["Reply"] | "Refusal" | None
"""What a server answers: a string, a number, a list, an error, or nothing."""

Login = Callable[[], tuple[str, str] | None]
"""Gives user ("" for none) and password when a connection opens, or None where the server asks for neither."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error reply: the server understood and said no. `MOVED 3999 10.0.0.2:6379` has the word `MOVED`."""

    text: str

    @property
    def word(self) -> str:
        return self.text.partition(" ")[0]


class ProtocolError(ConnectionError):
    """Bytes that are no RESP, or fewer than there should be; the connection is of no further use."""


class LoginRefused(ConnectionError):
    """The server took the connection and refused who we are."""


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int


def encode(*words: bytes | str | int | float) -> bytes:
    """One command as the server reads it.

    >>> encode("GET", b"k")
    b'*2\\r\\n$3\\r\\nGET\\r\\n$1\\r\\nk\\r\\n'
    """
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


class Connection:
    """One socket to one server. Not for two threads at a time; `Pool` sees to that.

    Every failure is an `OSError`, after which the connection must be closed: its next reply may belong to the
    command before.
    """

    __slots__ = ("_buffer", "_read", "_socket", "born", "used")

    def __init__(self, address: Address, tls: "SSLContext | None", login: Login, deadline: Deadline) -> None:
        left = deadline.left()
        if left <= 0:
            raise TimeoutError("no time left to connect")
        self._socket = socket.create_connection((address.host, address.port), left)
        self._buffer, self._read = b"", 0
        self.born = self.used = monotonic()
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if tls is not None:
                self._socket.settimeout(max(deadline.left(), 0.001))
                self._socket = tls.wrap_socket(self._socket, server_hostname=address.host)
            if who := login():
                words = who if who[0] else who[1:]
                (reply,) = self.exchange(encode("AUTH", *words), 1, deadline)
                if isinstance(reply, Refusal):
                    raise LoginRefused(reply.text)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._socket.close()

    def looks_dead(self) -> bool:
        """Whether the server hung up while the connection lay idle.

        Nothing is owed to us between two exchanges, so bytes, or their end, can only mean that. One system call.
        """
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))

    def exchange(self, commands: bytes, replies: int, deadline: Deadline) -> list[Reply]:
        """Send encoded commands and read as many replies, in order. Error replies are values here: see `Refusal`."""
        self._arm(deadline)
        self._socket.sendall(commands)
        answers = [self._reply(deadline) for _ in range(replies)]
        if self._read == len(self._buffer):
            self._buffer, self._read = b"", 0
        else:
            raise ProtocolError("more bytes than replies")
        self.used = monotonic()
        return answers

    def _arm(self, deadline: Deadline) -> None:
        left = deadline.left()
        if left <= 0:
            raise TimeoutError("no reply within the time")
        self._socket.settimeout(left)

    def _more(self, deadline: Deadline) -> None:
        self._arm(deadline)
        data = self._socket.recv(65536)
        if not data:
            raise ProtocolError("the server closed the connection")
        self._buffer = self._buffer[self._read :] + data if self._read < len(self._buffer) else data
        self._read = 0

    def _line(self, deadline: Deadline) -> bytes:
        while (end := self._buffer.find(b"\r\n", self._read)) < 0:
            if len(self._buffer) - self._read > 65536:
                raise ProtocolError("a line without end")
            self._more(deadline)
        line, self._read = self._buffer[self._read : end], end + 2
        return line

    def _exactly(self, size: int, deadline: Deadline) -> bytes:
        if len(self._buffer) - self._read >= size + 2:
            start, self._read = self._read, self._read + size + 2
            return self._buffer[start : start + size]
        chunks, have = [self._buffer[self._read :]], len(self._buffer) - self._read
        self._buffer, self._read = b"", 0
        while have < size + 2:
            self._more(deadline)
            chunks.append(self._buffer)
            have += len(self._buffer)
            self._buffer = b""
        data = b"".join(chunks)
        self._buffer = data[size + 2 :]
        return data[:size]

    def _reply(self, deadline: Deadline, depth: int = 0) -> Reply:
        line = self._line(deadline)
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest
        if kind == b"-":
            return Refusal(rest.decode("utf-8", "replace"))
        try:
            number = int(rest)
        except ValueError:
            raise ProtocolError(f"not a reply: {line[:40]!r}") from None
        if kind == b":":
            return number
        if number == -1 and kind in b"$*":
            return None
        if not 0 <= number <= 2**29 or depth > 8:
            raise ProtocolError(f"a reply out of all proportion: {line[:40]!r}")
        if kind == b"$":
            return self._exactly(number, deadline)
        if kind == b"*":
            return [self._reply(deadline, depth + 1) for _ in range(number)]
        raise ProtocolError(f"not a reply: {line[:40]!r}")

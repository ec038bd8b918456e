"""A TCP proxy between the app and a server. It simulates faults of networks and servers.

    with Proxy.to(server.port) as proxy:
        proxy.hold()        # keep all data back
        proxy.restore()     # forward the data that was kept back, and all later data

Faults can change at any time. They also apply to open connections, unless a method says otherwise.
"""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Condition, Thread
from time import monotonic
from typing import Literal, Self

HOST = "127.0.0.1"
CHUNK_SIZE = 65536
TIMEOUT = 5.0
"""Longest wait for a connection to the server, and for the end of a thread, seconds."""

CloseMode = Literal["close", "reset"]


@dataclass(frozen=True, slots=True)
class Shaping:
    """How data is forwarded. `held`: data is kept back.

    `delay`: delay in each direction in seconds. `drip`: seconds between two bytes of a reply.
    """

    delay: float = 0.0
    held: bool = False
    drip: float = 0.0


NORMAL = Shaping()


class ProxiedConnection:
    """One connection through the proxy, with a socket to the client and one to the server.

    `silent_until`: time on the monotonic clock until which all replies are kept back.
    """

    def __init__(self, client: socket.socket, server: socket.socket, silent_until: float = 0.0) -> None:
        self.client, self.server, self.silent_until = client, server, silent_until
        self.forgotten = False
        self.over = False

    def end(self, how: CloseMode = "close") -> None:
        """Shut both sockets down; the threads that forward data notice it and close the sockets."""
        self.over = True
        for side in (self.client, self.server):
            with suppress(OSError):
                if how == "reset":
                    # with a linger time of 0, close sends RST as soon as no thread waits for data of the socket
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    side.shutdown(socket.SHUT_RD)
                else:
                    side.shutdown(socket.SHUT_RDWR)


class Proxy:
    """A proxy that listens on `port` of loopback.

    `accepted`: number of connections so far. `accepted_at`: time of the last one on the monotonic clock.
    `most_silent`: highest number of connections that `sign_in_slowly` has kept silent at the same time.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.accepted = self.most_silent = 0
        self.accepted_at = self._silence = 0.0
        self._traffic = NORMAL
        self._turning_away: CloseMode | None = None
        self._losing: tuple[int, CloseMode] | None = None
        self._changed = Condition()
        self._connections: list[ProxiedConnection] = []
        self._hung_up = 0  # number of calls, so that a connection that is accepted during a call is closed too
        self._threads: list[Thread] = []
        self._fillers: list[socket.socket] = []
        self._listener = _bound(0)
        self.port: int = self._listener.getsockname()[1]
        self._listen()

    @classmethod
    @contextmanager
    def to(cls, target: int) -> Iterator[Self]:
        """Run a proxy for a port of this machine until the end of the block."""
        proxy = cls(target)
        try:
            yield proxy
        finally:
            proxy.close()

    def restore(self) -> None:
        """End all faults: listen again, and forward all data, starting with data that was kept back."""
        self._turning_away = self._losing = None
        self._silence = 0.0
        if self._fillers:
            self._stop_listening()
            self._listener = _bound(self.port)
        if self._listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 0:
            self._listen()
        self._set_traffic(NORMAL)

    def delay(self, seconds: float) -> None:
        """Delay all data by `seconds`, in both directions."""
        self._set_traffic(Shaping(delay=seconds))

    def sign_in_slowly(self, seconds: float) -> None:
        """Keep back the replies of each new connection for `seconds`, like a server that takes so long to sign in."""
        self._silence = seconds

    def hold(self) -> None:
        """Accept connections but forward no data, like a server that hangs or a black hole."""
        self._set_traffic(Shaping(held=True))

    def drip(self, seconds: float) -> None:
        """Forward replies byte by byte, with a pause after each byte."""
        self._set_traffic(Shaping(drip=seconds))

    def forget(self) -> None:
        """Silently drop the data of open connections, like a NAT that has forgotten them. New connections work."""
        with self._changed:
            for connection in self._connections:
                connection.forgotten = True

    def hang_up(self, how: CloseMode = "close") -> None:
        """Close the open connections. New connections work."""
        with self._changed:
            self._hung_up += 1
            connections = list(self._connections)
            for connection in connections:
                connection.end(how)
            self._changed.notify_all()
            self._changed.wait_for(lambda: not set(connections) & set(self._connections), TIMEOUT)

    def turn_away(self, how: CloseMode = "close") -> None:
        """Close all connections, and close each new connection as soon as it is accepted."""
        self._turning_away = how
        self.hang_up(how)

    def lose_reply(self, keep: int = 0, how: CloseMode = "close") -> None:
        """Forward the next request, and close its connection after `keep` bytes of the reply. Then end the fault."""
        self._losing = (keep, how)

    def refuse(self) -> None:
        """Close all connections and stop listening, but keep the port reserved."""
        self._stop_listening()
        self._listener = _bound(self.port)
        self.hang_up()

    def ignore(self) -> None:
        """Drop all packets, including those of new connections, like a firewall."""
        self.forget()
        self._stop_listening()
        self._listener = _bound(self.port)
        self._listener.listen(0)
        filler = socket.socket()  # fills the accept queue, which has one place; Linux drops later SYNs
        self._fillers.append(filler)
        filler.connect((HOST, self.port))

    def close(self) -> None:
        """Close everything and wait for the threads."""
        self._stop_listening()
        self._set_traffic(NORMAL)
        self.hang_up()
        for thread in self._threads:
            thread.join(TIMEOUT)

    def _set_traffic(self, traffic: Shaping) -> None:
        with self._changed:
            self._traffic = traffic
            self._changed.notify_all()

    def _listen(self) -> None:
        self._listener.listen(128)
        self._threads.append(Thread(target=self._accept, args=(self._listener,), daemon=True))
        self._threads[-1].start()

    def _stop_listening(self) -> None:
        with suppress(OSError):  # raised if the socket does not listen
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        while self._fillers:
            self._fillers.pop().close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        before = self._hung_up
        try:
            if self._turning_away is not None:
                raise ConnectionAbortedError
            server = socket.create_connection((HOST, self.target), TIMEOUT)
        except OSError:  # the server is down, so close this connection too
            with client:
                if self._turning_away == "reset":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        server.settimeout(None)
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        now = monotonic()
        connection = ProxiedConnection(client, server, now + self._silence if self._silence else 0.0)
        with self._changed:
            self.accepted, self.accepted_at = self.accepted + 1, now
            self._connections.append(connection)
            silent = sum(not each.over and each.silent_until > now for each in self._connections)
            self.most_silent = max(self.most_silent, silent)
            if self._hung_up != before:
                connection.end(self._turning_away or "close")
        pumps = [
            Thread(target=self._forward, args=(connection, is_request), daemon=True) for is_request in (True, False)
        ]
        cleaner = Thread(target=self._clean_up, args=(connection, pumps), daemon=True)
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        for thread in (*pumps, cleaner):
            self._threads.append(thread)
            thread.start()

    def _forward(self, connection: ProxiedConnection, is_request: bool) -> None:
        """Forward the data of one direction: requests or replies."""
        source, sink = (connection.client, connection.server) if is_request else (connection.server, connection.client)
        with suppress(OSError):
            while data := source.recv(CHUNK_SIZE):
                traffic = self._wait_to_pass(connection, 0.0 if is_request else connection.silent_until)
                if connection.over:
                    return
                if not is_request and self._losing is not None:
                    (keep, how), self._losing = self._losing, None
                    sink.sendall(data[:keep])
                    connection.end(how)
                    return
                if traffic.drip and not is_request:
                    self._drip(connection, data, traffic)
                else:
                    sink.sendall(data)
        if not (connection.over or self._traffic.held or connection.forgotten):
            connection.end()

    def _wait_to_pass(self, connection: ProxiedConnection, silent_until: float) -> Shaping:
        """Wait until data may pass or the connection ends; return the current shaping."""
        with self._changed:
            if silent_until:
                self._changed.wait_for(lambda: connection.over, max(silent_until - monotonic(), 0.0))
            if self._traffic.delay:
                traffic = self._traffic
                self._changed.wait_for(lambda: connection.over or self._traffic is not traffic, traffic.delay)
            self._changed.wait_for(lambda: connection.over or not (self._traffic.held or connection.forgotten))
            return self._traffic

    def _drip(self, connection: ProxiedConnection, data: bytes, traffic: Shaping) -> None:
        for at in range(len(data)):
            connection.client.sendall(data[at : at + 1])
            with self._changed:
                if self._changed.wait_for(lambda: connection.over or self._traffic is not traffic, traffic.drip):
                    if not connection.over:
                        connection.client.sendall(data[at + 1 :])
                    return

    def _clean_up(self, connection: ProxiedConnection, pumps: list[Thread]) -> None:
        for pump in pumps:
            pump.join()
        connection.over = True
        connection.client.close()
        connection.server.close()
        with self._changed:
            self._connections.remove(connection)
            self._changed.notify_all()


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    return listener

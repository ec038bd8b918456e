"""A TCP proxy that stands between the app and a server, and misbehaves as networks and servers do.

    with Proxy.to(server.port) as proxy:
        proxy.hold()        # nothing goes through any more
        proxy.restore()     # and now what was held back does

What it does can be changed at any time and holds for open connections as well, but where a method says otherwise.
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
PIECE = 65536
PATIENCE = 5.0
"""Seconds that a connection to the server, and an end of a thread, may take."""

Ending = Literal["close", "reset"]


@dataclass(frozen=True, slots=True)
class Weather:
    """How what comes is passed on. `delay`: seconds each way. `held`: not at all. `drip`: seconds a byte of replies."""

    delay: float = 0.0
    held: bool = False
    drip: float = 0.0


FAIR = Weather()


class Link:
    """One connection through the proxy: the client's socket and the server's."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.forgotten = False
        self.over = False

    def end(self, how: Ending = "close") -> None:
        """ShutdownEvent both sides; the threads that pass on notice, and close the sockets."""
        self.over = True
        for side in (self.client, self.server):
            with suppress(OSError):
                if how == "reset":
                    # closing a socket that lingers for no time sends RST, once no thread waits in it any more
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    side.shutdown(socket.SHUT_RD)
                else:
                    side.shutdown(socket.SHUT_RDWR)


class Proxy:
    """Listens on `port`, on loopback. `accepted`: connections taken so far; `open`: those there are now."""

    def __init__(self, target: int, port: int = 0) -> None:
        self.target = target
        self.accepted = 0
        self._weather = FAIR
        self._turning_away: Ending | None = None
        self._losing: tuple[int, Ending] | None = None
        self._changed = Condition()
        self._links: list[Link] = []
        self._hung_up = 0  # how often, so that a connection that is just being taken is not overlooked
        self._threads: list[Thread] = []
        self._fillers: list[socket.socket] = []
        self._listener = _bound(port)
        self.port: int = self._listener.getsockname()[1]
        self._listen()

    @classmethod
    @contextmanager
    def to(cls, target: int, port: int = 0) -> Iterator[Self]:
        """A proxy to a port of this machine until the end of the block."""
        proxy = cls(target, port)
        try:
            yield proxy
        finally:
            proxy.close()

    @property
    def open(self) -> int:
        with self._changed:
            return sum(not link.over for link in self._links)

    def restore(self) -> None:
        """Everything goes through again, what was held back first; listens again."""
        self._turning_away = self._losing = None
        if self._fillers:
            self._stop_listening()
            self._listener = _bound(self.port)
        if self._listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 0:
            self._listen()
        self._become(FAIR)

    def delay(self, seconds: float) -> None:
        """Each message takes this much longer, in both directions."""
        self._become(Weather(delay=seconds))

    def hold(self) -> None:
        """Connections are taken, and nothing passes: a server that hangs, or a black hole."""
        self._become(Weather(held=True))

    def drip(self, seconds: float) -> None:
        """Replies come byte by byte, with a pause between."""
        self._become(Weather(drip=seconds))

    def forget(self) -> None:
        """What is sent on connections open now is lost without a word, as in a NAT that forgot them; new ones work."""
        with self._changed:
            for link in self._links:
                link.forgotten = True

    def hang_up(self, how: Ending = "close") -> None:
        """ShutdownEvent the connections that are open now; new ones work."""
        with self._changed:
            self._hung_up += 1
            links = list(self._links)
            for link in links:
                link.end(how)
            self._changed.notify_all()
            self._changed.wait_for(lambda: not set(links) & set(self._links), PATIENCE)

    def turn_away(self, how: Ending = "close") -> None:
        """ShutdownEvent all connections, and each new one as soon as it is taken."""
        self._turning_away = how
        self.hang_up(how)

    def lose_reply(self, keep: int = 0, how: Ending = "close") -> None:
        """Once: pass on what is asked next, and end that connection after `keep` bytes of its reply."""
        self._losing = (keep, how)

    def refuse(self) -> None:
        """ShutdownEvent all connections and listen no more; the port stays ours."""
        self._stop_listening()
        self._listener = _bound(self.port)
        self.hang_up()

    def ignore(self) -> None:
        """Nothing arrives any more, not even the wish to connect: packets that a firewall drops."""
        self.forget()
        self._stop_listening()
        self._listener = _bound(self.port)
        self._listener.listen(0)
        filler = socket.socket()  # takes the one place in the queue; Linux drops what comes after
        self._fillers.append(filler)
        filler.connect((HOST, self.port))

    def close(self) -> None:
        """ShutdownEvent everything, and wait until it has ended."""
        self._stop_listening()
        self._become(FAIR)
        self.hang_up()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _become(self, weather: Weather) -> None:
        with self._changed:
            self._weather = weather
            self._changed.notify_all()

    def _listen(self) -> None:
        self._listener.listen(128)
        self._threads.append(Thread(target=self._accept, args=(self._listener,), daemon=True))
        self._threads[-1].start()

    def _stop_listening(self) -> None:
        with suppress(OSError):  # it may not listen now
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        while self._fillers:
            self._fillers.pop().close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                self._take(client)

    def _take(self, client: socket.socket) -> None:
        before = self._hung_up
        try:
            if self._turning_away is not None:
                raise ConnectionAbortedError
            server = socket.create_connection((HOST, self.target), PATIENCE)
        except OSError:  # the server is down: then so are we
            with client:
                if self._turning_away == "reset":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        server.settimeout(None)
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = Link(client, server)
        with self._changed:
            self.accepted += 1
            self._links.append(link)
            if self._hung_up != before:
                link.end(self._turning_away or "close")
        pumps = [Thread(target=self._pass_on, args=(link, asked), daemon=True) for asked in (True, False)]
        janitor = Thread(target=self._clean_up, args=(link, pumps), daemon=True)
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        for thread in (*pumps, janitor):
            self._threads.append(thread)
            thread.start()

    def _pass_on(self, link: Link, asked: bool) -> None:
        """One direction of a connection: what is `asked`, or what is replied."""
        source, sink = (link.client, link.server) if asked else (link.server, link.client)
        with suppress(OSError):
            while data := source.recv(PIECE):
                weather = self._let_pass(link)
                if link.over:
                    return
                if not asked and self._losing is not None:
                    (keep, how), self._losing = self._losing, None
                    sink.sendall(data[:keep])
                    link.end(how)
                    return
                if weather.drip and not asked:
                    self._drip(link, data, weather)
                else:
                    sink.sendall(data)
        if not (link.over or self._weather.held or link.forgotten):
            link.end()

    def _let_pass(self, link: Link) -> Weather:
        """Wait for as long as the weather holds something back, or until the connection is over."""
        with self._changed:
            if self._weather.delay:
                weather, until = self._weather, monotonic() + self._weather.delay
                self._changed.wait_for(lambda: link.over or self._weather is not weather, max(until - monotonic(), 0.0))
            self._changed.wait_for(lambda: link.over or not (self._weather.held or link.forgotten))
            return self._weather

    def _drip(self, link: Link, data: bytes, weather: Weather) -> None:
        for at in range(len(data)):
            link.client.sendall(data[at : at + 1])
            with self._changed:
                if self._changed.wait_for(lambda: link.over or self._weather is not weather, weather.drip):
                    if not link.over:
                        link.client.sendall(data[at + 1 :])
                    return

    def _clean_up(self, link: Link, pumps: list[Thread]) -> None:
        for pump in pumps:
            pump.join()
        link.over = True
        link.client.close()
        link.server.close()
        with self._changed:
            self._links.remove(link)
            self._changed.notify_all()


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    return listener

"""Servers in threads of this process, with replies of a test."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event, Thread
from typing import Any, NamedTuple

import uvicorn


def run[T](coroutine: Coroutine[Any, Any, T], loop: Callable[[], asyncio.AbstractEventLoop] | None = None) -> T:
    """Run a coroutine on an event loop in a thread: Playwright's loop may occupy this one, after browser tests."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(partial(asyncio.run, coroutine, loop_factory=loop)).result()


@contextmanager
def in_thread(server: uvicorn.Server) -> Iterator[int]:
    """Run a server of ASGI in a thread until the end of the block. Yield its port."""
    thread = Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield int(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()


Responder = Callable[[bytes], bytes | None]
"""A function from received bytes to the reply; None closes the connection, b"" sends no reply."""


class Address(NamedTuple):
    host: str
    port: int


class ScriptedServer:
    """A running server. `messages`: received bytes of all connections. `connections`: number of connections so far."""

    def __init__(self, responder: Responder, tls: ssl.SSLContext | None, pace: float) -> None:
        self._respond, self._tls, self._pace = responder, tls, pace
        self._ending = Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._threads = [Thread(target=self._accept, daemon=True)]
        self.address = Address(*self._listener.getsockname())
        self.messages: list[bytes] = []
        self._threads[0].start()

    @property
    def connections(self) -> int:
        return len(self._sockets)

    def hang_up(self) -> None:
        for connection in self._sockets:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join(5)

    def close(self) -> None:
        self._ending.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(5)
        self.hang_up()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._sockets.append(connection)
                self._threads.append(Thread(target=self._talk, args=(connection,), daemon=True))
                self._threads[-1].start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            line = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            with line:
                while data := line.recv(65536):
                    self.messages.append(data)
                    reply = self._respond(data)
                    if reply is None:
                        return
                    for part in (reply[at : at + 1] for at in range(len(reply))) if self._pace else (reply,):
                        line.sendall(part)
                        if self._pace and self._ending.wait(self._pace):
                            return


@contextmanager
def scripted(responder: Responder, *, tls: ssl.SSLContext | None = None, pace: float = 0.0) -> Iterator[ScriptedServer]:
    """Run a server on a free port until the end of the block. `pace`: seconds between two bytes of a reply."""
    server = ScriptedServer(responder, tls, pace)
    try:
        yield server
    finally:
        server.close()


def until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True

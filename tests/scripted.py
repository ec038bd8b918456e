"""A server that does as the test says: it answers each message from a script, or hangs up, or stays silent."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Answer = Callable[[bytes], bytes | None]
"""Bytes that came → bytes to send; None hangs up, b"" stays silent."""


class Scripted:
    """`messages` are what came, over all connections; `connections` how many there were."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.port: int = self._listener.getsockname()[1]
        self.messages: list[bytes] = []
        self._threads[0].start()

    @property
    def connections(self) -> int:
        return len(self._sockets)

    def close(self) -> None:
        """Hang up on everybody, and wait until that is done."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(5)
        for connection in self._sockets:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._sockets.append(connection)
                self._threads.append(threading.Thread(target=self._talk, args=(connection,), daemon=True))
                self._threads[-1].start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while data := connection.recv(65536):
                self.messages.append(data)
                reply = self._answer(data)
                if reply is None:
                    return
                connection.sendall(reply)


@contextmanager
def serve(answer: Answer) -> Iterator[Scripted]:
    """A server on a free port of this machine until the end of the block."""
    server = Scripted(answer)
    try:
        yield server
    finally:
        server.close()

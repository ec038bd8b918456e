"""Clients behind a load balancer: it asks each server whether it is ready, and sends requests to those that are."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from itertools import count
from threading import Event, Thread

from local.stack.ports import HOST

INTERVAL = 0.1
"""Seconds between two health checks."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request to the server on `port`: its status, or 0 if there was no answer, and when it began and ended."""

    port: int
    status: int
    began: float
    ended: float


class Balancer:
    """Sends to the ready servers among `ports` in turn. `health` returns the status of the server on a port."""

    def __init__(self, ports: list[int], health: Callable[[int], int]) -> None:
        self.sent: list[Sent] = []
        self._ports, self._health = ports, health
        self._ready = list(ports)
        self._turns = count()

    def check(self) -> None:
        """Find out which servers are ready."""
        self._ready = [port for port in self._ports if self._health(port) == 200]

    def post(self, photo: bytes) -> None:
        """Send a photo to a ready server, on a new connection, and note what came of it."""
        ready = self._ready
        port, began, status = ready[next(self._turns) % len(ready)], time.monotonic(), 0
        connection = HTTPConnection(HOST, port, timeout=30)
        try:
            connection.request("POST", "/identify?location=none", photo, {"Content-Type": "image/jpeg"})
            response = connection.getresponse()
            response.read()
            status = response.status
        except (OSError, HTTPException):
            pass
        finally:
            connection.close()
        self.sent.append(Sent(port, status, began, time.monotonic()))

    @contextmanager
    def load(self, clients: int, photo: bytes) -> Iterator[None]:
        """Let clients send photos one after the other until the end of the block, and wait for the last answers."""
        over = Event()

        def check() -> None:
            while not over.wait(INTERVAL):
                self.check()

        def send() -> None:
            while not over.is_set():
                self.post(photo)

        checks = Thread(target=check)
        checks.start()
        with ThreadPoolExecutor(clients) as threads:
            running = [threads.submit(send) for _ in range(clients)]
            try:
                yield
            finally:
                over.set()
                checks.join()
        for each in running:
            each.result()

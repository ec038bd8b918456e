"""The proxy of the fault tests is as slow as its methods promise; each of its other faults is what a case expects."""

import socket
from collections.abc import Iterator
from time import monotonic
from typing import Self

import pytest

from tests.faults.proxy import HOST, Proxy
from tests.support.servers import ScriptedServer, scripted


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Run an echo server."""
    with scripted(lambda data: data) as server:
        yield server


@pytest.fixture
def proxy(server: ScriptedServer) -> Iterator[Proxy]:
    with Proxy.to(server.address.port) as proxy:
        yield proxy


class Client:
    def __init__(self, proxy: Proxy) -> None:
        self.socket = socket.create_connection((HOST, proxy.port), timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, message: bytes = b"hello") -> bytes:
        self.socket.sendall(message)
        return self.socket.recv(100)


@pytest.fixture
def client(proxy: Proxy) -> Iterator[Client]:
    with Client(proxy) as client:
        yield client


def test_a_delay_is_paid_in_both_directions(proxy: Proxy, client: Client) -> None:
    proxy.delay(0.05)
    started = monotonic()
    assert client.send() == b"hello"
    assert monotonic() - started >= 0.1
    # AND ends at once
    proxy.delay(60)
    client.socket.sendall(b"late")
    proxy.restore()
    assert client.socket.recv(100) == b"late"


def test_replies_drip(proxy: Proxy, client: Client) -> None:
    proxy.drip(0.01)
    started, reply = monotonic(), client.send()
    while len(reply) < 5:
        reply += client.socket.recv(1)
    assert reply == b"hello"
    assert monotonic() - started >= 0.04


@pytest.mark.alone
def test_slow_sign_ins_keep_back_the_replies_of_new_connections_only(proxy: Proxy, client: Client) -> None:
    assert client.send() == b"hello"
    proxy.sign_in_slowly(0.2)
    with Client(proxy) as new:
        began = monotonic()
        assert new.send() == b"hello"
        assert monotonic() - began > 0.15
        # AND later replies of that connection, and those of older ones, are quick
        began = monotonic()
        assert (new.send(), client.send()) == (b"hello", b"hello")
        assert monotonic() - began < 0.15
        assert proxy.most_silent == 1
        assert began - 0.4 < proxy.accepted_at < began
    # WHEN two begin at the same time
    with Client(proxy), Client(proxy):
        began = monotonic()
        while proxy.most_silent < 2:
            assert monotonic() < began + 5


def test_a_slow_line_passes_requests_at_its_rate_and_replies_at_once(proxy: Proxy) -> None:
    proxy.throttle(1000)
    with Client(proxy) as client:
        started = monotonic()
        assert client.send(b"x" * 100) == b"x" * 100
        assert monotonic() - started >= 0.1

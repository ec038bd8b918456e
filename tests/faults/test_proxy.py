"""The proxy of the fault tests is as slow as its methods promise; each of its other faults is what a case expects."""

import socket
from collections.abc import Iterator
from time import monotonic

import pytest

from tests.faults.proxy import HOST, Proxy
from tests.support.servers import scripted


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy to an echo server."""
    with scripted(lambda data: data) as server, Proxy.to(server.address.port) as proxy:
        yield proxy


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection((HOST, proxy.port), timeout=5)


def send(client: socket.socket) -> bytes:
    client.sendall(b"hello")
    return client.recv(100)


def test_a_delay_is_paid_in_both_directions(proxy: Proxy) -> None:
    proxy.delay(0.05)
    with connect(proxy) as client:
        started = monotonic()
        assert send(client) == b"hello"
        assert monotonic() - started >= 0.1
        # AND ends at once
        proxy.delay(60)
        client.sendall(b"late")
        proxy.restore()
        assert client.recv(100) == b"late"


def test_replies_drip(proxy: Proxy) -> None:
    proxy.drip(0.01)
    with connect(proxy) as client:
        started, reply = monotonic(), send(client)
        while len(reply) < 5:
            reply += client.recv(1)
    assert reply == b"hello"
    assert monotonic() - started >= 0.04


@pytest.mark.alone
def test_slow_sign_ins_keep_back_the_replies_of_new_connections_only(proxy: Proxy) -> None:
    with connect(proxy) as client:
        assert send(client) == b"hello"
        proxy.sign_in_slowly(0.2)
        with connect(proxy) as new:
            began = monotonic()
            assert send(new) == b"hello"
            assert monotonic() - began > 0.15
            # AND later replies of that connection, and those of older ones, are quick
            began = monotonic()
            assert (send(new), send(client)) == (b"hello", b"hello")
            assert monotonic() - began < 0.15
            assert proxy.most_silent == 1
            assert began - 0.4 < proxy.accepted_at < began
    # WHEN two begin at the same time
    with connect(proxy), connect(proxy):
        began = monotonic()
        while proxy.most_silent < 2:
            assert monotonic() < began + 5

"""The proxy of the fault tests causes the faults that its methods promise."""

import socket
from collections.abc import Iterator
from time import monotonic
from typing import Self

import pytest

from local.stack.ports import free_port
from testing.servers import ScriptedServer, scripted
from tests.faults.proxy import HOST, Proxy


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Run an echo server that does not answer "quiet" and closes the connection at "bye"."""
    with scripted(lambda data: {b"bye": None, b"quiet": b""}.get(data, data)) as server:
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

    def send(self, message: bytes = b"hello", timeout: float = 5.0) -> bytes:
        self.socket.sendall(message)
        self.socket.settimeout(timeout)
        return self.socket.recv(100)


@pytest.fixture
def client(proxy: Proxy) -> Iterator[Client]:
    with Client(proxy) as client:
        yield client


def echoed(proxy: Proxy) -> bytes:
    """Return the reply on a new connection."""
    with Client(proxy) as client:
        return client.send()


def test_everything_goes_through_and_is_counted(proxy: Proxy, client: Client) -> None:
    assert client.send() == b"hello"
    assert echoed(proxy) == b"hello"
    assert proxy.accepted == 2


def test_a_connection_that_the_server_ends_ends_for_the_client(proxy: Proxy, client: Client) -> None:
    assert client.send(b"bye") == b""
    proxy.close()
    assert proxy.open == 0
    # AND so does one to a server that is down
    with Proxy.to(free_port()) as nowhere, Client(nowhere) as other:
        assert other.socket.recv(100) == b""


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


def test_what_was_held_back_comes_after_all(proxy: Proxy, client: Client) -> None:
    proxy.hold()
    with pytest.raises(TimeoutError):
        client.send(timeout=0.05)
    with Client(proxy) as other, pytest.raises(TimeoutError):  # a new one is accepted and gets no answer either
        other.send(timeout=0.05)
    proxy.restore()
    assert client.socket.recv(100) == b"hello"


def test_forgotten_connections_stay_silent_and_new_ones_work(proxy: Proxy, client: Client) -> None:
    assert client.send() == b"hello"
    proxy.forget()
    with pytest.raises(TimeoutError):
        client.send(timeout=0.05)
    assert echoed(proxy) == b"hello"


def test_replies_drip(proxy: Proxy, client: Client) -> None:
    proxy.drip(0.01)
    started, reply = monotonic(), client.send()
    while len(reply) < 5:
        reply += client.socket.recv(1)
    assert reply == b"hello"
    assert monotonic() - started >= 0.04


def test_hanging_up_ends_what_is_open(proxy: Proxy, client: Client) -> None:
    assert client.send() == b"hello"
    proxy.hang_up()
    assert client.socket.recv(100) == b""
    # AND a reset is a TCP reset
    with Client(proxy) as other:
        assert other.send() == b"hello"
        proxy.hang_up("reset")
        with pytest.raises(ConnectionResetError):
            other.socket.recv(100)
    assert echoed(proxy) == b"hello"


@pytest.mark.parametrize("how", ["close", "reset"])
def test_all_connections_are_turned_away(proxy: Proxy, client: Client, how: str) -> None:
    proxy.turn_away("close" if how == "close" else "reset")
    try:
        assert client.socket.recv(100) == b""
    except ConnectionResetError:
        assert how == "reset"
    try:
        with Client(proxy) as other:
            assert other.socket.recv(100) == b""
            assert how == "close"
    except ConnectionResetError:
        assert how == "reset"
    proxy.restore()
    assert echoed(proxy) == b"hello"


def test_a_reply_is_lost_once_though_the_server_got_the_request(
    proxy: Proxy, client: Client, server: ScriptedServer
) -> None:
    proxy.lose_reply(keep=2)
    assert client.send() == b"he"
    assert client.socket.recv(100) == b""
    assert server.messages == [b"hello"]
    assert echoed(proxy) == b"hello"


def test_connections_are_refused(proxy: Proxy, client: Client) -> None:
    assert client.send() == b"hello"
    proxy.refuse()
    assert client.socket.recv(100) == b""
    with pytest.raises(ConnectionRefusedError):
        echoed(proxy)
    proxy.restore()
    assert echoed(proxy) == b"hello"


def test_nothing_arrives(proxy: Proxy, client: Client) -> None:
    assert client.send() == b"hello"
    proxy.ignore()
    with pytest.raises(TimeoutError):
        client.send(timeout=0.05)
    with pytest.raises(TimeoutError):
        socket.create_connection((HOST, proxy.port), timeout=0.05)
    proxy.restore()
    assert echoed(proxy) == b"hello"


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

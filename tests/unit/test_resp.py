import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.deadline import Deadline
from chalicelib.resp import Connection, LoginRefused, ProtocolError, Refusal, Reply, encode
from tests.scripted import Answer, Scripted, serve


def nobody() -> None:
    return None


@contextmanager
def connected(answer: Answer) -> Iterator[tuple[Connection, Scripted]]:
    with serve(answer) as server:
        connection = Connection(server.address, None, nobody, Deadline.after(2))
        try:
            yield connection, server
        finally:
            connection.close()


def written(reply: Reply) -> bytes:
    """A reply as a server writes it."""
    match reply:
        case None:
            return b"$-1\r\n"
        case Refusal(text):
            return b"-" + text.encode() + b"\r\n"
        case int():
            return b":%d\r\n" % reply
        case bytes():
            return b"$%d\r\n%b\r\n" % (len(reply), reply)
        case list():
            return b"*%d\r\n" % len(reply) + b"".join(map(written, reply))


line = st.text(st.characters(codec="ascii", exclude_characters="\r\n"), max_size=30)
replies = st.recursive(
    st.one_of(st.none(), st.integers(-(2**63), 2**63), st.binary(max_size=300), line.map(Refusal)),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


class FakeSocket:
    """Gives out bytes in pieces of `size`."""

    def __init__(self, data: bytes, size: int) -> None:
        self.data, self.size = data, size

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0

    def sendall(self, data: bytes) -> None: ...

    def recv(self, most: int) -> bytes:
        piece, self.data = self.data[: min(self.size, most)], self.data[min(self.size, most) :]
        return piece

    def close(self) -> None: ...


def over(data: bytes, size: int = 65536) -> Connection:
    """A connection on which these bytes come."""
    connection = Connection.__new__(Connection)
    connection._socket = FakeSocket(data, size)  # type: ignore[assignment]
    connection._buffer, connection._read = b"", 0
    return connection


@given(st.lists(replies, min_size=1, max_size=5), st.integers(1, 700))
def test_replies_are_read_however_they_are_cut(expected: list[Reply], size: int) -> None:
    connection = over(b"".join(map(written, expected)), size)
    assert connection.exchange(b"", len(expected), Deadline.after(5)) == expected


@given(st.binary(max_size=200))
def test_garbage_is_an_error_of_the_connection_and_nothing_else(data: bytes) -> None:
    try:
        over(data).exchange(b"", 1, Deadline.after(5))
    except OSError:
        return
    assert data.endswith(b"\n")


@pytest.mark.parametrize("data", [b"$5000000000\r\n", b"*" * 20 + b"\r\n", b"*1\r\n" * 20, b"%1\r\n", b"x" * 70000])
def test_replies_out_of_proportion_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        over(data).exchange(b"", 1, Deadline.after(5))


def test_bytes_that_nobody_asked_for_are_an_error() -> None:
    with pytest.raises(ProtocolError, match="more bytes"):
        over(b":1\r\n:2\r\n").exchange(b"", 1, Deadline.after(5))


@given(st.lists(st.one_of(st.binary(max_size=50), st.integers(), st.text(max_size=20)), min_size=1))
def test_commands_are_encoded_as_lists_of_strings(words: list[bytes | int | str]) -> None:
    plain = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    assert encode(*words) == written(list(plain))


def test_commands_and_replies_over_a_socket() -> None:
    with connected(lambda _: b"+OK\r\n$1\r\nv\r\n") as (connection, server):
        sent = encode("SET", b"k", b"v") + encode("GET", b"k")
        assert connection.exchange(sent, 2, Deadline.after(2)) == [b"OK", b"v"]
        assert server.messages == [sent]


def test_a_silent_server_is_waited_for_until_the_deadline() -> None:
    with connected(lambda _: b"") as (connection, _):
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            connection.exchange(encode("PING"), 1, Deadline.after(0.05))
        assert 0.04 < time.monotonic() - started < 0.5


def test_bytes_that_drip_do_not_stretch_the_deadline() -> None:
    # GIVEN a reply of which a byte comes every hundredth of a second
    class Drip(FakeSocket):
        def recv(self, most: int) -> bytes:
            time.sleep(0.01)
            return super().recv(most)

    connection = over(b"")
    connection._socket = Drip(b"$500\r\n" + b"x" * 502, 1)  # type: ignore[assignment]
    # THEN the whole exchange ends by the deadline
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        connection.exchange(b"", 1, Deadline.after(0.1))
    assert time.monotonic() - started < 0.5


def test_a_server_that_hangs_up_is_an_error() -> None:
    with connected(lambda _: None) as (connection, _), pytest.raises(ConnectionError):
        connection.exchange(encode("PING"), 1, Deadline.after(2))


def test_a_connection_that_the_server_closed_looks_dead() -> None:
    def once(_: bytes) -> bytes:
        return b"+OK\r\n"

    with serve(once) as server:
        connection = Connection(server.address, None, nobody, Deadline.after(2))
        connection.exchange(encode("PING"), 1, Deadline.after(2))
        assert not connection.looks_dead()
    # WHEN the server is gone
    assert connection.looks_dead()
    connection.close()


@pytest.mark.parametrize(
    ("who", "sent"), [(("app", "secret"), encode("AUTH", "app", "secret")), (("", "secret"), encode("AUTH", "secret"))]
)
def test_it_signs_in_when_it_opens(who: tuple[str, str], sent: bytes) -> None:
    with serve(lambda _: b"+OK\r\n") as server:
        Connection(server.address, None, lambda: who, Deadline.after(2)).close()
        assert server.messages == [sent]


def test_a_refused_sign_in_is_an_error() -> None:
    with serve(lambda _: b"-WRONGPASS no\r\n") as server, pytest.raises(LoginRefused, match="WRONGPASS"):
        Connection(server.address, None, lambda: ("a", "b"), Deadline.after(2))


def test_without_time_nothing_is_opened() -> None:
    with serve(lambda _: b"") as server:
        with pytest.raises(TimeoutError):
            Connection(server.address, None, nobody, Deadline.after(-1))
        assert server.connections == 0

"""A sign-in that proceeds in several calls, on a pair of sockets."""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from chalicelib.features.deadline import Deadline
from chalicelib.stores import sign_in
from chalicelib.stores.sign_in import SignIn, Steps

PATIENCE = 0.1


class Server:
    """The other end of the socket. `closed`: whether the steps closed theirs."""

    def __init__(self, ours: socket.socket, theirs: socket.socket) -> None:
        self._ours, self._theirs = ours, theirs
        self.closed = False

    def send(self, count: int) -> None:
        self._ours.sendall(b"x" * count)

    def steps(self) -> Steps[str]:
        """Receive three bytes, one in each step."""
        try:
            for _ in range(3):
                yield self._theirs.fileno(), select.POLLIN
                if self._theirs.recv(1) == b"":
                    raise ConnectionResetError("closed")
        except BaseException:
            self.closed = True
            raise
        return "connection"


@pytest.fixture
def server() -> Iterator[Server]:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        yield Server(ours, theirs)


def proceed(sign_in: SignIn[str], seconds: float = 5.0) -> tuple[str | None, float]:
    """Proceed once. Return the result and the seconds that it took."""
    started = time.monotonic()
    return sign_in.proceed(Deadline.after(seconds)), time.monotonic() - started


def test_all_steps_that_are_possible_are_taken_at_once(server: Server) -> None:
    server.send(3)
    assert proceed(SignIn(server.steps(), PATIENCE, 40.0))[0] == "connection"


def test_calls_wait_no_longer_than_the_patience_altogether(server: Server) -> None:
    under_way = SignIn(server.steps(), PATIENCE, 40.0)
    waits = [proceed(under_way, 0.04)[1] for _ in range(10)]
    assert under_way.is_stalled
    assert 0.09 < sum(waits) < 0.3
    assert waits[-1] < 0.02


def test_the_patience_for_the_first_sign_of_life_may_be_less(server: Server) -> None:
    under_way = SignIn(server.steps(), PATIENCE, 40.0, first=0.01)
    assert proceed(under_way)[1] < PATIENCE
    server.send(1)
    assert proceed(under_way)[1] >= PATIENCE


def test_a_sign_of_life_renews_the_patience(server: Server) -> None:
    under_way = SignIn(server.steps(), PATIENCE, 40.0)
    stalled = [under_way.is_stalled]
    proceed(under_way)
    stalled.append(under_way.is_stalled)
    server.send(1)
    assert proceed(under_way, 0.01)[0] is None
    stalled.append(under_way.is_stalled)
    assert stalled == [False, True, False]
    server.send(2)
    assert proceed(under_way)[0] == "connection"


def test_a_call_without_time_takes_one_step(server: Server) -> None:
    under_way = SignIn(server.steps(), PATIENCE, 40.0)
    server.send(3)
    assert [proceed(under_way, 0.0)[0] for _ in range(4)] == [None, None, None, "connection"]


def test_after_its_limit_it_closes_its_socket(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    under_way = SignIn(server.steps(), PATIENCE, 40.0)
    assert proceed(under_way)[0] is None
    # WHEN the wall clock says that the container was frozen for a minute
    later = time.time() + 60
    monkeypatch.setattr(sign_in, "time", lambda: later)
    assert under_way.is_overdue
    with pytest.raises(TimeoutError, match="the sign-in was not through after 40 s"):
        proceed(under_way)
    assert server.closed


def test_one_that_got_through_during_a_long_freeze_is_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    under_way = SignIn(server.steps(), PATIENCE, 40.0)
    assert proceed(under_way)[0] is None
    server.send(3)
    later = time.time() + 60
    monkeypatch.setattr(sign_in, "time", lambda: later)
    assert proceed(under_way)[0] == "connection"


def test_a_clock_that_is_set_back_does_no_harm(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    under_way = SignIn(server.steps(), PATIENCE, 40.0)
    monkeypatch.setattr(sign_in, "time", lambda: 0.0)
    assert under_way.seconds == 0.0


def test_an_error_of_a_step_is_raised(server: Server) -> None:
    under_way = SignIn(server.steps(), PATIENCE, 40.0)
    proceed(under_way)
    server._ours.close()
    with pytest.raises(ConnectionResetError):
        proceed(under_way)
    assert server.closed


def test_giving_up_closes_the_socket(server: Server) -> None:
    under_way = SignIn(server.steps(), PATIENCE, 40.0)
    proceed(under_way)
    under_way.close()
    assert server.closed

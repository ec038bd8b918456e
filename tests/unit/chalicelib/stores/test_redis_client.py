"""The client against a server that does as the test says; the real ones are in tests/integration."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread
from time import perf_counter
from typing import Any

import pytest

from chalicelib.config.settings import Budget
from chalicelib.errors import CacheError
from chalicelib.features.deadline import Deadline
from chalicelib.stores import redis_client
from chalicelib.stores.iam import Login
from chalicelib.stores.redis_client import Ask, RedisClient
from testing.certificates import Certificates, issue
from testing.scripted_server import Scripted, serve

BUDGET = Budget(connect=0.2, command=0.05, total=0.12)
PATIENT = Budget(connect=2.0, command=2.0, total=4.0)
LATE = 0.1
"""Seconds that a busy machine may add to a wait."""


def get(key: bytes = b"k") -> Ask:
    return lambda redis: redis.get(key)


def get_many(count: int) -> Ask:
    return lambda redis: [redis.get(b"k%d" % n) for n in range(count)]


@contextmanager
def client(
    server: Scripted,
    budget: Budget = PATIENT,
    *,
    url: str = "redis://localhost:{port}",
    ca: Path | None = None,
    login: Login | None = None,
    idle: float = 240.0,
    size: int = 4,
) -> Iterator[RedisClient]:
    with closing(
        RedisClient(url.format(port=server.address.port), budget, ca=ca, login=login, idle=idle, size=size)
    ) as made:
        yield made


def value(asked: RedisClient, seconds: float = 5.0) -> Any:
    return asked.run(get(), Deadline.after(seconds), alone=True)[0]


def failure(call: Callable[[], object]) -> tuple[str, float]:
    """The fault of a call and how long it took."""
    started = perf_counter()
    with pytest.raises(CacheError) as caught:
        call()
    return caught.value.fault, perf_counter() - started


class TestTime:
    def test_a_silent_server_is_asked_twice_within_the_budget(self) -> None:
        with serve(lambda _: b"") as server, client(server, BUDGET) as asked:
            fault, took = failure(lambda: value(asked))
            assert fault == "redis_timeout"
            assert took < BUDGET.total + LATE
            assert len(server.messages) == 2

    def test_a_sooner_deadline_holds(self) -> None:
        with serve(lambda _: b"") as server, client(server) as asked:
            fault, took = failure(lambda: value(asked, 0.06))
            assert fault == "redis_timeout"
            assert took < 0.06 + LATE
            assert len(server.messages) == 1

    def test_a_deadline_holds_on_a_connection_that_was_opened_for_a_later_one(self) -> None:
        answers = iter([b"$1\r\nv\r\n", b"", b""])
        with serve(lambda _: next(answers)) as server, client(server) as asked:
            assert value(asked) == b"v"
            fault, took = failure(lambda: value(asked, 0.06))
            assert fault == "redis_timeout"
            assert took < 0.06 + LATE

    @pytest.mark.parametrize("reply", [b"$-1\r\n" * 50, b"$500\r\n" + b"x" * 500 + b"\r\n"])
    def test_replies_that_drip_in_are_not_waited_for(self, reply: bytes) -> None:
        # GIVEN a server that sends each byte within the time for a command, of many replies or of a long one
        budget = Budget(connect=0.2, command=0.1, total=0.3)
        with serve(lambda _: reply, pace=0.02) as server, client(server, budget) as asked:
            # WHEN it is asked THEN the total holds
            fault, took = failure(lambda: asked.run(get_many(50), Deadline.after(5)))
            assert fault == "redis_timeout"
            assert took < budget.total + LATE

    def test_no_time_costs_no_connection(self) -> None:
        with serve(lambda _: b"") as server, client(server) as asked:
            assert failure(lambda: value(asked, -1.0))[0] == "redis_timeout"
            assert server.connections == 0

    def test_a_tls_handshake_without_an_answer_ends_with_the_time_to_connect(self, certificates: Certificates) -> None:
        # GIVEN a server that takes the connection and reads, but knows no TLS
        with (
            serve(lambda _: b"") as server,
            client(server, BUDGET, url="rediss://localhost:{port}", ca=certificates.authority) as asked,
        ):
            fault, took = failure(lambda: value(asked))
            assert fault == "redis_timeout"
            assert took < BUDGET.total + LATE


class TestConnections:
    def test_one_connection_serves_many(self) -> None:
        with serve(lambda _: b"$1\r\nv\r\n") as server, client(server) as asked:
            assert [value(asked) for _ in range(5)] == [b"v"] * 5
            assert server.connections == 1
            assert len(server.messages) == 5  # and nothing is said before or between

    def test_several_commands_travel_in_one_message(self) -> None:
        with serve(lambda m: b"$1\r\nv\r\n" * m.count(b"GET")) as server, client(server) as asked:
            assert asked.run(get_many(20), Deadline.after(5)) == [b"v"] * 20
            assert len(server.messages) == 1

    def test_one_that_lay_idle_is_replaced_before_use(self) -> None:
        with serve(lambda _: b"$1\r\nv\r\n") as server, client(server, idle=0.0) as asked:
            assert [value(asked), value(asked)] == [b"v", b"v"]
            assert server.connections == 2

    def test_one_that_is_old_is_replaced_before_its_sign_in_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with serve(lambda _: b"$1\r\nv\r\n") as server, client(server) as asked:
            value(asked)
            monkeypatch.setattr(redis_client, "MAX_AGE", -1.0)
            value(asked)
            assert server.connections == 2

    def test_one_that_was_closed_meanwhile_is_noticed_before_use(self) -> None:
        with serve(lambda _: b"$1\r\nv\r\n") as server, client(server) as asked:
            value(asked)
            server.hang_up()
            assert value(asked) == b"v"
            assert len(server.messages) == 2  # none was sent into the void

    def test_one_that_breaks_in_the_middle_is_replaced_once(self) -> None:
        answers = iter([None, b"$1\r\nv\r\n"])
        with serve(lambda _: next(answers)) as server, client(server) as asked:
            assert value(asked) == b"v"
            assert server.connections == 2

    def test_two_in_a_row_that_break_are_told(self) -> None:
        with serve(lambda _: None) as server, client(server) as asked:
            assert failure(lambda: value(asked))[0] == "redis_disconnected"
            assert server.connections == 2

    def test_there_are_no_more_than_allowed(self) -> None:
        # GIVEN a client of one connection, which is in use
        asked_for, answered = Event(), Event()

        def answer(_: bytes) -> bytes:
            asked_for.set()
            answered.wait(5)
            return b"$1\r\nv\r\n"

        with serve(answer) as server, client(server, size=1) as asked:
            first = Thread(target=value, args=(asked,))
            first.start()
            asked_for.wait(5)
            # WHEN another wants one THEN it waits until its deadline
            fault, took = failure(lambda: value(asked, 0.05))
            assert fault == "redis_pool_exhausted"
            assert took < 0.05 + LATE
            # AND gets it once it is free
            answered.set()
            assert value(asked) == b"v"
            first.join(5)
            assert server.connections == 1

    def test_a_server_that_says_at_once_why_it_hangs_up_is_understood(self) -> None:
        with serve(lambda _: b"-ERR max number of clients reached\r\n") as server, client(server) as asked:
            assert failure(lambda: value(asked))[0] == "redis_too_many_clients"


class TestSignIn:
    def test_each_connection_signs_in_anew(self) -> None:
        tokens = iter(["first", "second"])
        with (
            serve(lambda m: b"+OK\r\n" if b"AUTH" in m else b"$1\r\nv\r\n") as server,
            client(server, login=lambda: ("app", next(tokens)), idle=0.0) as asked,
        ):
            value(asked)
            value(asked)
            assert [b"first" in m or b"second" in m for m in server.messages] == [True, False, True, False]

    def test_without_credentials_nothing_is_asked(self) -> None:
        def login() -> tuple[str, str]:
            raise PermissionError("no AWS credentials to sign with")

        with serve(lambda _: b"$1\r\nv\r\n") as server, client(server, login=login) as asked:
            assert failure(lambda: value(asked))[0] == "redis_auth"
            assert failure(lambda: value(asked))[0] == "redis_auth"
            assert server.messages == []

    def test_a_sign_in_that_is_refused_is_not_tried_again(self) -> None:
        with (
            serve(lambda _: b"-WRONGPASS invalid username-password pair\r\n") as server,
            client(server, url="redis://:wrong@localhost:{port}") as asked,
        ):
            assert failure(lambda: value(asked))[0] == "redis_auth"
            assert len(server.messages) == 1


class TestPlaces:
    """Redirections; a whole cluster is in tests/integration."""

    @staticmethod
    def cluster(server: Callable[[], Scripted], answer: bytes) -> Callable[[bytes], bytes]:
        """A node that claims all slots, and answers so to a `GET`."""

        def reply(message: bytes) -> bytes:
            if b"SLOTS" in message:
                port = server().address.port
                return b"*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:%d\r\n$2\r\nid\r\n" % port
            if b"COMMAND" in message:
                return b"*1\r\n*6\r\n$3\r\nget\r\n:2\r\n*1\r\n+readonly\r\n:1\r\n:1\r\n:1\r\n"
            return b"+OK\r\n" if b"ASKING" in message else answer

        return reply

    @pytest.mark.parametrize("word", ["MOVED", "ASK"])
    def test_redirections_without_end_or_to_a_stranger_are_told(self, word: str) -> None:
        servers: list[Scripted] = []
        answer = self.cluster(lambda: servers[0], b"-%s 7629 127.0.0.1:1\r\n" % word.encode())
        with serve(answer) as server, client(server, BUDGET) as asked:
            servers.append(server)
            fault, took = failure(lambda: value(asked))
            assert fault in {"redis_moved", "redis_unreachable"}
            assert took < BUDGET.total + LATE

    def test_a_server_that_is_no_primary_any_more_is_looked_up_again(self) -> None:
        answers = iter([b"-READONLY You can't write against a read only replica.\r\n", b"$1\r\nv\r\n"])
        with serve(lambda _: next(answers)) as server, client(server) as asked:
            assert value(asked) == b"v"
            assert server.connections == 2


class TestTLS:
    URL = "rediss://localhost:{port}"

    def test_one_context_serves_all_connections(
        self, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        built: list[ssl.SSLContext] = []
        build = ssl.create_default_context

        def counted(*args: Any, **options: Any) -> ssl.SSLContext:
            built.append(build(*args, **options))
            return built[-1]

        monkeypatch.setattr(ssl, "create_default_context", counted)
        with (
            serve(lambda _: b"$1\r\nv\r\n", tls=certificates.context) as server,
            client(server, url=self.URL, ca=certificates.authority, idle=0.0) as asked,
        ):
            assert [value(asked), value(asked)] == [b"v", b"v"]
            assert server.connections == 2
        assert len(built) == 1

    def test_a_connection_is_kept(self, certificates: Certificates) -> None:
        # The tickets that TLS 1.3 sends after the handshake are no reason to take it for closed.
        with (
            serve(lambda _: b"$1\r\nv\r\n", tls=certificates.context) as server,
            client(server, url=self.URL, ca=certificates.authority) as asked,
        ):
            assert [value(asked) for _ in range(3)] == [b"v"] * 3
            assert server.connections == 1

    def test_a_certificate_of_an_unknown_authority_is_refused(self, certificates: Certificates, tmp_path: Path) -> None:
        other = issue(tmp_path)
        with (
            serve(lambda _: b"$1\r\nv\r\n", tls=other.context) as server,
            client(server, url=self.URL, ca=certificates.authority) as asked,
        ):
            assert failure(lambda: value(asked))[0] == "redis_tls"
            assert server.messages == []

    def test_a_certificate_of_another_name_is_refused(self, certificates: Certificates) -> None:
        with (
            serve(lambda _: b"$1\r\nv\r\n", tls=certificates.context) as server,
            client(server, url="rediss://127.0.0.1:{port}", ca=certificates.authority) as asked,
        ):
            assert failure(lambda: value(asked))[0] == "redis_tls"
            assert server.messages == []


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return issue(tmp_path_factory.mktemp("certificates"))

"""The PostgreSQL store against scripted servers; tests/integration has the real one."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from threading import Event

import psycopg2
import pytest

from chalicelib.config.stores import DatabaseSettings
from chalicelib.deadline import Deadline
from chalicelib.errors import StoreError
from chalicelib.stores.postgres import PostgresStore, fault_of
from tests.support.servers import Responder, scripted, until
from tests.unit.chalicelib.stores.test_redis_cache import photo_after

BUDGET = DatabaseSettings(connect=0.15, command=0.2, total=0.4, breaker_reset_timeout=60)
SSL_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x2f"
PARAMETERS = (b"server_version\x0018.0", b"client_encoding\0UTF8", b"DateStyle\0ISO")
SIGNED_IN = b"".join(
    (
        b"R\0\0\0\x08\0\0\0\0",  # AuthenticationOk
        *(b"S" + (len(text) + 5).to_bytes(4) + text + b"\0" for text in PARAMETERS),  # ParameterStatus
        b"Z\0\0\0\x05I",  # ReadyForQuery
    )
)
REJECTED = b"SFATAL\0C28P01\0Mpassword authentication failed\0\0"


def store_at(port: int, failures: int = 3, budget: DatabaseSettings = BUDGET) -> PostgresStore:
    url = f"postgresql://app:secret@127.0.0.1:{port}/features"
    return PostgresStore(replace(budget, url=url, breaker_failures=failures))


def fault(store: PostgresStore, seconds: float = 5) -> str:
    with pytest.raises(StoreError) as caught:
        store.features_of([1], Deadline.after(seconds))
    return caught.value.fault + ("!" if caught.value.opened else "")


def settled(store: PostgresStore, seconds: float = 5) -> str:
    """Ask until the sign-in is over, and return the fault then."""
    until = time.monotonic() + 5
    while (found := fault(store, seconds)) == "postgres_signing_in":
        assert time.monotonic() < until
    return found


def then(respond: Responder) -> Responder:
    """Return the replies of a server that signs every client in, and then replies with `respond`."""

    def reply(message: bytes) -> bytes | None:
        if message == SSL_REQUEST:
            return b"N"
        return SIGNED_IN if b"user\0app" in message else respond(message)

    return reply


class TestSignIn:
    def test_a_request_without_time_does_not_connect(self) -> None:
        with scripted(lambda _: b"") as server, closing(store_at(server.address.port)) as store:
            assert fault(store, seconds=0) == "postgres_timeout"
            assert server.connections == 0

    def test_a_request_waits_no_longer_than_it_may_and_closing_the_store_gives_it_up(self) -> None:
        # GIVEN a server that sends nothing
        patient = replace(BUDGET, connect=30, total=30)
        with scripted(lambda _: b"") as server, closing(store_at(server.address.port, budget=patient)) as store:
            started = time.monotonic()
            for _ in range(2):
                assert (fault(store, seconds=0.03), store.is_failing) == ("postgres_signing_in", False)
                # WHEN the store is closed THEN the next request begins anew
                store.close()
            assert time.monotonic() - started < 10
            assert until(lambda: server.connections == 2, 5)

    def test_the_next_request_continues_it(self) -> None:
        # GIVEN a server that does not reply for longer than the connect budget
        may_reply = Event()

        def reply(message: bytes) -> bytes:
            if message == SSL_REQUEST:
                may_reply.wait(5)
            return then(lambda _: b"")(message) or b""

        with scripted(reply) as server, closing(store_at(server.address.port)) as store:
            assert {fault(store) for _ in range(3)} == {"postgres_signing_in"}
            assert (store.is_failing, store.sign_in_seconds) == (True, None)
            # WHEN it has replied THEN the next request goes through all further steps, and sends its query
            may_reply.set()
            assert settled(store) == "postgres_timeout"
            assert server.connections == 1
            assert b"features_of" in b"".join(server.messages)
            assert (store.sign_in_seconds or 0.0) > 0.1

    def test_after_its_limit_it_counts_as_a_timeout_and_is_begun_anew(self) -> None:
        budget = replace(BUDGET, connect=0.05, sign_in=0.1)
        with scripted(lambda _: b"") as server, closing(store_at(server.address.port, budget=budget)) as store:
            faults = []
            while not store._breaker.is_open:
                faults.append(fault(store))
            # THEN each sign-in that took too long counts, even if requests had too little time for a query
            assert [each for each in faults if each != "postgres_signing_in"] == [
                "postgres_timeout",
                "postgres_timeout!",
            ]
            # AND an open breaker begins no further one
            assert (fault(store), server.connections) == ("postgres_breaker_open", 2)

    def test_while_it_is_under_way_an_open_breaker_does_not_keep_requests_from_it(self) -> None:
        with scripted(lambda _: b"") as server, closing(store_at(server.address.port)) as store:
            assert fault(store) == "postgres_signing_in"
            store._breaker.record_failure(3)
            assert not store.breaker_is_open
            assert fault(store) == "postgres_signing_in"

    def test_one_that_breaks_counts_as_a_failure_and_is_begun_anew(self) -> None:
        with scripted(lambda _: b"") as server, closing(store_at(server.address.port)) as store:
            assert fault(store) == "postgres_signing_in"
            # WHEN the server closes the connection THEN the next request says so, and there is a new one
            server.hang_up()
            assert fault(store) == "postgres_disconnected"
            assert server.connections == 2
            assert store._breaker._failures == 1
            assert fault(store) == "postgres_signing_in"

    def test_one_that_the_server_rejects_is_not_begun_anew_at_once(self) -> None:
        may_reply = Event()

        def reply(message: bytes) -> bytes:
            if message == SSL_REQUEST:
                return b"N"
            may_reply.wait(5)
            return b"E" + (len(REJECTED) + 4).to_bytes(4) + REJECTED

        with scripted(reply) as server, closing(store_at(server.address.port)) as store:
            assert fault(store) == "postgres_signing_in"
            may_reply.set()
            assert settled(store) == "postgres_auth"
            assert server.connections == 1

    @pytest.mark.alone
    def test_after_a_query_without_a_reply_it_gets_little_time(self) -> None:
        # GIVEN a server that no longer replies, after it has signed a client in
        signed_in = 0

        def reply(message: bytes) -> bytes:
            nonlocal signed_in
            signed_in += b"user\0app" in message
            return (then(lambda _: b"")(message) or b"") if signed_in < 2 else b""

        with scripted(reply) as server, closing(store_at(server.address.port)) as store:
            assert fault(store) == "postgres_timeout"
            # WHEN requests try again THEN they do not wait long
            signed_in = 2
            started = time.monotonic()
            assert [fault(store) for _ in range(5)] == ["postgres_signing_in"] * 5
            assert time.monotonic() - started < BUDGET.connect


def test_a_timeout_of_a_request_without_enough_time_does_not_count() -> None:
    with scripted(then(lambda _: b"")) as server, closing(store_at(server.address.port, failures=1)) as store:
        # GIVEN requests with less time than the query timeout WHEN they time out THEN the breaker stays closed
        assert settled(store, seconds=0.03) == "postgres_timeout"
        assert not store.breaker_is_open
        # AND a request with enough time opens it
        assert settled(store) == "postgres_timeout!"


def test_a_silent_server_is_noticed_by_requests_that_all_have_too_little_time() -> None:
    # GIVEN a server that has stopped replying, and requests that waited in a queue, so that each has little time left
    with scripted(then(lambda _: b"")) as server, closing(store_at(server.address.port)) as store:
        # WHEN they time out one after another THEN the breaker opens once a query timeout has passed without a reply
        started, faults = time.monotonic(), []
        while not store.breaker_is_open:
            faults.append(fault(store, seconds=0.03))
            assert time.monotonic() - started < 25 * BUDGET.command  # it would go on for ever
        assert time.monotonic() - started >= BUDGET.command
        assert faults[-1] == "postgres_timeout!"
        assert set(faults[:-1]) <= {"postgres_timeout", "postgres_signing_in"}  # on a busy machine


@pytest.mark.parametrize(("seconds", "milliseconds"), [(0.0004, 1), (0.2, 200), (1e9, 2**31 - 1)])
def test_timeouts_are_converted_to_valid_milliseconds(seconds: float, milliseconds: int) -> None:
    # GIVEN timeouts below 1 ms (0 would disable them) and above 31 bits (which PostgreSQL rejects)
    store = PostgresStore(DatabaseSettings(1, seconds, seconds, idle=seconds))
    # THEN the nearest valid value is sent
    assert store._arguments["tcp_user_timeout"] == milliseconds
    for name in ("statement_timeout", "idle_session_timeout"):
        assert f"-c {name}={milliseconds} " in str(store._arguments["options"])


def test_each_connection_gets_a_new_password() -> None:
    calls = []

    def password() -> str:
        calls.append(1)
        raise PermissionError("no AWS credentials to sign with")

    store = PostgresStore(replace(BUDGET, breaker_failures=5), password)
    assert [fault(store) for _ in range(2)] == ["postgres_auth"] * 2
    assert len(calls) == 2


def test_threads_that_wait_for_a_hanging_query_open_the_breaker() -> None:
    # GIVEN a query that hangs, and threads that wait for it for the whole query timeout
    store = store_at(1)
    with store._lock:
        assert [fault(store) for _ in range(2)] == ["postgres_busy", "postgres_busy!"]
        # THEN further calls do not wait
        assert fault(store) == "postgres_breaker_open"


def test_threads_that_wait_while_others_get_replies_do_not_open_the_breaker() -> None:
    # GIVEN a busy connection that still gets replies
    store, over = store_at(1, failures=1), Event()

    def another_thread() -> None:
        while not over.wait(0.002):
            store._used = time.monotonic()

    with store._lock, ThreadPoolExecutor(1) as pool:
        pool.submit(another_thread)
        assert fault(store) == "postgres_busy"
        over.set()
    assert not store.breaker_is_open


REFUSED = b"E" + (len(REJECTED) + 4).to_bytes(4) + REJECTED


@pytest.mark.parametrize("reply", [None, REFUSED], ids=["closed", "error"])
def test_a_query_that_fails_keeps_nothing_of_the_request_in_memory(reply: bytes | None) -> None:
    # GIVEN a server that closes each connection, or replies with an error WHEN a query fails, also the second time
    with scripted(then(lambda _: reply)) as server, closing(store_at(server.address.port, failures=100)) as store:
        # THEN the error does not hold the frames of the request
        for _ in range(2):
            assert photo_after(lambda: store.features_of([1], Deadline.after(5))) is None


class Cancelled(psycopg2.OperationalError):
    pgcode = "57014"


class NoFunction(psycopg2.OperationalError):
    pgcode = "42883"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Cancelled(), "postgres_statement_timeout"),
        (NoFunction(), "postgres_refused"),
        (TimeoutError(), "postgres_timeout"),
        (PermissionError(), "postgres_auth"),
        (OSError(), "postgres_unreachable"),
        (psycopg2.InterfaceError("connection already closed"), "postgres_disconnected"),
        ('FATAL:  PAM authentication failed for user "app"', "postgres_auth"),
        ("fe_sendauth: no password supplied", "postgres_auth"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "app", no encryption', "postgres_auth"),
        ('FATAL:  database "features" does not exist', "postgres_auth"),
        ('FATAL:  role "app" is not permitted to log in', "postgres_auth"),
        ("FATAL:  sorry, too many clients already", "postgres_too_many_connections"),
        ('FATAL:  too many connections for role "app"', "postgres_too_many_connections"),
        ("FATAL:  remaining connection slots are reserved for roles with …", "postgres_too_many_connections"),
        *(
            (f"FATAL:  the database system is {state}", "postgres_starting")
            for state in ("starting up", "shutting down", "in recovery mode", "not yet accepting connections")
        ),
        ("SSL error: certificate verify failed", "postgres_tls"),
        ('server certificate for "db" does not match host name "127.0.0.1"', "postgres_tls"),
        ("server does not support SSL, but SSL was required", "postgres_tls"),
        ('could not translate host name "db.invalid" to address', "postgres_unreachable"),
        *(
            (f"connection failed: {reason}", "postgres_unreachable")
            for reason in (
                "Connection refused",
                "No route to host",
                "Network is unreachable",
                "No such file or directory",
            )
        ),
        ("server closed the connection unexpectedly", "postgres_disconnected"),
        ("SSL connection has been closed unexpectedly", "postgres_disconnected"),
        ("SSL SYSCALL error: EOF detected", "postgres_disconnected"),
    ],
)
def test_an_error_has_its_fault_code(error: str | Exception, expected: str) -> None:
    assert fault_of(psycopg2.OperationalError(error) if isinstance(error, str) else error) == expected

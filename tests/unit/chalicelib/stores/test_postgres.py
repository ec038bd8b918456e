import socket
import time
from pathlib import Path
from threading import Thread

import psycopg2
import pytest

from chalicelib.config.settings import Budget
from chalicelib.errors import StoreError
from chalicelib.features.deadline import Deadline
from chalicelib.stores.breaker import Breaker
from chalicelib.stores.postgres import _FAULT_OF_CODE, PostgresStore, _inhabitants, fault_of
from testing.scripted_server import serve

BUDGET = Budget(connect=0.15, command=0.2, total=0.4)
PATIENT = Budget(connect=1.0, command=1.0, total=2.0)
"""For servers that answer, or hang up; this machine may have other things to do meanwhile."""


def store_at(port: int, failures: int = 3, budget: Budget = BUDGET) -> PostgresStore:
    return PostgresStore(f"postgresql://app:secret@127.0.0.1:{port}/features", budget, Breaker(failures, 60))


def fault(store: PostgresStore, seconds: float = 5) -> str:
    with pytest.raises(StoreError) as caught:
        store.features_of([1], Deadline.after(seconds))
    return caught.value.fault + ("!" if caught.value.opened else "")


def test_a_server_that_takes_the_connection_and_is_silent_costs_the_connect_budget() -> None:
    # GIVEN a black hole; libpq alone would wait for 2 s at least
    with serve(lambda _: b"") as server:
        store = store_at(server.address.port)
        started = time.monotonic()
        assert fault(store) == "postgres_timeout"
        assert 0.1 < time.monotonic() - started < 0.4
        store.close()


def test_a_request_with_less_time_waits_less() -> None:
    with serve(lambda _: b"") as server:
        store = store_at(server.address.port)
        started = time.monotonic()
        assert fault(store, seconds=0.03) == "postgres_timeout"
        assert time.monotonic() - started < 0.14
        store.close()


def test_the_last_moments_of_a_request_prove_nothing_about_the_server() -> None:
    with serve(lambda _: b"") as server:
        # GIVEN requests that have less time left than a query may take
        store = store_at(server.address.port, failures=1)
        # WHEN it runs out THEN the breaker stays closed, and without any time nothing is begun
        assert fault(store, seconds=0.03) == "postgres_timeout"
        connections = server.connections
        assert fault(store, seconds=0) == "postgres_timeout"
        assert server.connections == connections
        assert not store.breaker_is_open
        # AND a request that had the time opens it
        assert fault(store) == "postgres_timeout!"
        store.close()


@pytest.mark.parametrize(("seconds", "milliseconds"), [(0.0004, 1), (0.2, 200), (1e9, 2**31 - 1)])
def test_no_limit_becomes_one_that_postgresql_reads_as_none(seconds: float, milliseconds: int) -> None:
    # GIVEN limits shorter than it counts, or longer; 0 would be for ever, and more than 31 bits no number
    store = PostgresStore("postgresql://app@host/features", Budget(1, seconds, seconds), Breaker(3, 60), idle=seconds)
    # THEN it is told the nearest that it takes
    assert store._arguments["tcp_user_timeout"] == milliseconds
    for name in ("statement_timeout", "idle_session_timeout"):
        assert f"-c {name}={milliseconds} " in str(store._arguments["options"])


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert fault(store_at(port, budget=PATIENT)) == "postgres_unreachable"


def test_a_server_that_hangs_up() -> None:
    with serve(lambda _: None) as server:
        assert fault(store_at(server.address.port, budget=PATIENT)) == "postgres_disconnected"


def test_after_failures_in_a_row_it_is_left_alone() -> None:
    with serve(lambda _: None) as server:
        store = store_at(server.address.port, budget=PATIENT)
        assert [fault(store) for _ in range(3)] == ["postgres_disconnected"] * 2 + ["postgres_disconnected!"]
        connections = server.connections
        assert store.breaker_is_open
        assert fault(store) == "postgres_breaker_open"
        assert server.connections == connections


def test_a_password_is_asked_for_with_each_connection() -> None:
    asked = []

    def password() -> str:
        asked.append(1)
        raise PermissionError("no AWS credentials to sign with")

    store = PostgresStore("postgresql://app@127.0.0.1/features", BUDGET, Breaker(5, 60), password=password)
    assert [fault(store) for _ in range(2)] == ["postgres_auth"] * 2
    assert len(asked) == 2


def test_another_thread_that_has_the_connection_is_waited_for_within_the_budget() -> None:
    store = store_at(1)
    with store._lock:
        assert fault(store, seconds=0.05) == "postgres_busy"
    assert not store.breaker_is_open


def test_threads_that_wait_for_one_without_an_answer_open_the_breaker() -> None:
    # GIVEN a server that hangs, and threads that wait for the one that asks it as long as a query may take
    store = store_at(1)
    with store._lock:
        assert [fault(store) for _ in range(3)] == ["postgres_busy"] * 2 + ["postgres_busy!"]
        # THEN nobody waits any more
        started = time.monotonic()
        assert fault(store) == "postgres_breaker_open"
        assert time.monotonic() - started < 0.1


def test_threads_that_wait_while_others_are_answered_prove_nothing() -> None:
    # GIVEN a crowd: each time it was somebody else's turn
    store = store_at(1, failures=1)

    def somebody_else() -> None:
        time.sleep(0.1)
        store._used = time.monotonic()

    with store._lock:
        thread = Thread(target=somebody_else)
        thread.start()
        assert fault(store) == "postgres_busy"
        thread.join()
    assert not store.breaker_is_open


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ('FATAL:  password authentication failed for user "app"', "postgres_auth"),
        ('FATAL:  PAM authentication failed for user "app"', "postgres_auth"),
        ("fe_sendauth: no password supplied", "postgres_auth"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "app", no encryption', "postgres_auth"),
        ('FATAL:  database "features" does not exist', "postgres_auth"),
        ("FATAL:  sorry, too many clients already", "postgres_too_many_connections"),
        ("FATAL:  remaining connection slots are reserved for roles with …", "postgres_too_many_connections"),
        ('FATAL:  too many connections for role "app"', "postgres_too_many_connections"),
        ("FATAL:  the database system is starting up", "postgres_starting"),
        ("FATAL:  the database system is shutting down", "postgres_starting"),
        ("FATAL:  the database system is not yet accepting connections", "postgres_starting"),
        ("SSL error: certificate verify failed", "postgres_tls"),
        ('server certificate for "db" does not match host name "127.0.0.1"', "postgres_tls"),
        ("server does not support SSL, but SSL was required", "postgres_tls"),
        ('could not translate host name "db.invalid" to address', "postgres_unreachable"),
        ("connection failed: Connection refused", "postgres_unreachable"),
        ("connection failed: No route to host", "postgres_unreachable"),
        ("server closed the connection unexpectedly", "postgres_disconnected"),
        ("SSL connection has been closed unexpectedly", "postgres_disconnected"),
    ],
)
def test_what_libpq_says_has_its_fault(words: str, expected: str) -> None:
    assert fault_of(psycopg2.OperationalError(words)) == expected


@pytest.mark.parametrize(("code", "expected"), [*_FAULT_OF_CODE.items(), ("42883", "postgres_refused")])
def test_what_the_server_says_has_its_fault(code: str, expected: str) -> None:
    class Coded(psycopg2.OperationalError):
        pgcode = code

    assert fault_of(Coded()) == expected


def test_time_and_system_errors_have_their_fault() -> None:
    assert fault_of(TimeoutError()) == "postgres_timeout"
    assert fault_of(PermissionError()) == "postgres_auth"
    assert fault_of(OSError()) == "postgres_unreachable"
    assert fault_of(psycopg2.InterfaceError("connection already closed")) == "postgres_disconnected"


@pytest.mark.parametrize("areas", [["AU", "NZ "], ["Ö"], [""]])
def test_areas_that_cannot_be_packed_are_a_row_that_is_none(areas: list[str]) -> None:
    with pytest.raises(ValueError, match="areas"):
        _inhabitants(1, "v1", areas, [], [], [])


def test_a_bundle_of_certificates_makes_the_server_prove_its_name() -> None:
    plain = store_at(1)
    strict = PostgresStore("postgresql://db/f", BUDGET, Breaker(3, 60), ca=Path("rds.pem"))
    assert "sslmode" not in plain._arguments
    assert strict._arguments["sslmode"] == "verify-full"
    assert strict._arguments["sslrootcert"] == "rds.pem"

"""The PostgreSQL store against scripted servers; tests/integration has the real one."""

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
from chalicelib.stores.postgres import _FAULT_OF_CODE, PostgresStore, _to_cell_animals, fault_of
from testing.scripted_server import serve

BUDGET = Budget(connect=0.15, command=0.2, total=0.4)
LONG = Budget(connect=1.0, command=1.0, total=2.0)
"""For servers that reply or close the connection; long, because the machine may be busy."""


def store_at(port: int, failures: int = 3, budget: Budget = BUDGET) -> PostgresStore:
    return PostgresStore(f"postgresql://app:secret@127.0.0.1:{port}/features", budget, Breaker(failures, 60))


def fault(store: PostgresStore, seconds: float = 5) -> str:
    with pytest.raises(StoreError) as caught:
        store.features_of([1], Deadline.after(seconds))
    return caught.value.fault + ("!" if caught.value.opened else "")


def test_a_silent_server_costs_the_connect_budget() -> None:
    # GIVEN a server that accepts connections and sends nothing; libpq alone would wait at least 2 s
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


def test_a_timeout_of_a_request_without_enough_time_does_not_count() -> None:
    with serve(lambda _: b"") as server:
        # GIVEN requests with less time than the query timeout
        store = store_at(server.address.port, failures=1)
        # WHEN they time out THEN the breaker stays closed, and a request without time does not connect
        assert fault(store, seconds=0.03) == "postgres_timeout"
        connections = server.connections
        assert fault(store, seconds=0) == "postgres_timeout"
        assert server.connections == connections
        assert not store.breaker_is_open
        # AND a request with enough time opens it
        assert fault(store) == "postgres_timeout!"
        store.close()


@pytest.mark.parametrize(("seconds", "milliseconds"), [(0.0004, 1), (0.2, 200), (1e9, 2**31 - 1)])
def test_timeouts_are_converted_to_valid_milliseconds(seconds: float, milliseconds: int) -> None:
    # GIVEN timeouts below 1 ms (0 would disable them) and above 31 bits (which PostgreSQL rejects)
    store = PostgresStore("postgresql://app@host/features", Budget(1, seconds, seconds), Breaker(3, 60), idle=seconds)
    # THEN the nearest valid value is sent
    assert store._arguments["tcp_user_timeout"] == milliseconds
    for name in ("statement_timeout", "idle_session_timeout"):
        assert f"-c {name}={milliseconds} " in str(store._arguments["options"])


def test_a_refused_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert fault(store_at(port, budget=LONG)) == "postgres_unreachable"


def test_a_server_that_closes_the_connection() -> None:
    with serve(lambda _: None) as server:
        assert fault(store_at(server.address.port, budget=LONG)) == "postgres_disconnected"


def test_the_breaker_opens_after_consecutive_failures() -> None:
    with serve(lambda _: None) as server:
        store = store_at(server.address.port, budget=LONG)
        assert [fault(store) for _ in range(3)] == ["postgres_disconnected"] * 2 + ["postgres_disconnected!"]
        connections = server.connections
        assert store.breaker_is_open
        assert fault(store) == "postgres_breaker_open"
        assert server.connections == connections


def test_each_connection_gets_a_new_password() -> None:
    calls = []

    def password() -> str:
        calls.append(1)
        raise PermissionError("no AWS credentials to sign with")

    store = PostgresStore("postgresql://app@127.0.0.1/features", BUDGET, Breaker(5, 60), password=password)
    assert [fault(store) for _ in range(2)] == ["postgres_auth"] * 2
    assert len(calls) == 2


def test_waiting_for_another_thread_is_limited_by_the_budget() -> None:
    store = store_at(1)
    with store._lock:
        assert fault(store, seconds=0.05) == "postgres_busy"
    assert not store.breaker_is_open


def test_threads_that_wait_for_a_hanging_query_open_the_breaker() -> None:
    # GIVEN a query that hangs, and threads that wait for it for the whole query timeout
    store = store_at(1)
    with store._lock:
        assert [fault(store) for _ in range(3)] == ["postgres_busy"] * 2 + ["postgres_busy!"]
        # THEN further calls do not wait
        started = time.monotonic()
        assert fault(store) == "postgres_breaker_open"
        assert time.monotonic() - started < 0.1


def test_threads_that_wait_while_others_get_replies_do_not_open_the_breaker() -> None:
    # GIVEN a busy connection that still gets replies
    store = store_at(1, failures=1)

    def another_thread() -> None:
        time.sleep(0.1)
        store._used = time.monotonic()

    with store._lock:
        thread = Thread(target=another_thread)
        thread.start()
        assert fault(store) == "postgres_busy"
        thread.join()
    assert not store.breaker_is_open


@pytest.mark.parametrize(
    ("message", "expected"),
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
def test_a_connection_error_has_its_fault_code(message: str, expected: str) -> None:
    assert fault_of(psycopg2.OperationalError(message)) == expected


@pytest.mark.parametrize(("code", "expected"), [*_FAULT_OF_CODE.items(), ("42883", "postgres_refused")])
def test_an_sqlstate_has_its_fault_code(code: str, expected: str) -> None:
    class Coded(psycopg2.OperationalError):
        pgcode = code

    assert fault_of(Coded()) == expected


def test_timeouts_and_system_errors_have_their_fault_codes() -> None:
    assert fault_of(TimeoutError()) == "postgres_timeout"
    assert fault_of(PermissionError()) == "postgres_auth"
    assert fault_of(OSError()) == "postgres_unreachable"
    assert fault_of(psycopg2.InterfaceError("connection already closed")) == "postgres_disconnected"


@pytest.mark.parametrize("areas", [["AU", "NZ "], ["Ö"], [""]])
def test_areas_that_are_not_codes_are_an_error(areas: list[str]) -> None:
    with pytest.raises(ValueError, match="an area is not an alphanumeric ASCII code"):
        _to_cell_animals(1, "v1", areas, [], [], [])


def test_a_ca_bundle_enables_verification_of_the_certificate() -> None:
    plain = store_at(1)
    strict = PostgresStore("postgresql://db/f", BUDGET, Breaker(3, 60), ca=Path("rds.pem"))
    assert "sslmode" not in plain._arguments
    assert strict._arguments["sslmode"] == "verify-full"
    assert strict._arguments["sslrootcert"] == "rds.pem"

"""Each exception of psycopg2 has the fault code of its cause."""

import psycopg2
import pytest

from chalicelib.stores.postgres_faults import FAULT_OF_CODE, fault_of


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


@pytest.mark.parametrize(("code", "expected"), [*FAULT_OF_CODE.items(), ("42883", "postgres_refused")])
def test_an_sqlstate_has_its_fault_code(code: str, expected: str) -> None:
    class Coded(psycopg2.OperationalError):
        pgcode = code

    assert fault_of(Coded()) == expected


def test_timeouts_and_system_errors_have_their_fault_codes() -> None:
    assert fault_of(TimeoutError()) == "postgres_timeout"
    assert fault_of(PermissionError()) == "postgres_auth"
    assert fault_of(OSError()) == "postgres_unreachable"
    assert fault_of(psycopg2.InterfaceError("connection already closed")) == "postgres_disconnected"

"""The fault codes of psycopg2's exceptions. postgres.py lists the codes."""

FAULT_OF_CODE = {
    "57014": "postgres_statement_timeout",  # query_canceled
    "28000": "postgres_auth",  # invalid_authorization_specification
    "28P01": "postgres_auth",  # invalid_password
    "42501": "postgres_auth",  # insufficient_privilege
    "53300": "postgres_too_many_connections",
    "57P01": "postgres_starting",  # admin_shutdown
    "57P02": "postgres_starting",  # crash_shutdown
    "57P03": "postgres_starting",  # cannot_connect_now
    "57P05": "postgres_disconnected",  # idle_session_timeout
}
_FAULT_OF_TEXT = (
    ("closed unexpectedly", "postgres_disconnected"),  # must precede "SSL", which is in the same message
    ("SSL SYSCALL error", "postgres_disconnected"),
    ("password authentication failed", "postgres_auth"),
    ("authentication failed", "postgres_auth"),
    ("no pg_hba.conf entry", "postgres_auth"),
    ("no password supplied", "postgres_auth"),
    ("not permitted to log in", "postgres_auth"),
    ("does not exist", "postgres_auth"),
    ("too many clients", "postgres_too_many_connections"),
    ("too many connections", "postgres_too_many_connections"),
    ("remaining connection slots", "postgres_too_many_connections"),
    ("starting up", "postgres_starting"),
    ("shutting down", "postgres_starting"),
    ("recovery mode", "postgres_starting"),
    ("not yet accepting connections", "postgres_starting"),
    ("certificate", "postgres_tls"),
    ("SSL", "postgres_tls"),
    ("could not translate host name", "postgres_unreachable"),
    ("Connection refused", "postgres_unreachable"),
    ("o route to host", "postgres_unreachable"),
    ("unreachable", "postgres_unreachable"),
    ("No such file or directory", "postgres_unreachable"),
)
"""Fault codes of connection errors, which have no SQLSTATE, by a part of the message. The first match counts."""


def fault_of(error: Exception) -> str:
    """Return the fault code of an exception of a query or a sign-in."""
    import psycopg2

    if isinstance(error, TimeoutError):
        return "postgres_timeout"
    if isinstance(error, PermissionError):  # no credentials to sign a token with
        return "postgres_auth"
    if not isinstance(error, psycopg2.Error):
        return "postgres_unreachable"
    if error.pgcode is not None:
        return FAULT_OF_CODE.get(error.pgcode, "postgres_refused")
    text = str(error)
    for message, fault in _FAULT_OF_TEXT:
        if message in text:
            return fault
    if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError | psycopg2.DatabaseError):
        return "postgres_disconnected"
    return "postgres_refused"

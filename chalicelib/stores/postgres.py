"""The PostgreSQL side of the features: a `Store` for features.py over one connection a process.

psycopg2's asynchronous connections are used from one thread at a time, because they alone let a deadline of ours
hold: libpq's `connect_timeout` is 2 s at least, and nothing else bounds a query on a server that fell silent.
Whatever goes wrong is a `StoreError` whose fault code says what:

    postgres_timeout                no connection or no answer within the budget
    postgres_statement_timeout      the server gave the query up
    postgres_unreachable            nobody listens, no such host, no route
    postgres_disconnected           hung up, also on a second connection
    postgres_tls                    the server's certificate is not what was expected
    postgres_auth                   user, password or token refused
    postgres_too_many_connections   the server takes no more connections
    postgres_starting               starting, stopping or recovering; Aurora waking up
    postgres_no_dataset             no dataset is loaded, or none is active
    postgres_refused                any other error, such as a missing function
    postgres_busy                   another thread of this process has the connection
    postgres_breaker_open           failed several times in a row; left alone for a while

psycopg2 itself is imported by the first query: most containers of a spike never make one.
"""

import select
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from chalicelib.config.settings import Budget
from chalicelib.errors import StoreError
from chalicelib.features.codec import CellAnimals
from chalicelib.features.deadline import Deadline
from chalicelib.stores.breaker import Breaker

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812

FEATURES_OF = """\
select cell, version, areas, animals, weights, statuses
from features_of(%s::bigint[])
"""
"""One row a cell; database/schema.sql defines the function."""

_FAULT_OF_CODE = {
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
    ("closed unexpectedly", "postgres_disconnected"),  # before "SSL", which stands in the same sentence
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
"""Errors while connecting carry no SQLSTATE, only libpq's and the server's words; the first that occurs counts."""

_LEFT_ALONE = "PostgreSQL failed several times in a row and is left alone"
_GRACE = 0.1
"""Seconds past the statement timeout in which the server may tell that it gave up, before we stop listening."""


class PostgresStore:
    """A `Store` over one autocommit connection, opened when the first query needs it. Safe for threads.

    `dsn`: `postgresql://user[:password]@host[:port]/database[?…]`. `password`: called for each new connection where
    it changes, such as `iam.database_password(…)`. `ca`: certificates to trust; the server then has to prove its name
    (`verify-full`). `idle`: seconds after which the server closes an idle connection, so that frozen containers hold
    none and an Aurora without work can pause; we replace it then too, in case the word of it was lost.
    """

    def __init__(
        self,
        dsn: str,
        budget: Budget,
        breaker: Breaker,
        *,
        password: Callable[[], str] | None = None,
        ca: Path | None = None,
        idle: float = 60.0,
    ) -> None:
        self._dsn, self._budget, self._breaker = dsn, budget, breaker
        self._password = password
        self._arguments: dict[str, str | int] = {
            "application_name": "faunalens",
            "keepalives_idle": 30,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": _ms(budget.total),
            "gssencmode": "disable",
            "options": f"-c statement_timeout={_ms(budget.command)} -c idle_session_timeout={_ms(idle)}"
            " -c default_transaction_read_only=on",
        }
        if ca is not None:
            self._arguments |= {"sslmode": "verify-full", "sslrootcert": str(ca)}
        self._idle = idle
        self._connection: Connection | None = None
        self._used = 0.0  # when it last answered, monotonic
        self._lock = Lock()

    @property
    def breaker_is_open(self) -> bool:
        """Whether it failed so often that it is left alone for now."""
        return self._breaker.is_open

    def features_of(self, cells: Sequence[int], deadline: Deadline) -> list[CellAnimals]:
        """What the active dataset knows of each cell, in the order asked. Raises `StoreError`."""
        rows = {row[0]: row for row in self._fetch(FEATURES_OF, (list(cells),), deadline)}
        if len(rows) < len(set(cells)):
            opened = self._breaker.record_failure()
            raise StoreError("postgres_no_dataset", "the database has no active dataset; load one", opened=opened)
        try:
            known = [_inhabitants(*rows[cell]) for cell in cells]
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            opened = self._breaker.record_failure()
            raise StoreError(
                "postgres_refused", f"features_of() gave a row that is none: {error}", opened=opened
            ) from error
        self._breaker.record_success()
        return known

    def ping(self, deadline: Deadline) -> str | None:
        """Version of the active dataset, for the health check; None without one. Raises `StoreError`."""
        rows = self._fetch("select version from dataset where active", (), deadline)
        self._breaker.record_success()
        return str(rows[0][0]) if rows else None

    def close(self) -> None:
        """Close the connection, if there is one."""
        with self._lock:
            self._drop()

    def _fetch(self, query: str, arguments: tuple[object, ...], deadline: Deadline) -> list[tuple[Any, ...]]:
        deadline, asked = deadline.within(self._budget.total), monotonic()
        if self._breaker.is_open:  # not even the connection is waited for, which a probe may have
            raise StoreError("postgres_breaker_open", _LEFT_ALONE)
        if not self._lock.acquire(timeout=max(deadline.left(), 0.0)):
            opened = self._breaker.record_failure() if self._is_silent_since(asked) else False
            raise StoreError("postgres_busy", "another thread has the connection for too long", opened=opened)
        try:
            if deadline.left() <= 0:
                raise StoreError("postgres_timeout", "no time was left to ask PostgreSQL")
            if not self._breaker.allows():
                raise StoreError("postgres_breaker_open", _LEFT_ALONE)
            return self._attempt(query, arguments, deadline, asked)
        finally:
            self._lock.release()

    def _is_silent_since(self, asked: float) -> bool:
        """Whether a request has waited as long as a query may take, and no thread had an answer meanwhile."""
        return monotonic() - asked >= self._budget.command and self._used < asked

    def _attempt(
        self, query: str, arguments: tuple[object, ...], deadline: Deadline, asked: float
    ) -> list[tuple[Any, ...]]:
        """Run a query; once more on a new connection if an older one turns out to be gone."""
        import psycopg2

        patient = deadline.left() >= self._budget.command
        for last in (False, True):
            used = self._connection is not None and self._looks_alive(self._connection)
            try:
                connection = self._connection if self._connection is not None and used else self._connect(deadline)
                cursor = connection.cursor()
                cursor.execute(query, arguments)
                _wait(connection, deadline.within(self._budget.command + _GRACE))
                self._used = monotonic()
                return cursor.fetchall()
            except (psycopg2.Error, TimeoutError, OSError) as error:
                self._drop()
                fault = fault_of(error)
                if used and not last and fault in {"postgres_disconnected", "postgres_starting"}:
                    continue
                # That the last moments of a request did not suffice proves nothing about the server.
                proven = patient or fault != "postgres_timeout" or self._is_silent_since(asked)
                opened = self._breaker.record_failure() if proven else False
                raise StoreError(fault, str(error).strip(), opened=opened) from error
        raise AssertionError("unreachable")

    def _connect(self, deadline: Deadline) -> "Connection":
        import psycopg2

        self._drop()
        arguments = dict(self._arguments)
        if self._password is not None:
            arguments["password"] = self._password()
        connection = psycopg2.connect(self._dsn, None, None, async_=1, **arguments)
        self._connection = connection
        _wait(connection, deadline.within(self._budget.connect))
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _looks_alive(self, connection: "Connection") -> bool:
        """Whether the server has not hung up while the connection lay idle: then there would be something to read.

        Unless the word of it was lost, on its way to a frozen container: past `idle` nobody waits for one.
        """
        if connection.closed or monotonic() - self._used > self._idle:
            return False
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        return not poll.poll(0)


def _ms(seconds: float) -> int:
    """Milliseconds for PostgreSQL and libpq, to whom 0 is for ever, and who take no more than 31 bits."""
    return min(max(1, round(seconds * 1000)), 2**31 - 1)


def _wait(connection: "Connection", deadline: Deadline) -> None:
    """Let libpq finish what it began. Raises `TimeoutError` at the deadline, or what psycopg2 raises."""
    from psycopg2.extensions import POLL_OK, POLL_READ

    poll = select.poll()
    while (state := connection.poll()) != POLL_OK:
        poll.register(connection.fileno(), select.POLLIN if state == POLL_READ else select.POLLOUT)
        left = deadline.left()
        if left <= 0 or not poll.poll(left * 1000):
            raise TimeoutError("no answer within the time")


def fault_of(error: Exception) -> str:
    """The fault code of an exception of psycopg2, or of waiting for it."""
    import psycopg2

    if isinstance(error, TimeoutError):
        return "postgres_timeout"
    if isinstance(error, PermissionError):  # no credentials to sign a token with
        return "postgres_auth"
    if not isinstance(error, psycopg2.Error):
        return "postgres_unreachable"
    if error.pgcode is not None:
        return _FAULT_OF_CODE.get(error.pgcode, "postgres_refused")
    text = str(error)
    for words, fault in _FAULT_OF_TEXT:
        if words in text:
            return fault
    if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError | psycopg2.DatabaseError):
        return "postgres_disconnected"
    return "postgres_refused"


def _inhabitants(
    cell: int, version: str, areas: list[str], animals: list[int], weights: list[float], statuses: list[int]
) -> CellAnimals:
    if not len(animals) == len(weights) == len(statuses):
        raise ValueError(f"{len(animals)} animals, {len(weights)} weights and {len(statuses)} statuses")
    if not all(area.isascii() and area.isalnum() for area in areas):  # they are packed as words
        raise ValueError("its areas are no codes")
    # Through bytes: three times as fast as numpy's own way from lists, and read-only like what comes from the cache.
    return CellAnimals(
        cell,
        version,
        tuple(areas),
        np.frombuffer(array("i", animals).tobytes(), np.int32),
        np.frombuffer(array("f", weights).tobytes(), np.float32),
        np.frombuffer(bytes(statuses), np.uint8),
    )

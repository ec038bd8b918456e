"""Features in PostgreSQL: the `Store` of features/cache.py, over one connection per process.

The connection is an asynchronous one of psycopg2, and only one thread uses it at a time. A synchronous connection could
not observe a deadline: libpq's shortest `connect_timeout` is 2 s, and libpq has no timeout for a query to a server that
stopped responding.
Every failure is a `StoreError` with one of these fault codes:

    postgres_timeout                no reply within the budget, or a sign-in that took too long
    postgres_signing_in             the sign-in is not complete yet; the next query continues it
    postgres_statement_timeout      the server cancelled the query after `statement_timeout`
    postgres_unreachable            connection refused, unknown host or no route
    postgres_disconnected           the server closed the connection, and a new one too
    postgres_tls                    the server's certificate is invalid, or the server does not support TLS
    postgres_auth                   the server rejected the user, password or token
    postgres_too_many_connections   the server accepts no more connections
    postgres_starting               the server is starting, stopping or recovering; Aurora is resuming
    postgres_no_dataset             no dataset is loaded, or none is active
    postgres_refused                any other error of the server, such as a missing function
    postgres_busy                   another thread of this process used the connection for too long
    postgres_breaker_open           the circuit breaker is open after consecutive failures

The first query imports psycopg2, because most containers in a spike never query the database.
"""

import re
import select
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from chalicelib.config.stores import DatabaseSettings
from chalicelib.deadline import TIMEOUT, Breaker, Deadline
from chalicelib.errors import StoreError
from chalicelib.features.cache import Rollout, rollout_text_of
from chalicelib.features.codec import CellAnimals, cell_animals_of
from chalicelib.stores.sign_in import SignIn, Steps

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812

FEATURES_OF = "select here.* from features_of(%s::bigint[]) as here"
"""Returns one row per cell; faunalens/data/schema.sql defines the function.

The star takes the columns that the function has: between a deployment and the next load, the function is still that of
the earlier release, without the column `rollout`.
"""
_FEATURES_IN = "select here.* from features_of(%s::bigint[], %s) as here"
"""The same query for the dataset of a given version."""
_WITH_SEASONS = """\
select here.*, season.animals, season.months from ({}) as here, seasons_of(here.cell, here.version) as season"""

_NO_CELL = 0
"""A number that is not a cell, for the health check. `features_of` returns a row without animals for it."""

_BREAKER_OPEN = "the circuit breaker is open after consecutive failures of PostgreSQL"
_BROKEN = frozenset({"postgres_disconnected", "postgres_timeout", "postgres_unreachable"})
"""Faults of a sign-in whose connection broke, such as while Lambda froze the container. A new one may succeed."""
_GLANCE = 0.05
"""Seconds to wait for a sign of life from a server that has just not replied to a query for the whole query timeout."""
_GRACE = 0.1
"""Seconds to wait after the statement timeout, so that the server can report that it cancelled the query."""
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
_FAULT_OF_TEXT = {
    "closed unexpectedly|SSL SYSCALL error": "postgres_disconnected",  # before "SSL", which is in the same message
    "authentication failed|no pg_hba.conf entry|no password supplied|not permitted|does not exist": "postgres_auth",
    "too many clients|too many connections|remaining connection slots": "postgres_too_many_connections",
    "starting up|shutting down|recovery mode|not yet accepting connections": "postgres_starting",
    "certificate|SSL": "postgres_tls",
    "translate host name|Connection refused|o route to host|unreachable|No such file": "postgres_unreachable",
}
"""Fault codes of connection errors, which have no SQLSTATE, by parts of the message. The first match counts."""


class PostgresStore:
    """A `Store` over one autocommit connection, which the first query opens. Thread-safe.

    `password`: returns the password of each new connection, such as that of `Signer.database_password`.
    `with_seasons`: whether to also read the seasons of animals. The server closes a connection that was idle for
    `DatabaseSettings.idle`, so that frozen containers keep no connection open and Aurora can pause. The next query then
    opens a new connection.
    """

    def __init__(
        self, settings: DatabaseSettings, password: Callable[[], str] | None = None, *, with_seasons: bool = False
    ) -> None:
        self._settings, self._password = settings, password
        self._breaker = Breaker(settings.breaker_failures, settings.breaker_reset_timeout)
        self._arguments: dict[str, str | int] = {
            "application_name": "faunalens",
            "keepalives_idle": 30,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": _ms(settings.total),
            "gssencmode": "disable",
            "options": f"-c statement_timeout={_ms(settings.command)} -c idle_session_timeout={_ms(settings.idle)}"
            " -c default_transaction_read_only=on",
        }
        if settings.ca is not None:
            self._arguments |= {"sslmode": "verify-full", "sslrootcert": str(settings.ca)}
        self._with_seasons = with_seasons
        self._connection: Connection | None = None
        self._sign_in: SignIn[Connection] | None = None  # only while it is under way
        self.sign_in_seconds: float | None = None
        """Duration of the last sign-in in seconds, or None if none has succeeded."""
        self._used = 0.0  # monotonic time of the last reply
        self._idle_from = 0.0  # monotonic time at which its query was sent; the server counts from later on
        self._silent_from = inf  # monotonic time of the first attempt to which the server did not reply
        self._lock = Lock()

    @property
    def breaker_is_open(self) -> bool:
        """Return whether the circuit breaker currently rejects queries.

        A sign-in that is under way costs the server no further attempt, so each query may continue it.
        """
        return self._breaker.is_open and self._sign_in is None

    @property
    def is_failing(self) -> bool:
        """Return whether requests found it failing, and none has succeeded since."""
        sign_in = self._sign_in
        return self._breaker.has_failed or (sign_in is not None and sign_in.is_stalled)

    def features_of(self, cells: Sequence[int], deadline: Deadline, version: str | None = None) -> list[CellAnimals]:
        """Return the animals of each cell, in the order of `cells`.

        They are from the dataset that answers for the cell. `version`: a dataset to use instead, for all cells. Raises
        `StoreError`.
        """
        query = FEATURES_OF if version is None else _FEATURES_IN
        query = _WITH_SEASONS.format(query) if self._with_seasons else query
        arguments = (list(cells),) if version is None else (list(cells), version)
        rows = {row[0]: row for row in self._fetch(query, arguments, deadline)}
        if len(rows) < len(set(cells)):
            # A version that is gone is no fault of the database.
            opened = self._breaker.record_failure() if version is None else False
            kind = "active dataset; run `python -m faunalens.data load`" if version is None else f"dataset {version}"
            raise StoreError("postgres_no_dataset", f"the database has no {kind}", opened=opened)
        try:
            known = [cell_animals_of(rows[cell], with_seasons=self._with_seasons) for cell in cells]
            for each in known[:1]:  # the others say the same
                Rollout.from_text(rollout_text_of(each))
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            message, opened = f"features_of() returned an invalid row: {error}", self._breaker.record_failure()
            raise StoreError("postgres_refused", message, opened=opened) from error
        self._breaker.record_success()
        return known

    def rows(self, query: str, arguments: tuple[object, ...], deadline: Deadline) -> list[tuple[Any, ...]]:
        """Run any query except the one for features, and return its rows. Raises `StoreError`."""
        found = self._fetch(query, arguments, deadline)
        self._breaker.record_success()
        return found

    def ping(self, deadline: Deadline) -> str:
        """Run the query of a lookup and return the version of the active dataset. Raises `StoreError`."""
        (known,) = self.features_of((_NO_CELL,), deadline)
        return known.version

    def close(self) -> None:
        """Close the connection, and give up a sign-in."""
        with self._lock:
            self._drop()
            if self._sign_in is not None:
                self._sign_in.close()
                self._sign_in = None

    def _fetch(self, query: str, arguments: tuple[object, ...], deadline: Deadline) -> list[tuple[Any, ...]]:
        deadline, since = deadline.within(self._settings.total), monotonic()
        if self.breaker_is_open:  # return at once: a probe may be using the connection
            raise StoreError("postgres_breaker_open", _BREAKER_OPEN)
        if not self._lock.acquire(timeout=max(deadline.left(), 0.0)):
            is_silent = self._sign_in is None and self._is_silent(since)
            opened = self._breaker.record_failure(TIMEOUT) if is_silent else False
            raise StoreError("postgres_busy", "another thread used the connection until the deadline", opened=opened)
        try:
            if deadline.left() <= 0:
                raise StoreError("postgres_timeout", "the deadline passed before the query was sent")
            if self._sign_in is None and not self._breaker.allows():
                raise StoreError("postgres_breaker_open", _BREAKER_OPEN)
            return self._attempt(query, arguments, deadline, since)
        finally:
            self._lock.release()

    def _is_silent(self, since: float) -> bool:
        """Return whether the server has sent no reply to any thread for at least one query timeout.

        The time counts from the first attempt without a reply, or from `since`, the start of this call, if that is
        earlier. This detects a silent server even if each request has too little time for a whole query.
        """
        asked = min(since, self._silent_from)
        return monotonic() - asked >= self._settings.command and self._used < asked

    def _attempt(self, query: str, arguments: tuple[object, ...], deadline: Deadline, since: float) -> list[Any]:
        """Run a query. Retry once on a new connection if the connection or the sign-in of an earlier query broke."""
        import psycopg2

        had_time = deadline.left() >= self._settings.command
        broken: Callable[[], StoreError] | None = None  # an error in a variable of its own frame would keep the request
        for is_last in (False, True):
            connection = self._connection if self._looks_alive(self._connection) else None
            is_older = connection is not None or self._sign_in is not None
            try:
                connection = connection or self._connect(deadline)
                if connection is None:
                    seconds = self._sign_in.seconds if self._sign_in is not None else 0.0
                    message = f"the sign-in has been under way for {seconds:.1f} s"
                    raise broken() if broken else StoreError("postgres_signing_in", message)
                sent = monotonic()
                self._silent_from = min(self._silent_from, sent)
                cursor = connection.cursor()
                cursor.execute(query, arguments)
                _wait(connection, deadline.within(self._settings.command + _GRACE))
                self._used, self._idle_from, self._silent_from = monotonic(), sent, inf
                return cursor.fetchall()
            except (psycopg2.Error, TimeoutError, OSError) as error:
                self._drop()
                fault = fault_of(error)
                may_retry = is_older and not is_last
                if may_retry and connection is not None and fault in {"postgres_disconnected", "postgres_starting"}:
                    continue
                if fault != "postgres_timeout":
                    self._silent_from = inf
                    opened = self._breaker.record_failure()
                else:  # without time for a whole query the server may be healthy
                    is_silent = connection is None or had_time or self._is_silent(since)
                    opened = self._breaker.record_failure(TIMEOUT) if is_silent else False
                broken = partial(StoreError, fault, str(error).strip(), opened=opened)
                if may_retry and connection is None and fault in _BROKEN and not opened:
                    continue
                raise broken() from error
        raise AssertionError("unreachable")

    def _connect(self, deadline: Deadline) -> "Connection | None":
        """Continue the sign-in that is under way, or begin one. Return None if it is not complete in time."""
        self._drop()
        if self._sign_in is None:
            first = min(self._settings.connect, _GLANCE if self._is_silent(monotonic()) else inf)
            self._sign_in = SignIn(self._sign_in_steps(), self._settings.connect, self._settings.sign_in, first=first)
        sign_in, is_over = self._sign_in, True
        try:
            self._connection = sign_in.proceed(deadline.within(self._settings.connect))
            is_over = self._connection is not None
        finally:
            if is_over:
                self._sign_in = None
        if is_over:
            self.sign_in_seconds = sign_in.seconds
        return self._connection

    def _sign_in_steps(self) -> Steps["Connection"]:
        import psycopg2
        from psycopg2.extensions import POLL_OK, POLL_READ

        secret = {"password": self._password()} if self._password else {}
        connection = psycopg2.connect(self._settings.url, None, None, async_=1, **self._arguments, **secret)
        try:
            while (state := connection.poll()) != POLL_OK:
                yield connection.fileno(), select.POLLIN if state == POLL_READ else select.POLLOUT
        except BaseException:  # GeneratorExit too
            connection.close()
            raise
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _looks_alive(self, connection: "Connection | None") -> bool:
        """Return whether the idle connection seems open: its socket has nothing to read, not even an end of stream.

        A frozen container may not notice a close, so a connection counts as closed once it was idle for `idle` seconds.
        """
        if connection is None or connection.closed or monotonic() - self._idle_from > self._settings.idle:
            return False
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        return not poll.poll(0)


def _ms(seconds: float) -> int:
    """Convert seconds to milliseconds for PostgreSQL: at least 1, because 0 disables a timeout, and at most 31 bits."""
    return min(max(1, round(seconds * 1000)), 2**31 - 1)


def _wait(connection: "Connection", deadline: Deadline) -> None:
    """Wait for the connection's pending operation. Raises `TimeoutError` at the deadline, or an error of psycopg2."""
    from psycopg2.extensions import POLL_OK, POLL_READ

    poll = select.poll()
    while (state := connection.poll()) != POLL_OK:
        poll.register(connection.fileno(), select.POLLIN if state == POLL_READ else select.POLLOUT)
        left = deadline.left()
        if left <= 0 or not poll.poll(left * 1000):
            raise TimeoutError("PostgreSQL did not reply within the budget")


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
    found = (fault for parts, fault in _FAULT_OF_TEXT.items() if re.search(parts, str(error)))
    return next(found, "postgres_disconnected")

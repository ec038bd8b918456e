"""Faults of PostgreSQL, how to cause them, and the lookup during each. docs/reference/faults.md shows these cases."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from urllib.parse import unquote, urlsplit

import psycopg2

from testing.faults.case import CacheState, Expected, FaultCase, degraded
from testing.faults.rig import Rig
from testing.proxy import Proxy

type Fault = Callable[[Rig], AbstractContextManager[None]]


def through_proxy(change: Callable[[Proxy], None]) -> Fault:
    """Return a fault of the network between the app and PostgreSQL."""

    @contextmanager
    def fault(rig: Rig) -> Iterator[None]:
        change(rig.postgres_proxy)
        try:
            yield
        finally:
            rig.postgres_proxy.restore()

    return fault


def by_sql(statement: str, undo: str) -> Fault:
    """Return a fault that one statement of the superuser causes and another one undoes."""

    @contextmanager
    def fault(rig: Rig) -> Iterator[None]:
        rig.sql(statement)
        try:
            yield
        finally:
            rig.sql(undo)

    return fault


def wait_until_true(rig: Rig, query: str, timeout: float = 5.0) -> None:
    """Wait until a query of the superuser returns true."""
    deadline = time.monotonic() + timeout
    while not rig.sql(query)[0][0]:
        assert time.monotonic() < deadline, f"still false after {timeout:g} s: {query}"


@contextmanager
def killed(rig: Rig) -> Iterator[None]:
    rig.postgres.kill()
    try:
        yield
    finally:
        rig.postgres.start()


@contextmanager
def locked(rig: Rig) -> Iterator[None]:
    """Hold a lock that every lookup needs."""
    with rig.superuser() as superuser:
        superuser.autocommit = False
        superuser.cursor().execute("lock table dataset in access exclusive mode")
        yield


@contextmanager
def killed_mid_request(rig: Rig) -> Iterator[None]:
    """Kill the server as soon as a query waits for a lock."""

    def kill() -> None:
        wait_until_true(rig, "select exists (select from pg_locks where not granted)")
        rig.postgres.kill()

    killer = threading.Thread(target=kill)
    with locked(rig):
        killer.start()
        try:
            yield
        finally:
            killer.join()
            rig.postgres.start()


@contextmanager
def paused(rig: Rig) -> Iterator[None]:
    rig.postgres.pause()
    try:
        yield
    finally:
        rig.postgres.resume()


@contextmanager
def session_terminated(rig: Rig) -> Iterator[None]:
    rig.sql(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and application_name = 'faunalens'"
    )
    yield


@contextmanager
def session_idled(rig: Rig) -> Iterator[None]:
    """Wait until the server has closed the idle session."""
    wait_until_true(
        rig,
        "select not exists (select from pg_stat_activity"
        " where datname = current_database() and application_name = 'faunalens')",
    )
    yield


@contextmanager
def forgotten_and_idled(rig: Rig) -> Iterator[None]:
    """Let the server close the session unnoticed, as a frozen container finds it when it thaws."""
    rig.postgres_proxy.forget()
    with session_idled(rig):
        yield


@contextmanager
def shutting_down(rig: Rig) -> Iterator[None]:
    """Start a smart shutdown: it waits for open sessions and accepts no new ones."""
    with rig.superuser():
        os.kill(rig.postgres.pid, signal.SIGTERM)
        _await_refusal(rig)
        try:
            yield
        finally:
            rig.postgres.stop()
    rig.postgres.start()


def _await_refusal(rig: Rig) -> None:
    deadline = time.monotonic() + 5
    while True:
        try:
            psycopg2.connect(rig.database_url).close()
        except psycopg2.OperationalError:
            return
        assert time.monotonic() < deadline, "PostgreSQL still accepts connections after 5 s"


@contextmanager
def standby(rig: Rig) -> Iterator[None]:
    """Restart the server as a read-only standby, as after a failover to another server."""
    signal_file = rig.postgres.data_dir / "standby.signal"
    rig.postgres.stop()
    signal_file.touch(mode=0o600)
    rig.postgres.launch()
    rig.postgres.wait_until(lambda: _is_standby(rig), 20)
    try:
        yield
    finally:
        rig.postgres.stop()
        signal_file.unlink()
        rig.postgres.start()


def _is_standby(rig: Rig) -> bool:
    try:
        return bool(rig.sql("select pg_is_in_recovery()")[0][0])
    except psycopg2.OperationalError:
        return False


@contextmanager
def full_of_connections(rig: Rig) -> Iterator[None]:
    """Take every connection that is not reserved for the superuser."""
    with ExitStack() as connections:
        has_room = True
        while has_room:
            try:
                connections.enter_context(closing(psycopg2.connect(rig.database_url)))
            except psycopg2.OperationalError:
                has_room = False
        yield


@contextmanager
def another_password(rig: Rig) -> Iterator[None]:
    user, password = urlsplit(rig.database_url).username, unquote(urlsplit(rig.database_url).password or "")
    with by_sql(f"alter role {user} password 'another'", f"alter role {user} password '{password}'")(rig):
        yield


@contextmanager
def function_replaced(rig: Rig, body: str) -> Iterator[None]:
    """Replace the function that lookups call."""
    ((before,),) = rig.sql("select pg_get_functiondef('features_of'::regproc)")
    head, _, _ = before.partition("AS $function$")
    rig.sql(f"{head} AS $function$ begin {body} end $function$")
    try:
        yield
    finally:
        rig.sql(before)


def stale_or_none(fault: str, within: float = 0.3, or_fault: str | None = None) -> dict[CacheState, Expected]:
    """Expect stale features for a stale cell and none for an uncached one."""
    stale, none = Expected("stale", (fault,), within), degraded(fault, within=within)
    other = (or_fault,) if or_fault else None
    return {"stale": replace(stale, or_faults=other), "none": replace(none, or_faults=other)}


UNREACHABLE: dict[CacheState, Expected] = {"fresh": Expected("hit"), **stale_or_none("postgres_unreachable")}
CASES: tuple[FaultCase[Rig], ...] = (
    FaultCase("down at start", through_proxy(Proxy.refuse), UNREACHABLE),
    FaultCase("killed between requests", killed, stale_or_none("postgres_unreachable"), connected=True, direct=True),
    FaultCase(
        "killed mid-request",
        killed_mid_request,
        stale_or_none("postgres_unreachable", 0.6, "postgres_disconnected"),
        connected=True,
        direct=True,
    ),
    FaultCase(
        "connection closed mid-request, reply lost", through_proxy(Proxy.lose_reply), {"none": Expected("miss")}, True
    ),
    FaultCase(
        "connection reset in the middle of a reply",
        through_proxy(lambda proxy: proxy.lose_reply(keep=30, how="reset")),
        {"none": Expected("miss")},
        connected=True,
    ),
    FaultCase(
        "every connection closed at once",
        through_proxy(Proxy.turn_away),
        stale_or_none("postgres_disconnected"),
        connected=True,
    ),
    FaultCase(
        "every connection reset at once",
        through_proxy(lambda proxy: proxy.turn_away("reset")),
        stale_or_none("postgres_disconnected"),
    ),
    FaultCase("hung (SIGSTOP) at start", paused, stale_or_none("postgres_timeout", 0.8), direct=True),
    FaultCase(
        "hung (SIGSTOP)",
        paused,
        {"fresh": Expected("hit"), **stale_or_none("postgres_timeout", 1.3)},
        connected=True,
        direct=True,
    ),
    FaultCase("black hole", through_proxy(Proxy.hold), stale_or_none("postgres_timeout", 1.3), connected=True),
    FaultCase("packets dropped at start", through_proxy(Proxy.ignore), stale_or_none("postgres_timeout", 0.8)),
    FaultCase("packets dropped", through_proxy(Proxy.ignore), stale_or_none("postgres_timeout", 1.3), connected=True),
    FaultCase(
        "slow by 50 ms at start",
        through_proxy(lambda proxy: proxy.delay(0.025)),
        {"none": Expected("miss", within=0.8)},
    ),
    FaultCase(
        "slow by 50 ms",
        through_proxy(lambda proxy: proxy.delay(0.025)),
        {"stale": Expected("miss"), "none": Expected("miss")},
        connected=True,
    ),
    FaultCase(
        "slow by 2 s",
        through_proxy(lambda proxy: proxy.delay(1.0)),
        stale_or_none("postgres_timeout", 1.3),
        connected=True,
    ),
    FaultCase(
        "replies of one byte every 20 ms",
        through_proxy(lambda proxy: proxy.drip(0.02)),
        stale_or_none("postgres_timeout", 1.3),
        connected=True,
    ),
    FaultCase(
        "session terminated by the server while idle", session_terminated, {"none": Expected("miss")}, connected=True
    ),
    FaultCase(
        "session idle for longer than `DATABASE_IDLE`",
        session_idled,
        {"none": Expected("miss")},
        connected=True,
        settings={"DATABASE_IDLE": "0.02"},
    ),
    FaultCase(
        "connection reset while idle",
        through_proxy(lambda proxy: proxy.hang_up("reset")),
        {"none": Expected("miss")},
        connected=True,
    ),
    FaultCase(
        "connection forgotten by the network for longer than `DATABASE_IDLE`",
        forgotten_and_idled,
        {"none": Expected("miss")},
        connected=True,
        settings={"DATABASE_IDLE": "0.2"},
    ),
    FaultCase(
        "connection forgotten by the network a moment ago",
        through_proxy(Proxy.forget),
        stale_or_none("postgres_timeout", 1.3),
        connected=True,
    ),
    FaultCase(
        "wrong password at start", another_password, {"fresh": Expected("hit"), **stale_or_none("postgres_auth")}
    ),
    FaultCase("password changed, session open", another_password, {"none": Expected("miss")}, connected=True),
    FaultCase(
        "user may not log in",
        by_sql("alter role faunalens nologin", "alter role faunalens login"),
        stale_or_none("postgres_auth"),
    ),
    FaultCase(
        "user may not call the function",
        by_sql(
            "alter function features_of owner to postgres; revoke execute on function features_of from public",
            "alter function features_of owner to faunalens; grant execute on function features_of to public",
        ),
        stale_or_none("postgres_auth"),
        connected=True,
    ),
    FaultCase(
        "out of memory",
        partial(function_replaced, body="raise exception 'out of memory' using errcode = '53200';"),
        stale_or_none("postgres_refused"),
        connected=True,
    ),
    FaultCase("restarted as a read-only standby", standby, {"none": Expected("miss")}, connected=True, direct=True),
    FaultCase("too many connections", full_of_connections, stale_or_none("postgres_too_many_connections"), direct=True),
    FaultCase(
        "too many connections of the user",
        by_sql("alter role faunalens connection limit 0", "alter role faunalens connection limit -1"),
        stale_or_none("postgres_too_many_connections"),
    ),
    FaultCase(
        "statement timeout, behind a lock", locked, stale_or_none("postgres_statement_timeout", 1.2), connected=True
    ),
    FaultCase(
        "statement timeout, in a slow query",
        partial(function_replaced, body="perform pg_sleep(30);"),
        stale_or_none("postgres_statement_timeout", 1.2),
        connected=True,
    ),
    FaultCase("shutting down", shutting_down, stale_or_none("postgres_starting"), direct=True),
    FaultCase(
        "no active dataset",
        by_sql("update dataset set active = false", "update dataset set active = true where version = 'v1'"),
        stale_or_none("postgres_no_dataset"),
        connected=True,
    ),
    FaultCase(
        "function missing",
        by_sql(
            "alter function features_of rename to renamed_away", "alter function renamed_away rename to features_of"
        ),
        stale_or_none("postgres_refused"),
        connected=True,
    ),
    FaultCase(
        "rows with nulls",
        partial(
            function_replaced,
            body="return query select cells[1], 'v1', null::text[], null::integer[], null::real[], null::smallint[];",
        ),
        stale_or_none("postgres_refused"),
        connected=True,
    ),
    FaultCase(
        "rows with arrays of different lengths",
        partial(
            function_replaced,
            body="return query select cells[1], 'v1', array['AU'], array[1, 2], array[1::real], array[1::smallint];",
        ),
        stale_or_none("postgres_refused"),
        connected=True,
    ),
)

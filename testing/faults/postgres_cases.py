"""Every fault of PostgreSQL, how it is made, and what is answered meanwhile. docs/reference/faults.md shows this table."""

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

from testing.faults.case import Answer, Case, State, degraded
from testing.faults.rig import Rig
from testing.proxy import Proxy

type Fault = Callable[[Rig], AbstractContextManager[None]]


def proxied(change: Callable[[Proxy], None]) -> Fault:
    """A fault of the network between the app and PostgreSQL."""

    @contextmanager
    def fault(rig: Rig) -> Iterator[None]:
        change(rig.postgres_proxy)
        try:
            yield
        finally:
            rig.postgres_proxy.restore()

    return fault


def told(break_: str, mend: str) -> Fault:
    """A fault that is made by one statement of the superuser, and undone by another."""

    @contextmanager
    def fault(rig: Rig) -> Iterator[None]:
        rig.sql(break_)
        try:
            yield
        finally:
            rig.sql(mend)

    return fault


def until(rig: Rig, query: str, patience: float = 5.0) -> None:
    """Wait for a query of the superuser to give true."""
    deadline = time.monotonic() + patience
    while not rig.sql(query)[0][0]:
        assert time.monotonic() < deadline, f"still not so after {patience:g} s: {query}"


@contextmanager
def killed(rig: Rig) -> Iterator[None]:
    rig.postgres.kill()
    try:
        yield
    finally:
        rig.postgres.start()


@contextmanager
def locked(rig: Rig) -> Iterator[None]:
    """Somebody holds a lock that every look-up needs."""
    with rig.superuser() as other:
        other.autocommit = False
        other.cursor().execute("lock table dataset in access exclusive mode")
        yield


@contextmanager
def killed_mid_request(rig: Rig) -> Iterator[None]:
    """Killed as soon as a query waits for a lock."""

    def kill() -> None:
        until(rig, "select exists (select from pg_locks where not granted)")
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
def stopped(rig: Rig) -> Iterator[None]:
    rig.postgres.pause()
    try:
        yield
    finally:
        rig.postgres.resume()


@contextmanager
def session_ended(rig: Rig) -> Iterator[None]:
    rig.sql(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and application_name = 'faunalens'"
    )
    yield


@contextmanager
def session_idled(rig: Rig) -> Iterator[None]:
    """Until the server has ended it."""
    until(
        rig,
        "select not exists (select from pg_stat_activity"
        " where datname = current_database() and application_name = 'faunalens')",
    )
    yield


@contextmanager
def forgotten_and_idled(rig: Rig) -> Iterator[None]:
    """The server ends the session, and the word of it does not arrive: what a frozen container finds when it thaws."""
    rig.postgres_proxy.forget()
    with session_idled(rig):
        yield


@contextmanager
def shutting_down(rig: Rig) -> Iterator[None]:
    """A smart shutdown waits for the sessions that there are, and takes no new ones."""
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
        assert time.monotonic() < deadline, "connections are still taken after 5 s"


@contextmanager
def standby(rig: Rig) -> Iterator[None]:
    """Restarted as what it is after a failover elsewhere: a standby, which only reads."""
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
    """Every connection is taken, but for those that are the superuser's."""
    with ExitStack() as all_of_them:
        with_room = True
        while with_room:
            try:
                all_of_them.enter_context(closing(psycopg2.connect(rig.database_url)))
            except psycopg2.OperationalError:
                with_room = False
        yield


@contextmanager
def another_password(rig: Rig) -> Iterator[None]:
    user, password = urlsplit(rig.database_url).username, unquote(urlsplit(rig.database_url).password or "")
    with told(f"alter role {user} password 'another'", f"alter role {user} password '{password}'")(rig):
        yield


@contextmanager
def function_replaced(rig: Rig, body: str) -> Iterator[None]:
    """The function that look-ups call does something else."""
    ((before,),) = rig.sql("select pg_get_functiondef('features_of'::regproc)")
    head, _, _ = before.partition("AS $function$")
    rig.sql(f"{head} AS $function$ begin {body} end $function$")
    try:
        yield
    finally:
        rig.sql(before)


def both(fault: str, within: float = 0.3, or_fault: str | None = None) -> dict[State, Answer]:
    """What is known stays known, and the rest cannot be had."""
    known, unknown = Answer("stale", (fault,), within), degraded(fault, within=within)
    other = (or_fault,) if or_fault else None
    return {"stale": replace(known, or_faults=other), "none": replace(unknown, or_faults=other)}


UNREACHABLE: dict[State, Answer] = {"fresh": Answer("hit"), **both("postgres_unreachable")}
CASES: tuple[Case[Rig], ...] = (
    Case("down at start", proxied(Proxy.refuse), UNREACHABLE),
    Case("killed between requests", killed, both("postgres_unreachable"), connected=True, direct=True),
    Case(
        "killed mid-request",
        killed_mid_request,
        both("postgres_unreachable", 0.6, "postgres_disconnected"),
        connected=True,
        direct=True,
    ),
    Case("connection closed mid-request, reply lost", proxied(Proxy.lose_reply), {"none": Answer("miss")}, True),
    Case(
        "connection reset in the middle of a reply",
        proxied(lambda proxy: proxy.lose_reply(keep=30, how="reset")),
        {"none": Answer("miss")},
        connected=True,
    ),
    Case("every connection closed at once", proxied(Proxy.turn_away), both("postgres_disconnected"), connected=True),
    Case(
        "every connection reset at once",
        proxied(lambda proxy: proxy.turn_away("reset")),
        both("postgres_disconnected"),
    ),
    Case("hung (SIGSTOP) at start", stopped, both("postgres_timeout", 0.8), direct=True),
    Case(
        "hung (SIGSTOP)",
        stopped,
        {"fresh": Answer("hit"), **both("postgres_timeout", 1.3)},
        connected=True,
        direct=True,
    ),
    Case("black hole", proxied(Proxy.hold), both("postgres_timeout", 1.3), connected=True),
    Case("packets dropped at start", proxied(Proxy.ignore), both("postgres_timeout", 0.8)),
    Case("packets dropped", proxied(Proxy.ignore), both("postgres_timeout", 1.3), connected=True),
    Case("slow by 50 ms at start", proxied(lambda proxy: proxy.delay(0.025)), {"none": Answer("miss", within=0.8)}),
    Case(
        "slow by 50 ms",
        proxied(lambda proxy: proxy.delay(0.025)),
        {"stale": Answer("miss"), "none": Answer("miss")},
        connected=True,
    ),
    Case("slow by 2 s", proxied(lambda proxy: proxy.delay(1.0)), both("postgres_timeout", 1.3), connected=True),
    Case(
        "replies that drip in, a byte every 20 ms",
        proxied(lambda proxy: proxy.drip(0.02)),
        both("postgres_timeout", 1.3),
        connected=True,
    ),
    Case("session ended by the server while idle", session_ended, {"none": Answer("miss")}, connected=True),
    Case(
        "session idle for longer than `DATABASE_IDLE`",
        session_idled,
        {"none": Answer("miss")},
        connected=True,
        settings={"DATABASE_IDLE": "0.02"},
    ),
    Case(
        "connection reset while idle",
        proxied(lambda proxy: proxy.hang_up("reset")),
        {"none": Answer("miss")},
        connected=True,
    ),
    Case(
        "connection forgotten by the network for longer than `DATABASE_IDLE`",
        forgotten_and_idled,
        {"none": Answer("miss")},
        connected=True,
        settings={"DATABASE_IDLE": "0.2"},
    ),
    Case(
        "connection forgotten by the network a moment ago",
        proxied(Proxy.forget),
        both("postgres_timeout", 1.3),
        connected=True,
    ),
    Case("wrong password at start", another_password, {"fresh": Answer("hit"), **both("postgres_auth")}),
    Case("password changed, session open", another_password, {"none": Answer("miss")}, connected=True),
    Case(
        "login not permitted to the user",
        told("alter role faunalens nologin", "alter role faunalens login"),
        both("postgres_auth"),
    ),
    Case(
        "function not permitted to the user",
        told(
            "alter function features_of owner to postgres; revoke execute on function features_of from public",
            "alter function features_of owner to faunalens; grant execute on function features_of to public",
        ),
        both("postgres_auth"),
        connected=True,
    ),
    Case(
        "out of memory",
        partial(function_replaced, body="raise exception 'out of memory' using errcode = '53200';"),
        both("postgres_refused"),
        connected=True,
    ),
    Case("restarted as a standby, which only reads", standby, {"none": Answer("miss")}, connected=True, direct=True),
    Case("too many connections", full_of_connections, both("postgres_too_many_connections"), direct=True),
    Case(
        "too many connections of the user",
        told("alter role faunalens connection limit 0", "alter role faunalens connection limit -1"),
        both("postgres_too_many_connections"),
    ),
    Case("statement timeout, behind a lock", locked, both("postgres_statement_timeout", 1.2), connected=True),
    Case(
        "statement timeout, in a slow query",
        partial(function_replaced, body="perform pg_sleep(30);"),
        both("postgres_statement_timeout", 1.2),
        connected=True,
    ),
    Case("shutting down", shutting_down, both("postgres_starting"), direct=True),
    Case(
        "no active dataset",
        told("update dataset set active = false", "update dataset set active = true where version = 'v1'"),
        both("postgres_no_dataset"),
        connected=True,
    ),
    Case(
        "function missing",
        told("alter function features_of rename to mislaid", "alter function mislaid rename to features_of"),
        both("postgres_refused"),
        connected=True,
    ),
    Case(
        "rows that do not fit",
        partial(
            function_replaced,
            body="return query select cells[1], 'v1', null::text[], null::integer[], null::real[], null::smallint[];",
        ),
        both("postgres_refused"),
        connected=True,
    ),
    Case(
        "rows whose arrays differ in length",
        partial(
            function_replaced,
            body="return query select cells[1], 'v1', array['AU'], array[1, 2], array[1::real], array[1::smallint];",
        ),
        both("postgres_refused"),
        connected=True,
    ),
)

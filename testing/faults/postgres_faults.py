"""Faults of PostgreSQL. Each lasts until the end of a `with` block."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from typing import Concatenate
from urllib.parse import unquote, urlsplit

import psycopg2

from testing.faults.case import fault
from testing.faults.rig import Rig
from testing.proxy import Proxy

type Fault = Callable[[Rig], AbstractContextManager[None]]


def through_proxy[**P](change: Callable[Concatenate[Proxy, P], None], *args: P.args, **kwargs: P.kwargs) -> Fault:
    """Return a fault of the network between the app and PostgreSQL."""
    return fault(lambda rig: change(rig.postgres_proxy, *args, **kwargs), lambda rig: rig.postgres_proxy.restore())


def by_sql(statement: str, undo: str) -> Fault:
    """Return a fault that begins when the superuser runs `statement`, and ends when the superuser runs `undo`."""
    return fault(lambda rig: rig.sql(statement), lambda rig: rig.sql(undo))


killed: Fault = fault(lambda rig: rig.postgres.kill(), lambda rig: rig.postgres.start())
paused: Fault = fault(lambda rig: rig.postgres.pause(), lambda rig: rig.postgres.resume())


def wait_until_true(rig: Rig, query: str, timeout: float = 5.0) -> None:
    """Wait until a query of the superuser returns true."""
    deadline = time.monotonic() + timeout
    while not rig.sql(query)[0][0]:
        assert time.monotonic() < deadline, f"still false after {timeout:g} s: {query}"


@contextmanager
def locked(rig: Rig) -> Iterator[None]:
    """Lock a table that every lookup reads."""
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
def session_terminated(rig: Rig) -> Iterator[None]:
    rig.sql(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and application_name = 'faunalens'"
    )
    yield


@contextmanager
def session_idled(rig: Rig) -> Iterator[None]:
    """Wait until the server has closed the app's idle session."""
    wait_until_true(
        rig,
        "select not exists (select from pg_stat_activity"
        " where datname = current_database() and application_name = 'faunalens')",
    )
    yield


@contextmanager
def forgotten_and_idled(rig: Rig) -> Iterator[None]:
    """Let the server close the session without the app noticing, as in a frozen container."""
    rig.postgres_proxy.forget()
    with session_idled(rig):
        yield


@contextmanager
def shutting_down(rig: Rig) -> Iterator[None]:
    """Start a smart shutdown, during which the server waits for open sessions and accepts no new sessions."""
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
    """Use up all connections that are not reserved for the superuser."""
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


def function_replaced(body: str) -> Fault:
    """Return a fault that replaces the body of the function that lookups call."""

    @contextmanager
    def replaced(rig: Rig) -> Iterator[None]:
        ((before,),) = rig.sql("select pg_get_functiondef('features_of'::regproc)")
        head, _, _ = before.partition("AS $function$")
        with by_sql(f"{head} AS $function$ begin {body} end $function$", before)(rig):
            yield

    return replaced

"""Faults of PostgreSQL, each of which lasts until the end of a `with` block, and their cases."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Concatenate
from urllib.parse import unquote, urlsplit

import psycopg2

from tests.faults.case import CacheState, Expected, Fault, FaultCase, connected, degraded, fault
from tests.faults.proxy import Proxy
from tests.faults.rig import Rig


def through_proxy[**P](change: Callable[Concatenate[Proxy, P], None], *args: P.args, **kwargs: P.kwargs) -> Fault[Rig]:
    """Return a fault of the network between the app and PostgreSQL."""
    return fault(lambda rig: change(rig.postgres_proxy, *args, **kwargs), lambda rig: rig.postgres_proxy.restore())


def by_sql(statement: str, undo: str) -> Fault[Rig]:
    """Return a fault that begins when the superuser runs `statement`, and ends when the superuser runs `undo`."""
    return fault(lambda rig: rig.sql(statement), lambda rig: rig.sql(undo))


killed: Fault[Rig] = fault(lambda rig: rig.postgres.kill(), lambda rig: rig.postgres.start())
paused: Fault[Rig] = fault(lambda rig: rig.postgres.pause(), lambda rig: rig.postgres.resume())


@contextmanager
def locked(rig: Rig) -> Iterator[None]:
    with rig.superuser() as superuser:
        superuser.autocommit = False
        superuser.cursor().execute("lock table dataset in access exclusive mode")
        yield


@contextmanager
def killed_mid_request(rig: Rig) -> Iterator[None]:
    """Kill the server as soon as a query waits for a lock."""

    def kill() -> None:
        rig.wait_until("select exists (select from pg_locks where not granted)")
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
    rig.wait_until(
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
        rig.postgres.wait_until(lambda: _refuses(rig), 5)
        try:
            yield
        finally:
            rig.postgres.stop()
    rig.postgres.start()


def _refuses(rig: Rig) -> bool:
    try:
        psycopg2.connect(rig.database_url).close()
    except psycopg2.OperationalError:
        return True
    return False


@contextmanager
def standby(rig: Rig) -> Iterator[None]:
    """Restart the server as a read-only standby, as after a failover to another server."""
    signal_file = rig.postgres.data_dir / "standby.signal"
    rig.postgres.stop()
    signal_file.touch(mode=0o600)
    rig.postgres.launch()
    rig.wait_until("select pg_is_in_recovery()", 20)
    try:
        yield
    finally:
        rig.postgres.stop()
        signal_file.unlink()
        rig.postgres.start()


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


def function_replaced(body: str) -> Fault[Rig]:
    """Return a fault that replaces the body of the function that lookups call."""

    @contextmanager
    def replaced(rig: Rig) -> Iterator[None]:
        ((before,),) = rig.sql("select pg_get_functiondef('features_of'::regproc)")
        head, _, _ = before.partition("AS $function$")
        with by_sql(f"{head} AS $function$ begin {body} end $function$", before)(rig):
            yield

    return replaced


def stale_or_none(fault: str, within: float = 0.3, or_fault: str | None = None) -> dict[CacheState, Expected]:
    """Return the expectations: stale features for a stale cell, and no features for an uncached cell."""
    other = (or_fault,) if or_fault else None
    return {
        "stale": Expected("stale", (fault,), within, or_faults=other),
        "none": degraded(fault, within=within, or_faults=other),
    }


FORGOTTEN = "connection forgotten by the network for longer than `DATABASE_IDLE`"
HIT: dict[CacheState, Expected] = {"fresh": Expected("hit")}
MISS: dict[CacheState, Expected] = {"none": Expected("miss")}
SLOW = stale_or_none("postgres_timeout", 1.3)
SIGNING_IN = stale_or_none("postgres_signing_in", 0.8)
DISCONNECTED = stale_or_none("postgres_disconnected")
REFUSED = stale_or_none("postgres_refused")
NO_LOGIN = by_sql("alter role faunalens nologin", "alter role faunalens login")
NOT_PERMITTED = by_sql(
    "alter function features_of owner to postgres; revoke execute on function features_of from public",
    "alter function features_of owner to faunalens; grant execute on function features_of to public",
)
NO_ROOM_FOR_THE_USER = by_sql("alter role faunalens connection limit 0", "alter role faunalens connection limit -1")
NO_DATASET = by_sql("update dataset set active = false", "update dataset set active = true where version = 'v1'")
NO_FUNCTION = by_sql(
    "alter function features_of rename to renamed_away", "alter function renamed_away rename to features_of"
)
WRONG_ROWS = {
    "nulls": "null::text[], null::integer[], null::real[], null::smallint[]",
    "arrays of different lengths": "array['AU'], array[1, 2], array[1::real], array[1::smallint]",
    "a status that the app does not know": "array['AU'], array[1], array[1::real], array[3::smallint]",
}
"""What the function returns after cell and version."""
UNREACHABLE = stale_or_none("postgres_unreachable")
AUTH = stale_or_none("postgres_auth")
FULL = stale_or_none("postgres_too_many_connections")
KILLED = stale_or_none("postgres_unreachable", 0.6, "postgres_disconnected")
TIMED_OUT = stale_or_none("postgres_statement_timeout", 1.2)
OUT_OF_MEMORY = function_replaced("raise exception 'out of memory' using errcode = '53200';")
CASES: tuple[FaultCase[Rig], ...] = (
    FaultCase("down at start", through_proxy(Proxy.refuse), {**HIT, **UNREACHABLE}),
    connected("killed between requests", killed, UNREACHABLE, direct=True),
    connected("killed mid-request", killed_mid_request, KILLED, direct=True),
    connected("connection closed mid-request, reply lost", through_proxy(Proxy.lose_reply), MISS),
    connected("connection reset in the middle of a reply", through_proxy(Proxy.lose_reply, 30, "reset"), MISS),
    connected("every connection closed at once", through_proxy(Proxy.turn_away), DISCONNECTED),
    FaultCase("every connection reset at once", through_proxy(Proxy.turn_away, "reset"), DISCONNECTED),
    FaultCase("hung (SIGSTOP) at start", paused, SIGNING_IN, direct=True),
    connected("hung (SIGSTOP)", paused, {**HIT, **SLOW}, direct=True),
    connected("black hole", through_proxy(Proxy.hold), SLOW),
    FaultCase("packets dropped at start", through_proxy(Proxy.ignore), SIGNING_IN),
    connected("packets dropped", through_proxy(Proxy.ignore), SLOW),
    FaultCase("slow by 50 ms at start", through_proxy(Proxy.delay, 0.025), {"none": Expected("miss", within=0.8)}),
    connected("slow by 50 ms", through_proxy(Proxy.delay, 0.025), {"stale": Expected("miss"), **MISS}),
    connected("slow by 2 s", through_proxy(Proxy.delay, 1.0), SLOW),
    connected("replies of one byte every 20 ms", through_proxy(Proxy.drip, 0.02), SLOW),
    connected("session terminated by the server while idle", session_terminated, MISS),
    connected("session idle for longer than `DATABASE_IDLE`", session_idled, MISS, DATABASE_IDLE="0.5"),
    connected("connection reset while idle", through_proxy(Proxy.hang_up, "reset"), MISS),
    connected(FORGOTTEN, forgotten_and_idled, MISS, DATABASE_IDLE="0.5"),
    connected("connection forgotten by the network a moment ago", through_proxy(Proxy.forget), SLOW),
    FaultCase("wrong password at start", another_password, {**HIT, **AUTH}),
    connected("password changed, session open", another_password, MISS),
    FaultCase("user may not log in", NO_LOGIN, AUTH),
    connected("user may not call the function", NOT_PERMITTED, AUTH),
    connected("out of memory", OUT_OF_MEMORY, REFUSED),
    connected("restarted as a read-only standby", standby, MISS, direct=True),
    FaultCase("too many connections", full_of_connections, FULL, direct=True),
    FaultCase("too many connections of the user", NO_ROOM_FOR_THE_USER, FULL),
    connected("statement timeout, behind a lock", locked, TIMED_OUT),
    connected("statement timeout, in a slow query", function_replaced("perform pg_sleep(30);"), TIMED_OUT),
    FaultCase("shutting down", shutting_down, stale_or_none("postgres_starting"), direct=True),
    connected("no active dataset", NO_DATASET, stale_or_none("postgres_no_dataset")),
    connected("function missing", NO_FUNCTION, REFUSED),
    *(
        connected(f"rows with {what}", function_replaced(f"return query select cells[1], 'v1', {row};"), REFUSED)
        for what, row in WRONG_ROWS.items()
    ),
)

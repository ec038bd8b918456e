"""Fault cases for PostgreSQL. docs/reference/faults.md shows them."""

from testing.faults.case import CacheState, Expected, FaultCase, connected, degraded
from testing.faults.postgres_faults import (
    another_password,
    by_sql,
    forgotten_and_idled,
    full_of_connections,
    function_replaced,
    killed,
    killed_mid_request,
    locked,
    paused,
    session_idled,
    session_terminated,
    shutting_down,
    standby,
    through_proxy,
)
from testing.faults.rig import Rig
from testing.proxy import Proxy


def stale_or_none(fault: str, within: float = 0.3, or_fault: str | None = None) -> dict[CacheState, Expected]:
    """Return the expectations: stale features for a stale cell, and no features for an uncached cell."""
    other = (or_fault,) if or_fault else None
    return {
        "stale": Expected("stale", (fault,), within, or_faults=other),
        "none": degraded(fault, within=within, or_faults=other),
    }


HIT: dict[CacheState, Expected] = {"fresh": Expected("hit")}
MISS: dict[CacheState, Expected] = {"none": Expected("miss")}
SLOW = stale_or_none("postgres_timeout", 1.3)
SIGNING_IN = stale_or_none("postgres_signing_in", 0.8)
DISCONNECTED = stale_or_none("postgres_disconnected")
REFUSED = stale_or_none("postgres_refused")
CASES: tuple[FaultCase[Rig], ...] = (
    FaultCase("down at start", through_proxy(Proxy.refuse), {**HIT, **stale_or_none("postgres_unreachable")}),
    connected("killed between requests", killed, stale_or_none("postgres_unreachable"), direct=True),
    connected(
        "killed mid-request",
        killed_mid_request,
        stale_or_none("postgres_unreachable", 0.6, "postgres_disconnected"),
        direct=True,
    ),
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
    connected("session idle for longer than `DATABASE_IDLE`", session_idled, MISS, DATABASE_IDLE="0.02"),
    connected("connection reset while idle", through_proxy(Proxy.hang_up, "reset"), MISS),
    connected(
        "connection forgotten by the network for longer than `DATABASE_IDLE`",
        forgotten_and_idled,
        MISS,
        DATABASE_IDLE="0.2",
    ),
    connected("connection forgotten by the network a moment ago", through_proxy(Proxy.forget), SLOW),
    FaultCase("wrong password at start", another_password, {**HIT, **stale_or_none("postgres_auth")}),
    connected("password changed, session open", another_password, MISS),
    FaultCase(
        "user may not log in",
        by_sql("alter role faunalens nologin", "alter role faunalens login"),
        stale_or_none("postgres_auth"),
    ),
    connected(
        "user may not call the function",
        by_sql(
            "alter function features_of owner to postgres; revoke execute on function features_of from public",
            "alter function features_of owner to faunalens; grant execute on function features_of to public",
        ),
        stale_or_none("postgres_auth"),
    ),
    connected("out of memory", function_replaced("raise exception 'out of memory' using errcode = '53200';"), REFUSED),
    connected("restarted as a read-only standby", standby, MISS, direct=True),
    FaultCase("too many connections", full_of_connections, stale_or_none("postgres_too_many_connections"), direct=True),
    FaultCase(
        "too many connections of the user",
        by_sql("alter role faunalens connection limit 0", "alter role faunalens connection limit -1"),
        stale_or_none("postgres_too_many_connections"),
    ),
    connected("statement timeout, behind a lock", locked, stale_or_none("postgres_statement_timeout", 1.2)),
    connected(
        "statement timeout, in a slow query",
        function_replaced("perform pg_sleep(30);"),
        stale_or_none("postgres_statement_timeout", 1.2),
    ),
    FaultCase("shutting down", shutting_down, stale_or_none("postgres_starting"), direct=True),
    connected(
        "no active dataset",
        by_sql("update dataset set active = false", "update dataset set active = true where version = 'v1'"),
        stale_or_none("postgres_no_dataset"),
    ),
    connected(
        "function missing",
        by_sql(
            "alter function features_of rename to renamed_away", "alter function renamed_away rename to features_of"
        ),
        REFUSED,
    ),
    connected(
        "rows with nulls",
        function_replaced(
            "return query select cells[1], 'v1', null::text[], null::integer[], null::real[], null::smallint[];"
        ),
        REFUSED,
    ),
    connected(
        "rows with arrays of different lengths",
        function_replaced(
            "return query select cells[1], 'v1', array['AU'], array[1, 2], array[1::real], array[1::smallint];"
        ),
        REFUSED,
    ),
    connected(
        "rows with a status that the app does not know",
        function_replaced(
            "return query select cells[1], 'v1', array['AU'], array[1], array[1::real], array[3::smallint];"
        ),
        REFUSED,
    ),
)

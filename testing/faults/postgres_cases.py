"""Cases of the faults of PostgreSQL, with the lookup during each. docs/reference/faults.md shows them."""

from dataclasses import replace
from functools import partial

from testing.faults.case import CacheState, Expected, FaultCase, degraded
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

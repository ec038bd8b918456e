"""Fault cases for Redis. docs/reference/faults.md shows them."""

from functools import partial

from testing.faults.case import CacheState, Expected, FaultCase, connected
from testing.faults.redis_faults import (
    another_password,
    configured,
    full_of_clients,
    killed,
    killed_mid_request,
    not_permitted,
    overwritten,
    paused,
    through_proxy,
    value_of_another_cell,
    value_with_unknown_status,
    version_overwritten,
    without_slots,
)
from testing.faults.rig import Rig
from testing.proxy import Proxy


def bypassed(fault: str, *states: CacheState, within: float = 0.3) -> dict[CacheState, Expected]:
    """Return the expectations of lookups that report a fault. They bypass Redis or find the cell in memory."""
    return {state: Expected("memory" if state == "memory" else "bypass", (fault,), within) for state in states}


FOUND: dict[CacheState, Expected] = {"fresh": Expected("hit"), "none": Expected("miss")}
SLOW = bypassed("redis_timeout", "fresh", within=0.7)
SIGNING_IN = bypassed("redis_signing_in", "fresh", "none", within=0.7)
SLOW_UNCACHED = bypassed("redis_timeout", "fresh", "none", within=0.7)
SLOW_IN_MEMORY = {**SLOW, **bypassed("redis_timeout", "memory", within=0.6)}
CORRUPT = Expected("miss", ("value_corrupt",))
CASES: tuple[FaultCase[Rig], ...] = (
    FaultCase("down at start", through_proxy(Proxy.refuse), bypassed("redis_unreachable", "fresh", "none")),
    connected("killed between requests", killed, bypassed("redis_unreachable", "fresh", "memory"), direct=True),
    connected(
        "killed mid-request",
        killed_mid_request,
        {"fresh": Expected("bypass", ("redis_unreachable",), 0.5, or_faults=("redis_disconnected",))},
        direct=True,
    ),
    connected("connection closed mid-request, reply lost", through_proxy(Proxy.lose_reply), FOUND),
    connected("connection reset in the middle of a reply", through_proxy(Proxy.lose_reply, 3, "reset"), FOUND),
    connected(
        "every connection closed at once",
        through_proxy(Proxy.turn_away),
        bypassed("redis_disconnected", "fresh", "memory"),
    ),
    FaultCase(
        "every connection reset at once",
        through_proxy(Proxy.turn_away, "reset"),
        bypassed("redis_disconnected", "fresh", "none"),
    ),
    FaultCase("hung (SIGSTOP) at start", paused, SIGNING_IN, direct=True),
    connected("hung (SIGSTOP)", paused, SLOW_IN_MEMORY, direct=True),
    connected("black hole", through_proxy(Proxy.hold), SLOW_UNCACHED),
    FaultCase("packets dropped at start", through_proxy(Proxy.ignore), SIGNING_IN),
    connected("packets dropped", through_proxy(Proxy.ignore), bypassed("redis_timeout", "fresh", "memory", within=0.7)),
    connected(
        "slow by 50 ms",
        through_proxy(Proxy.delay, 0.025),
        {"fresh": Expected("hit", within=0.3), "none": Expected("miss", within=0.5)},
    ),
    connected("slow by 2 s", through_proxy(Proxy.delay, 1.0), SLOW_IN_MEMORY),
    connected("replies of one byte every 20 ms", through_proxy(Proxy.drip, 0.02), SLOW),
    connected("connection closed while idle", through_proxy(Proxy.hang_up), FOUND),
    connected("connection reset while idle", through_proxy(Proxy.hang_up, "reset"), FOUND),
    connected(
        "connection forgotten by the network for longer than `REDIS_IDLE`",
        through_proxy(Proxy.forget),
        {"fresh": Expected("hit", within=0.1)},
        REDIS_IDLE="0.000001",
    ),
    connected(
        "connection forgotten by the network a moment ago",
        through_proxy(Proxy.forget),
        {"fresh": Expected("hit", within=0.4)},
    ),
    FaultCase("wrong password at start", another_password, bypassed("redis_auth", "fresh", "none")),
    connected("password changed, connection open", another_password, {"fresh": Expected("hit")}),
    connected("user may not read", not_permitted, bypassed("redis_auth", "fresh", "memory")),
    connected(
        "out of memory",
        partial(configured, maxmemory_policy="noeviction", maxmemory=1),
        {
            "fresh": Expected("hit"),
            "stale": Expected("stale", ("redis_oom",)),
            "none": Expected("bypass", ("redis_oom",)),
        },
    ),
    connected(
        "slots without an owner (CLUSTERDOWN)",
        without_slots,
        bypassed("redis_clusterdown", "fresh", "memory", "none"),
    ),
    FaultCase("too many clients", full_of_clients, bypassed("redis_too_many_clients", "fresh", "none")),
    connected("value cut off", overwritten(b"FLNS\x00\x00"), {"fresh": CORRUPT, "stale": CORRUPT}),
    connected("value of another cell", value_of_another_cell, {"fresh": CORRUPT}),
    connected("value with a status that the app does not know", value_with_unknown_status, {"fresh": CORRUPT}),
    connected("value that is not a string", overwritten(None), bypassed("redis_refused", "fresh")),
    FaultCase("version that is not text", version_overwritten, {"fresh": Expected("miss", ("version_corrupt",))}),
)

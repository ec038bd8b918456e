"""Cases of the faults of Redis, with the lookup during each. docs/reference/faults.md shows them."""

from functools import partial

from testing.faults.case import Expected, FaultCase
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
    version_overwritten,
    without_slots,
)
from testing.faults.rig import Rig
from testing.proxy import Proxy

BYPASS = partial(Expected, "bypass")
CASES: tuple[FaultCase[Rig], ...] = (
    FaultCase(
        "down at start",
        through_proxy(Proxy.refuse),
        {"fresh": BYPASS(("redis_unreachable",)), "none": BYPASS(("redis_unreachable",))},
    ),
    FaultCase(
        "killed between requests",
        killed,
        {"fresh": BYPASS(("redis_unreachable",)), "memory": Expected("memory", ("redis_unreachable",))},
        connected=True,
        direct=True,
    ),
    FaultCase(
        "killed mid-request",
        killed_mid_request,
        {"fresh": BYPASS(("redis_unreachable",), 0.5, or_faults=("redis_disconnected",))},
        connected=True,
        direct=True,
    ),
    FaultCase(
        "connection closed mid-request, reply lost",
        through_proxy(Proxy.lose_reply),
        {"fresh": Expected("hit"), "none": Expected("miss")},
        connected=True,
    ),
    FaultCase(
        "connection reset in the middle of a reply",
        through_proxy(lambda proxy: proxy.lose_reply(keep=3, how="reset")),
        {"fresh": Expected("hit"), "none": Expected("miss")},
        connected=True,
    ),
    FaultCase(
        "every connection closed at once",
        through_proxy(Proxy.turn_away),
        {"fresh": BYPASS(("redis_disconnected",)), "memory": Expected("memory", ("redis_disconnected",))},
        connected=True,
    ),
    FaultCase(
        "every connection reset at once",
        through_proxy(lambda proxy: proxy.turn_away("reset")),
        {"fresh": BYPASS(("redis_disconnected",)), "none": BYPASS(("redis_disconnected",))},
    ),
    FaultCase(
        "hung (SIGSTOP) at start",
        paused,
        {"fresh": BYPASS(("redis_timeout",), 0.7), "none": BYPASS(("redis_timeout",), 0.7)},
        direct=True,
    ),
    FaultCase(
        "hung (SIGSTOP)",
        paused,
        {"fresh": BYPASS(("redis_timeout",), 0.7), "memory": Expected("memory", ("redis_timeout",), 0.6)},
        connected=True,
        direct=True,
    ),
    FaultCase(
        "black hole",
        through_proxy(Proxy.hold),
        {"fresh": BYPASS(("redis_timeout",), 0.7), "none": BYPASS(("redis_timeout",), 0.7)},
        connected=True,
    ),
    FaultCase(
        "packets dropped at start",
        through_proxy(Proxy.ignore),
        {"fresh": BYPASS(("redis_timeout",), 0.7), "none": BYPASS(("redis_timeout",), 0.7)},
    ),
    FaultCase(
        "packets dropped",
        through_proxy(Proxy.ignore),
        {"fresh": BYPASS(("redis_timeout",), 0.7), "memory": Expected("memory", ("redis_timeout",), 0.7)},
        connected=True,
    ),
    FaultCase(
        "slow by 50 ms",
        through_proxy(lambda proxy: proxy.delay(0.025)),
        {"fresh": Expected("hit", within=0.3), "none": Expected("miss", within=0.5)},
        connected=True,
    ),
    FaultCase(
        "slow by 2 s",
        through_proxy(lambda proxy: proxy.delay(1.0)),
        {"fresh": BYPASS(("redis_timeout",), 0.7), "memory": Expected("memory", ("redis_timeout",), 0.6)},
        connected=True,
    ),
    FaultCase(
        "replies of one byte every 20 ms",
        through_proxy(lambda proxy: proxy.drip(0.02)),
        {"fresh": BYPASS(("redis_timeout",), 0.7)},
        connected=True,
    ),
    FaultCase(
        "connection closed while idle",
        through_proxy(Proxy.hang_up),
        {"fresh": Expected("hit"), "none": Expected("miss")},
        connected=True,
    ),
    FaultCase(
        "connection reset while idle",
        through_proxy(lambda proxy: proxy.hang_up("reset")),
        {"fresh": Expected("hit"), "none": Expected("miss")},
        connected=True,
    ),
    FaultCase(
        "connection forgotten by the network for longer than `REDIS_IDLE`",
        through_proxy(Proxy.forget),
        {"fresh": Expected("hit", within=0.1)},
        connected=True,
        settings={"REDIS_IDLE": "0.000001"},
    ),
    FaultCase(
        "connection forgotten by the network a moment ago",
        through_proxy(Proxy.forget),
        {"fresh": Expected("hit", within=0.4)},
        connected=True,
    ),
    FaultCase(
        "wrong password at start",
        another_password,
        {"fresh": BYPASS(("redis_auth",)), "none": BYPASS(("redis_auth",))},
    ),
    FaultCase(
        "password changed, connection open",
        another_password,
        {"fresh": Expected("hit")},
        connected=True,
    ),
    FaultCase(
        "user may not read",
        not_permitted,
        {"fresh": BYPASS(("redis_auth",)), "memory": Expected("memory", ("redis_auth",))},
        connected=True,
    ),
    FaultCase(
        "out of memory",
        partial(configured, maxmemory_policy="noeviction", maxmemory=1),
        {
            "fresh": Expected("hit"),
            "stale": Expected("stale", ("redis_oom",)),
            "none": BYPASS(("redis_oom",)),
        },
        connected=True,
    ),
    FaultCase(
        "slots without an owner (CLUSTERDOWN)",
        without_slots,
        {
            "fresh": BYPASS(("redis_clusterdown",)),
            "memory": Expected("memory", ("redis_clusterdown",)),
            "none": BYPASS(("redis_clusterdown",)),
        },
        connected=True,
    ),
    FaultCase(
        "too many clients",
        full_of_clients,
        {"fresh": BYPASS(("redis_too_many_clients",)), "none": BYPASS(("redis_too_many_clients",))},
    ),
    FaultCase(
        "value cut off",
        overwritten(b"FLNS\x00\x00"),
        {"fresh": Expected("miss", ("value_corrupt",)), "stale": Expected("miss", ("value_corrupt",))},
        connected=True,
    ),
    FaultCase(
        "value of another cell",
        value_of_another_cell,
        {"fresh": Expected("miss", ("value_corrupt",))},
        connected=True,
    ),
    FaultCase(
        "value that is not a string",
        overwritten(None),
        {"fresh": BYPASS(("redis_refused",))},
        connected=True,
    ),
    FaultCase(
        "version that is not text",
        version_overwritten,
        {"fresh": Expected("miss", ("version_corrupt",))},
    ),
)

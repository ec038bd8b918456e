"""Faults of Redis, how to cause them, and the lookup during each. docs/reference/faults.md shows these cases."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import redis

from chalicelib.features.keys import VERSION, value_key
from testing.faults.case import Expected, FaultCase, look_up_once
from testing.faults.rig import Rig
from testing.faults.servers import PASSWORD, command
from testing.proxy import Proxy

type Fault = Callable[[Rig], AbstractContextManager[None]]


def through_proxy(change: Callable[[Proxy], None]) -> Fault:
    """Return a fault of the network between the app and Redis."""

    @contextmanager
    def fault(rig: Rig) -> Iterator[None]:
        change(rig.redis_proxy)
        try:
            yield
        finally:
            rig.redis_proxy.restore()

    return fault


@contextmanager
def killed(rig: Rig) -> Iterator[None]:
    rig.redis.kill()
    try:
        yield
    finally:
        rig.redis.start()


@contextmanager
def killed_mid_request(rig: Rig) -> Iterator[None]:
    """Pause the server so that it cannot answer, then kill it while it has a request."""
    rig.redis.pause()
    killer = threading.Timer(0.08, rig.redis.kill)
    killer.start()
    try:
        yield
    finally:
        killer.join()
        rig.redis.start()


@contextmanager
def paused(rig: Rig) -> Iterator[None]:
    rig.redis.pause()
    try:
        yield
    finally:
        rig.redis.resume()


@contextmanager
def configured(rig: Rig, **values: str | int) -> Iterator[None]:
    """Change settings with CONFIG SET until the end of the block."""
    settings = {name.replace("_", "-"): value for name, value in values.items()}
    before = {name: command(rig.redis, "CONFIG", "GET", name)[name.encode()] for name in settings}
    for name, value in settings.items():
        command(rig.redis, "CONFIG", "SET", name, value)
    try:
        yield
    finally:
        for name, value in reversed(before.items()):
            command(rig.redis, "CONFIG", "SET", name, value)


@contextmanager
def full_of_clients(rig: Rig) -> Iterator[None]:
    """Allow no more clients than there are; keep one of them, to undo it."""
    with redis.Redis.from_url(rig.redis.admin_url, single_connection_client=True) as client:
        most = client.config_get("maxclients")["maxclients"]
        client.config_set("maxclients", len(client.client_list()))
        try:
            yield
        finally:
            client.config_set("maxclients", most or 10_000)


def changed_acl(change: str, undo: str) -> Fault:
    """Return a fault that changes the rights of the app's user."""

    @contextmanager
    def fault(rig: Rig) -> Iterator[None]:
        command(rig.redis, "ACL", "SETUSER", "app", *change.split())
        try:
            yield
        finally:
            command(rig.redis, "ACL", "SETUSER", "app", *undo.split(" ", 1))

    return fault


@contextmanager
def without_slots(rig: Rig) -> Iterator[None]:
    """Take some slots from their owner, so that the cluster serves none."""
    command(rig.redis, "CLUSTER", "DELSLOTSRANGE", 0, 99)
    try:
        yield
    finally:
        command(rig.redis, "CLUSTER", "ADDSLOTSRANGE", 0, 99)


def overwritten(value: bytes | None) -> Fault:
    """Return a fault that replaces all values; None: by a list."""

    @contextmanager
    def fault(rig: Rig) -> Iterator[None]:
        for key in command(rig.redis, "KEYS", "faunalens:{*}:v1"):
            command(rig.redis, "DEL", key)
            command(rig.redis, *(("LPUSH", key, "x") if value is None else ("SET", key, value, "EX", 60)))
        yield
        command(rig.redis, "FLUSHALL")

    return fault


@contextmanager
def value_of_another_cell(rig: Rig) -> Iterator[None]:
    """Replace all values by a valid value of another cell."""
    cell = rig.cell()
    look_up_once(rig.direct_settings, cell)
    with overwritten(command(rig.redis, "GET", value_key(cell, "v1")))(rig):
        yield


@contextmanager
def version_overwritten(rig: Rig) -> Iterator[None]:
    command(rig.redis, "SET", VERSION, b"\xff\xfe", "EX", 60)
    yield


another_password = changed_acl("resetpass >another", f"resetpass >{PASSWORD}")
not_permitted = changed_acl("-get", "+get")

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

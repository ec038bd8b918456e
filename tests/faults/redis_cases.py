"""Faults of Redis, each of which lasts until the end of a `with` block, and their cases."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Concatenate

import numpy as np
import redis

from chalicelib.config.stores import RedisSettings
from chalicelib.features.cache import ROLLOUT, value_key
from chalicelib.features.codec import pack, unpack
from tests.faults.case import CacheState, Expected, Fault, FaultCase, connected, fault
from tests.faults.containers import look_up_once
from tests.faults.proxy import Proxy
from tests.faults.rig import PASSWORD, Rig, command

PREFIX = RedisSettings().prefix.encode()


def through_proxy[**P](change: Callable[Concatenate[Proxy, P], None], *args: P.args, **kwargs: P.kwargs) -> Fault[Rig]:
    """Return a fault of the network between the app and Redis."""
    return fault(lambda rig: change(rig.redis_proxy, *args, **kwargs), lambda rig: rig.redis_proxy.restore())


def changed_acl(change: str, undo: str) -> Fault[Rig]:
    """Return a fault that changes the rights of the app's user."""
    return fault(
        lambda rig: command(rig.redis, "ACL", "SETUSER", "app", *change.split()),
        lambda rig: command(rig.redis, "ACL", "SETUSER", "app", *undo.split(" ", 1)),
    )


killed: Fault[Rig] = fault(lambda rig: rig.redis.kill(), lambda rig: rig.redis.start())
paused: Fault[Rig] = fault(lambda rig: rig.redis.pause(), lambda rig: rig.redis.resume())
another_password = changed_acl("resetpass >another", f"resetpass >{PASSWORD}")
not_permitted = changed_acl("-get", "+get")
without_slots: Fault[Rig] = fault(
    lambda rig: command(rig.redis, "CLUSTER", "DELSLOTSRANGE", 0, 99),
    lambda rig: command(rig.redis, "CLUSTER", "ADDSLOTSRANGE", 0, 99),
)
"""Take some slots from their owner, so that the cluster serves no slot."""


@contextmanager
def killed_mid_request(rig: Rig) -> Iterator[None]:
    """Pause the server, so that it cannot answer, then kill it during a request."""
    rig.redis.pause()
    killer = threading.Timer(0.08, rig.redis.kill)
    killer.start()
    try:
        yield
    finally:
        killer.join()
        rig.redis.start()


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
    """Limit the number of clients to the current number. One connection stays open, to end the fault."""
    with redis.Redis.from_url(rig.redis.admin_url, single_connection_client=True) as client:
        most = client.config_get("maxclients")["maxclients"]
        client.config_set("maxclients", len(client.client_list()))
        try:
            yield
        finally:
            client.config_set("maxclients", most or 10_000)


def overwritten(value: bytes | None) -> Fault[Rig]:
    """Return a fault that replaces all values with `value`, or with a Redis list if `value` is None."""

    def overwrite(rig: Rig) -> None:
        for key in command(rig.redis, "KEYS", PREFIX + b"{*}:v1"):
            command(rig.redis, "DEL", key)
            command(rig.redis, *(("LPUSH", key, "x") if value is None else ("SET", key, value, "EX", 60)))

    return fault(overwrite, lambda rig: command(rig.redis, "FLUSHALL"))


@contextmanager
def value_of_another_cell(rig: Rig) -> Iterator[None]:
    """Replace all values with the value of another cell."""
    cell = rig.cell()
    look_up_once(rig.direct_settings, cell)
    with overwritten(command(rig.redis, "GET", PREFIX + value_key(cell, "v1")))(rig):
        yield


@contextmanager
def value_with_unknown_status(rig: Rig) -> Iterator[None]:
    """Replace the value of the case's cell by one with a status that a newer version of the app may know."""
    key = PREFIX + value_key(rig.cell_of_case, "v1")
    value = unpack(command(rig.redis, "GET", key), rig.cell_of_case, "v1")
    animals = value.cell_animals
    newer = value._replace(cell_animals=animals._replace(status=np.full_like(animals.status, 3)))
    command(rig.redis, "SET", key, pack(newer), "EX", 60)
    yield


@contextmanager
def version_overwritten(rig: Rig) -> Iterator[None]:
    command(rig.redis, "SET", PREFIX + ROLLOUT, b"\xff\xfe", "EX", 60)
    yield


def bypassed(fault: str, *states: CacheState, within: float = 0.3) -> dict[CacheState, Expected]:
    """Return the expectations of lookups that report a fault. They bypass Redis or find the cell in memory."""
    return {state: Expected("memory" if state == "memory" else "bypass", (fault,), within) for state in states}


FOUND: dict[CacheState, Expected] = {"fresh": Expected("hit"), "none": Expected("miss")}
SLOW = bypassed("redis_timeout", "fresh", within=0.7)
SIGNING_IN = bypassed("redis_signing_in", "fresh", "none", within=0.7)
SLOW_UNCACHED = bypassed("redis_timeout", "fresh", "none", within=0.7)
SLOW_IN_MEMORY = {**SLOW, **bypassed("redis_timeout", "memory", within=0.6)}
CORRUPT = Expected("miss", ("value_corrupt",))
GONE = bypassed("redis_unreachable", "fresh", "none")
DISCONNECTED = bypassed("redis_disconnected", "fresh", "none")
DISCONNECTED_LATER = bypassed("redis_disconnected", "fresh", "memory")
AUTH = bypassed("redis_auth", "fresh", "none")
HIT: dict[CacheState, Expected] = {"fresh": Expected("hit")}
KILLED: dict[CacheState, Expected] = {
    "fresh": Expected("bypass", ("redis_unreachable",), 0.5, or_faults=("redis_disconnected",))
}
NOT_WRITTEN: dict[CacheState, Expected] = {
    **HIT,
    "stale": Expected("stale", ("redis_oom",)),
    "none": Expected("bypass", ("redis_oom",)),
}
SLOWLY: dict[CacheState, Expected] = {**HIT, "none": Expected("miss", within=0.5)}
AT_ONCE: dict[CacheState, Expected] = {"fresh": Expected("hit", within=0.1)}
FORGOTTEN = "connection forgotten by the network"
full_of_data = partial(configured, maxmemory_policy="noeviction", maxmemory=1)
CASES: tuple[FaultCase[Rig], ...] = (
    FaultCase("down at start", through_proxy(Proxy.refuse), GONE),
    connected("killed between requests", killed, bypassed("redis_unreachable", "fresh", "memory"), direct=True),
    connected("killed mid-request", killed_mid_request, KILLED, direct=True),
    connected("connection closed mid-request, reply lost", through_proxy(Proxy.lose_reply), FOUND),
    connected("connection reset in the middle of a reply", through_proxy(Proxy.lose_reply, 3, "reset"), FOUND),
    connected("every connection closed at once", through_proxy(Proxy.turn_away), DISCONNECTED_LATER),
    FaultCase("every connection reset at once", through_proxy(Proxy.turn_away, "reset"), DISCONNECTED),
    FaultCase("hung (SIGSTOP) at start", paused, SIGNING_IN, direct=True),
    connected("hung (SIGSTOP)", paused, SLOW_IN_MEMORY, direct=True),
    connected("black hole", through_proxy(Proxy.hold), SLOW_UNCACHED),
    FaultCase("packets dropped at start", through_proxy(Proxy.ignore), SIGNING_IN),
    connected("packets dropped", through_proxy(Proxy.ignore), bypassed("redis_timeout", "fresh", "memory", within=0.7)),
    connected("slow by 50 ms", through_proxy(Proxy.delay, 0.025), SLOWLY),
    connected("slow by 2 s", through_proxy(Proxy.delay, 1.0), SLOW_IN_MEMORY),
    connected("replies of one byte every 20 ms", through_proxy(Proxy.drip, 0.02), SLOW),
    connected("connection closed while idle", through_proxy(Proxy.hang_up), FOUND),
    connected("connection reset while idle", through_proxy(Proxy.hang_up, "reset"), FOUND),
    connected(f"{FORGOTTEN} for longer than `REDIS_IDLE`", through_proxy(Proxy.forget), AT_ONCE, REDIS_IDLE="0.000001"),
    connected(f"{FORGOTTEN} a moment ago", through_proxy(Proxy.forget), {"fresh": Expected("hit", within=0.4)}),
    FaultCase("wrong password at start", another_password, AUTH),
    connected("password changed, connection open", another_password, HIT),
    connected("user may not read", not_permitted, bypassed("redis_auth", "fresh", "memory")),
    connected("out of memory", full_of_data, NOT_WRITTEN),
    connected(
        "slots without an owner (CLUSTERDOWN)", without_slots, bypassed("redis_clusterdown", "fresh", "memory", "none")
    ),
    FaultCase("too many clients", full_of_clients, bypassed("redis_too_many_clients", "fresh", "none")),
    connected("value cut off", overwritten(b"FLNS\x00\x00"), {"fresh": CORRUPT, "stale": CORRUPT}),
    connected("value of another cell", value_of_another_cell, {"fresh": CORRUPT}),
    connected("value with a status that the app does not know", value_with_unknown_status, {"fresh": CORRUPT}),
    connected("value that is not a string", overwritten(None), bypassed("redis_refused", "fresh")),
    FaultCase("version that is not text", version_overwritten, {"fresh": Expected("miss", ("version_corrupt",))}),
)

"""Every fault of Redis, how it is made, and what is answered meanwhile. docs/reference/faults.md shows this table."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import redis

from chalicelib.features.keys import VERSION, value_key
from testing.faults.case import Answer, Case, asked
from testing.faults.rig import Rig
from testing.faults.servers import PASSWORD, command
from testing.proxy import Proxy

type Fault = Callable[[Rig], AbstractContextManager[None]]


def proxied(change: Callable[[Proxy], None]) -> Fault:
    """A fault of the network between the app and Redis."""

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
    """Stopped before it can answer, so that the request is under way when it is killed."""
    rig.redis.pause()
    killer = threading.Timer(0.08, rig.redis.kill)
    killer.start()
    try:
        yield
    finally:
        killer.join()
        rig.redis.start()


@contextmanager
def stopped(rig: Rig) -> Iterator[None]:
    rig.redis.pause()
    try:
        yield
    finally:
        rig.redis.resume()


@contextmanager
def configured(rig: Rig, **values: str | int) -> Iterator[None]:
    """CONFIG SET, and back."""
    wanted = {name.replace("_", "-"): value for name, value in values.items()}
    before = {name: command(rig.redis, "CONFIG", "GET", name)[name.encode()] for name in wanted}
    for name, value in wanted.items():
        command(rig.redis, "CONFIG", "SET", name, value)
    try:
        yield
    finally:
        for name, value in reversed(before.items()):
            command(rig.redis, "CONFIG", "SET", name, value)


@contextmanager
def full_of_clients(rig: Rig) -> Iterator[None]:
    """As many clients allowed as there are; one of them is ours, to undo it."""
    with redis.Redis.from_url(rig.redis.admin_url, single_connection_client=True) as client:
        most = client.config_get("maxclients")["maxclients"]
        client.config_set("maxclients", len(client.client_list()))
        try:
            yield
        finally:
            client.config_set("maxclients", most or 10_000)


def allowed(change: str, back: str) -> Fault:
    """The rights of the app's user are changed at the server."""

    @contextmanager
    def fault(rig: Rig) -> Iterator[None]:
        command(rig.redis, "ACL", "SETUSER", "app", *change.split())
        try:
            yield
        finally:
            command(rig.redis, "ACL", "SETUSER", "app", *back.split(" ", 1))

    return fault


@contextmanager
def without_slots(rig: Rig) -> Iterator[None]:
    """Nobody owns some of the slots any more, so that the cluster serves none."""
    command(rig.redis, "CLUSTER", "DELSLOTSRANGE", 0, 99)
    try:
        yield
    finally:
        command(rig.redis, "CLUSTER", "ADDSLOTSRANGE", 0, 99)


def overwritten(value: bytes | None) -> Fault:
    """All values are replaced; None: by what is no string."""

    @contextmanager
    def fault(rig: Rig) -> Iterator[None]:
        for key in command(rig.redis, "KEYS", "faunalens:{*}:v1"):
            command(rig.redis, "DEL", key)
            command(rig.redis, *(("LPUSH", key, "x") if value is None else ("SET", key, value, "EX", 60)))
        yield
        command(rig.redis, "FLUSHALL")

    return fault


@contextmanager
def others_value(rig: Rig) -> Iterator[None]:
    """Values that are sound, but another cell's."""
    cell = rig.cell()
    asked(rig.straight, cell)
    with overwritten(command(rig.redis, "GET", value_key(cell, "v1")))(rig):
        yield


@contextmanager
def version_overwritten(rig: Rig) -> Iterator[None]:
    command(rig.redis, "SET", VERSION, b"\xff\xfe", "EX", 60)
    yield


another_password = allowed("resetpass >another", f"resetpass >{PASSWORD}")
not_permitted = allowed("-get", "+get")

BYPASS = partial(Answer, "bypass")
CASES: tuple[Case[Rig], ...] = (
    Case(
        "down at start",
        proxied(Proxy.refuse),
        {"fresh": BYPASS(("redis_unreachable",)), "none": BYPASS(("redis_unreachable",))},
    ),
    Case(
        "killed between requests",
        killed,
        {"fresh": BYPASS(("redis_unreachable",)), "held": Answer("memory", ("redis_unreachable",))},
        connected=True,
        direct=True,
    ),
    Case(
        "killed mid-request",
        killed_mid_request,
        {"fresh": BYPASS(("redis_unreachable",), 0.5, or_faults=("redis_disconnected",))},
        connected=True,
        direct=True,
    ),
    Case(
        "connection closed mid-request, reply lost",
        proxied(Proxy.lose_reply),
        {"fresh": Answer("hit"), "none": Answer("miss")},
        connected=True,
    ),
    Case(
        "connection reset in the middle of a reply",
        proxied(lambda proxy: proxy.lose_reply(keep=3, how="reset")),
        {"fresh": Answer("hit"), "none": Answer("miss")},
        connected=True,
    ),
    Case(
        "every connection closed at once",
        proxied(Proxy.turn_away),
        {"fresh": BYPASS(("redis_disconnected",)), "held": Answer("memory", ("redis_disconnected",))},
        connected=True,
    ),
    Case(
        "every connection reset at once",
        proxied(lambda proxy: proxy.turn_away("reset")),
        {"fresh": BYPASS(("redis_disconnected",)), "none": BYPASS(("redis_disconnected",))},
    ),
    Case(
        "hung (SIGSTOP) at start",
        stopped,
        {"fresh": BYPASS(("redis_timeout",), 0.7), "none": BYPASS(("redis_timeout",), 0.7)},
        direct=True,
    ),
    Case(
        "hung (SIGSTOP)",
        stopped,
        {"fresh": BYPASS(("redis_timeout",), 0.7), "held": Answer("memory", ("redis_timeout",), 0.6)},
        connected=True,
        direct=True,
    ),
    Case(
        "black hole",
        proxied(Proxy.hold),
        {"fresh": BYPASS(("redis_timeout",), 0.7), "none": BYPASS(("redis_timeout",), 0.7)},
        connected=True,
    ),
    Case(
        "packets dropped at start",
        proxied(Proxy.ignore),
        {"fresh": BYPASS(("redis_timeout",), 0.7), "none": BYPASS(("redis_timeout",), 0.7)},
    ),
    Case(
        "packets dropped",
        proxied(Proxy.ignore),
        {"fresh": BYPASS(("redis_timeout",), 0.7), "held": Answer("memory", ("redis_timeout",), 0.7)},
        connected=True,
    ),
    Case(
        "slow by 50 ms",
        proxied(lambda proxy: proxy.delay(0.025)),
        {"fresh": Answer("hit", within=0.3), "none": Answer("miss", within=0.5)},
        connected=True,
    ),
    Case(
        "slow by 2 s",
        proxied(lambda proxy: proxy.delay(1.0)),
        {"fresh": BYPASS(("redis_timeout",), 0.7), "held": Answer("memory", ("redis_timeout",), 0.6)},
        connected=True,
    ),
    Case(
        "replies that drip in, a byte every 20 ms",
        proxied(lambda proxy: proxy.drip(0.02)),
        {"fresh": BYPASS(("redis_timeout",), 0.7)},
        connected=True,
    ),
    Case(
        "connection closed while idle",
        proxied(Proxy.hang_up),
        {"fresh": Answer("hit"), "none": Answer("miss")},
        connected=True,
    ),
    Case(
        "connection reset while idle",
        proxied(lambda proxy: proxy.hang_up("reset")),
        {"fresh": Answer("hit"), "none": Answer("miss")},
        connected=True,
    ),
    Case(
        "connection forgotten by the network for longer than `REDIS_IDLE`",
        proxied(Proxy.forget),
        {"fresh": Answer("hit", within=0.1)},
        connected=True,
        settings={"REDIS_IDLE": "0.000001"},
    ),
    Case(
        "connection forgotten by the network a moment ago",
        proxied(Proxy.forget),
        {"fresh": Answer("hit", within=0.4)},
        connected=True,
    ),
    Case(
        "wrong password at start",
        another_password,
        {"fresh": BYPASS(("redis_auth",)), "none": BYPASS(("redis_auth",))},
    ),
    Case(
        "password changed, connection open",
        another_password,
        {"fresh": Answer("hit")},
        connected=True,
    ),
    Case(
        "reading not permitted to the user",
        not_permitted,
        {"fresh": BYPASS(("redis_auth",)), "held": Answer("memory", ("redis_auth",))},
        connected=True,
    ),
    Case(
        "out of memory",
        partial(configured, maxmemory_policy="noeviction", maxmemory=1),
        {
            "fresh": Answer("hit"),
            "stale": Answer("stale", ("redis_oom",)),
            "none": BYPASS(("redis_oom",)),
        },
        connected=True,
    ),
    Case(
        "slots without an owner (CLUSTERDOWN)",
        without_slots,
        {
            "fresh": BYPASS(("redis_clusterdown",)),
            "held": Answer("memory", ("redis_clusterdown",)),
            "none": BYPASS(("redis_clusterdown",)),
        },
        connected=True,
    ),
    Case(
        "too many clients",
        full_of_clients,
        {"fresh": BYPASS(("redis_too_many_clients",)), "none": BYPASS(("redis_too_many_clients",))},
    ),
    Case(
        "value cut off",
        overwritten(b"FLNS\x00\x00"),
        {"fresh": Answer("miss", ("value_corrupt",)), "stale": Answer("miss", ("value_corrupt",))},
        connected=True,
    ),
    Case(
        "value of another cell",
        others_value,
        {"fresh": Answer("miss", ("value_corrupt",))},
        connected=True,
    ),
    Case(
        "value that is no string",
        overwritten(None),
        {"fresh": BYPASS(("redis_refused",))},
        connected=True,
    ),
    Case(
        "version that is no text",
        version_overwritten,
        {"fresh": Answer("miss", ("version_corrupt",))},
    ),
)

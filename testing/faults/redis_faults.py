"""Faults of Redis. Each lasts until the end of a `with` block."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Concatenate

import numpy as np
import redis

from chalicelib.features.codec import pack, unpack
from chalicelib.features.keys import ROLLOUT, value_key
from testing.faults.case import fault, look_up_once
from testing.faults.rig import Rig
from testing.faults.servers import PASSWORD, command
from testing.proxy import Proxy

type Fault = Callable[[Rig], AbstractContextManager[None]]


def through_proxy[**P](change: Callable[Concatenate[Proxy, P], None], *args: P.args, **kwargs: P.kwargs) -> Fault:
    """Return a fault of the network between the app and Redis."""
    return fault(lambda rig: change(rig.redis_proxy, *args, **kwargs), lambda rig: rig.redis_proxy.restore())


def changed_acl(change: str, undo: str) -> Fault:
    """Return a fault that changes the rights of the app's user."""
    return fault(
        lambda rig: command(rig.redis, "ACL", "SETUSER", "app", *change.split()),
        lambda rig: command(rig.redis, "ACL", "SETUSER", "app", *undo.split(" ", 1)),
    )


killed: Fault = fault(lambda rig: rig.redis.kill(), lambda rig: rig.redis.start())
paused: Fault = fault(lambda rig: rig.redis.pause(), lambda rig: rig.redis.resume())
another_password = changed_acl("resetpass >another", f"resetpass >{PASSWORD}")
not_permitted = changed_acl("-get", "+get")
without_slots: Fault = fault(
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


def overwritten(value: bytes | None) -> Fault:
    """Return a fault that replaces all values with `value`, or with a Redis list if `value` is None."""

    def overwrite(rig: Rig) -> None:
        for key in command(rig.redis, "KEYS", "faunalens:{*}:v1"):
            command(rig.redis, "DEL", key)
            command(rig.redis, *(("LPUSH", key, "x") if value is None else ("SET", key, value, "EX", 60)))

    return fault(overwrite, lambda rig: command(rig.redis, "FLUSHALL"))


@contextmanager
def value_of_another_cell(rig: Rig) -> Iterator[None]:
    """Replace all values with the value of another cell."""
    cell = rig.cell()
    look_up_once(rig.direct_settings, cell)
    with overwritten(command(rig.redis, "GET", value_key(cell, "v1")))(rig):
        yield


@contextmanager
def value_with_unknown_status(rig: Rig) -> Iterator[None]:
    """Replace the value of the case's cell by one with a status that a newer version of the app may know."""
    key = value_key(rig.cell_of_case, "v1")
    value = unpack(command(rig.redis, "GET", key), rig.cell_of_case, "v1")
    animals = value.cell_animals
    newer = value._replace(cell_animals=animals._replace(status=np.full_like(animals.status, 3)))
    command(rig.redis, "SET", key, pack(newer), "EX", 60)
    yield


@contextmanager
def version_overwritten(rig: Rig) -> Iterator[None]:
    command(rig.redis, "SET", ROLLOUT, b"\xff\xfe", "EX", 60)
    yield

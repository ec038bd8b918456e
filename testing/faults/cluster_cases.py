"""Faults of Redis that take servers of their own. docs/reference/faults.md shows this table."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import redis
from redis.crc import key_slot

from chalicelib.features.keys import value_key
from local.stack.ports import HOST
from testing.faults.case import Answer, Case
from testing.faults.rig import Ground
from testing.faults.servers import Single, command
from testing.valkey_cluster import SLOTS, Node


@dataclass(slots=True, kw_only=True)
class ClusterRig(Ground):
    """Three primaries that share the slots, and a replica of the first, which is the last of `nodes`."""

    nodes: list[Node]

    @property
    def slot(self) -> int:
        """Of the cell that the case is about."""
        return key_slot(value_key(self.known, "v1"))

    def owner(self) -> int:
        """Which of the primaries owns the slot at first."""
        return next(n for n, (first, last) in enumerate(SLOTS) if first <= self.slot <= last)


@dataclass(slots=True, kw_only=True)
class PairRig(Ground):
    """Two servers that are no cluster; the first is the app's."""

    first: Single
    second: Single


SLOW_TO_LOAD = ("key-load-delay 20000", "loading-process-events-interval-bytes 1024")
"""20 ms a key, and the server looks up from it every kilobyte, to say that it is loading."""


@dataclass(slots=True, kw_only=True)
class LoadingRig(Ground):
    """A server that is slow to load what it saved."""

    server: Single


@contextmanager
def loading(rig: LoadingRig) -> Iterator[None]:
    """Restarted with so much saved that it is busy with that for a second."""
    for n in range(50):
        command(rig.server, "SET", f"filler:{n}", os.urandom(2000))
    command(rig.server, "SAVE")
    rig.server.kill()
    rig.server.launch()
    rig.server.wait_until(lambda: _is_loading(rig), 5)
    yield
    rig.server.wait_until_ready()


def _is_loading(rig: LoadingRig) -> bool:
    try:
        command(rig.server, "GET", "filler:1")
    except redis.BusyLoadingError:
        return True
    except redis.ConnectionError:  # of which the other is one
        return False
    raise AssertionError("the server was done with loading before it could be asked")


@contextmanager
def slot_on_its_way(rig: ClusterRig) -> Iterator[None]:
    """The slot of the cell is being moved; what is not there yet is looked for where it goes (ASK)."""
    source, target = rig.nodes[rig.owner()], rig.nodes[(rig.owner() + 1) % 3]
    target.command("CLUSTER", "SETSLOT", rig.slot, "IMPORTING", source.identity)
    source.command("CLUSTER", "SETSLOT", rig.slot, "MIGRATING", target.identity)
    yield
    _hand_over(rig, source, target)


@contextmanager
def slot_moved(rig: ClusterRig) -> Iterator[None]:
    """The slot of the cell has another owner (MOVED), who has its values."""
    source, target = rig.nodes[rig.owner()], rig.nodes[(rig.owner() + 1) % 3]
    target.command("CLUSTER", "SETSLOT", rig.slot, "IMPORTING", source.identity)
    source.command("CLUSTER", "SETSLOT", rig.slot, "MIGRATING", target.identity)
    _hand_over(rig, source, target)
    yield


def _hand_over(rig: ClusterRig, source: Node, target: Node) -> None:
    keys = source.command("CLUSTER", "GETKEYSINSLOT", rig.slot, 100)
    if isinstance(keys, list) and keys:
        source.command("MIGRATE", HOST, target.port, "", 0, 5000, "REPLACE", "KEYS", *keys)
    for node in (target, source):
        node.command("CLUSTER", "SETSLOT", rig.slot, "NODE", target.identity)


@contextmanager
def owners_disagree(rig: ClusterRig) -> Iterator[None]:
    """Each of two nodes takes the other for the owner of the slot."""
    source, target = rig.nodes[rig.owner()], rig.nodes[(rig.owner() + 1) % 3]
    for key in source.command("CLUSTER", "GETKEYSINSLOT", rig.slot, 100) or ():  # type: ignore[attr-defined]
        source.command("DEL", key)
    source.command("CLUSTER", "SETSLOT", rig.slot, "NODE", target.identity)
    yield
    target.command("CLUSTER", "SETSLOT", rig.slot, "NODE", target.identity)


@contextmanager
def replica_of_another(rig: PairRig) -> Iterator[None]:
    """The app's server became the replica of another, and its name leads to it still."""
    command(rig.first, "REPLICAOF", HOST, rig.second.port)
    yield
    command(rig.first, "REPLICAOF", "NO", "ONE")


CLUSTER_CASES: tuple[Case[ClusterRig], ...] = (
    Case(
        "slot on its way to another node (ASK)",
        slot_on_its_way,
        {"fresh": Answer("hit"), "none": Answer("miss")},
        connected=True,
    ),
    Case(
        "slot moved to another node (MOVED)",
        slot_moved,
        {"fresh": Answer("hit"), "none": Answer("miss")},
        connected=True,
    ),
    Case("slot moved to another node (MOVED), at start", slot_moved, {"fresh": Answer("hit")}),
    Case(
        "nodes that redirect to each other",
        owners_disagree,
        {"none": Answer("bypass", ("redis_moved",))},
        connected=True,
    ),
)
PAIR_CASES: tuple[Case[PairRig], ...] = (
    Case(
        "primary became a replica, which only reads",
        replica_of_another,
        {
            "fresh": Answer("hit"),
            "stale": Answer("stale", ("redis_readonly",)),
            "none": Answer("bypass", ("redis_readonly",)),
        },
        connected=True,
    ),
)
LOADING_CASES: tuple[Case[LoadingRig], ...] = (
    Case(
        "restarted, and loading what it saved",
        loading,
        {"fresh": Answer("bypass", ("redis_loading",)), "held": Answer("memory", ("redis_loading",))},
        connected=True,
    ),
)

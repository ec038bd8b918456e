"""Faults of Redis that need servers of their own. docs/reference/faults.md shows these cases."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import redis
from redis.crc import key_slot

from chalicelib.features.keys import value_key
from local.stack.ports import HOST
from testing.faults.case import Expected, FaultCase
from testing.faults.rig import BaseRig
from testing.faults.servers import StandaloneValkey, command
from testing.valkey_cluster import SLOTS, ClusterNode


@dataclass(slots=True, kw_only=True)
class ClusterRig(BaseRig):
    """Three primaries that share the slots, and a replica of the first as the last of `nodes`."""

    nodes: list[ClusterNode]

    @property
    def slot(self) -> int:
        """The slot of the case's cell."""
        return key_slot(value_key(self.cell_of_case, "v1"))

    def owner(self) -> int:
        """Return the index of the primary that owns the slot before the fault."""
        return next(n for n, (first, last) in enumerate(SLOTS) if first <= self.slot <= last)


@dataclass(slots=True, kw_only=True)
class PairRig(BaseRig):
    """Two servers outside cluster mode; the app uses the first."""

    first: StandaloneValkey
    second: StandaloneValkey


SLOW_TO_LOAD = ("key-load-delay 20000", "loading-process-events-interval-bytes 1024")
"""Loading takes 20 ms a key, and every kilobyte the server replies to clients that it is loading."""


@dataclass(slots=True, kw_only=True)
class LoadingRig(BaseRig):
    """A server that loads its saved data slowly."""

    server: StandaloneValkey


@contextmanager
def loading(rig: LoadingRig) -> Iterator[None]:
    """Restart the server with enough data to load for a second."""
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
    except redis.ConnectionError:  # the parent class of BusyLoadingError
        return False
    raise AssertionError("the server finished loading before the first request")


@contextmanager
def slot_migrating(rig: ClusterRig) -> Iterator[None]:
    """Migrate the slot of the cell; the source redirects requests for keys that it no longer has (ASK)."""
    source, target = rig.nodes[rig.owner()], rig.nodes[(rig.owner() + 1) % 3]
    target.command("CLUSTER", "SETSLOT", rig.slot, "IMPORTING", source.identity)
    source.command("CLUSTER", "SETSLOT", rig.slot, "MIGRATING", target.identity)
    yield
    _hand_over(rig, source, target)


@contextmanager
def slot_moved(rig: ClusterRig) -> Iterator[None]:
    """Give the slot of the cell and its values to another node (MOVED)."""
    source, target = rig.nodes[rig.owner()], rig.nodes[(rig.owner() + 1) % 3]
    target.command("CLUSTER", "SETSLOT", rig.slot, "IMPORTING", source.identity)
    source.command("CLUSTER", "SETSLOT", rig.slot, "MIGRATING", target.identity)
    _hand_over(rig, source, target)
    yield


def _hand_over(rig: ClusterRig, source: ClusterNode, target: ClusterNode) -> None:
    keys = source.command("CLUSTER", "GETKEYSINSLOT", rig.slot, 100)
    if isinstance(keys, list) and keys:
        source.command("MIGRATE", HOST, target.port, "", 0, 5000, "REPLACE", "KEYS", *keys)
    for node in (target, source):
        node.command("CLUSTER", "SETSLOT", rig.slot, "NODE", target.identity)


@contextmanager
def owners_disagree(rig: ClusterRig) -> Iterator[None]:
    """Make two nodes each believe that the other owns the slot."""
    source, target = rig.nodes[rig.owner()], rig.nodes[(rig.owner() + 1) % 3]
    for key in source.command("CLUSTER", "GETKEYSINSLOT", rig.slot, 100) or ():  # type: ignore[attr-defined]
        source.command("DEL", key)
    source.command("CLUSTER", "SETSLOT", rig.slot, "NODE", target.identity)
    yield
    target.command("CLUSTER", "SETSLOT", rig.slot, "NODE", target.identity)


@contextmanager
def replica_of_another(rig: PairRig) -> Iterator[None]:
    """Make the app's server the replica of another, with the same address."""
    command(rig.first, "REPLICAOF", HOST, rig.second.port)
    yield
    command(rig.first, "REPLICAOF", "NO", "ONE")


CLUSTER_CASES: tuple[FaultCase[ClusterRig], ...] = (
    FaultCase(
        "slot migrating to another node (ASK)",
        slot_migrating,
        {"fresh": Expected("hit"), "none": Expected("miss")},
        connected=True,
    ),
    FaultCase(
        "slot moved to another node (MOVED)",
        slot_moved,
        {"fresh": Expected("hit"), "none": Expected("miss")},
        connected=True,
    ),
    FaultCase("slot moved to another node (MOVED), at start", slot_moved, {"fresh": Expected("hit")}),
    FaultCase(
        "nodes that redirect to each other",
        owners_disagree,
        {"none": Expected("bypass", ("redis_moved",))},
        connected=True,
    ),
)
PAIR_CASES: tuple[FaultCase[PairRig], ...] = (
    FaultCase(
        "primary became a read-only replica",
        replica_of_another,
        {
            "fresh": Expected("hit"),
            "stale": Expected("stale", ("redis_readonly",)),
            "none": Expected("bypass", ("redis_readonly",)),
        },
        connected=True,
    ),
)
LOADING_CASES: tuple[FaultCase[LoadingRig], ...] = (
    FaultCase(
        "restarted and loading its data",
        loading,
        {"fresh": Expected("bypass", ("redis_loading",)), "memory": Expected("memory", ("redis_loading",))},
        connected=True,
    ),
)

"""Faults of Redis that need different servers from redis_cases.py. docs/reference/faults.md shows these cases."""

from dataclasses import dataclass

from redis.crc import key_slot

from chalicelib.features.cache import value_key
from local.stack.ports import HOST
from tests.faults.case import Expected, FaultCase, connected, fault
from tests.faults.redis_cases import FOUND, HIT
from tests.faults.rig import BaseRig, StandaloneValkey, command
from tests.faults.valkey_cluster import SLOTS, ClusterNode


@dataclass(slots=True, kw_only=True)
class ClusterRig(BaseRig):
    """A cluster. `nodes`: three primaries that share the slots, then a replica of the first primary."""

    nodes: list[ClusterNode]

    @property
    def slot(self) -> int:
        """The slot of the cell that the running case looks up."""
        return key_slot(value_key(self.cell_of_case, "v1"))

    def migration(self) -> tuple[ClusterNode, ClusterNode]:
        """Return the primary that owns the slot before the fault, and another primary."""
        owner = next(n for n, (first, last) in enumerate(SLOTS) if first <= self.slot <= last)
        return self.nodes[owner], self.nodes[(owner + 1) % 3]


@dataclass(slots=True, kw_only=True)
class StandaloneRig(BaseRig):
    """Servers without cluster mode; the app uses the first one."""

    servers: list[StandaloneValkey]


def start_migration(rig: ClusterRig) -> None:
    """Mark the slot of the cell as migrating. Its owner then redirects requests for keys that it lacks (ASK)."""
    source, target = rig.migration()
    command(target, "CLUSTER", "SETSLOT", rig.slot, "IMPORTING", source.identity)
    command(source, "CLUSTER", "SETSLOT", rig.slot, "MIGRATING", target.identity)


def finish_migration(rig: ClusterRig) -> None:
    """Move the values in the slot, then the slot itself, to the other node, so that its old owner redirects (MOVED)."""
    source, target = rig.migration()
    keys = command(source, "CLUSTER", "GETKEYSINSLOT", rig.slot, 100)
    if isinstance(keys, list) and keys:
        command(source, "MIGRATE", HOST, target.port, "", 0, 5000, "REPLACE", "KEYS", *keys)
    for node in (target, source):
        command(node, "CLUSTER", "SETSLOT", rig.slot, "NODE", target.identity)


def migrate(rig: ClusterRig) -> None:
    start_migration(rig)
    finish_migration(rig)


def disown(rig: ClusterRig) -> None:
    """Make the owner of the slot redirect to another node, which redirects back."""
    source, target = rig.migration()
    for key in command(source, "CLUSTER", "GETKEYSINSLOT", rig.slot, 100) or ():
        command(source, "DEL", key)
    command(source, "CLUSTER", "SETSLOT", rig.slot, "NODE", target.identity)


def adopt(rig: ClusterRig) -> None:
    _, target = rig.migration()
    command(target, "CLUSTER", "SETSLOT", rig.slot, "NODE", target.identity)


slot_migrating = fault(start_migration, finish_migration)
slot_moved = fault(migrate, lambda _: None)
owners_disagree = fault(disown, adopt)


def follow(rig: StandaloneRig) -> None:
    first, second = rig.servers
    command(first, "REPLICAOF", HOST, second.port)


replica_of_another = fault(follow, lambda rig: command(rig.servers[0], "REPLICAOF", "NO", "ONE"))


CLUSTER_CASES: tuple[FaultCase[ClusterRig], ...] = (
    connected("slot migrating to another node (ASK)", slot_migrating, FOUND),
    connected("slot moved to another node (MOVED)", slot_moved, FOUND),
    FaultCase("slot moved to another node (MOVED), at start", slot_moved, HIT),
    connected("nodes that redirect to each other", owners_disagree, {"none": Expected("bypass", ("redis_moved",))}),
)
PAIR_CASES: tuple[FaultCase[StandaloneRig], ...] = (
    connected(
        "primary became a read-only replica",
        replica_of_another,
        {**HIT, "stale": Expected("stale", ("redis_readonly",)), "none": Expected("bypass", ("redis_readonly",))},
    ),
)

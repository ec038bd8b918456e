"""A Valkey cluster: three primaries that share the slots, and a replica of the first."""

import gc
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from warnings import catch_warnings, simplefilter

import redis

from local.stack.child_process import ChildProcess
from local.stack.ports import HOST, free_ports
from local.stack.valkey import START_TIMEOUT, binary

SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))
NODE_TIMEOUT_MS = 500


@dataclass(frozen=True, slots=True)
class ClusterNode:
    identity: str
    port: int
    bus: int
    child: ChildProcess

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}"

    def command(self, *words: str | bytes | int) -> object:
        """Run a command on this server, even if another server owns the slot."""
        with closing(redis.Redis(port=self.port)) as client:
            return client.execute_command(*words)  # type: ignore[no-untyped-call]

    def serves(self) -> bool:
        """Return whether this node knows a complete cluster and, if it is the replica, has copied its data."""
        try:
            info, link = str(self.command("CLUSTER", "INFO")), str(self.command("INFO", "replication"))
        except redis.RedisError:
            return False
        return "cluster_state:ok" in info and "'master_link_status': 'down'" not in link


@contextmanager
def cluster(folder: Path) -> Iterator[list[ClusterNode]]:
    """Run the three primaries and the replica until the end of the block."""
    ports = free_ports(8)
    nodes = []
    for index in range(4):
        home = folder / str(index)
        home.mkdir()
        command: list[str | Path] = [binary(), "--port", str(ports[index]), "--bind", HOST, "--dir", home]
        command += ["--save", "", "--cluster-enabled", "yes", "--cluster-port", str(ports[4 + index])]
        command += ["--cluster-node-timeout", str(NODE_TIMEOUT_MS), "--repl-diskless-sync-delay", "0"]
        child = ChildProcess(f"Valkey {index}", command, log=home / "log", stop_timeout=2.0)
        nodes.append(ClusterNode(secrets.token_hex(20), ports[index], ports[4 + index], child))
    for index, node in enumerate(nodes):
        (folder / str(index) / "nodes.conf").write_text(_cluster_state(nodes, node))
    with ExitStack() as running:
        for node in nodes:
            running.enter_context(node.child)
        for node in nodes:
            node.child.wait_until(node.serves, START_TIMEOUT)
        yield nodes
    # redis-py leaves clients of former nodes in cycles. Python closes their sockets when it collects them, and warns of
    # that: here, and not in the test that happens to run then.
    with catch_warnings():
        simplefilter("ignore", ResourceWarning)
        gc.collect()


def _cluster_state(nodes: list[ClusterNode], me: ClusterNode) -> str:
    """Return `nodes.conf` for a node of a cluster that is already formed, because forming one takes seconds."""
    roles = ["master -"] * 3 + [f"slave {nodes[0].identity}"]
    tails = [*(f"{epoch} connected {first}-{last}" for epoch, (first, last) in enumerate(SLOTS, 1)), "1 connected"]
    lines = [
        f"{node.identity} {HOST}:{node.port}@{node.bus},,tls-port=0,shard-id={shard:040x} "
        f"{'myself,' if node is me else ''}{role} 0 0 {tail}"
        for node, shard, role, tail in zip(nodes, (1, 2, 3, 1), roles, tails, strict=True)
    ]
    return "\n".join([*lines, "vars currentEpoch 3 lastVoteEpoch 0", ""])

"""A Valkey cluster: three primaries that share the slots, and a replica of the first."""

import gc
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from warnings import catch_warnings, simplefilter

import redis

from local.stack.ports import HOST
from local.stack.valkey import ValkeyServer
from tests.faults.rig import command

SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))
SETTINGS = ("cluster-node-timeout 500", "repl-diskless-sync-delay 0", "user default on nopass ~* &* +@all")


class ClusterNode(ValkeyServer):
    """A server of a cluster of `nodes`, without a password. A node without slots is a replica of the first node."""

    def __init__(self, folder: Path, nodes: list["ClusterNode"]) -> None:
        folder.mkdir()
        super().__init__(folder)
        self.identity, self.nodes = secrets.token_hex(20), nodes

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}"

    admin_url = url

    def ready(self) -> bool:
        """Return whether this node knows a complete cluster and, if it is the replica, has copied its data."""
        try:
            info, link = str(command(self, "CLUSTER", "INFO")), str(command(self, "INFO", "replication"))
        except redis.RedisError:
            return False
        return "cluster_state:ok" in info and "'master_link_status': 'down'" not in link

    def _config(self) -> str:
        kept = (line for line in super()._config().splitlines() if not line.startswith("user "))
        return "\n".join((*kept, *SETTINGS, ""))

    def _nodes(self) -> str:
        """Return `nodes.conf` of a cluster that is already formed, because forming one takes seconds."""
        roles = ["master -"] * 3 + [f"slave {self.nodes[0].identity}"]
        tails = [*(f"{epoch} connected {first}-{last}" for epoch, (first, last) in enumerate(SLOTS, 1)), "1 connected"]
        lines = [
            f"{node.identity} {HOST}:{node.port}@{node._bus},,tls-port=0,shard-id={shard:040x} "
            f"{'myself,' if node is self else ''}{role} 0 0 {tail}"
            for node, shard, role, tail in zip(self.nodes, (1, 2, 3, 1), roles, tails, strict=True)
        ]
        return "\n".join([*lines, "vars currentEpoch 3 lastVoteEpoch 0", ""])


@contextmanager
def cluster(folder: Path) -> Iterator[list[ClusterNode]]:
    """Run the three primaries and the replica until the end of the block."""
    nodes: list[ClusterNode] = []
    nodes += [ClusterNode(folder / str(index), nodes) for index in range(4)]
    with ExitStack() as running:
        for node in nodes:
            running.callback(node.stop)
            node.launch()
        for node in nodes:
            node.wait_until_ready()
        yield nodes
    # redis-py leaves clients of former nodes in cycles. Python closes their sockets when it collects them, and warns of
    # that: here, and not in the test that happens to run then.
    with catch_warnings():
        simplefilter("ignore", ResourceWarning)
        gc.collect()

"""Valkey in the shapes that its faults need: a node with other settings, two that share a cluster, no cluster."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import redis

from local.ports import HOST
from local.valkey import SLOTS, ValkeyServer

PASSWORD = "a password: with/characters@"
"""Of the user `app`, whom the cases sign in as."""
ALL_SLOTS = f"0-{SLOTS - 1}"


def command(server: ValkeyServer, *words: str | bytes | int) -> Any:
    """What the server says to one command of the user who may do everything."""
    with redis.Redis.from_url(server.admin_url) as client:
        return client.execute_command(*words)


class Node(ValkeyServer):
    """A node of a cluster with more lines of configuration, and the user `app` beside `default`."""

    def __init__(self, folder: Path, *lines: str, slots: str = ALL_SLOTS) -> None:
        folder.mkdir()
        super().__init__(folder, 0)
        self.id, self.slots = secrets.token_hex(20), slots
        self.peers: list[Node] = []
        self._lines = lines

    def signed_in(self, port: int) -> str:
        """The URL for the user `app`, at a port."""
        return f"redis://app:{quote(PASSWORD, safe='')}@{HOST}:{port}"

    def _config(self) -> str:
        app = f"user app on #{sha256(PASSWORD.encode()).hexdigest()} ~* &* +@all"
        return "\n".join((super()._config().rstrip(), app, *self._lines, ""))

    def _nodes(self) -> str:
        """As if all of them had been one cluster before."""
        lines = (self._line("myself,master"), *(peer._line("master") for peer in self.peers))
        return "\n".join((*lines, "vars currentEpoch 1 lastVoteEpoch 0", ""))

    def _line(self, flags: str) -> str:
        return f"{self.id} {HOST}:{self.port}@{self._bus} {flags} - 0 0 1 connected {self.slots}".rstrip()


class Single(Node):
    """A server that is no cluster."""

    def _config(self) -> str:
        lines = super()._config().splitlines()
        return "\n".join((*(line for line in lines if not line.startswith("cluster-")), ""))

    def ready(self) -> bool:
        """Whether it answers."""
        return self._admin("PING") == "+PONG"


@contextmanager
def one(kind: type[Node] = Node, *lines: str) -> Iterator[Node]:
    """A running server."""
    with TemporaryDirectory(prefix="faunalens-faults-") as folder:
        node = kind(Path(folder) / "node", *lines)
        try:
            node.start()
            yield node
        finally:
            node.stop()


@contextmanager
def two(kind: type[Node] = Node) -> Iterator[tuple[Node, Node]]:
    """Two running servers; as nodes, they know each other, and the first has all slots."""
    with TemporaryDirectory(prefix="faunalens-faults-") as folder:
        first, second = kind(Path(folder) / "first"), kind(Path(folder) / "second", slots="")
        first.peers, second.peers = [second], [first]
        try:
            first.launch()
            second.launch()
            first.wait()
            second.wait()
            yield first, second
        finally:
            first.stop()
            second.stop()

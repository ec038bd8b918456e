"""Valkey in the shapes that its faults need: with other settings, and as no cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import redis

from local.stack.ports import HOST
from local.stack.valkey import ValkeyServer

PASSWORD = "a password: with/characters@"
"""Of the user `app`, whom the cases sign in as."""


def command(server: ValkeyServer, *words: str | bytes | int) -> Any:
    """What the server says to one command of the user who may do everything."""
    with redis.Redis.from_url(server.admin_url) as client:
        return client.execute_command(*words)


class Node(ValkeyServer):
    """A server with more lines of configuration, and the user `app` beside `default`."""

    def __init__(self, folder: Path, *lines: str) -> None:
        folder.mkdir()
        super().__init__(folder, 0)
        self._lines = lines

    def signed_in(self, port: int) -> str:
        """The URL for the user `app`, at a port."""
        return f"redis://app:{quote(PASSWORD, safe='')}@{HOST}:{port}"

    def _config(self) -> str:
        app = f"user app on #{sha256(PASSWORD.encode()).hexdigest()} ~* &* +@all"
        return "\n".join((super()._config().rstrip(), app, *self._lines, ""))


class Single(Node):
    """A server that is no cluster."""

    def _config(self) -> str:
        lines = super()._config().splitlines()
        return "\n".join((*(line for line in lines if not line.startswith("cluster-")), ""))

    def ready(self) -> bool:
        """Whether it answers."""
        return self._admin("PING") == "+PONG"


@contextmanager
def one[N: Node](kind: type[N], *lines: str) -> Iterator[N]:
    """A running server."""
    with TemporaryDirectory(prefix="faunalens-faults-") as folder:
        node = kind(Path(folder) / "node", *lines)
        try:
            node.start()
            yield node
        finally:
            node.stop()


@contextmanager
def two[N: Node](kind: type[N]) -> Iterator[tuple[N, N]]:
    """Two running servers, which do not know each other."""
    with one(kind) as first, one(kind) as second:
        yield first, second

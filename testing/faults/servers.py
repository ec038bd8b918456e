"""Valkey servers for fault cases: one with an additional user and settings, and one without cluster mode."""

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
"""The password of the user `app`, with characters that a URL must escape."""


def command(server: ValkeyServer, *words: str | bytes | int) -> Any:
    """Run a command as the administrator; return the reply."""
    with redis.Redis.from_url(server.admin_url) as client:
        return client.execute_command(*words)


class ValkeyWithUser(ValkeyServer):
    """A server with extra configuration lines, and a user `app` in addition to `default`."""

    def __init__(self, folder: Path, *lines: str) -> None:
        folder.mkdir()
        super().__init__(folder, 0)
        self._lines = lines

    def signed_in(self, port: int) -> str:
        """Return the URL for the user `app` at a port."""
        return f"redis://app:{quote(PASSWORD, safe='')}@{HOST}:{port}"

    def _config(self) -> str:
        app = f"user app on #{sha256(PASSWORD.encode()).hexdigest()} ~* &* +@all"
        return "\n".join((super()._config().rstrip(), app, *self._lines, ""))


class StandaloneValkey(ValkeyWithUser):
    """A server without cluster mode."""

    def _config(self) -> str:
        lines = super()._config().splitlines()
        return "\n".join((*(line for line in lines if not line.startswith("cluster-")), ""))

    def ready(self) -> bool:
        """Return whether the server answers."""
        return self._admin("PING") == "+PONG"


@contextmanager
def running_server[N: ValkeyWithUser](kind: type[N], *lines: str) -> Iterator[N]:
    """Run a server until the end of the block."""
    with TemporaryDirectory(prefix="faunalens-faults-") as folder:
        node = kind(Path(folder) / "node", *lines)
        try:
            node.start()
            yield node
        finally:
            node.stop()


@contextmanager
def running_pair[N: ValkeyWithUser](kind: type[N]) -> Iterator[tuple[N, N]]:
    """Run two independent servers until the end of the block."""
    with running_server(kind) as first, running_server(kind) as second:
        yield first, second

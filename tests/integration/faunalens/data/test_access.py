"""Connecting as the owner, and creating the app's read-only login."""

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from chalicelib.config.settings import Settings
from faunalens.data.__main__ import main
from faunalens.data.access import IAM, LoadError, connect, prepare
from faunalens.data.switch import activate
from local.stack.postgres import PostgresServer
from tests.integration.faunalens.data import sample_data


@pytest.fixture
def admin(postgres_server: PostgresServer, database_url: str) -> Iterator[Connection]:
    """The administrator's connection to the test's database."""
    with closing(psycopg2.connect(postgres_server.admin_url, dbname=urlsplit(database_url).path[1:])) as connection:
        yield connection


@pytest.fixture
def user(admin: Connection) -> Iterator[str]:
    """A name that no login has."""
    name = f"app_{uuid4().hex[:8]}"
    yield name
    with admin, admin.cursor() as cursor:
        cursor.execute(f"drop role if exists {name}")


def test_the_app_may_read_and_nothing_else(admin: Connection, user: str) -> None:
    # GIVEN a database with an active dataset WHEN prepared, twice
    sample_data.load_all(admin, "one")
    activate(admin, "one")
    assert not prepare(admin, user)
    assert not prepare(admin, user)
    # THEN the app can query features
    with admin, admin.cursor() as cursor:
        cursor.execute(f"set local role {user}")
        cursor.execute("select version from features_of(%s::bigint[])", (sample_data.cells(1),))
        assert cursor.fetchall() == [("one",)]
    # AND can change nothing
    for statement in (
        "update dataset set active = false",
        "delete from cell_animal",
        "insert into cell_animal values (1, 1, 1, 1, 1)",
        "truncate cell_1",
        "drop table cell",
        "create table mine ()",
        f"alter role {user} superuser",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege), admin, admin.cursor() as cursor:
            cursor.execute(f"set local role {user}; {statement}")


def test_on_a_server_with_iam_the_app_signs_in_by_iam(admin: Connection, user: str) -> None:
    # GIVEN a server with the role that Aurora has
    with admin, admin.cursor() as cursor:
        cursor.execute(f"create role {IAM}")
    try:
        # WHEN prepared THEN the app has it
        assert prepare(admin, user)
        with admin, admin.cursor() as cursor:
            cursor.execute("select pg_has_role(%s, %s, 'member')", (user, IAM))
            assert cursor.fetchone() == (True,)
    finally:
        with admin, admin.cursor() as cursor:
            cursor.execute(f"drop role {IAM}")


def test_the_command_says_how_the_app_signs_in_or_who_may_prepare_it(
    connection: Connection, user: str, postgres_server: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(LoadError, match="administrator"):
        prepare(connection, user)
    url = urlsplit(postgres_server.admin_url)._replace(path=f"/{connection.info.dbname}").geturl()
    assert main(["prepare", user, "--database-url", url, "--patience", "2"]) == 0, capsys.readouterr().err
    assert f"{user} has read-only access and signs in by the method in pg_hba.conf, because" in capsys.readouterr().out


def test_without_credentials_there_is_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.setenv(name, "true")  # no such file
    settings = Settings.from_environment({"DATABASE_IAM": "true"})
    with pytest.raises(PermissionError, match="no AWS credentials"):
        connect(settings, "postgresql://app@localhost/faunalens", 1)

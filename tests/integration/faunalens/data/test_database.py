"""Connecting as the owner, and creating the app's read-only login."""

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg2
import pytest
from psycopg2 import errors
from psycopg2.extensions import connection as Connection  # noqa: N812

from chalicelib.config.settings import Settings
from chalicelib.features.cache import Rollout, bucket_of
from faunalens.data.__main__ import main
from faunalens.data.database import (
    IAM,
    LoadError,
    activate,
    connect,
    datasets,
    drop,
    prepare,
    prune,
    put_on_trial,
    roll_back,
    rollout_text,
)
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


CELLS = sample_data.cells(40)


@pytest.fixture
def loaded(connection: Connection) -> Connection:
    """A database with the datasets `one`, which is active, `two` and `three`."""
    sample_data.load_all(connection, "one", "two", "three", animals=2, cell_count=len(CELLS))
    activate(connection, "one")
    return connection


def rollout(connection: Connection) -> Rollout:
    return Rollout.from_text(rollout_text(connection))


def versions(connection: Connection, asked: str | None = None) -> dict[int, str]:
    """Return the version that answers for each cell."""
    query = "select cell, version, animals from features_of(%s::bigint[], %s)"
    rows = sample_data.ask(connection, query, CELLS, asked)
    assert all(animals == [0, 1] for *_, animals in rows)
    return {cell: version for cell, version, _ in rows}


def test_every_switch_has_a_number_of_its_own_and_a_repeated_one_is_none(loaded: Connection) -> None:
    seen = [rollout(loaded)]
    for version in ("two", "two", "one"):
        activate(loaded, version)
        seen.append(rollout(loaded))
    assert [each.active for each in seen] == ["one", "two", "two", "one"]
    assert seen[0].switch < seen[1].switch == seen[2].switch < seen[3].switch
    # AND the database refuses a second active dataset
    with pytest.raises(errors.UniqueViolation, match="dataset_one_active"):
        sample_data.ask(loaded, "update dataset set active = true returning dataset")


def test_on_trial_it_answers_for_its_share_of_the_cells(loaded: Connection) -> None:
    before = rollout(loaded).switch
    # WHEN a dataset is on trial for a part of the cells
    put_on_trial(loaded, "two", 0.4)
    # THEN it answers for those whose bucket says so, here and in the app, and for no other
    state = rollout(loaded)
    assert state == Rollout(state.switch, "one", "two", 4000)
    assert state.switch > before
    assert versions(loaded) == {cell: "two" if bucket_of(cell) < 4000 else "one" for cell in CELLS}
    assert set(versions(loaded).values()) == {"one", "two"}
    assert {each.version: each.share for each in datasets(loaded)} == {"one": None, "two": 4000, "three": None}


def test_in_shadow_the_active_one_answers_and_the_other_can_be_asked(loaded: Connection) -> None:
    put_on_trial(loaded, "two", 1.0, in_shadow=True)
    assert rollout(loaded)[1:] == ("one", "two", 10_000, True)
    assert set(versions(loaded).values()) == {"one"}
    assert versions(loaded, "two") == dict.fromkeys(CELLS, "two")
    assert versions(loaded, "four") == {}
    # AND another trial takes its place
    for version, share, in_shadow in (("two", 0.4, False), ("three", 0.2, True), ("three", 0.5, False)):
        put_on_trial(loaded, version, share, in_shadow)
        assert rollout(loaded)[1:] == ("one", version, round(share * 10_000), in_shadow)


@pytest.mark.parametrize("version", ["one", "two", "three"])
def test_a_switch_ends_the_trial(loaded: Connection, version: str) -> None:
    put_on_trial(loaded, "two", 0.4)
    on_trial = rollout(loaded)
    activate(loaded, version)
    assert rollout(loaded)[1:] == (version, None, 0, False)
    assert rollout(loaded).switch > on_trial.switch
    assert set(versions(loaded).values()) == {version}


def test_a_rollback_first_ends_the_trial_and_then_goes_back(loaded: Connection) -> None:
    activate(loaded, "two")
    put_on_trial(loaded, "three", 0.4)
    assert roll_back(loaded) == "two"
    assert rollout(loaded)[1:] == ("two", None, 0, False)
    assert roll_back(loaded) == "one"


def test_what_cannot_be_tried_is_refused_and_changes_nothing(loaded: Connection) -> None:
    before = rollout(loaded)
    for version, message in {"one": "one is active already", "four": "four is not in the database"}.items():
        with pytest.raises(LoadError, match=f"dataset {message}"):
            put_on_trial(loaded, version, 0.4)
    assert rollout(loaded) == before
    sample_data.ask(loaded, "update dataset set active = false returning dataset")
    with pytest.raises(LoadError, match="no dataset is active; to activate this one"):
        put_on_trial(loaded, "two", 0.4)


def test_a_dataset_on_trial_is_neither_dropped_nor_pruned(loaded: Connection) -> None:
    put_on_trial(loaded, "two", 0.4)
    with pytest.raises(LoadError, match=r"dataset two is on trial; to end it: python -m faunalens\.data rollback"):
        drop(loaded, "two")
    assert prune(loaded, keep=1) == []
    roll_back(loaded)
    assert prune(loaded, keep=1) == ["two"]


def test_a_database_of_an_earlier_release_is_brought_up_to_date_by_a_switch(loaded: Connection) -> None:
    with loaded, loaded.cursor() as cursor:
        cursor.execute("drop index dataset_one_trial; alter table dataset drop share, drop in_shadow, drop switch")
        cursor.execute("drop function features_of")
        cursor.execute("create function features_of(bigint[]) returns bigint[] language sql as 'select $1'")
    put_on_trial(loaded, "two", 0.4)
    assert rollout(loaded)[1:] == ("one", "two", 4000, False)
    assert set(versions(loaded).values()) == {"one", "two"}

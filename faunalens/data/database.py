"""Manage the database and its datasets, as its owner: sign in, create the schema, list, switch, try and drop.

    put_on_trial(connection, "v2", share=0.1)
    activate(connection, "v2")

A switch updates a few rows in one transaction, while requests continue. A drop waits only briefly for its locks.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from pathlib import Path
from time import sleep
from typing import Any, Final

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from chalicelib.config.settings import Settings
from chalicelib.features.cache import BUCKETS, Rollout
from chalicelib.stores.sign_in import Signer

SCHEMA: Final = Path(__file__).with_name("schema.sql")

LOADER_LOCK: Final = 0x6661756E61  # key of the advisory lock that makes loaders take turns ("fauna" in ASCII)

READER: Final = "faunalens_reader"  # the role that the schema allows to read
IAM: Final = "rds_iam"  # Aurora's role for logins that sign in with an IAM token, and only with it


class LoadError(Exception):
    """The state of the database does not allow the command: the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class LoadedDataset:
    """A dataset in the database. `cells` and `rows`: its number of rows in the tables `cell` and `cell_animal`.

    `share`: ten thousandths of the cells for which it is on trial, or None. `in_shadow`: in the trial, its answers are
    only compared with the active dataset's.
    """

    number: int
    version: str
    active: bool
    loaded_at: datetime
    cells: int
    rows: int
    share: int | None = None
    in_shadow: bool = False


def connect(settings: Settings, url: str, timeout: float) -> Connection:
    """Connect to PostgreSQL: with an IAM token if `DATABASE_IAM` is set, over verified TLS if `DATABASE_CA` is set.

    `timeout`: in seconds. Raise psycopg2's errors, or `PermissionError` without AWS credentials for the token.
    """
    arguments: dict[str, Any] = {}
    if settings.database.iam:
        arguments["password"] = Signer(settings.deployment.region).database_password(url)()
    if settings.database.ca:
        arguments |= {"sslmode": "verify-full", "sslrootcert": str(settings.database.ca)}
    # Rounded up: libpq takes whole seconds, and 0 disables its timeout.
    connection: Connection = psycopg2.connect(url, connect_timeout=ceil(timeout), **arguments)
    return connection


def prepare(connection: Connection, user: str) -> bool:
    """Create the schema, and the login `user`, which can only read. Safe to repeat.

    Return True if the server has the role `rds_iam`, as Aurora and RDS do. The login then signs in with IAM.
    Raise `LoadError` if this connection may not create roles.
    """
    with exclusive(connection) as cursor:
        apply_schema(cursor)
        cursor.execute("select rolname from pg_roles where rolname = any(%s)", ([user, READER, IAM],))
        roles = {role for (role,) in cursor.fetchall()}
        login = sql.Identifier(user)
        try:
            if user not in roles:
                cursor.execute(sql.SQL("create role {} login").format(login))
            for role in [READER, *([IAM] if IAM in roles else [])]:
                cursor.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), login))
        except (errors.InsufficientPrivilege, errors.UndefinedObject) as error:  # or `apply_schema` made no READER
            advice = "run prepare as the database's administrator"
            raise LoadError(f"cannot create {user}: {error.diag.message_primary}; {advice}") from error
    return IAM in roles


@contextmanager
def exclusive(connection: Connection) -> Iterator[Cursor]:
    """Open a transaction during which no other load, switch or drop can run."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", (LOADER_LOCK,))
        yield cursor


def apply_schema(cursor: Cursor, report: Callable[[str], None] = print) -> None:
    """Create the missing parts of the schema. Report the server's warnings, such as one about a missing extension."""
    notices = cursor.connection.notices
    notices.clear()
    cursor.execute(SCHEMA.read_text(encoding="utf-8"))
    for each in notices:
        if each.startswith("WARNING:"):
            report(f"warning: {each.removeprefix('WARNING:').strip()}")


def datasets(connection: Connection) -> list[LoadedDataset]:
    """Return all datasets in the database, latest first, or an empty list if the schema is missing."""
    with connection, connection.cursor() as cursor:
        return datasets_of(cursor)


def require(cursor: Cursor, version: str) -> LoadedDataset:
    """Return the loaded dataset of a version. Raise `LoadError` if it is not in the database."""
    if (found := find(cursor, version)) is None:
        what_to_do = "list the loaded ones with: python -m faunalens.data list"
        raise LoadError(f"dataset {version} is not in the database; {what_to_do}")
    return found


def datasets_of(cursor: Cursor) -> list[LoadedDataset]:
    """Return all datasets as `datasets` does, with the cursor of an open transaction."""
    cursor.execute("select to_regclass('dataset')")
    if cursor.fetchone() == (None,):
        return []
    cursor.execute(
        # As JSON, because a database of an earlier release lacks the last two columns.
        "select dataset, version, active, loaded_at, cells_loaded, rows_loaded, "
        "(to_jsonb(known) ->> 'share')::integer, coalesce((to_jsonb(known) ->> 'in_shadow')::boolean, false) "
        "from dataset as known order by loaded_at desc, dataset desc"
    )
    return [LoadedDataset(*row) for row in cursor.fetchall()]


def find(cursor: Cursor, version: str) -> LoadedDataset | None:
    """Return the loaded dataset of a version, or None if it is not in the database."""
    return next((dataset for dataset in datasets_of(cursor) if dataset.version == version), None)


PARTITIONED: Final = {
    "cell": "(cell, dataset)",
    "cell_animal": "(cell, dataset, animal) include (weight, status)",
    "cell_season": "(cell, dataset, animal) include (months)",
}
"""Primary key of each partitioned table, in the order in which `features_of` locks the tables.

A drop locks them in this order too. In another, a drop and a request could wait for each other.
"""

DROP_TRIES: Final = 50
DROP_LOCK_TIMEOUT: Final = "100ms"
"""Requests queue behind a drop that waits for its lock, so a wait is shorter than the database timeout of a request."""
DROP_PAUSE: Final = 0.05  # seconds between two tries to drop, in which the queued requests run


def activate(connection: Connection, version: str) -> None:
    """Switch to the dataset `version` for all cells, and end any trial. Raise `LoadError` if it is not loaded."""
    with _switching(connection) as cursor:
        require(cursor, version)
        _activate(cursor, version)


def put_on_trial(connection: Connection, version: str, share: float, in_shadow: bool = False) -> LoadedDataset:
    """Try the dataset `version` beside the active one, in place of any other on trial. Return the dataset.

    `share`: of the cells in which it is tried, above 0 and at most 1. `in_shadow`: whether the active dataset still
    answers in these cells, and the other is only compared with it. Raise `LoadError` if the dataset is not loaded, if
    it is active already, or if no dataset is active.
    """
    with _switching(connection) as cursor:
        if require(cursor, version).active:
            raise LoadError(f"dataset {version} is active already, for all cells")
        if not _rollout_text(cursor):
            raise LoadError(f"no dataset is active; to activate this one: python -m faunalens.data activate {version}")
        _end_trial(cursor)
        query = "update dataset set share = %s, in_shadow = %s where version = %s"
        cursor.execute(query, (max(1, round(share * BUCKETS)), in_shadow, version))
        _count_switch(cursor)
        return require(cursor, version)


def roll_back(connection: Connection) -> str:
    """End the trial or, without one, switch to the dataset that was active before.

    Return the version that is then active. Raise `LoadError` if there is neither a trial nor an earlier dataset.
    """
    with _switching(connection) as cursor:
        _end_trial(cursor)
        if cursor.rowcount:
            _count_switch(cursor)
            return Rollout.from_text(_rollout_text(cursor)).active
        version = _previous(cursor)
        if version is None:
            raise LoadError("no other dataset was active before; `python -m faunalens.data list` prints all versions")
        _activate(cursor, version)
        return version


def drop(connection: Connection, version: str) -> None:
    """Remove a dataset from the database.

    Raise `LoadError` if it is active, on trial or not loaded, or if requests use it for too long.

    Deleting rows takes longest and is done first, so that the locks on tables, which block requests, are held briefly.
    """
    with exclusive(connection) as cursor:
        dataset = require(cursor, version)
        if dataset.active:
            raise LoadError(f"dataset {version} is active; activate another one before dropping it")
        if dataset.share is not None:
            raise LoadError(f"dataset {version} is on trial; to end it: python -m faunalens.data rollback")
        cursor.execute("delete from dataset where dataset = %s", (dataset.number,))
        cursor.execute("select set_config('lock_timeout', %s, true)", (DROP_LOCK_TIMEOUT,))
        cursor.execute("savepoint before_locks")
        for _ in range(DROP_TRIES):
            try:
                for table in PARTITIONED:
                    cursor.execute(f"drop table if exists {table}_{dataset.number}")
                return
            except errors.LockNotAvailable:
                cursor.execute("rollback to savepoint before_locks")  # releases them
                sleep(DROP_PAUSE)
        what_to_do = "end long transactions and try again"
        raise LoadError(f"dataset {version} is still in use after {DROP_TRIES} tries; {what_to_do}")


def prune(connection: Connection, keep: int) -> list[str]:
    """Drop all but the `keep` latest datasets. Return the dropped versions.

    The active dataset, one on trial, and the one to which a rollback would return always stay.
    """
    with connection, connection.cursor() as cursor:
        present = datasets_of(cursor)
        before = _previous(cursor) if present else None
    idle = (each.version for each in present[keep:] if not each.active and each.share is None)
    old = [version for version in idle if version != before]
    for version in old:
        drop(connection, version)
    return old


def rollout_text(connection: Connection) -> bytes:
    """Return the text for `Rollout` that says which dataset is active (one must be), and which is on trial."""
    with connection, connection.cursor() as cursor:
        return _rollout_text(cursor).encode()


def _rollout_text(cursor: Cursor) -> str:
    cursor.execute("select rollout_text()")
    ((text,),) = cursor.fetchall()
    return str(text or "")


@contextmanager
def _switching(connection: Connection) -> Iterator[Cursor]:
    """Open a transaction for a switch. In it, first bring the schema up to date, if an earlier release created it."""
    with exclusive(connection) as cursor:
        apply_schema(cursor, report=lambda _: None)
        yield cursor


def _activate(cursor: Cursor, version: str) -> None:
    """Switch to the dataset `version`. Change nothing if it is already active and no dataset is on trial."""
    _end_trial(cursor)
    ended = cursor.rowcount
    cursor.execute("update dataset set active = false where active and version <> %s", (version,))
    query = "update dataset set active = true, activated_at = clock_timestamp() where not active and version = %s"
    cursor.execute(query, (version,))
    if ended or cursor.rowcount:
        _count_switch(cursor)


def _end_trial(cursor: Cursor) -> None:
    cursor.execute("update dataset set share = null, in_shadow = false where share is not null")


def _count_switch(cursor: Cursor) -> None:
    """Number the present state (which dataset is active, and which is on trial) with the next switch number."""
    cursor.execute("update dataset set switch = nextval('dataset_switch') where active")


def _previous(cursor: Cursor) -> str | None:
    """Return the version that was active before the active one; None if there is none."""
    query = "select version from dataset where not active and activated_at is not null"
    cursor.execute(f"{query} order by activated_at desc limit 1")
    row = cursor.fetchone()
    return str(row[0]) if row else None

"""Connect as the database's owner: the schema, the app's read-only login, and the datasets that are loaded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Any, Final

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from chalicelib.config.settings import Settings
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
        raise LoadError(
            f"dataset {version} is not in the database; list the loaded ones with: python -m faunalens.data list"
        )
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

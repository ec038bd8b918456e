"""Who may use the database: how its owner gets in, and what whoever serves requests may do there."""

from math import ceil
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2 import errors, sql

from chalicelib.config.settings import Settings
from chalicelib.stores.iam import Signer
from database.load import LOCK, SCHEMA, LoadError

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812

READER = "faunalens_reader"
"""The role that the schema grants reading to."""
IAM = "rds_iam"
"""On Aurora, whoever has this role signs in with an IAM token and nothing else."""


def connect(settings: Settings, url: str, patience: float) -> "Connection":
    """A connection as `settings` want it: with an IAM token, over TLS that proves the server's name, or plainly.

    `patience` in seconds; Aurora that has paused takes 15 to 30. Raises psycopg2's errors, and `PermissionError`
    where there are no credentials to sign with.
    """
    arguments: dict[str, Any] = {}
    if settings.database_iam:
        arguments["password"] = Signer(settings.aws_region).database_password(url)()
    if settings.database_ca:
        arguments |= {"sslmode": "verify-full", "sslrootcert": str(settings.database_ca)}
    connection: Connection = psycopg2.connect(url, connect_timeout=ceil(patience), **arguments)  # whole; 0 is for ever
    return connection


def prepare(connection: "Connection", user: str) -> bool:
    """Lay the schema, and make a login that may read and nothing else. Can be repeated.

    Returns whether the login signs in by IAM, which is so wherever the server knows how: on Aurora and RDS.
    Raises `LoadError` if we may not create roles.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        cursor.execute(SCHEMA.read_text(encoding="utf-8"))
        cursor.execute(
            "select array(select rolname::text from pg_roles where rolname = any(%s))", ([user, READER, IAM],)
        )
        (known,) = cursor.fetchone() or ([],)
        if READER not in known:
            raise LoadError(f"no right to create the role {READER}; prepare the database as its administrator")
        login = sql.Identifier(user)
        try:
            if user not in known:
                cursor.execute(sql.SQL("create role {} login").format(login))
            for role in [READER, *([IAM] if IAM in known else [])]:
                cursor.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), login))
        except errors.InsufficientPrivilege as error:
            raise LoadError(f"{user} cannot be made: {error.diag.message_primary}; prepare as administrator") from error
    return IAM in known

"""Connect as the database's owner, and create the app's read-only login."""

from math import ceil
from typing import Any

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection  # noqa: N812

from chalicelib.config.settings import Settings
from chalicelib.stores.iam import Signer
from database.load import LoadError, apply_schema, exclusive

READER = "faunalens_reader"  # the role that the schema allows to read
IAM = "rds_iam"  # Aurora's role for logins that sign in with an IAM token, and only with it


def connect(settings: Settings, url: str, timeout: float) -> Connection:
    """Connect with an IAM token if `database_iam` is set, and over verified TLS if `database_ca` is set.

    `timeout` is in seconds. Raise psycopg2's errors, or `PermissionError` if the token needs AWS credentials and there
    are none.
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
    """Create the schema, and a login that can only read. Safe to repeat.

    Return True if the server has the role `rds_iam`, as Aurora and RDS do. The login then signs in with IAM.
    Raise `LoadError` if this connection may not create roles.
    """
    with exclusive(connection) as cursor:
        apply_schema(cursor)
        cursor.execute(
            "select array(select rolname::text from pg_roles where rolname = any(%s))", ([user, READER, IAM],)
        )
        (roles,) = cursor.fetchone() or ([],)
        if READER not in roles:
            raise LoadError(f"this login may not create the role {READER}; run prepare as the database's administrator")
        login = sql.Identifier(user)
        try:
            if user not in roles:
                cursor.execute(sql.SQL("create role {} login").format(login))
            for role in [READER, *([IAM] if IAM in roles else [])]:
                cursor.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), login))
        except errors.InsufficientPrivilege as error:
            raise LoadError(
                f"cannot create {user}: {error.diag.message_primary}; run prepare as the database's administrator"
            ) from error
    return IAM in roles

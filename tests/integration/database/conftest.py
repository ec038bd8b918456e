"""A database of its own for each test, as the owner that is no superuser sees it."""

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg2
import pytest

from local.postgres import PostgresServer

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """URL of an empty database."""
    name = f"database_{uuid4().hex}"
    url = urlsplit(postgres_server.url)
    with closing(psycopg2.connect(postgres_server.admin_url)) as admin:
        admin.autocommit = True
        with admin.cursor() as cursor:
            cursor.execute(f"create database {name} owner {url.username}")
            yield url._replace(path=f"/{name}").geturl()
            cursor.execute(f"drop database {name} with (force)")


@pytest.fixture
def connection(database_url: str) -> "Iterator[Connection]":
    """A connection to that database."""
    with closing(psycopg2.connect(database_url)) as connection:
        yield connection

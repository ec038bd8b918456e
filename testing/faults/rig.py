"""What the cases break, and cells that nobody asked for yet."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from local.stack.ports import HOST
from local.stack.postgres import PostgresServer
from local.stack.valkey import ValkeyServer
from testing.faults.case import Container, State, asked
from testing.faults.servers import command
from testing.feature_rig import FIRST
from testing.proxy import Proxy

CELLS = 3000
STALE_AT_ONCE = {"FEATURES_SOFT_TTL": "0.000001"}
QUICK = {
    "MEMORY_FRESH": "0.000001",  # what Redis holds is asked of Redis
    "BREAKER_REST": "0.2",
    "FEATURES_REST": "0.2",
}
"""Waits that are of minutes in production, so that a case takes no longer than its fault."""


@dataclass(slots=True, kw_only=True)
class Ground:
    """Where Redis and PostgreSQL are."""

    redis_url: str
    database_url: str
    known: int = 0
    """The cell that the case is about."""
    _cells: Iterator[int] = field(default_factory=lambda: count(FIRST))

    def cell(self) -> int:
        """A cell with animals that nobody asked for yet."""
        cell = next(self._cells)
        assert cell < FIRST + CELLS, "no cells are left; raise CELLS"
        return cell

    @property
    def straight(self) -> dict[str, str]:
        """Settings of a container that goes straight to the servers."""
        return {**QUICK, "REDIS_URL": self.redis_url, "DATABASE_URL": self.database_url}

    def know(self, state: State, container: Container) -> int:
        """A cell of which so much is known; and the version of the dataset is in Redis in any case."""
        asked(self.straight, self.cell())
        cell = self.known = self.cell()
        if state == "held":
            assert container.at(cell).mode == "narrowed"
        elif state != "none":
            stale: Mapping[str, str] = STALE_AT_ONCE if state == "stale" else {}
            assert asked({**self.straight, **stale}, cell).cache == "miss"
        return cell

    def connect(self, container: Container) -> None:
        """Let a container ask both servers, and find something in Redis last."""
        assert container.at(self.cell()).faults == ()
        cell = self.know("fresh", container)
        assert (container.at(cell).cache, container.at(cell).faults) == ("hit", ())


@dataclass(slots=True, kw_only=True)
class Rig(Ground):
    """One server of each kind, and a proxy before each."""

    redis: ValkeyServer
    redis_proxy: Proxy
    postgres: PostgresServer
    postgres_proxy: Proxy

    @property
    def through_proxies(self) -> dict[str, str]:
        """Settings of a container behind both proxies."""
        urls = {
            "REDIS_URL": at(self.redis_url, self.redis_proxy.port),
            "DATABASE_URL": at(self.database_url, self.postgres_proxy.port),
        }
        return {**QUICK, **urls}

    def flush(self) -> None:
        """Redis forgets everything."""
        command(self.redis, "FLUSHALL")

    @contextmanager
    def superuser(self) -> Iterator[Connection]:
        """A connection that may do everything in the database of the datasets."""
        url = urlunsplit(urlsplit(self.postgres.admin_url)._replace(path=urlsplit(self.database_url).path))
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            yield connection

    def is_up(self) -> bool:
        """Whether PostgreSQL takes connections."""
        try:
            return bool(self.sql("select true"))
        except psycopg2.OperationalError:
            return False

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of a statement of the superuser."""
        with self.superuser() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def at(url: str, port: int) -> str:
    """The URL with another port."""
    parts = urlsplit(url)
    user, _, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}@{HOST}:{port}" if user else f"{HOST}:{port}"))

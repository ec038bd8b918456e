"""A real PostgreSQL with the project's data, whose feature query takes as long as told, and counts how often it ran."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2

from database.dataset import Dataset
from database.load import activate, load
from local.stack import postgres

SLOW = """
create schema spike;
grant usage on schema spike to public;
create function spike.features_of(cells bigint[])
returns table (
    cell bigint, version text, areas text[], animals integer[], weights real[], statuses smallint[]
)
language plpgsql
as $$
begin
    perform pg_sleep(%(seconds)s);
    return query select * from public.features_of(cells);
end
$$;
alter database faunalens set search_path = spike, public;
"""
"""In a schema of its own, found before the real one, which it calls: the app's query is the same to the letter."""

CALLS = "select coalesce(sum(calls), 0) from pg_stat_user_functions where schemaname = 'spike'"


class SlowDatabase:
    """`url` for the app; `calls()` is PostgreSQL's own count of feature queries since the start."""

    def __init__(self, server: postgres.PostgresServer) -> None:
        self.url = server.url
        self._admin_url = server.admin_url.rpartition("/")[0] + "/faunalens"

    def calls(self) -> int:
        """Counts of sessions that have ended are complete; a live one reports about once a second."""
        with closing(psycopg2.connect(self._admin_url)) as admin, admin.cursor() as cursor:
            cursor.execute(CALLS)
            rows = cursor.fetchall()
        return int(rows[0][0])

    def settle(self, seconds: float) -> None:
        """From now on a query takes so long, and what it takes anyway."""
        with closing(psycopg2.connect(self._admin_url)) as admin, admin, admin.cursor() as cursor:
            cursor.execute("drop schema if exists spike cascade")
            cursor.execute(SLOW, {"seconds": seconds})


@contextmanager
def slow_database(dataset: Dataset, seconds: float) -> Iterator[SlowDatabase]:
    """A running server with an active dataset."""
    with postgres.serve() as server:
        with closing(psycopg2.connect(server.url)) as connection:
            activate(connection, load(connection, dataset, report=lambda _: None).version)
        database = SlowDatabase(server)
        with closing(psycopg2.connect(server.admin_url)) as admin:
            admin.autocommit = True
            admin.cursor().execute("alter database faunalens set track_functions = 'pl'")
        database.settle(seconds)
        yield database

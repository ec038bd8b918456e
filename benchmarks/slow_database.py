"""A real PostgreSQL with a dataset, whose feature query is slowed down and counted."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2

from benchmarks.backends import load_active
from database.dataset import Dataset
from local.stack import postgres

SLOW_QUERY = """
drop schema if exists spike cascade;
create schema spike;
grant usage on schema spike to public;
create function spike.features_of(cells bigint[], asked text default null)
returns table (
    cell bigint, version text, areas text[], animals integer[], weights real[], statuses smallint[],
    unknown integer[], relatives smallint[], rollout text
)
language plpgsql
as $$
begin
    perform pg_sleep(%(seconds)s);
    return query select * from public.features_of(cells, asked);
end
$$;
alter database faunalens set search_path = spike, public;
alter database faunalens set track_functions = 'pl';
"""
"""PostgreSQL searches the schema `spike` before `public`, so the app's query runs unchanged."""

QUERY_COUNT = "select coalesce(sum(calls), 0) from pg_stat_user_functions where schemaname = 'spike'"


class SlowDatabase:
    """The app's database. `url`: its address for the app's user."""

    def __init__(self, server: postgres.PostgresServer) -> None:
        self.url = server.url
        self._admin_url = server.admin_url.rpartition("/")[0] + "/faunalens"

    def query_count(self) -> int:
        """Return the number of feature queries that PostgreSQL counted; open sessions report them up to 1 s late."""
        with closing(psycopg2.connect(self._admin_url)) as admin, admin.cursor() as cursor:
            cursor.execute(QUERY_COUNT)
            rows = cursor.fetchall()
        return int(rows[0][0])

    def set_delay(self, seconds: float) -> None:
        """Add `seconds` to the duration of each query from now on, and set the count to 0."""
        with closing(psycopg2.connect(self._admin_url)) as admin, admin, admin.cursor() as cursor:
            cursor.execute(SLOW_QUERY, {"seconds": seconds})


@contextmanager
def slow_database(dataset: Dataset) -> Iterator[SlowDatabase]:
    """Run a server with an active dataset until the end of the block."""
    with postgres.serve() as server:
        load_active(server.url, dataset)
        yield SlowDatabase(server)

"""The PostgreSQL store on a real server."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from time import sleep

import numpy as np
import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from chalicelib.deadline import Deadline
from chalicelib.errors import StoreError
from chalicelib.features.cache import Rollout, rollout_text_of
from chalicelib.stores.postgres import PostgresStore
from local.stack.ports import HOST
from local.stack.postgres import PostgresServer
from tests.faults.proxy import Proxy
from tests.faults.rig import with_address
from tests.support.feature_rig import ANIMALS, FIRST, POSTGRES, database, switch


def soon() -> Deadline:
    return Deadline.after(10)


@pytest.fixture(scope="module")
def url(postgres_server: PostgresServer) -> Iterator[str]:
    with database(postgres_server, ("v1", "v2")) as url:
        yield url


@pytest.fixture
def store(url: str) -> Iterator[PostgresStore]:
    with closing(PostgresStore(replace(POSTGRES, url=url))) as store:
        yield store


@pytest.fixture
def admin(postgres_server: PostgresServer) -> Iterator[Connection]:
    with closing(psycopg2.connect(postgres_server.admin_url)) as connection:
        connection.autocommit = True
        yield connection


def execute(url: str, statement: str) -> None:
    with closing(psycopg2.connect(url)) as owner, owner, owner.cursor() as cursor:
        cursor.execute(statement)


def session_of(store: PostgresStore) -> int:
    """Return the id of the server process of the store's connection."""
    assert store._connection is not None
    return int(store._connection.info.backend_pid)


def is_open(session: int, admin: Connection) -> bool:
    with admin.cursor() as cursor:
        cursor.execute("select from pg_stat_activity where pid = %s", (session,))
        return cursor.fetchone() is not None


def test_cells_keep_their_order_and_unknown_ones_are_empty(store: PostgresStore) -> None:
    sea, *known = store.features_of([FIRST + 5000, FIRST + 3, FIRST], soon())
    assert sea.is_empty
    assert (sea.cell, sea.version) == (FIRST + 5000, "v1")
    assert [each.cell for each in known] == [FIRST + 3, FIRST]
    for each in known:
        assert (each.version, each.areas) == ("v1", ("AU", "NZ"))
        np.testing.assert_array_equal(each.animals, np.arange(ANIMALS, dtype=np.int32) * 3, strict=True)
        np.testing.assert_array_equal(each.status, np.arange(ANIMALS, dtype=np.uint8) % 2 + 1, strict=True)
        assert each.weights.dtype == np.float32


def test_one_connection_serves_all_queries_of_all_threads(store: PostgresStore) -> None:
    store.features_of([FIRST], soon())
    session = session_of(store)
    with ThreadPoolExecutor(8) as pool:
        cells = list(pool.map(lambda n: store.features_of([FIRST + n % 9], soon())[0].cell, range(64)))
    assert cells == [FIRST + n % 9 for n in range(64)]
    assert session_of(store) == session


def test_a_session_that_the_server_has_closed_is_not_used_though_its_last_reply_came_late(
    postgres_server: PostgresServer, url: str, admin: Connection
) -> None:
    with Proxy.to(postgres_server.port) as proxy:
        settings = replace(POSTGRES, url=with_address(url, HOST, proxy.port), idle=0.3)
        with closing(PostgresStore(settings)) as store:
            # GIVEN a reply that arrives when the server has counted half of the idle time already
            store.features_of([FIRST], soon())
            proxy.delay(0.15)
            store.features_of([FIRST], soon())
            # WHEN the network forgets the connection, so that nothing says that the server closes it
            proxy.restore()
            proxy.forget()
            patience = Deadline.after(5)
            while is_open(session_of(store), admin):
                assert patience.left() > 0
                sleep(0.01)
            # THEN the next query has a new one
            assert store.features_of([FIRST], soon())[0].cell == FIRST


def test_it_cannot_write(store: PostgresStore) -> None:
    with pytest.raises(StoreError) as caught:
        store._fetch("delete from dataset returning 1", (), soon())
    assert "read-only" in str(caught.value)


def test_a_dataset_that_is_gone_is_no_fault_of_the_database(store: PostgresStore) -> None:
    for _ in range(9):
        with pytest.raises(StoreError, match="the database has no dataset v9"):
            store.features_of([FIRST], soon(), "v9")
    assert not store.breaker_is_open


BEFORE = """
alter function features_of(bigint[], text) rename to of_today;
create function features_of(cells bigint[]) returns table (
    cell bigint, version text, areas text[], animals integer[], weights real[], statuses smallint[],
    unknown integer[], relatives smallint[]
) language sql stable as $$
    select cell, version, areas, animals, weights, statuses, unknown, relatives from of_today(cells)
$$;
"""
"""The function as the release before had it: it says nothing of a dataset on trial."""


@pytest.mark.parametrize("with_seasons", [False, True])
def test_between_a_deployment_and_its_load_the_database_is_of_the_release_before(
    postgres_server: PostgresServer, *, with_seasons: bool
) -> None:
    with database(postgres_server) as url:
        execute(url, BEFORE)
        with closing(PostgresStore(replace(POSTGRES, url=url), with_seasons=with_seasons)) as store:
            # WHEN the app asks it THEN it has the features, and the version stands for what it does not say
            (found,) = store.features_of([FIRST], soon())
            assert (found.version, len(found.animals)) == ("v1", ANIMALS)
            assert Rollout.from_text(rollout_text_of(found)) == Rollout(0, "v1")
            # AND the next load brings the function of today
            switch(url, "v1")
            (found,) = store.features_of([FIRST], soon())
            assert Rollout.from_text(rollout_text_of(found)).active == "v1"
            assert found.rollout
            (again,) = store.features_of([FIRST], soon(), "v1")
            assert again.animals.tolist() == found.animals.tolist()


def test_the_release_before_can_ask_the_database_of_today(url: str) -> None:
    # GIVEN its query, which names the columns
    query = "select cell, version, areas, animals, weights, statuses, unknown, relatives from features_of(%s::bigint[])"
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(query, ([FIRST],))
        ((cell, version, *_),) = cursor.fetchall()
    assert (cell, version) == (FIRST, "v1")

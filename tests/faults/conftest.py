"""Rigs, one a module, because the tests break their servers."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from local.stack import postgres
from local.stack.postgres import PostgresServer
from local.stack.valkey import ValkeyServer
from testing.faults.rig import CELLS, Rig, redis_behind_proxy
from testing.feature_rig import database
from testing.proxy import Proxy


@pytest.fixture(scope="module")
def redis_rig(postgres_server: PostgresServer) -> Iterator[Rig]:
    """A Valkey to break, and a PostgreSQL shared with other tests."""
    with ExitStack() as stack:
        server, redis_proxy = stack.enter_context(redis_behind_proxy())
        url = stack.enter_context(database(postgres_server, ("v1", "v2"), cells=CELLS))
        postgres_proxy = stack.enter_context(Proxy.to(postgres_server.port))
        yield Rig(
            redis_url=server.signed_in(server.port),
            database_url=url,
            redis=server,
            redis_proxy=redis_proxy,
            postgres=postgres_server,
            postgres_proxy=postgres_proxy,
        )


@pytest.fixture(scope="module")
def postgres_rig(valkey_server: ValkeyServer) -> Iterator[Rig]:
    """A PostgreSQL to break, and a Valkey shared with other tests."""
    with postgres.serve() as server, ExitStack() as stack:
        url = stack.enter_context(database(server, ("v1", "v2"), cells=CELLS))
        redis_proxy = stack.enter_context(Proxy.to(valkey_server.port))
        postgres_proxy = stack.enter_context(Proxy.to(server.port))
        rig = Rig(
            redis_url=valkey_server.url,
            database_url=url,
            redis=valkey_server,
            redis_proxy=redis_proxy,
            postgres=server,
            postgres_proxy=postgres_proxy,
        )
        rig.sql("checkpoint")  # so that the data outlive a kill
        yield rig

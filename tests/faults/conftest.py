"""Rigs, one a module: who breaks servers does not share them."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from local.stack import postgres
from local.stack.postgres import PostgresServer
from local.stack.valkey import ValkeyServer
from testing.faults.rig import CELLS, Rig
from testing.faults.servers import Node, one
from testing.feature_rig import database
from testing.proxy import Proxy


@pytest.fixture(scope="module")
def redis_rig(postgres_server: PostgresServer) -> Iterator[Rig]:
    """A Valkey to break, over a PostgreSQL to leave alone."""
    with ExitStack() as stack:
        redis_proxy = stack.enter_context(Proxy.to(0))
        node = stack.enter_context(one(Node, f"cluster-announce-port {redis_proxy.port}"))
        redis_proxy.target = node.port
        url = stack.enter_context(database(postgres_server, ("v1", "v2"), cells=CELLS))
        postgres_proxy = stack.enter_context(Proxy.to(postgres_server.port))
        yield Rig(
            redis_url=node.signed_in(node.port),
            database_url=url,
            redis=node,
            redis_proxy=redis_proxy,
            postgres=postgres_server,
            postgres_proxy=postgres_proxy,
        )


@pytest.fixture(scope="module")
def postgres_rig(valkey_server: ValkeyServer) -> Iterator[Rig]:
    """A PostgreSQL to break, under a Valkey to leave alone."""
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
        rig.sql("checkpoint")  # so that what was loaded outlives a kill
        yield rig

"""Rigs, one a module, because the tests break their servers."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from local.stack import postgres
from local.stack.postgres import PostgresServer
from local.stack.valkey import ValkeyServer
from tests.faults.proxy import Proxy
from tests.faults.rig import CELLS, Rig, redis_behind_proxy
from tests.support.feature_rig import database


def build(stack: ExitStack, redis: ValkeyServer, redis_url: str, redis_proxy: Proxy, server: PostgresServer) -> Rig:
    """Return a rig of two servers, with a database and a proxy to PostgreSQL that last as long as the stack."""
    return Rig(
        redis_url=redis_url,
        database_url=stack.enter_context(database(server, ("v1", "v2"), cells=CELLS)),
        redis=redis,
        redis_proxy=redis_proxy,
        postgres=server,
        postgres_proxy=stack.enter_context(Proxy.to(server.port)),
    )


@pytest.fixture(scope="module")
def redis_rig(postgres_server: PostgresServer) -> Iterator[Rig]:
    """A Valkey to break, and a PostgreSQL shared with other tests."""
    with ExitStack() as stack:
        server, proxy = stack.enter_context(redis_behind_proxy())
        yield build(stack, server, server.signed_in(server.port), proxy, postgres_server)


@pytest.fixture(scope="module")
def postgres_rig(valkey_server: ValkeyServer) -> Iterator[Rig]:
    """A PostgreSQL to break, and a Valkey shared with other tests."""
    with ExitStack() as stack:
        server, proxy = stack.enter_context(postgres.serve()), stack.enter_context(Proxy.to(valkey_server.port))
        rig = build(stack, valkey_server, valkey_server.url, proxy, server)
        rig.sql("checkpoint")  # so that the data outlive a kill
        yield rig

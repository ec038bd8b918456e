"""A dataset in shadow, with a real Valkey and a real PostgreSQL."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
import redis

from chalicelib.features.deadline import Deadline
from chalicelib.features.features import Features
from database.switch import Trial
from local.stack.postgres import PostgresServer
from local.stack.valkey import ValkeyServer
from tests.support.feature_rig import FIRST, LookupStack, database, switch


@pytest.fixture
def containers(postgres_server: PostgresServer, valkey_server: ValkeyServer) -> Iterator[list[LookupStack]]:
    """Two containers, of which the first has announced that v2 is in shadow for all cells."""
    with database(postgres_server, ("v1", "v2")) as url, ExitStack() as stack:
        stack.enter_context(closing(redis.Redis.from_url(valkey_server.admin_url))).flushall()
        stacks = [LookupStack(valkey_server.url, url) for _ in range(2)]
        for each in stacks:
            stack.callback(each.close)
        announced = switch(url, "v2", Trial(1.0, in_shadow=True))
        stacks[0].cache.announce(announced, 60, Deadline.after(1))
        yield stacks


def in_shadow(container: LookupStack, cell: int) -> Features | None:
    """Look up a cell in the dataset in shadow."""
    version = container.features.version_in_shadow(cell)
    assert version == "v2"
    return container.features.in_shadow(cell, version)


def test_it_is_looked_up_beside_the_active_one_with_one_query_for_all(containers: list[LookupStack]) -> None:
    for number, container in enumerate(containers):
        # GIVEN a request that was answered by the active dataset
        answer = container.features.at(FIRST)
        assert (answer.version, answer.cache, set(answer.found.weights)) == ("v1", "hit" if number else "miss", {1.0})
        # WHEN the cell is looked up in shadow THEN it has the other dataset's animals
        other = in_shadow(container, FIRST)
        assert other is not None
        assert (other.version, other.found.areas, set(other.found.weights)) == ("v2", ("AU", "NZ"), {0.5})
        assert other.found.animals.tolist() == answer.found.animals.tolist()
    # AND the second container needed no query, so it has no connection to the database
    assert containers[1].store._connection is None

"""Warming over real servers."""

from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from chalicelib.config.features import WarmingPlan
from chalicelib.deadline import Deadline
from chalicelib.features.cache import value_key
from chalicelib.features.warming import Warming, WarmingReport
from chalicelib.location import cell_of, neighbours_of
from local.stack.postgres import PostgresServer
from local.stack.valkey import ValkeyServer
from tests.support.feature_rig import LookupStack, database

HERE = cell_of(48.9, 2.4)


@pytest.fixture
def container(postgres_server: PostgresServer, valkey_server: ValkeyServer) -> Iterator[LookupStack]:
    with database(postgres_server) as url, closing(redis.Redis.from_url(valkey_server.admin_url)) as admin:
        admin.flushall()
        with closing(LookupStack(valkey_server.url, url)) as container:
            yield container


def warm(container: LookupStack) -> WarmingReport:
    ttl, plan = container.policy.ttl, WarmingPlan(margin=60, ahead=120)
    return Warming(container.cache, container.store, ttl, plan, []).run(Deadline.after(5))


def test_where_people_ask_is_warm_for_all_who_come_next(container: LookupStack, valkey_server: ValkeyServer) -> None:
    # GIVEN requests for a cell, counted when the container next asks for the version
    container.features.at(HERE)
    container.features._rollout._trusted_until = 0
    container.features.at(HERE)
    # WHEN warmed THEN the neighbours are filled, in one query, and the cell itself was good
    report = warm(container)
    assert (report.considered, report.refreshed, report.skipped, report.failed) == (7, 6, 1, 0)
    assert (report.queries, report.faults) == (1, [])
    ttl = container.policy.ttl
    with closing(redis.Redis.from_url(valkey_server.admin_url)) as admin:
        longest = ttl.hard * (1 + ttl.jitter)
        assert all(0 < admin.ttl(value_key(cell, "v1")) <= longest for cell in neighbours_of(HERE))
    answers = [container.features.at(cell) for cell in neighbours_of(HERE)]
    assert {(features.cache, features.trace.warmed) for features in answers} == {("hit", True)}
    # AND the next run finds nothing to do, and leaves the database alone
    again = warm(container)
    assert (again.refreshed, again.skipped, again.queries) == (0, 7, 0)

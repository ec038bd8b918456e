"""Warming over real servers."""

from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from chalicelib.config.features import TtlPolicy, WarmingPlan
from chalicelib.deadline import Deadline
from chalicelib.features.cache import value_key
from chalicelib.features.warming import Warming, WarmingReport
from chalicelib.location import cell_of, neighbours_of
from local.stack.postgres import PostgresServer
from local.stack.valkey import ValkeyServer
from tests.faults.case import PATIENT
from tests.faults.containers import ContainerLookup
from tests.faults.redis_cases import PREFIX
from tests.support.feature_rig import database

HERE = cell_of(48.9, 2.4)
TTL = TtlPolicy()


@pytest.fixture
def container(postgres_server: PostgresServer, valkey_server: ValkeyServer) -> Iterator[ContainerLookup]:
    with database(postgres_server) as url, closing(redis.Redis.from_url(valkey_server.admin_url)) as admin:
        admin.flushall()
        variables = {**PATIENT, "REDIS_URL": valkey_server.url, "DATABASE_URL": url}
        with closing(ContainerLookup(variables)) as container:
            yield container


def warm(container: ContainerLookup) -> WarmingReport:
    plan = WarmingPlan(margin=60, ahead=120)
    return Warming(container.cache, container.store, TTL, plan, []).run(Deadline.after(5))


def test_where_people_ask_is_warm_for_all_who_come_next(
    container: ContainerLookup, valkey_server: ValkeyServer
) -> None:
    # GIVEN requests for a cell, counted when the container next asks for the version
    container.features.at(HERE)
    container.features._rollout._trusted_until = 0
    container.features.at(HERE)
    # WHEN warmed THEN the neighbours are filled, in one query, and the cell itself was good
    report = warm(container)
    assert (report.considered, report.refreshed, report.skipped, report.failed) == (7, 6, 1, 0)
    assert (report.queries, report.faults) == (1, [])
    with closing(redis.Redis.from_url(valkey_server.admin_url)) as admin:
        longest = TTL.hard * (1 + TTL.jitter)
        assert all(0 < admin.ttl(PREFIX + value_key(cell, "v1")) <= longest for cell in neighbours_of(HERE))
    answers = [container.features.at(cell) for cell in neighbours_of(HERE)]
    assert {(features.cache, features.trace.warmed) for features in answers} == {("hit", True)}
    # AND the next run finds nothing to do, and leaves the database alone
    again = warm(container)
    assert (again.refreshed, again.skipped, again.queries) == (0, 7, 0)

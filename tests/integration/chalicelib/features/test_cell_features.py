"""The whole path over real servers."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import redis

from chalicelib.config.features import FeaturePolicy
from chalicelib.features.cache import ROLLOUT, lease_key, value_key
from chalicelib.features.deadline import Deadline
from chalicelib.features.rollout import bucket_of
from database.switch import Trial
from local.stack.postgres import PostgresServer
from local.stack.valkey import ValkeyServer
from tests.support.feature_rig import ANIMALS, FIRST, PATIENT, LookupStack, database, switch

POLICY = PATIENT
MOST = POLICY.ttl.hard * (1 + POLICY.ttl.jitter) * 1000
"""Longest life of a value in Redis, in milliseconds."""


class World:
    def __init__(self, redis_url: str, database_url: str, admin: redis.Redis, containers: ExitStack) -> None:
        self.redis_url, self.database_url, self.admin, self._containers = redis_url, database_url, admin, containers

    def container(self, policy: FeaturePolicy = POLICY) -> LookupStack:
        container = LookupStack(self.redis_url, self.database_url, policy=policy)
        self._containers.callback(container.close)
        return container


@pytest.fixture
def world(postgres_server: PostgresServer, valkey_server: ValkeyServer) -> Iterator[World]:
    with (
        database(postgres_server, ("v1", "v2")) as url,
        closing(redis.Redis.from_url(valkey_server.admin_url)) as admin,
        ExitStack() as containers,
    ):
        admin.flushall()
        yield World(valkey_server.url, url, admin, containers)


def test_from_the_database_through_redis_into_memory(world: World) -> None:
    # GIVEN two containers and nothing cached
    one, other = world.container().features, world.container().features
    answers = one.at(FIRST), other.at(FIRST), other.at(FIRST)
    # THEN each level answers in turn, with the same animals
    assert [(features.cache, features.faults) for features in answers] == [("miss", ()), ("hit", ()), ("memory", ())]
    for features in answers:
        assert (features.mode, features.version, features.found.areas) == ("narrowed", "v1", ("AU", "NZ"))
        np.testing.assert_array_equal(features.found.animals, np.arange(ANIMALS) * 3)
    # AND everything in Redis has a time to live, and no lease is left
    left = {key: world.admin.pttl(key) for key in (value_key(FIRST, "v1"), ROLLOUT)}
    assert all(0 < milliseconds <= MOST for milliseconds in left.values())
    assert not world.admin.exists(lease_key(FIRST))


def test_a_trial_answers_for_its_share_and_every_cell_from_one_cache_entry(world: World) -> None:
    # GIVEN containers that know the active dataset, and both kinds of cells
    features = [world.container(replace(POLICY, version=0.05)).features for _ in range(3)]
    cells = [FIRST + n for n in range(20)]
    tried = {cell for cell in cells if bucket_of(cell) < 5000}
    assert 0 < len(tried) < len(cells)
    for cell in cells:
        assert {each.at(cell).version for each in features} == {"v1"}
    # WHEN the other is put on trial and announced
    world.container().cache.announce(switch(world.database_url, "v2", Trial(0.5)), 60, Deadline.after(1))
    time.sleep(0.06)
    answers = {cell: [each.at(cell) for each in features] for cell in cells}
    # THEN each cell is answered by one dataset in all containers, for one query a cell on trial
    for cell, found in answers.items():
        assert {each.version for each in found} == {"v2" if cell in tried else "v1"}
        assert {each.faults for each in found} == {()}
    assert sum(each.trace.queries for found in answers.values() for each in found) == len(tried)
    # AND after the trial the old entries are used again
    world.container().cache.announce(switch(world.database_url, "v1"), 60, Deadline.after(1))
    time.sleep(0.06)
    after = [each.at(cell) for cell in cells for each in features]
    assert {each.version for each in after} == {"v1"}
    assert sum(each.trace.queries for each in after) == 0


def test_a_query_from_before_two_quick_switches_does_not_bring_the_first_back(world: World) -> None:
    # GIVEN a container that has the answer of a query, made after a switch, and has not written it yet
    slow = world.container()
    slow.features.at(FIRST)
    switch(world.database_url, "v2")
    publish = slow.cache.publish

    def publish_late(*arguments: Any) -> None:
        # WHEN it is switched back meanwhile, which is announced before
        announced = switch(world.database_url, "v1")
        world.container().cache.announce(announced, 60, Deadline.after(1))
        publish(*arguments)

    slow.cache.publish = publish_late  # type: ignore[method-assign,assignment]
    slow.features.at(FIRST + 1)
    # THEN other containers learn of the last switch
    assert {world.container().features.at(cell).version for cell in (FIRST, FIRST + 2)} == {"v1"}

"""What answers the simulated day does what chalicelib/features/lookup.py would do."""

from random import Random

import pytest

from cloudwatch.simulation import day
from cloudwatch.simulation.fleet import DEFAULTS, IDLE, Container, Fleet

CELL, OTHER, SEA = 1, 2, 3
CALM = day.START + 3600.0
DATABASE_DOWN = day.START + day.DATABASE_DOWN.start * 60.0
REDIS_DOWN = day.START + day.REDIS_DOWN.start * 60.0


@pytest.fixture
def fleet() -> Fleet:
    """Three cells, of one of which nothing is known; Redis is empty."""
    return Fleet(Random(1), [CELL, OTHER, SEA], [40, 60, 0])


def test_a_first_look_up_misses_a_second_hits_a_third_is_remembered(fleet: Fleet) -> None:
    one, other = Container(), Container()
    features, _ = fleet.features(CELL, CALM, one)
    assert (features.cache, features.mode, len(features.animals), features.trace.queries) == ("miss", "narrowed", 40, 1)
    features, took = fleet.features(CELL, CALM + 1, other)
    assert (features.cache, features.trace.queries) == ("hit", 0)
    features, faster = fleet.features(CELL, CALM + 2, other)
    assert features.cache == "memory"
    assert faster < took


def test_of_the_sea_nothing_is_known(fleet: Fleet) -> None:
    features, _ = fleet.features(SEA, CALM, Container())
    assert (features.mode, len(features.animals), features.areas) == ("unknown_area", 0, ())


def test_without_the_database_what_is_stale_is_served_and_the_rest_degraded(fleet: Fleet) -> None:
    # GIVEN one cell in Redis, stale by now
    fleet.write(CELL, DATABASE_DOWN - 2 * DEFAULTS.features_soft_ttl, warmed=False)
    container = Container()
    # WHEN the database is down
    stale, took = fleet.features(CELL, DATABASE_DOWN, container)
    degraded, _ = fleet.features(OTHER, DATABASE_DOWN + 1, container)
    # THEN a stale answer costs the wait for the connection, and both name the fault
    assert (stale.cache, stale.mode, degraded.mode) == ("stale", "narrowed", "degraded")
    assert took > DEFAULTS.database_connect
    assert stale.faults == degraded.faults == ("postgres_unreachable",)


def test_the_third_failure_opens_the_breaker_which_costs_no_more_waits(fleet: Fleet) -> None:
    container = Container()
    opened = [fleet.features(CELL, DATABASE_DOWN + 2 * n, container)[0].trace.opened for n in range(3)]
    assert opened == [(), (), ("postgres",)]
    features, took = fleet.features(OTHER, DATABASE_DOWN + 5, container)
    assert features.faults == ("postgres_breaker_open",)
    assert took < 0.1
    # WHEN it has rested and the database is there again
    after, _ = fleet.features(OTHER, DATABASE_DOWN + day.DATABASE_DOWN.length * 60, container)
    # THEN all is as before
    assert (after.cache, after.faults) == ("miss", ())


def test_without_redis_memory_serves_then_the_database(fleet: Fleet) -> None:
    container = Container()
    fleet.features(CELL, REDIS_DOWN - 120, container)
    remembered, _ = fleet.features(CELL, REDIS_DOWN, container)
    asked, _ = fleet.features(OTHER, REDIS_DOWN + 1, container)
    assert (remembered.cache, asked.cache) == ("memory", "bypass")
    assert remembered.faults == asked.faults == ("redis_timeout",)


def test_who_comes_while_another_asks_waits_for_the_answer(fleet: Fleet) -> None:
    fleet.features(CELL, CALM, Container())
    fleet.flush()
    first, took = fleet.features(CELL, CALM + 60, Container())
    fleet.flush()  # before it could be read
    waiting, waited = fleet.features(CELL, CALM + 60 + took / 2, Container())
    assert first.cache == "miss"
    assert waiting.trace.lease_waits > 0
    assert waited >= took / 2
    assert waiting.faults == ("lease_failed",)


def test_containers_are_taken_warm_started_when_all_work_and_let_go_when_idle(fleet: Fleet) -> None:
    one, started = fleet.container(CALM)
    assert started
    one.free = CALM + 1
    two, started = fleet.container(CALM + 0.5)
    assert started
    assert two is not one
    assert fleet.busy(CALM + 0.5) == 1
    again, started = fleet.container(CALM + 2)
    assert not started
    assert again is one
    _, started = fleet.container(CALM + 2 + IDLE)
    assert started

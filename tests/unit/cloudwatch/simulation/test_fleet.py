"""The simulated containers, Redis and database under the product's own lookups and warming."""

from random import Random

import pytest

from chalicelib.features.redis_keys import value_key
from cloudwatch.simulation import schedule
from cloudwatch.simulation.fleet import DEFAULTS, IDLE, VERSION, Fleet, FleetContainer, Servers

CELL, OTHER, SEA = 0x83BE0AFFFFFFFFF, 0x83BE08FFFFFFFFF, 3
CALM = schedule.START + 3600.0
DATABASE_DOWN = schedule.DATABASE_DOWN.begin
REDIS_DOWN = schedule.REDIS_DOWN.begin


@pytest.fixture
def fleet() -> Fleet:
    """Two cells with animals, one without; Redis is empty."""
    return Fleet(Servers(Random(1), {CELL: 40, OTHER: 60, SEA: 0}))


def test_a_first_look_up_misses_a_second_hits_a_third_is_remembered(fleet: Fleet) -> None:
    one, other = FleetContainer(fleet.servers), FleetContainer(fleet.servers)
    features, _ = fleet.look_up(CELL, CALM, one)
    assert (features.cache, features.mode, len(features.found.animals), features.trace.queries) == (
        "miss",
        "narrowed",
        40,
        1,
    )
    features, took = fleet.look_up(CELL, CALM + 1, other)
    assert (features.cache, features.trace.queries) == ("hit", 0)
    features, faster = fleet.look_up(CELL, CALM + 2, other)
    assert features.cache == "memory"
    assert faster < took


def test_without_the_database_what_is_stale_is_served_and_the_rest_degraded(fleet: Fleet) -> None:
    # GIVEN one cell in Redis, stale by now
    fleet.fill(CELL, DATABASE_DOWN - 2 * DEFAULTS.features.ttl.soft, warmed=False)
    container = FleetContainer(fleet.servers)
    # WHEN the database is down
    stale, took = fleet.look_up(CELL, DATABASE_DOWN, container)
    degraded, _ = fleet.look_up(OTHER, DATABASE_DOWN + 1, container)
    # THEN a stale answer costs the wait for the connection, and both name the fault
    assert (stale.cache, stale.mode, degraded.mode) == ("stale", "narrowed", "degraded")
    assert took > DEFAULTS.database.connect
    assert stale.faults == degraded.faults == ("postgres_unreachable",)


def test_the_third_failure_opens_the_breaker_which_costs_no_more_waits(fleet: Fleet) -> None:
    container = FleetContainer(fleet.servers)
    opened = [fleet.look_up(CELL, DATABASE_DOWN + 2 * n, container)[0].trace.opened for n in range(3)]
    assert opened == [(), (), ("postgres",)]
    features, took = fleet.look_up(OTHER, DATABASE_DOWN + 5, container)
    assert features.faults == ("postgres_breaker_open",)
    assert took < 0.1
    # WHEN the database is back
    after, _ = fleet.look_up(OTHER, DATABASE_DOWN + schedule.DATABASE_DOWN.length * 60, container)
    # THEN all is as before
    assert (after.cache, after.faults) == ("miss", ())


def test_a_request_sees_redis_as_it_was_at_its_own_time(fleet: Fleet) -> None:
    # GIVEN a lookup that takes a while
    fleet.look_up(OTHER, CALM, FleetContainer(fleet.servers))
    first, took = fleet.look_up(CELL, CALM + 60, FleetContainer(fleet.servers))
    # WHEN another container asks while the query is under way
    waiting, waited = fleet.look_up(CELL, CALM + 60 + took / 2, FleetContainer(fleet.servers))
    # THEN it finds the lease, waits for the value, and reads it
    assert (first.cache, waiting.cache) == ("miss", "hit")
    assert waiting.trace.lease_waits > 0
    assert waited > took / 4
    assert waiting.faults == ()


def test_warming_fills_redis_with_the_cells_in_demand(fleet: Fleet) -> None:
    # GIVEN requests for a cell, which a container reports a little later
    container = FleetContainer(fleet.servers)
    for second in range(0, 60, 20):
        fleet.look_up(CELL, CALM + second, container)
    # WHEN the cache is flushed and warming runs
    fleet.servers.flush()
    report = fleet.warm(CALM + 100)
    # THEN the cell is there again, and the run took simulated time
    assert report.refreshed == report.considered > 0
    assert fleet.servers.get(value_key(CELL, VERSION)) is not None
    assert report.seconds > 0.01


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

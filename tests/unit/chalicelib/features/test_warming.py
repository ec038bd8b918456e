from pathlib import Path

import pytest

from chalicelib.config.features import TtlPolicy, WarmingPlan
from chalicelib.deadline import Deadline
from chalicelib.features.cache import ROLLOUT, value_key
from chalicelib.features.codec import CachedValue, pack, unpack
from chalicelib.features.warming import HALF_LIFE, PLACES, Warming, WarmingReport, hottest, read_places
from chalicelib.location import cell_of, neighbours_of
from tests.support.in_memory import InMemoryCache, InMemoryStore, VirtualClock, cell_animals, rollout

PLACE, HOT = cell_of(-24.0, 31.5), cell_of(48.9, 2.4)
LIVES = TtlPolicy(soft=3600, hard=36000, empty_factor=0.5, jitter=0)
HOUR = 100


class World:
    def __init__(self, plan: WarmingPlan) -> None:
        self.plan, self.clock = plan, VirtualClock(HOUR * 3600.0)
        self.cache, self.store = InMemoryCache(self.clock), InMemoryStore(clock=self.clock)

    def warm(self) -> WarmingReport:
        places = Warming(self.cache, self.store, LIVES, self.plan, [PLACE], now=self.clock.time)
        return places.run(Deadline.after(5.0, self.clock.monotonic))

    def holds(self, *cells: int, age: float = 0.0) -> None:
        """Redis knows the version, and holds values of these cells since `age` seconds."""
        self.cache.put(ROLLOUT, rollout("v1"))
        for cell in cells:
            value = CachedValue.stamped(cell_animals(cell), LIVES, self.clock.time() - age)
            self.cache.put(value_key(cell, "v1"), pack(value))

    def asked(self, cell: int, hour: int = HOUR, requests: float = 10) -> None:
        self.cache.hours.setdefault(hour, {})[cell] = requests


@pytest.fixture
def world() -> World:
    return World(WarmingPlan(hottest=10, margin=600, ahead=1800, quiet=1))


def test_what_is_good_for_a_while_is_left_and_the_database_too(world: World) -> None:
    # GIVEN a warm cache and some demand
    world.warm()
    world.asked(PLACE)
    world.holds(*neighbours_of(PLACE))
    # WHEN warmed again THEN nothing is asked
    world.store.queries.clear()
    report = world.warm()
    assert (report.considered, report.refreshed, report.skipped, report.queries) == (7, 0, 7, 0)
    assert world.store.queries == []


def test_what_turns_stale_soon_is_refreshed_and_what_does_a_little_later_with_it(world: World) -> None:
    # GIVEN a place with 500 s to its soft expiry, and a hot cell with 1,500 s
    world.asked(HOT)
    world.holds(*neighbours_of(HOT))
    world.holds(PLACE, age=3100)
    world.holds(HOT, age=2100)
    # THEN the place is due, and the hot cell goes with it
    report = world.warm()
    assert set(world.store.queries) == {PLACE, HOT}
    assert (report.refreshed, report.skipped) == (2, 6)
    # AND a little later alone is no reason to wake the database
    world.asked(PLACE, requests=1)
    world.holds(PLACE, HOT, *neighbours_of(PLACE), age=2100)
    assert world.warm().queries == 0


def test_a_quiet_night_lets_values_turn_stale(world: World) -> None:
    # GIVEN a place that is stale, and no request within two hours
    world.holds(PLACE, age=5000)
    report = world.warm()
    # THEN the database sleeps on
    assert (report.quiet, report.queries, report.skipped) == (True, 0, 1)
    # AND with a plan that never is quiet, it does not
    world.plan = WarmingPlan(hottest=10, margin=600, ahead=1800, quiet=0)
    assert world.warm().refreshed == 1


def test_a_value_that_does_not_parse_counts_as_missing_and_a_new_dataset_is_found_and_announced(world: World) -> None:
    world.holds()
    world.cache.put(value_key(PLACE, "v1"), b"x" * 80)
    assert world.warm().refreshed == 1
    # GIVEN v2 active without an announcement that reached Redis
    world.cache.values.pop(value_key(PLACE, "v1"))
    world.store.version = "v2"
    world.warm()
    assert world.cache.get(ROLLOUT) == rollout("v2")
    data = world.cache.get(value_key(PLACE, "v2"))
    assert data is not None
    assert unpack(data, PLACE, "v2").warmed


def test_demand_for_what_is_no_cell_is_left_out(world: World) -> None:
    for number in (0, 7, HOT + 1, 2**63 - 1, 10**30):
        world.asked(number)
    assert (world.warm().considered, world.store.queries) == (1, [PLACE])


def test_a_store_that_fails_is_reported_and_without_a_cache_the_database_is_left_alone(world: World) -> None:
    world.store.fault = "postgres_starting"
    report = world.warm()
    assert (report.failed, report.refreshed, report.faults) == (1, 0, ["postgres_starting"])
    world.store.queries.clear()
    world.cache.fault = "redis_unreachable"
    assert world.warm().details == ["redis_unreachable: requested by the test"]
    assert world.store.queries == []


def test_writing_ends_with_the_time(world: World) -> None:
    # GIVEN a database that takes nearly all of it
    world.asked(HOT)
    plain = world.store.features_of

    def slow(cells: list[int], deadline: Deadline) -> object:
        known = plain(cells, deadline)
        world.clock.sleep(deadline.left())
        return known

    world.store.features_of = slow  # type: ignore[method-assign, assignment]
    report = world.warm()
    assert (report.refreshed, report.failed, report.faults) == (0, 8, ["out_of_time"])


def test_large_values_are_written_in_several_messages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.features.warming._BYTES_PER_WRITE", 300)
    world.asked(HOT)
    report = world.warm()
    assert (report.considered, report.refreshed, report.queries) == (8, 8, 1)
    assert world.store.queries == [HOT, PLACE, *neighbours_of(HOT)]  # the most important first
    assert world.cache.calls.count("write") == 3


def test_usefulness_is_the_share_of_hits_on_warmed_values(world: World) -> None:
    assert world.warm().useful is None
    world.cache.hits_by_hour = {HOUR: (60, 40), HOUR - 1: (40, 20), HOUR - 2: (1000, 0)}
    report = world.warm()
    assert (report.hits, report.warmed_hits, report.useful) == (100, 60, 0.6)


def test_the_places_are_those_of_the_database_and_each_cell_is_warmed_once() -> None:
    cells = read_places()
    assert len(cells) == len(set(cells)) > 250
    assert PLACES.resolve() == Path(__file__).parents[4] / "faunalens" / "data" / "places.csv"


def test_older_demand_counts_less() -> None:
    # GIVEN a cell with ten requests now, and one with nineteen a half-life ago
    hours: list[dict[int, float]] = [{} for _ in range(int(HALF_LIFE) + 1)]
    hours[0], hours[-1] = {1: 10.0}, {2: 19.0, 3: 1.0}
    # THEN the first is hotter, and the coldest is cut
    assert hottest(hours, 2) == [1, 2]
    assert hottest([], 10) == []

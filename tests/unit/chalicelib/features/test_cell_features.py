"""The algorithm, over a cache and a store in this process: every path, every fault, and many at once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.config.features import FeaturePolicy, TtlPolicy
from chalicelib.deadline import Clock, Deadline
from chalicelib.features.cache import ROLLOUT, lease_key, shadow_lease_key, value_key
from chalicelib.features.cell_features import SHADOW_SECONDS, SHORTEST, CellFeatures, SingleFlight
from chalicelib.features.codec import CachedValue, CellAnimals, pack
from chalicelib.features.features import NO_LOCATION, Features
from chalicelib.features.lookup import FAILED, Memory, MemoryEntry
from tests.support.in_memory import InMemoryCache, InMemoryStore, VirtualClock, cell_animals, rollout

CELL = 0x83BE0AFFFFFFFFF
POLICY = FeaturePolicy(
    TtlPolicy(soft=100, hard=1000, empty_factor=0.25, jitter=0), total=0.5, lease=0.4, retry_pause=0.3
)


class World:
    """One cache, one store, any number of containers, and their clock."""

    def __init__(self, policy: FeaturePolicy = POLICY, clock: Clock | None = None) -> None:
        self.policy, self.clock = policy, clock or VirtualClock()
        self.cache, self.store = InMemoryCache(self.clock), InMemoryStore(clock=self.clock)

    def container(self, policy: FeaturePolicy | None = None, size: int = 100) -> CellFeatures:
        policy = replace(policy or self.policy, memory_cells=size)
        return CellFeatures(self.cache, self.store, policy, self.clock)

    def cached(self, age: float = 0.0, version: str = "v1", *, warmed: bool = False) -> None:
        """Redis knows the version, and holds the cell's features since `age` seconds."""
        then = self.clock.time() - age
        self.cache.put(ROLLOUT, rollout(version))
        value = CachedValue(cell_animals(CELL, version), then, then + 100, then + 1000, warmed)
        self.cache.put(value_key(CELL, version), pack(value))

    def distrust(self) -> None:
        """Let so much time pass that containers read the rollout again."""
        self.clock.sleep(POLICY.version)


@pytest.fixture
def world() -> World:
    """For tests with a single thread: nothing waits for real."""
    return World()


@pytest.fixture
def threads_world() -> World:
    """For tests with threads: its clock is the machine's."""
    return World(clock=Clock())


def outcome(features: Features) -> tuple[str, str, tuple[str, ...]]:
    return features.mode, features.cache, features.faults


class TestLevels:
    def test_first_the_database_then_memory_and_for_others_redis(self, world: World) -> None:
        # GIVEN nothing cached
        one = world.container()
        # WHEN the cell is asked for, again, and by another container THEN the database was asked once
        first, again, other = one.at(CELL), one.at(CELL), world.container().at(CELL)
        assert outcome(first) == ("narrowed", "miss", ())
        assert outcome(again) == ("narrowed", "memory", ())
        assert outcome(other) == ("narrowed", "hit", ())
        assert world.store.queries == [CELL]
        # AND all know the same
        for found in (first.found, again.found, other.found):
            assert (found.version, found.areas, found.animals.tolist()) == ("v1", ("AU", "NZ"), [0, 3, 6, 9, 12])
        assert (first.trace.queries, again.trace.queries, other.trace.queries) == (1, 0, 0)
        # AND the lease was given back
        assert world.cache.get(lease_key(CELL)) is None

    def test_memory_is_fresh_for_a_while_only_and_never_past_the_soft_expiry(self, world: World) -> None:
        container = world.container(replace(POLICY, fresh=0.0))
        assert [container.at(CELL).cache for _ in range(3)] == ["miss", "hit", "hit"]
        # GIVEN a value with a hundredth of a second to live WHEN that is over THEN the database is asked
        world = World()
        world.cached(age=99.99)
        container = world.container()
        assert container.at(CELL).cache == "hit"
        world.clock.sleep(0.02)
        assert container.at(CELL).cache == "miss"


class TestStale:
    def test_one_takes_the_lease_and_refreshes_and_the_others_take_the_old_value(self, world: World) -> None:
        world.cached(age=150)
        assert outcome(world.container().at(CELL)) == ("narrowed", "miss", ())
        assert outcome(world.container().at(CELL)) == ("narrowed", "hit", ())
        assert world.store.queries == [CELL]
        # GIVEN a stale value whose lease another holds
        world.store.queries.clear()
        world.cached(age=150)
        world.cache.put(lease_key(CELL), b"another")
        # THEN it is served, and neither lease nor database touched
        container = world.container()
        features = container.at(CELL)
        assert outcome(features) == ("narrowed", "stale", ())
        assert features.trace.lease_waits == 0
        # AND is not taken for fresh from memory
        assert outcome(container.at(CELL)) == ("narrowed", "stale", ())
        assert world.cache.get(lease_key(CELL)) == b"another"
        assert world.store.queries == []

    def test_a_stale_value_answers_when_the_database_fails(self, world: World) -> None:
        world.cached(age=150)
        world.store.fault = "postgres_unreachable"
        features = world.container().at(CELL)
        assert outcome(features) == ("narrowed", "stale", ("postgres_unreachable",))
        assert features.trace.queries == 1
        # AND for a moment no container asks again
        assert world.cache.get(lease_key(CELL)) == FAILED
        assert outcome(world.container().at(CELL)) == ("narrowed", "stale", ())
        assert len(world.store.queries) == 1
        # AND past the hard limit nothing is served
        world.cached(age=1001)
        assert outcome(world.container().at(CELL)) == ("degraded", "bypass", ("lease_failed",))

    def test_memory_answers_when_everything_else_is_gone(self, world: World) -> None:
        # GIVEN a container that has seen the cell
        container = world.container(replace(POLICY, fresh=0.0))
        container.at(CELL)
        # WHEN its copy is stale, Redis was flushed and the database is down THEN it still answers, up to the hard limit
        world.cache.values.clear()
        world.store.fault = "postgres_unreachable"
        world.clock.sleep(500)
        world.distrust()
        assert outcome(container.at(CELL)) == ("narrowed", "stale", ("postgres_unreachable",))
        world.clock.sleep(501)
        world.cache.values.clear()
        assert container.at(CELL).mode == "degraded"


class TestLease:
    def test_a_lease_whose_holder_died_is_taken_over(self, world: World) -> None:
        world.cache.put(lease_key(CELL), b"dead", seconds=0.05)
        features = world.container().at(CELL)
        assert outcome(features) == ("narrowed", "miss", ())
        assert features.trace.lease_waits >= 1
        assert features.trace.lease_wait_ms > 0

    def test_waiting_ends_within_the_total(self, world: World) -> None:
        world.cache.put(lease_key(CELL), b"hung")
        started = world.clock.monotonic()
        assert outcome(world.container().at(CELL)) == ("degraded", "bypass", ("lease_timeout",))
        assert world.clock.monotonic() - started <= POLICY.total

        # AND none waits for one who failed
        world.cache.put(lease_key(CELL), FAILED)
        features = world.container().at(CELL)
        assert (outcome(features), features.trace.lease_waits) == (("degraded", "bypass", ("lease_failed",)), 0)

    @pytest.mark.parametrize("version_known", [True, False])
    def test_a_value_written_between_look_and_claim_is_taken(self, world: World, version_known: bool) -> None:
        # GIVEN a container that finds nothing, while another is about to finish
        if version_known:
            world.cache.put(ROLLOUT, rollout("v1"))
        plain = world.cache.claim

        def late(*arguments: object) -> object:
            world.cached()
            return plain(*arguments)  # type: ignore[arg-type]

        world.cache.claim = late  # type: ignore[method-assign, assignment]
        # THEN the lease that it wins goes unused
        assert outcome(world.container().at(CELL)) == ("narrowed", "hit", ())
        assert world.store.queries == []

    def test_after_a_miss_the_next_look_claims_along(self, world: World) -> None:
        # GIVEN a container that missed
        container = world.container(replace(POLICY, fresh=0.0))
        container.at(CELL)
        world.cache.calls.clear()
        # THEN it looks at the next cell in one step, and goes back to reading after a hit
        container.at(CELL + 1)
        assert world.cache.calls == ["claim", "publish"]
        assert [container.at(CELL).cache for _ in range(2)] == ["hit", "hit"]
        assert world.cache.calls == ["claim", "publish", "claim", "read"]

    def test_many_containers_that_ask_at_once_give_one_query(self, threads_world: World) -> None:
        # GIVEN a cold cell, a slow database and forty containers
        threads_world.store.delay = 0.03
        containers = [threads_world.container() for _ in range(40)]
        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda container: container.at(CELL), containers))
        # THEN one asked, and all have the animals
        assert threads_world.store.queries == [CELL]
        assert {features.mode for features in answers} == {"narrowed"}
        assert sorted({features.cache for features in answers}) == ["hit", "miss"]
        assert any(features.trace.lease_waits for features in answers if features.cache == "hit")

    def test_threads_of_one_process_share_a_look_up(self, threads_world: World) -> None:
        threads_world.store.delay = 0.03
        container = threads_world.container()
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: container.at(CELL), range(16)))
        assert threads_world.store.queries == [CELL]
        assert threads_world.cache.calls.count("claim") == 1
        assert sum(features.trace.queries for features in answers) == 1
        assert {features.cache for features in answers} <= {"miss", "memory"}


class TestFaults:
    def test_without_redis_the_database_answers_and_memory_remembers(self, world: World) -> None:
        # GIVEN Redis is down
        world.cache.fault = "redis_unreachable"
        container = world.container()
        # THEN the database answers once, then memory does for as long as the value is not stale
        assert outcome(container.at(CELL)) == ("narrowed", "bypass", ("redis_unreachable",))
        assert outcome(container.at(CELL)) == ("narrowed", "memory", ())
        world.distrust()
        assert outcome(container.at(CELL)) == ("narrowed", "memory", ("redis_unreachable",))
        assert world.store.queries == [CELL]
        world.clock.sleep(101)
        world.distrust()
        assert outcome(container.at(CELL)) == ("narrowed", "bypass", ("redis_unreachable",))

    def test_with_both_down_it_says_so(self, world: World) -> None:
        world.cache.fault, world.store.fault = "redis_timeout", "postgres_timeout"
        features = world.container().at(CELL)
        assert outcome(features) == ("degraded", "bypass", ("redis_timeout", "postgres_timeout"))
        assert (features.version, len(features.found.animals)) == (None, 0)
        # AND the log gets the first message of each
        faults = [each.partition(":")[0] for each in features.trace.details]
        assert faults == ["redis_timeout", "postgres_timeout"]
        # AND the metrics which breaker opened
        world.cache.fault, world.store.fault = "redis_opened", "postgres_opened"
        assert world.container().at(CELL).trace.opened == ("redis", "postgres")

    def test_what_is_degraded_is_not_remembered(self, world: World) -> None:
        world.store.fault = "postgres_timeout"
        container = world.container(replace(POLICY, retry_pause=0.001))
        assert container.at(CELL).mode == "degraded"
        world.store.fault = None
        world.clock.sleep(0.002)
        assert outcome(container.at(CELL)) == ("narrowed", "miss", ())

    @pytest.mark.parametrize("step", ["claim", "publish", "release"])
    def test_a_fault_at_any_step_loses_nothing(self, world: World, step: str) -> None:
        world.cache.fault, world.cache.deny = "redis_oom", {step}
        features = world.container().at(CELL)
        assert features.mode == "narrowed"
        assert features.faults == (() if step == "release" else ("redis_oom",))

        # AND a lease that cannot be taken leaves the stale value
        world = World()
        world.cached(age=150)
        world.cache.fault, world.cache.deny = "redis_oom", {"claim"}
        assert outcome(world.container().at(CELL)) == ("narrowed", "stale", ("redis_oom",))
        assert world.store.queries == []

    @pytest.mark.parametrize(("key", "fault"), [(value_key(CELL, "v1"), "value_corrupt"), (ROLLOUT, "version_corrupt")])
    def test_a_corrupt_value_or_version_is_a_miss_that_is_reported_and_mended(
        self, world: World, key: bytes, fault: str
    ) -> None:
        world.cached()
        world.cache.put(key, b"\xff\xfe is not what was written")
        # THEN the fault is reported once, though the value was read twice
        assert outcome(world.container().at(CELL)) == ("narrowed", "miss", (fault,))
        assert outcome(world.container().at(CELL)) == ("narrowed", "hit", ())

    def test_a_database_left_alone_is_not_asked_and_no_lease_taken(self, world: World) -> None:
        world.store.breaker_is_open = True
        assert outcome(world.container().at(CELL)) == ("degraded", "bypass", ("postgres_breaker_open",))
        assert "claim" not in world.cache.calls
        world.cached(age=150)
        assert outcome(world.container().at(CELL)) == ("narrowed", "stale", ("postgres_breaker_open",))
        assert world.store.queries == []
        # AND one that was not asked after all costs others no pause
        world.store.breaker_is_open, world.store.fault = False, "postgres_signing_in"
        assert outcome(world.container().at(CELL)) == ("narrowed", "stale", ("postgres_signing_in",))
        assert world.cache.get(lease_key(CELL)) is None

    @pytest.mark.parametrize(("age", "level"), [(0, "hit"), (150, "stale")])
    def test_right_after_a_miss_too_a_value_is_read_before_anything_is_given_up(
        self, world: World, age: float, level: str
    ) -> None:
        # GIVEN a container whose last look was a miss, so that it claims before it reads
        container = world.container()
        assert container.at(CELL + 1).cache == "miss"
        world.cached(age, warmed=True)
        # WHEN the database is left alone THEN the value is served
        world.store.breaker_is_open = True
        faults = () if level == "hit" else ("postgres_breaker_open",)
        assert outcome(world.container().at(CELL)) == ("narrowed", level, faults)
        world.store.breaker_is_open = False
        # WHEN nothing can be written THEN it is served too
        world.cache.fault, world.cache.deny = "redis_oom", {"claim", "publish", "release"}
        world.store.fault = "postgres_unreachable"
        features = container.at(CELL)
        assert outcome(features) == ("narrowed", level, ("redis_oom",))
        # AND its trace says once that the value was warmed, and what happened
        assert features.trace.warmed
        assert [each.partition(":")[0] for each in features.trace.details] == ["redis_oom"]

    @pytest.mark.parametrize(("waited", "seconds"), [(0.0, 0.5), (0.2, 0.3), (0.4, SHORTEST), (60.0, SHORTEST)])
    def test_a_wait_before_the_lookup_counts_towards_the_total(
        self, world: World, waited: float, seconds: float
    ) -> None:
        # GIVEN a database that is slower than the total of 0.5 s, and a request that waited in a queue
        world.store.delay = 2.0
        started = world.clock.monotonic()
        # WHEN the features are looked up
        features = world.container().at(CELL, waited)
        # THEN the lookup takes what is left of the total, and never less than it needs while all is well
        assert outcome(features) == ("degraded", "bypass", ("postgres_timeout",))
        assert features.trace.query_ms == pytest.approx(seconds * 1000)
        assert world.clock.monotonic() - started == pytest.approx(seconds)

    @given(
        st.sampled_from([None, "redis_timeout", "redis_oom"]),
        st.sets(st.sampled_from(["read", "check_in", "claim", "publish", "release"])),
        st.sampled_from([None, "postgres_timeout", "postgres_breaker_open"]),
        st.booleans(),
        st.one_of(st.none(), st.binary(max_size=80)),
        st.one_of(st.none(), st.binary(max_size=12)),
        st.sampled_from([None, 0.0, 99.0, 150.0, 2000.0, -500.0]),
    )
    def test_nothing_raises_and_nothing_is_half(
        self,
        fault: str | None,
        deny: set[str],
        store_fault: str | None,
        resting: bool,
        value: bytes | None,
        version: bytes | None,
        age: float | None,
    ) -> None:
        # GIVEN any state of Redis and any faults
        world = World(replace(POLICY, total=0.02))
        if age is not None:
            world.cached(age)
        if value is not None:
            world.cache.put(value_key(CELL, "v1"), value)
        if version is not None:
            world.cache.put(ROLLOUT, version)
        world.cache.fault, world.cache.deny = fault, deny
        world.store.fault, world.store.breaker_is_open = store_fault, resting
        # WHEN asked twice
        container = world.container()
        for features in (container.at(CELL), container.at(CELL)):
            # THEN there is either all of it, or an answer that says why not
            if features.mode == "degraded":
                assert features.faults
                assert len(features.found.animals) == 0
            else:
                assert features.mode == "narrowed"
                assert len(features.found.animals) == len(features.found.weights) == len(features.found.status) == 5


class TestVersions:
    def test_a_switch_is_seen_when_the_version_is_asked_for_again(self, world: World) -> None:
        # GIVEN a container that believes in v1
        container = world.container()
        assert container.at(CELL).version == "v1"
        # WHEN v2 is switched to and announced THEN it is seen as soon as the belief is over, also by memory
        world.store.version = "v2"
        world.cache.put(ROLLOUT, rollout("v2"))
        assert (container.at(CELL).version, container.at(CELL).cache) == ("v1", "memory")
        world.distrust()
        features = container.at(CELL)
        assert (features.version, features.cache) == ("v2", "miss")

    def test_belief_counts_from_when_it_was_asked_for(self, world: World) -> None:
        # GIVEN a query that takes longer than its answer is believed
        world.store.delay = 0.05
        container = world.container(replace(POLICY, version=0.04))
        assert container.at(CELL).version == "v1"
        # WHEN the dataset was switched meanwhile THEN that is seen at once
        world.store.version = "v2"
        world.cache.put(ROLLOUT, rollout("v2"))
        assert container.at(CELL).version == "v2"

    def test_a_switch_that_nobody_announced_is_told_by_the_next_query(self, world: World) -> None:
        container = world.container()
        container.at(CELL)
        world.store.version = "v2"
        # WHEN another cell is asked of the database THEN it is seen at once here, and by all others from Redis
        assert container.at(CELL + 1).version == "v2"
        assert container.at(CELL).version == "v2"
        assert world.cache.get(ROLLOUT) == rollout("v2")
        assert outcome(world.container().at(CELL)) == ("narrowed", "hit", ())

    def test_a_look_up_that_began_before_a_switch_does_not_undo_its_announcement(self, world: World) -> None:
        # GIVEN a query of v1 under way
        container = world.container()
        container.at(CELL)
        plain = world.store.features_of

        def overtaken(cells: Sequence[int], deadline: Deadline) -> list[CellAnimals]:
            known = plain(cells, deadline)
            world.cache.put(ROLLOUT, rollout("v2"))
            return known

        # WHEN v2 is announced before it is written THEN the announcement stands
        world.store.features_of = overtaken  # type: ignore[method-assign,assignment]
        assert container.at(CELL + 1).version == "v1"
        assert world.cache.get(ROLLOUT) == rollout("v2")

    def test_a_version_that_redis_forgot_is_still_believed(self, world: World) -> None:
        container = world.container()
        container.at(CELL)
        del world.cache.values[ROLLOUT]
        world.distrust()
        assert container.at(CELL).cache == "memory"
        assert world.container().at(CELL + 1).version == "v1"
        assert world.cache.get(ROLLOUT) == rollout("v1")
        assert world.store.queries == [CELL, CELL + 1]


class TestClocks:
    def test_the_lifetimes_of_a_value_from_the_future_begin_now(self, world: World) -> None:
        # GIVEN a value of a clock that is half a minute ahead, or a day
        for age, faults in ((-30, ()), (-86400, ("clock_skew",))):
            world.cached(age=age)
            container = world.container()
            assert outcome(container.at(CELL)) == ("narrowed", "hit", faults)
        # WHEN its time is over THEN it is stale
        world.cache.fault = "redis_unreachable"
        world.clock.sleep(101)
        world.distrust()
        assert container.at(CELL).cache == "bypass"


class TestDemand:
    def test_demand_travels_with_the_question_for_the_version(self, world: World) -> None:
        # GIVEN four requests of one container
        container = world.container()
        for cell in (CELL, CELL, CELL, CELL + 1):
            container.at(cell)
        # WHEN it asks for the version again THEN what was counted comes along, and no command was spent on it before
        world.distrust()
        container.at(CELL)
        assert world.cache.demand_counts[-1].cells == {CELL: 3, CELL + 1: 1}
        assert world.cache.demand_counts[-1].hits == 2
        assert world.cache.calls.count("check_in") == 3  # at first, after winning the first lease, and now

    def test_hits_on_warmed_values_are_told(self, world: World) -> None:
        world.cached(warmed=True)
        container = world.container()
        assert [container.at(CELL).trace.warmed for _ in range(2)] == [True, True]
        world.distrust()
        container.at(CELL)
        assert (world.cache.demand_counts[-1].hits, world.cache.demand_counts[-1].warmed) == (2, 2)


class TestShadow:
    """The dataset in shadow: looked up beside the live one, and given up soon."""

    def look_up(self, world: World) -> str | None:
        """Return the version of what is found in the dataset in shadow."""
        found = world.container().in_shadow(CELL, "v2")
        return found.version if found is not None else None

    def test_it_is_queried_once_and_then_read_from_redis(self, world: World) -> None:
        assert [self.look_up(world) for _ in range(3)] == ["v2", "v2", "v2"]
        assert world.store.queries == [CELL]
        # AND the value is where the dataset's own requests would look for it, and the lease is free
        assert world.cache.get(value_key(CELL, "v2")) is not None
        assert world.cache.get(shadow_lease_key(CELL)) is None

    def test_a_stale_value_is_good_enough_and_while_another_process_queries_it_is_left_out(self, world: World) -> None:
        world.cached(age=500, version="v2")
        assert (self.look_up(world), world.store.queries) == ("v2", [])
        world = World()
        world.cache.put(shadow_lease_key(CELL), b"another")
        assert (self.look_up(world), world.store.queries) == (None, [])

    def test_faults_leave_it_out_and_nothing_else(self) -> None:
        corrupt, resting, failing, without = World(), World(), World(), World()
        corrupt.cache.put(value_key(CELL, "v2"), b"not what was written")
        resting.store.breaker_is_open = True
        failing.store.fault = "postgres_timeout"
        without.cache.fault = "redis_timeout"
        assert [self.look_up(each) for each in (corrupt, resting, failing, without)] == [None] * 4
        assert resting.store.queries == []

    def test_a_slow_one_is_given_up(self, world: World) -> None:
        # GIVEN a database that is slower than a lookup in shadow may take THEN its deadline is short
        world.store.delay, started = 2.0, world.clock.monotonic()
        assert self.look_up(world) is None
        assert world.clock.monotonic() - started == pytest.approx(SHADOW_SECONDS)

    def test_what_the_database_says_of_its_datasets_replaces_no_later_announcement(self, world: World) -> None:
        world.cache.put(ROLLOUT, rollout("v7"))
        self.look_up(world)
        assert world.cache.get(ROLLOUT) == rollout("v7")


def test_waiting_ends_at_the_deadline() -> None:
    flights, go, begun = SingleFlight[str](), Event(), Event()

    def look_up() -> str:
        begun.set()
        assert go.wait(5)
        return "late"

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(flights.join, 7, look_up, Deadline.after(5))
        assert begun.wait(5)
        assert flights.join(7, look_up, Deadline.after(0.01)) == (None, False)
        go.set()
        assert first.result() == ("late", True)


def test_an_exception_is_its_callers_own_and_frees_the_cell() -> None:
    flights = SingleFlight[int]()

    def broken() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        flights.join(1, broken, Deadline.after(1))
    assert flights.join(1, lambda: 3, Deadline.after(1)) == (3, True)


def test_the_entry_written_longest_ago_makes_room() -> None:
    # GIVEN a memory of three that is full
    memory, entry = Memory(3), MemoryEntry(NO_LOCATION, fresh=0, soft=0, hard=10)
    for cell in (1, 2, 3):
        memory.put(cell, entry)
    # WHEN the first is written anew and a fourth comes THEN the second, now the oldest, is gone
    memory.put(1, entry)
    memory.put(4, entry)
    assert [memory.get(cell) is not None for cell in (1, 2, 3, 4)] == [True, False, True, True]

"""Faults of both servers at once, wrong clocks, and threads that compete for a connection."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from time import monotonic

import pytest

from testing.faults import other_cases as cases
from testing.faults.case import ContainerLookup, Row, assert_lookup, assert_recovers, look_up_once
from testing.faults.rig import Rig

RECOVERY = 2.0


@contextmanager
def both_down(rig: Rig) -> Iterator[None]:
    rig.redis_proxy.refuse()
    rig.postgres_proxy.refuse()
    try:
        yield
    finally:
        rig.redis_proxy.restore()
        rig.postgres_proxy.restore()


@contextmanager
def both_hung(rig: Rig) -> Iterator[None]:
    rig.redis_proxy.hold()
    rig.postgres_proxy.hold()
    try:
        yield
    finally:
        rig.redis_proxy.restore()
        rig.postgres_proxy.restore()


@pytest.mark.parametrize("row", [*cases.DOWN, *cases.HUNG], ids=lambda row: f"{row.name}: {row.state}")
def test_with_both_gone_only_process_memory_answers(redis_rig: Rig, row: Row) -> None:
    with closing(ContainerLookup(redis_rig.proxied_settings)) as container:
        redis_rig.connect(container)
        cell = redis_rig.prepare_cell(row.state, container)
        with both_down(redis_rig) if row in cases.DOWN else both_hung(redis_rig):
            assert_lookup(row.expected, container, cell)
        assert_recovers(container, redis_rig.cell(), RECOVERY)


def test_with_both_down_stale_features_answer_up_to_the_hard_limit(redis_rig: Rig) -> None:
    # GIVEN features that are stale at once and expire after 0.5 s
    ttls = {"FEATURES_SOFT_TTL": "0.000001", "FEATURES_HARD_TTL": "0.5", "FEATURES_JITTER": "0"}
    with closing(ContainerLookup({**redis_rig.proxied_settings, **ttls, "BREAKER_FAILURES": "100000"})) as container:
        cell = redis_rig.prepare_cell("memory", container)
        born = monotonic()
        with both_down(redis_rig):
            # THEN they answer until then, and no longer
            assert_lookup(cases.STALE_IN_MEMORY.expected, container, cell)
            while (features := container.at(cell)).mode == "narrowed":
                assert features.cache == "stale"
                assert monotonic() - born < 0.6
            assert monotonic() - born > 0.4
            assert_lookup(cases.PAST_HARD_TTL.expected, container, cell)


def test_more_threads_than_connections_wait_a_little_and_go_to_the_database(redis_rig: Rig) -> None:
    # GIVEN one connection to Redis, and round trips of 0.12 s
    with closing(ContainerLookup({**redis_rig.proxied_settings, "REDIS_CONNECTIONS": "1"})) as container:
        redis_rig.connect(container)
        cells = [redis_rig.cell() for _ in range(8)]
        redis_rig.redis_proxy.delay(0.06)
        try:
            # WHEN eight threads need it THEN those that wait too long query the database
            with ThreadPoolExecutor(8) as threads:
                started = monotonic()
                lookups = list(threads.map(container.at, cells))
                taken = monotonic() - started
        finally:
            redis_rig.redis_proxy.restore()
        assert {features.mode for features in lookups} == {"narrowed"}
        expected = cases.POOL.expected
        assert (expected.cache, expected.faults) in {(features.cache, features.faults) for features in lookups}
        assert taken < expected.within
        assert_recovers(container, redis_rig.cell(), RECOVERY)


def test_a_thread_that_waits_behind_another_waits_no_longer_than_it_may(redis_rig: Rig) -> None:
    with closing(ContainerLookup(redis_rig.proxied_settings)) as container:
        redis_rig.connect(container)
        cells = [redis_rig.cell(), redis_rig.cell()]
        # GIVEN a database that hangs, and a thread that waits for it
        redis_rig.postgres_proxy.hold()
        try:
            with ThreadPoolExecutor(1) as threads:
                first = threads.submit(container.at, cells[0])
                while not container.store._lock.locked():
                    assert not first.done()
                # THEN another thread gives up as well
                assert_lookup(cases.BUSY.expected, container, cells[1])
                assert first.result().faults == ("postgres_timeout",)
        finally:
            redis_rig.postgres_proxy.restore()
        assert_recovers(container, redis_rig.cell(), RECOVERY)


def test_a_value_from_a_clock_that_is_ahead_is_used_and_reported(redis_rig: Rig) -> None:
    # GIVEN a value from a container whose clock is an hour ahead
    cell = redis_rig.cell()
    with closing(ContainerLookup(redis_rig.direct_settings, clock_ahead=cases.HOUR)) as fast:
        assert fast.at(cell).cache == "miss"
    # THEN another container uses it and reports the fault
    with closing(ContainerLookup(redis_rig.direct_settings)) as container:
        assert_lookup(cases.CLOCK_OF_ANOTHER.expected, container, cell)


def test_a_clock_of_ours_that_is_behind_sees_the_same(redis_rig: Rig) -> None:
    cell = redis_rig.cell()
    assert look_up_once(redis_rig.direct_settings, cell).cache == "miss"
    with closing(ContainerLookup(redis_rig.direct_settings, clock_ahead=-cases.HOUR)) as slow:
        assert_lookup(cases.CLOCK_BEHIND.expected, slow, cell)


def test_a_clock_of_ours_that_is_far_ahead_asks_the_database_and_keeps_nothing_for_ever(redis_rig: Rig) -> None:
    cell = redis_rig.cell()
    assert look_up_once(redis_rig.direct_settings, cell).cache == "miss"
    with closing(ContainerLookup(redis_rig.direct_settings, clock_ahead=cases.DAY)) as fast:
        assert_lookup(cases.CLOCK_AHEAD.expected, fast, cell)
    # AND containers with a right clock can use what it wrote
    features = look_up_once(redis_rig.direct_settings, cell)
    assert (features.cache, features.faults) == ("hit", ("clock_skew",))

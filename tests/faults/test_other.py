"""Both servers at once, clocks that differ, and threads that are in each other's way."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from time import monotonic

import pytest

from testing.faults import other_cases as cases
from testing.faults.case import Container, Row, asked, assert_answered, assert_recovers
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
def test_with_both_gone_what_is_held_answers_and_nothing_else_does(redis_rig: Rig, row: Row) -> None:
    with closing(Container(redis_rig.through_proxies)) as container:
        redis_rig.connect(container)
        cell = redis_rig.know(row.state, container)
        with both_down(redis_rig) if row in cases.DOWN else both_hung(redis_rig):
            assert_answered(row.answer, container, cell)
        assert_recovers(container, redis_rig.cell(), RECOVERY)


def test_with_both_down_stale_features_answer_up_to_the_hard_limit(redis_rig: Rig) -> None:
    # GIVEN features that turn stale at once and are gone after 0.5 s
    lives = {"FEATURES_SOFT_TTL": "0.000001", "FEATURES_HARD_TTL": "0.5", "FEATURES_JITTER": "0"}
    with closing(Container({**redis_rig.through_proxies, **lives, "BREAKER_FAILURES": "100000"})) as container:
        cell = redis_rig.know("held", container)
        born = monotonic()
        with both_down(redis_rig):
            # THEN they answer for so long, and not longer
            assert_answered(cases.HELD_STALE.answer, container, cell)
            while (features := container.at(cell)).mode == "narrowed":
                assert features.cache == "stale"
                assert monotonic() - born < 0.6
            assert monotonic() - born > 0.4
            assert_answered(cases.PAST_HARD.answer, container, cell)


def test_more_threads_than_connections_wait_a_little_and_go_to_the_database(redis_rig: Rig) -> None:
    # GIVEN one connection to Redis, where an exchange takes 0.12 s
    with closing(Container({**redis_rig.through_proxies, "REDIS_CONNECTIONS": "1"})) as container:
        redis_rig.connect(container)
        cells = [redis_rig.cell() for _ in range(8)]
        redis_rig.redis_proxy.delay(0.06)
        try:
            # WHEN eight threads want it THEN those that wait for too long do without
            with ThreadPoolExecutor(8) as threads:
                started = monotonic()
                answers = list(threads.map(container.at, cells))
                taken = monotonic() - started
        finally:
            redis_rig.redis_proxy.restore()
        assert {features.mode for features in answers} == {"narrowed"}
        answer = cases.POOL.answer
        assert (answer.cache, answer.faults) in {(features.cache, features.faults) for features in answers}
        assert taken < answer.within
        assert_recovers(container, redis_rig.cell(), RECOVERY)


def test_a_thread_that_waits_behind_another_waits_no_longer_than_it_may(redis_rig: Rig) -> None:
    with closing(Container(redis_rig.through_proxies)) as container:
        redis_rig.connect(container)
        cells = [redis_rig.cell(), redis_rig.cell()]
        # GIVEN a database that hangs, and a thread that waits for it
        redis_rig.postgres_proxy.hold()
        try:
            with ThreadPoolExecutor(1) as threads:
                first = threads.submit(container.at, cells[0])
                while not container.store._lock.locked():
                    assert not first.done()
                # THEN another gives up as well
                assert_answered(cases.BUSY.answer, container, cells[1])
                assert first.result().faults == ("postgres_timeout",)
        finally:
            redis_rig.postgres_proxy.restore()
        assert_recovers(container, redis_rig.cell(), RECOVERY)


def test_a_value_from_a_clock_that_is_ahead_is_used_and_told(redis_rig: Rig) -> None:
    # GIVEN a value that a container wrote whose clock is an hour ahead
    cell = redis_rig.cell()
    with closing(Container(redis_rig.straight, ahead=cases.HOUR)) as fast:
        assert fast.at(cell).cache == "miss"
    # THEN we use it, and say so
    with closing(Container(redis_rig.straight)) as container:
        assert_answered(cases.CLOCK_OF_ANOTHER.answer, container, cell)


def test_a_clock_of_ours_that_is_behind_sees_the_same(redis_rig: Rig) -> None:
    cell = redis_rig.cell()
    assert asked(redis_rig.straight, cell).cache == "miss"
    with closing(Container(redis_rig.straight, ahead=-cases.HOUR)) as slow:
        assert_answered(cases.CLOCK_BEHIND.answer, slow, cell)


def test_a_clock_of_ours_that_is_far_ahead_asks_the_database_and_keeps_nothing_for_ever(redis_rig: Rig) -> None:
    cell = redis_rig.cell()
    assert asked(redis_rig.straight, cell).cache == "miss"
    with closing(Container(redis_rig.straight, ahead=cases.DAY)) as fast:
        assert_answered(cases.CLOCK_AHEAD.answer, fast, cell)
    # AND what it wrote is a value for those whose clock is right
    features = asked(redis_rig.straight, cell)
    assert (features.cache, features.faults) == ("hit", ("clock_skew",))

"""The circuit breaker: opens after consecutive failures, and lets one probe through after the reset timeout."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.deadline import TIMEOUT, Breaker


@pytest.fixture
def clock() -> list[float]:
    """Return a list with the time, which stands still until a test changes it."""
    return [100.0]


@pytest.fixture
def breaker(clock: list[float]) -> Breaker:
    """Return a breaker that three failures have opened, with 5 s ± 25 % of reset timeout."""
    breaker = Breaker(3, reset_timeout=5, now=lambda: clock[0])
    for _ in range(3):
        assert breaker.allows()
        breaker.record_failure()
    return breaker


def test_it_opens_after_failures_in_a_row() -> None:
    # GIVEN a breaker that opens after three failures
    breaker = Breaker(3, reset_timeout=5)
    # WHEN two failures, a success and three failures are recorded THEN only the third consecutive failure opens it
    assert not breaker.record_failure()
    assert not breaker.record_failure()
    breaker.record_success()
    assert [breaker.record_failure() for _ in range(3)] == [False, False, True]
    assert (breaker.is_open, breaker.allows()) == (True, False)
    # AND a timeout counts as two
    slow = Breaker(3, reset_timeout=5)
    assert [slow.record_failure(TIMEOUT) for _ in range(2)] == [False, True]


@pytest.mark.parametrize("works", [True, False])
def test_one_caller_probes_and_closes_it_or_opens_it_again(clock: list[float], breaker: Breaker, works: bool) -> None:
    # WHEN the reset timeout is over THEN one of many threads is allowed
    clock[0] += 6.3
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: breaker.allows(), range(32))).count(True) == 1
    # AND its result decides
    if works:
        breaker.record_success()
    else:
        assert breaker.record_failure()
    assert breaker.is_open is not works
    assert [breaker.allows() for _ in range(3)] == [works] * 3


def test_a_probe_that_never_returns_is_replaced_and_looking_uses_up_none(clock: list[float], breaker: Breaker) -> None:
    # GIVEN a probe whose process was frozen WHEN another reset timeout is over THEN the next caller probes
    for _ in range(2):
        clock[0] += 6.3
        assert not breaker.is_open
        assert breaker.allows()


def test_reset_timeouts_have_jitter() -> None:
    # GIVEN many breakers that open at once WHEN the shortest reset timeout is over THEN some are open still
    now = [0.0]
    breakers = [Breaker(1, 5, lambda: now[0]) for _ in range(40)]
    for each in breakers:
        each.record_failure()
    now[0] = 5.0
    assert {each.is_open for each in breakers} == {True, False}

"""The circuit breaker: opens after consecutive failures, and lets one probe through after the reset timeout."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.stores.breaker import TIMEOUT, Breaker


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a list with the time, which stands still until a test changes it, and disable the jitter."""
    moment = [100.0]
    monkeypatch.setattr("chalicelib.stores.breaker.monotonic", lambda: moment[0])
    monkeypatch.setattr("chalicelib.stores.breaker.random.uniform", lambda _low, _high: 1.0)
    return moment


def opened(failures: int = 3) -> Breaker:
    breaker = Breaker(failures, reset_timeout=5)
    for _ in range(failures):
        assert breaker.allows()
        breaker.record_failure()
    return breaker


def test_it_opens_after_failures_in_a_row() -> None:
    # GIVEN a breaker that opens after three failures
    breaker = Breaker(3, reset_timeout=5)
    # WHEN two failures, a success and three failures are recorded
    assert not breaker.record_failure()
    assert not breaker.record_failure()
    breaker.record_success()
    outcomes = [breaker.record_failure() for _ in range(3)]
    # THEN only the third consecutive failure opens it
    assert outcomes == [False, False, True]
    assert breaker.is_open
    assert not breaker.allows()
    # AND a timeout counts as two
    slow = Breaker(3, reset_timeout=5)
    assert [slow.record_failure(TIMEOUT) for _ in range(2)] == [False, True]


def test_one_caller_probes_after_the_reset_timeout(clock: list[float]) -> None:
    breaker = opened()
    # WHEN the reset timeout is over
    clock[0] += 5.1
    # THEN one of many threads is allowed
    with ThreadPoolExecutor(8) as pool:
        allowed = list(pool.map(lambda _: breaker.allows(), range(32)))
    assert allowed.count(True) == 1


@pytest.mark.parametrize("works", [True, False])
def test_a_probe_that_works_closes_it_and_one_that_fails_opens_it_again(clock: list[float], works: bool) -> None:
    breaker = opened()
    clock[0] += 5.1
    assert breaker.allows()
    if works:
        breaker.record_success()
    else:
        assert breaker.record_failure()
    assert breaker.is_open is not works
    assert [breaker.allows() for _ in range(3)] == [works] * 3


def test_a_probe_that_never_returns_is_replaced_and_looking_uses_up_none(clock: list[float]) -> None:
    # GIVEN a probe whose process was frozen WHEN another reset timeout is over THEN the next caller probes
    breaker = opened()
    for _ in range(2):
        clock[0] += 5.1
        assert not breaker.is_open
        assert breaker.allows()


def test_reset_timeouts_have_jitter() -> None:
    ends = {opened()._probe_at for _ in range(20)}
    assert max(ends) - min(ends) > 0.1


def test_a_simulation_brings_its_own_clock() -> None:
    moments = iter([0.0, 0.0, 10.0, 10.0])
    breaker = Breaker(1, 5, lambda: next(moments))
    assert (breaker.record_failure(), breaker.allows(), breaker.allows()) == (True, False, True)

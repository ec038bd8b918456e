"""The simulation of a backfill: time, throttled calls, crashes and cost, against what can be said by hand."""

import numpy as np
import pytest

from benchmarks import backfill
from benchmarks.backfill import Assumed, batch_seconds, read_times, simulate

CALM = Assumed(init=0.0, crash=0.0, stream=0)


def random() -> np.random.Generator:
    return np.random.default_rng(1)


def test_the_time_is_that_of_the_work_divided_by_the_containers() -> None:
    # GIVEN 100 batches of 10 s, five at a time
    found = simulate([10.0] * 100, 5, 50, CALM, random())
    assert (found.seconds, found.billed, found.calls) == (200.0, 1000.0, 100)
    assert (found.throttled, found.crashed, found.started) == (0, 0, 5)


def test_calls_beyond_the_reserve_are_throttled_and_come_again() -> None:
    # GIVEN 20 batches at a time, for 8 containers of which the stream has 3
    found = simulate([10.0] * 100, 20, 8, Assumed(init=0.0, crash=0.0, stream=3), random())
    # THEN five work at a time, all batches are done, and calls were throttled
    assert found.billed == 1000.0
    assert 200 <= found.seconds < 300
    assert found.throttled >= 15


def test_a_crash_loses_time_but_no_batch_twice() -> None:
    found = simulate([10.0] * 400, 10, 50, Assumed(init=0.0, crash=0.2, stream=0), random())
    assert found.crashed > 40
    assert found.calls == 400 + found.crashed
    assert found.billed == pytest.approx(4000.0)  # a photo that has a line is not done again


def test_a_cold_start_is_billed_once_a_container() -> None:
    found = simulate([1.0] * 10, 2, 50, Assumed(init=3.0, crash=0.0, stream=0), random())
    assert (found.started, found.billed) == (2, 16.0)


def test_a_batch_takes_what_its_photos_take(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN photos that all take 0.1 s on a core as fast as Lambda's, and an S3 that is fast to read
    monkeypatch.setattr(backfill, "PHOTOS", 500)
    monkeypatch.setattr(backfill, "read_times", lambda: {"3 MP": np.full(101, 0.1)})
    fast = Assumed(slower=1.0, get=0.01, put=0.02, sigma=1e-9)
    # THEN reading is hidden behind the work, but for the first photo, and writing is not
    np.testing.assert_allclose(batch_seconds("3 MP", fast, random()), 0.01 + 100 * 0.12, rtol=1e-6)
    # AND a slow S3 gives two photos at a time
    slow = Assumed(slower=1.0, get=1.0, put=0.0, sigma=1e-9)
    np.testing.assert_allclose(batch_seconds("3 MP", slow, random()), 50, rtol=0.05)


def test_measured_times_grow_and_are_plausible() -> None:
    for seconds in read_times().values():
        assert (np.diff(seconds) >= 0).all()
        assert 0.005 < seconds[50] < 0.5

"""What the spike claims, small and fast: real PostgreSQL, real Valkey, real processes."""

from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.container import LEVELS, Kind
from benchmarks.load_generator import CrowdError, Shift, run_shifts
from benchmarks.scenario import Load, first_requests, run
from benchmarks.slow_database import SlowDatabase, slow_database
from benchmarks.spike import claims, figures, figures_of_rushes, picture
from benchmarks.synthetic import Synthetic
from chalicelib.config.settings import Settings

LOAD = Load(containers=10, rate=200, seconds=8, step=3, cells=20, exponent=1.0, ttl=2.0)
VERSION = "v1"
NEED_A_MINUTE = {"hit share after a minute"}
"""Claims that a load of seconds cannot keep: too few requests a cell and TTL."""


@pytest.fixture(scope="module")
def database() -> Iterator[SlowDatabase]:
    dataset = Synthetic(VERSION, sorted(LOAD.asked().tolist()), crowded=(), usual=30, animals=100).dataset()
    with slow_database(dataset, 0.0) as database:
        yield database


def test_hundreds_of_first_requests_make_one_query(database: SlowDatabase) -> None:
    # GIVEN 240 containers in 8 processes and a cold cell, WHEN all ask for it at once
    cell = int(LOAD.asked()[0])
    ours = first_requests("ours", cell, 8, 30, database, VERSION)
    # THEN one asks the database, by our count and by PostgreSQL's, while the others wait for its answer
    assert (len(ours.seen.requests), len(ours.seen.queries), ours.counted) == (240, 1, 1)
    assert ours.early > 200
    assert ours.answered == 240
    assert set(ours.seen.requests["level"].tolist()) <= {LEVELS.index("miss"), LEVELS.index("hit")}

    # and the same rush does break naive cache-aside, so it is one that could break ours
    naive = first_requests("naive", cell, 8, 30, database, VERSION)
    assert naive.counted > 10
    assert "| 240    |" in figures_of_rushes([naive, ours])


def test_a_small_spike_keeps_the_claims(database: SlowDatabase) -> None:
    # GIVEN ten containers, nine of which come at the step, and values that live for 2 s
    # WHEN they run for four such lives over a query of 100 ms
    ours = run("ours", LOAD, database, 0.1, VERSION)
    rush = first_requests("ours", int(LOAD.asked()[0]), 1, 2, database, VERSION)
    # THEN no cell is asked for twice at a time, or sooner than it has to be
    failed = [claim for claim in claims(ours, rush) if not claim.holds and claim.what not in NEED_A_MINUTE]
    assert not failed
    # and the run was what it is told to be: all requests came, the step is tenfold, all levels of the cache took part
    requests = ours.seen.requests
    assert len(requests) == sum(len(shift.moments) for shift in LOAD.shifts())
    before = np.count_nonzero(requests["start"] < ours.start + LOAD.step) / LOAD.step
    after = np.count_nonzero(requests["start"] >= ours.start + LOAD.step) / (LOAD.seconds - LOAD.step)
    assert 6 < after / before < 15
    assert {LEVELS.index(level) for level in ("memory", "hit", "stale", "miss")} <= set(requests["level"].tolist())
    assert f"| {len(requests):,} " in figures([ours])
    assert "ten times the load" in picture([ours])


def test_with_nothing_behind_it_a_container_still_answers() -> None:
    # GIVEN a container without Redis and PostgreSQL; THEN its request is degraded, not lost
    settings = Settings(redis_url="redis://127.0.0.1:1", database_url="postgresql://nobody@127.0.0.1:1/none")
    shift = Shift(0.0, np.array([0.0]), np.array([1]))
    _, seen = run_shifts(Kind("ours", settings, VERSION), [shift], 1.0)
    assert seen.requests["level"].tolist() == [LEVELS.index("degraded")]


def test_a_container_that_ends_early_ends_the_run() -> None:
    # GIVEN a container with a moment for which there is no cell; THEN the run says so instead of waiting
    shift = Shift(0.0, np.array([0.0, 0.1]), np.array([1]))
    with pytest.raises(CrowdError, match="a container ended early"):
        run_shifts(Kind("ours", Settings(redis_url="redis://127.0.0.1:1"), VERSION), [shift], 1.0)

"""The claims of the spike on a small load: real PostgreSQL, real Valkey, real processes."""

from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.spike.__main__ import AFTER_A_MINUTE, figures
from benchmarks.spike.load import Load, SlowDatabase, run_burst, run_spike, slow_database
from benchmarks.spike.stats import LEVELS
from faunalens.data.cell_animals import ROW, Cell
from faunalens.data.dataset import Dataset

pytestmark = pytest.mark.alone

LOAD = Load(containers=10, rate=200, seconds=8, step=3, cells=20, ttl=2.0)
VERSION = "v1"


@pytest.fixture(scope="module")
def database() -> Iterator[SlowDatabase]:
    cells = sorted(LOAD.popular_cells().tolist())
    rows = np.array([(cell, animal, 1.0, 1) for cell in cells for animal in range(30)], ROW)
    with slow_database(Dataset(VERSION, [Cell(cell, False, ("AU",)) for cell in cells], [rows])) as database:
        yield database


def test_hundreds_of_first_requests_make_one_query(database: SlowDatabase) -> None:
    # GIVEN 240 containers in 8 processes and a cold cell, WHEN all request it at once
    cell = int(LOAD.popular_cells()[0])
    ours = run_burst(cell, 240, database, threads=30)
    # THEN one queries the database, by our count and by PostgreSQL's, while the others wait for its answer
    assert (len(ours.events.requests), len(ours.events.queries), ours.server_count) == (240, 1, 1)
    assert ours.answered == 240
    assert set(ours.events.requests["level"].tolist()) <= {LEVELS.index("miss"), LEVELS.index("hit")}


def test_a_small_spike_keeps_the_claims(database: SlowDatabase) -> None:
    # GIVEN ten containers, nine of which start at the step, and a TTL of 2 s
    # WHEN they run for four TTLs over a query of 100 ms
    ours = run_spike(LOAD, database, 0.1)
    burst = run_burst(int(LOAD.popular_cells()[0]), 2, database)
    # THEN no cell has two queries at a time, or one earlier than necessary; hits need more requests a cell and TTL
    found = figures(LOAD, ours, burst)
    assert not [row for row in found if row[-1] is False and row[0] != AFTER_A_MINUTE]
    # AND the run was as configured: all requests, a tenfold step, and all levels of the cache
    requests = ours.events.requests
    assert len(requests) == sum(len(schedule.moments) for schedule in LOAD.schedules())
    before = np.count_nonzero(requests["start"] < ours.start + LOAD.step) / LOAD.step
    after = np.count_nonzero(requests["start"] >= ours.start + LOAD.step) / (LOAD.seconds - LOAD.step)
    assert 6 < after / before < 15
    assert {LEVELS.index(level) for level in ("memory", "hit", "stale", "miss")} <= set(requests["level"].tolist())
    assert found[0][1] == f"{len(requests):,}"

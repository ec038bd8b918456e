"""A dataset switch, a flush, a restart or a failover under load fails no request."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from time import monotonic

import pytest

from chalicelib.deadline import Deadline
from tests.faults.case import LOOKUP_LIMIT
from tests.faults.containers import BackgroundLoad, ContainerLookup, TimedLookup, look_up_once
from tests.faults.rig import BaseRig, Rig, await_no_fault, command
from tests.support.feature_rig import switch

pytestmark = pytest.mark.alone

SHORT_VERSION_TTL = {"VERSION_FRESH": "0.1"}
MARGIN = 0.3
"""Seconds that six busy threads on a busy machine may add to the limit of a lookup."""


def cache_cells(rig: BaseRig) -> list[int]:
    """Return cells whose features are in Redis."""
    cells = [rig.cell() for _ in range(40)]
    with closing(ContainerLookup(rig.direct_settings)) as container:
        for cell in cells:
            await_no_fault(partial(container.at, cell))
    return cells


def assert_nothing_lost(lookups: Sequence[TimedLookup]) -> None:
    """Check that every lookup found features in time."""
    assert Counter(lookup.features.mode for lookup in lookups) == {"narrowed": len(lookups)}
    assert max(lookup.seconds for lookup in lookups) < LOOKUP_LIMIT + MARGIN


def assert_one_dataset(lookups: Sequence[TimedLookup], last: str, since: float) -> None:
    """Check that no lookup met a fault, that every result is of one dataset, and all later ones of the last.

    Old features that are served as stale are excepted, while another container fetches the new ones.
    """
    assert_nothing_lost(lookups)
    assert all(not lookup.features.faults for lookup in lookups)
    for lookup in lookups:
        assert set(lookup.features.found.weights) == {1.0 if lookup.features.version == "v1" else 0.5}
    later = [lookup.features for lookup in lookups if lookup.start > since]
    assert {features.version for features in later if features.cache != "stale"} == {last}


def test_many_quick_switches(redis_rig: Rig) -> None:
    cells = cache_cells(redis_rig)
    url, steps = redis_rig.database_url, (("v2", 0.3), ("v2", 0.7), ("v2", None), ("v1", None))
    with BackgroundLoad({**redis_rig.direct_settings, **SHORT_VERSION_TTL}, cells) as load:
        load.wait_for_lookups(100)
        # WHEN datasets are tried, switched to and switched back faster than containers follow
        with closing(ContainerLookup(redis_rig.direct_settings)) as loader:
            for version, share in steps * 3:
                loader.cache.announce(switch(url, version, share), 600, Deadline.after(1))
                load.wait_for_lookups(20)
        switched = monotonic()
        load.wait_for_lookups(600, since=switched + 0.1)
    # THEN all end with the last switch
    assert_one_dataset(load.lookups, "v1", switched + 0.1)


def test_a_flush_of_redis(redis_rig: Rig) -> None:
    cells = cache_cells(redis_rig)
    with BackgroundLoad(redis_rig.direct_settings, cells) as load:
        for _ in range(3):
            load.wait_for_lookups(200)
            command(redis_rig.redis, "FLUSHALL")
        load.wait_for_lookups(200)
    assert_nothing_lost(load.lookups)
    assert all(not lookup.features.faults for lookup in load.lookups)
    # AND the database gets at most one query a cell and flush
    assert sum(lookup.features.trace.queries for lookup in load.lookups) <= 3 * len(cells)


def killed(rig: Rig) -> None:
    rig.postgres.kill()
    rig.postgres.start()


def restarted(rig: Rig) -> None:
    rig.postgres.stop()
    rig.postgres.start()


def crashed(rig: Rig) -> None:
    """Kill one session; PostgreSQL then restarts all the others."""
    ((pid,), *_) = rig.sql("select pid from pg_stat_activity where application_name = 'faunalens'")
    os.kill(pid, signal.SIGKILL)
    rig.wait_until("select true", 10)


@pytest.mark.parametrize("event", [killed, restarted, crashed], ids=["killed", "restarted", "crashed"])
def test_a_failover_of_postgres(postgres_rig: Rig, event: Callable[[Rig], None]) -> None:
    rig = postgres_rig
    rig.sql("checkpoint")
    # GIVEN cells in Redis, fresh and stale, and others that are in neither cache
    fresh, uncached = cache_cells(rig), [rig.cell() for _ in range(400)]
    stale = [rig.cell() for _ in range(20)]
    for cell in stale:
        look_up_once({**rig.direct_settings, "FEATURES_SOFT_TTL": "0.000001"}, cell)
    with BackgroundLoad(rig.direct_settings, [*fresh, *stale, *uncached]) as load:
        load.wait_for_lookups(100)
        began = monotonic()
        event(rig)
        ended = monotonic()
        load.wait_for_lookups(300, since=ended + 1.0)
    # THEN cached cells are found as if nothing had happened
    known = {*fresh, *stale}
    assert_nothing_lost([lookup for lookup in load.lookups if lookup.cell in known])
    # AND the others lack features, in time, and only until the database is back
    lost = [lookup for lookup in load.lookups if lookup.features.mode == "degraded"]
    assert all(began - LOOKUP_LIMIT < lookup.start < ended + 1.0 for lookup in lost)
    assert max(lookup.seconds for lookup in load.lookups) < LOOKUP_LIMIT + MARGIN

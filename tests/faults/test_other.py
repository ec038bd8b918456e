"""Wrong clocks, and threads that compete for a connection."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from time import monotonic

import pytest

from tests.faults import other_cases as cases
from tests.faults.case import PATIENCE, PATIENT, RECOVERY, Row, assert_lookup, assert_recovers
from tests.faults.containers import ContainerLookup, look_up_once
from tests.faults.proxy import Proxy
from tests.faults.redis_cases import through_proxy
from tests.faults.rig import Rig


@pytest.mark.alone
def test_more_threads_than_connections_wait_a_little_and_go_to_the_database(redis_rig: Rig) -> None:
    # GIVEN one connection to Redis, and round trips of 0.12 s
    with closing(ContainerLookup({**redis_rig.settings, "REDIS_CONNECTIONS": "1"})) as container:
        redis_rig.connect(container)
        cells = [redis_rig.cell() for _ in range(8)]
        # WHEN eight threads need it THEN those that wait too long query the database
        with through_proxy(Proxy.delay, 0.06)(redis_rig), ThreadPoolExecutor(8) as threads:
            started = monotonic()
            lookups = list(threads.map(container.at, cells))
            taken = monotonic() - started
        assert {features.mode for features in lookups} == {"narrowed"}
        expected = cases.POOL.expected
        assert (expected.cache, expected.faults) in {(features.cache, features.faults) for features in lookups}
        assert taken < expected.within
        assert_recovers(container, redis_rig.cell(), RECOVERY)


@pytest.mark.parametrize(
    ("written", "read", "row"),
    [
        (cases.HOUR, 0.0, cases.CLOCK_OF_ANOTHER),
        (0.0, -cases.HOUR, cases.CLOCK_BEHIND),
        (0.0, cases.DAY, cases.CLOCK_AHEAD),
    ],
    ids=lambda value: value.name if isinstance(value, Row) else "",
)
def test_a_value_of_a_clock_that_differs(redis_rig: Rig, written: float, read: float, row: Row) -> None:
    # GIVEN containers, without limits that a busy machine could exceed, whose clocks are ahead by these seconds
    patient, cell = {**redis_rig.direct_settings, **PATIENT}, redis_rig.cell()
    with closing(ContainerLookup(patient, clock_ahead=written)) as writer:
        assert writer.at(cell).cache == "miss"
    # THEN a value from the other one is used and the fault reported; if it is far too old, the database is asked
    with closing(ContainerLookup(patient, clock_ahead=read)) as reader:
        assert_lookup(row.expected, reader, cell, PATIENCE)
    # AND a container with a right clock can use what is there then
    features = look_up_once(patient, cell)
    assert features.cache == "hit"
    assert features.faults == (() if row is cases.CLOCK_BEHIND else ("clock_skew",))

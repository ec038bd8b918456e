"""A switch, a flush, a restart or a failover of either server under load loses no request."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from time import monotonic

import pytest

from chalicelib.features.deadline import Deadline
from local.stack.postgres import PostgresServer
from testing.faults.case import TOTAL, Container, asked
from testing.faults.load import Asked, Load
from testing.faults.rig import CELLS, Ground, Rig
from testing.feature_rig import database, switch
from testing.valkey_cluster import cluster

SHORT_BELIEF = {"VERSION_FRESH": "0.1"}
MARGIN = 0.3
"""Seconds that six busy threads on a busy machine may add to the bound on one look-up."""


def known_cells(ground: Ground, count: int = 40) -> list[int]:
    """Cells whose features are in Redis."""
    cells = [ground.cell() for _ in range(count)]
    with closing(Container(ground.straight)) as container:
        for cell in cells:
            assert container.at(cell).mode == "narrowed"
    return cells


def assert_nothing_lost(answers: Sequence[Asked]) -> None:
    """All were narrowed, and in time."""
    assert Counter(answer.features.mode for answer in answers) == {"narrowed": len(answers)}
    assert max(answer.took for answer in answers) < TOTAL + MARGIN


def settled(answers: Sequence[Asked], since: float) -> float:
    """Seconds from a moment until the last request began that met a fault."""
    seconds = max((answer.at - since for answer in answers if answer.features.faults), default=0.0)
    slowest = max(answer.took for answer in answers)
    modes = Counter(answer.features.mode for answer in answers)
    print(f"{dict(modes)}, the slowest in {slowest:.2f} s, the last fault {seconds:.2f} s after")  # shown by pytest -s
    return seconds


def test_a_switch_of_datasets(redis_rig: Rig) -> None:
    cells = known_cells(redis_rig)
    with Load({**redis_rig.straight, **SHORT_BELIEF}, cells) as load:
        load.go_on(200)
        # WHEN another dataset is switched to and announced
        switch(redis_rig.database_url, "v2")
        with closing(Container(redis_rig.straight)) as loader:
            loader.cache.publish_version("v2", 600, Deadline.after(1))
        switched = monotonic()
        load.go_on(600, since=switched + 0.1)
    switch(redis_rig.database_url, "v1")
    with closing(Container(redis_rig.straight)) as loader:
        loader.cache.publish_version("v1", 600, Deadline.after(1))
    # THEN nobody meets a fault, every answer is of one dataset, and once the belief ends all are of the new one, but
    # for old features that are served, and told as stale, while another container asks for the new ones
    assert_nothing_lost(load.answers)
    assert all(not answer.features.faults for answer in load.answers)
    for answer in load.answers:
        assert set(answer.features.weights) == {1.0 if answer.features.version == "v1" else 0.5}
    later = [answer.features for answer in load.answers if answer.at > switched + 0.1]
    assert {features.version for features in later if features.cache != "stale"} == {"v2"}


def test_a_flush_of_redis(redis_rig: Rig) -> None:
    cells = known_cells(redis_rig)
    with Load(redis_rig.straight, cells) as load:
        for _ in range(3):
            load.go_on(200)
            redis_rig.flush()
        load.go_on(200)
    assert_nothing_lost(load.answers)
    assert all(not answer.features.faults for answer in load.answers)
    # AND the database is asked at most once a cell and flush
    assert sum(answer.features.trace.queries for answer in load.answers) <= 3 * len(cells)


def test_a_restart_of_redis(redis_rig: Rig) -> None:
    cells = known_cells(redis_rig)
    with Load(redis_rig.straight, cells) as load:
        load.go_on(200)
        redis_rig.redis.kill()
        load.go_on(400)
        redis_rig.redis.start()
        started = monotonic()
        load.go_on(200, since=started + 0.5)
    assert_nothing_lost(load.answers)
    # AND soon after it is back, it is used again
    assert settled(load.answers, started) < 0.5
    assert {answer.features.cache for answer in load.answers[-100:]} <= {"hit", "miss", "memory"}


def test_a_failover_of_redis(postgres_server: PostgresServer, tmp_path: Path) -> None:
    with ExitStack() as stack:
        nodes = stack.enter_context(cluster(tmp_path))
        url = stack.enter_context(database(postgres_server, cells=CELLS))
        ground = Ground(redis_url=nodes[1].url, database_url=url)
        cells = known_cells(ground)
        assert nodes[0].command("WAIT", 1, 2000) == 1
        with Load(ground.straight, cells) as load:
            load.go_on(200)
            # WHEN a primary dies, and its replica takes over
            nodes[0].child.kill()
            died = monotonic()
            nodes[3].child.wait_until(lambda: "'role': 'master'" in str(nodes[3].command("INFO", "replication")), 15)
            load.go_on(400, since=monotonic() + 1.0)
        assert_nothing_lost(load.answers)
        assert {answer.features.cache for answer in load.answers[-200:]} == {"hit"}
        assert settled(load.answers, died) < 6


@pytest.fixture
def breaking_postgres(postgres_rig: Rig) -> Rig:
    postgres_rig.sql("checkpoint")
    return postgres_rig


def killed(rig: Rig) -> None:
    rig.postgres.kill()
    rig.postgres.start()


def restarted(rig: Rig) -> None:
    rig.postgres.stop()
    rig.postgres.start()


def crashed(rig: Rig) -> None:
    """One session dies, and PostgreSQL starts anew with all the others."""
    ((pid,), *_) = rig.sql("select pid from pg_stat_activity where application_name = 'faunalens'")
    os.kill(pid, signal.SIGKILL)
    rig.postgres.wait_until(rig.is_up, 10)


@pytest.mark.parametrize("event", [killed, restarted, crashed], ids=["killed", "restarted", "crashed"])
def test_a_failover_of_postgres(breaking_postgres: Rig, event: Callable[[Rig], None]) -> None:
    rig = breaking_postgres
    # GIVEN cells that are known, fresh and stale, and others that are not
    fresh, unknown = known_cells(rig), [rig.cell() for _ in range(400)]
    stale = [rig.cell() for _ in range(20)]
    for cell in stale:
        asked({**rig.straight, "FEATURES_SOFT_TTL": "0.000001"}, cell)
    with Load(rig.straight, [*fresh, *stale, *unknown]) as load:
        load.go_on(100)
        began = monotonic()
        event(rig)
        ended = monotonic()
        load.go_on(300, since=ended + 1.0)
    # THEN what is known is answered as if nothing had happened
    known = {*fresh, *stale}
    assert_nothing_lost([answer for answer in load.answers if answer.cell in known])
    # AND what is not is answered without features, in time, and only until the database is back
    lost = [answer for answer in load.answers if answer.features.mode == "degraded"]
    settled(load.answers, began)
    assert all(began - TOTAL < answer.at < ended + 1.0 for answer in lost)
    assert max(answer.took for answer in load.answers) < TOTAL + MARGIN

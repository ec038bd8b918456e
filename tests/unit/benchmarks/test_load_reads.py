"""Which reads count for which phase of a load, and how they compare with those while nothing went on."""

import numpy as np
import pytest

from benchmarks.load_reads import COMMIT, COPY, IDLE, INDEXES, LOAD, ORDER, Phase, slowdown_table, slowdowns
from benchmarks.reader import READ


def phases_of(number: int, start: float) -> list[Phase]:
    """One second of each phase, one after the other, and once more without anything."""
    names = [*(name for name in ORDER if name != LOAD), IDLE]
    return [Phase(number, name, start + at, start + at + 1) for at, name in enumerate(names)]


def reads_of(phases: list[Phase], seconds: dict[str, float], kind: int = 0) -> list[tuple[float, float, float, int]]:
    """Ten reads in each phase, none of which waits for another one."""
    return [
        (phase.start + tenth / 10, 0.0, seconds.get(phase.name, seconds[IDLE]), kind)
        for phase in phases
        for tenth in range(10)
    ]


def test_a_phase_is_compared_with_the_quiet_time_of_its_round() -> None:
    # GIVEN three rounds on a machine that gets slower and slower, with other reads in between
    rounds = [phases_of(number, 100.0 * number) for number in range(3)]
    reads = []
    for number, its in enumerate(rounds):
        slow = 1e-3 * 10**number
        reads += reads_of(its, {IDLE: slow, COPY: 1.5 * slow, INDEXES: 3 * slow, COMMIT: slow})
        reads += reads_of(its, {IDLE: 7.0}, kind=1)
    # WHEN compared
    found = slowdowns([phase for its in rounds for phase in its], np.array(reads, READ), "query")
    # THEN the ratios are those within a round, and the whole load has the reads of its phases
    assert [each.name for each in found] == list(ORDER)
    ratio = {each.name: each.median_ratio for each in found}
    assert ratio[IDLE] == pytest.approx(1)
    assert ratio[COPY] == ratio[LOAD] == pytest.approx(1.5)
    assert ratio[INDEXES] == pytest.approx(3)
    by_name = {each.name: each for each in found}
    assert by_name[LOAD].p99_ratio == pytest.approx(3)
    assert by_name[COPY].median == pytest.approx(15e-3)
    assert (by_name[IDLE].reads, by_name[COPY].reads, by_name[LOAD].reads) == (60, 30, 90)
    assert (by_name[IDLE].lasts, by_name[LOAD].lasts) == (2, 3)


def test_waiting_for_the_read_before_counts_for_the_slowest_reads_alone() -> None:
    # GIVEN a round in which half the reads of the COPY waited for a slow one
    phases = phases_of(0, 0.0)
    reads = np.array(reads_of(phases, {IDLE: 1e-3}), READ)
    reads["waited"][(reads["due"] >= 1) & (reads["due"] < 1.55)] = 9e-3
    # THEN the median has their own time, and the 99th percentile all of it
    copy = next(each for each in slowdowns(phases, reads, "query") if each.name == COPY)
    assert copy.median_ratio == pytest.approx(1)
    assert copy.p99_ratio == pytest.approx(10)


def test_a_read_that_failed_has_lasted_for_ever() -> None:
    # GIVEN a round in which one read of the COPY failed
    phases = phases_of(0, 0.0)
    reads = np.array(reads_of(phases, {IDLE: 1e-3}), READ)
    reads["seconds"][(reads["due"] >= 1) & (reads["due"] < 1.05)] = np.inf
    # THEN it counts, and the target is missed
    found = slowdowns(phases, reads, "query")
    copy = next(each for each in found if each.name == COPY)
    assert (copy.failed, copy.median_ratio, copy.p99_ratio) == (1, 1.0, np.inf)
    rows = [[each.strip() for each in line.split("|")[1:-1]] for line in slowdown_table("queries", found).splitlines()]
    assert {row[0]: (row[6], row[9]) for row in rows[2:] if row[6]} == dict.fromkeys((COPY, LOAD), ("met", "MISSED"))

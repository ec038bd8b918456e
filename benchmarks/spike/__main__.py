"""A spike in load on a cold cache, with the app's feature lookup: `python -m benchmarks.spike`.

Lifetimes and the number of cells are scaled down, so that a run of 90 seconds shows the effects of a day.
docs/explanation/results.md explains the scenario, the scale and the results.
"""

import sys

import numpy as np

from benchmarks.measure import options, targets
from benchmarks.spike import stats
from benchmarks.spike.load import Load, Result, run_burst, run_spike, slow_database
from faunalens.data.dataset import read_dataset

AFTER_A_MINUTE = "hit share after a minute"
LOAD = Load(containers=50, rate=1500.0, seconds=90, step=30, cells=200, ttl=20.0)
QUERY_SECONDS = 0.2
"""Seconds added to each database query."""
BURST = 1000
"""Simultaneous requests of the burst."""


def figures(load: Load, spike: Result, burst: Result) -> list[tuple[str, str, str, bool | None]]:
    """Return the figures of the spike and of the burst, with the claims of docs/explanation/features.md."""
    requests, queries, later, ttl = spike.events.requests, spike.events.queries, spike.later(load), load.ttl
    gap, at_once, share = stats.shortest_gap(queries), stats.peak_of_a_cell(queries), stats.hit_share(later)
    per_ttl = stats.queries_per_ttl(queries, requests, ttl)
    first, answered = len(burst.events.requests), burst.answered
    asked, counted = max(burst.server_count, len(burst.events.queries)), spike.server_count
    return [
        ("requests", f"{len(requests):,}", "", None),
        ("feature lookup, p50", f"{1e3 * np.median(requests['seconds']):.3f} ms", "", None),
        ("feature lookup, p99", f"{stats.p99(requests):.1f} ms", "", None),
        ("… after a minute", f"{stats.p99(later):.1f} ms", "", None),
        ("database queries", f"{len(queries):,}", f"{counted:,}, as PostgreSQL counts", counted == len(queries)),
        ("… per cell and TTL", f"{per_ttl:.2f}", "at most 1.20", per_ttl <= 1.2),
        ("… at a time, at most", str(stats.peak(queries)), "", None),
        ("… at a time for one cell, at most", str(at_once), "1", at_once == 1),
        ("shortest time between two for a cell", f"{gap:.1f} s", f"at least {0.8 * ttl:.1f} s", gap >= 0.8 * ttl),
        ("hit share", f"{stats.hit_share(requests):.2%}", "", None),
        (AFTER_A_MINUTE, f"{share:.2%}", "at least 99 %", share >= 0.99),
        ("wait for a busy container, p99", f"{1e3 * np.percentile(requests['late'], 99):.0f} ms", "", None),
        (f"queries for {first:,} simultaneous requests", str(asked), "1", asked == 1),
        ("… answered", f"{answered:,}", f"{first:,}", answered == first),
        ("… the longest", f"{burst.events.requests['seconds'].max():.2f} s", "", None),
    ]


def main() -> int:
    """Run a spike and a burst, and print their figures; return 1 if a claim does not hold."""
    options(__doc__)
    with slow_database(read_dataset()) as database:
        spike = run_spike(LOAD, database, QUERY_SECONDS)
        burst = run_burst(int(LOAD.popular_cells()[0]), BURST, database)
    rows = figures(LOAD, spike, burst)
    print(targets("spike", rows))
    return int(any(met is False for *_, met in rows))


if __name__ == "__main__":
    sys.exit(main())

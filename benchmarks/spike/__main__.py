"""A spike in load on a cold cache, with the app's feature lookup: `python -m benchmarks.spike`.

Lifetimes and the number of cells are scaled down, so that a run of 90 seconds shows the effects of a day.
docs/explanation/results.md explains the scenario, the scale and the results.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.measure import table
from benchmarks.spike import stats
from benchmarks.spike.load import Load, Result, run_burst, run_spike, slow_database
from database.dataset import read_dataset


class Claim(NamedTuple):
    """A claim about the lookup. `holds`: whether the measured figure `found` meets the target."""

    what: str
    target: str
    found: str
    holds: bool


def claims(load: Load, spike: Result, burst: Result) -> list[Claim]:
    """Return the claims of docs/explanation/features.md with the measured figures."""
    queries, ttl = spike.events.queries, load.ttl
    gap, at_once = stats.shortest_gap(queries), stats.peak_of_a_cell(queries)
    share, per_ttl = stats.hit_share(spike.later(load)), spike.queries_per_ttl(load)
    first, answered = len(burst.events.requests), len(burst.answers)
    asked = max(burst.server_count, len(burst.events.queries))
    server = spike.server_count
    return [
        Claim("queries per cell and TTL", "at most 1.20", f"{per_ttl:.2f}", per_ttl <= 1.2),
        Claim("shortest time between queries for one cell", f"{0.8 * ttl:.1f} s", f"{gap:.1f} s", gap >= 0.8 * ttl),
        Claim("most simultaneous queries for one cell", "1", str(at_once), at_once == 1),
        Claim("hit share after a minute", "99 %", f"{share:.2%}", share >= 0.99),
        Claim("queries as PostgreSQL counts them", f"{len(queries):,}", f"{server:,}", server == len(queries)),
        Claim(f"queries for {first:,} simultaneous requests", "1", str(asked), asked == 1),
        Claim("answers to these requests", f"{first:,}", f"{answered:,}", answered == first),
    ]


def claim_table(found: Sequence[Claim]) -> str:
    """Return the table of claims."""
    rows = [(*claim[:3], "PASS" if claim.holds else "FAIL") for claim in found]
    return table(rows, ["claim", "target", "found", "result"])


def figures(load: Load, spike: Result, burst: Result) -> str:
    """Return the table of what was found in the spike and in the burst."""
    requests, queries, later = spike.events.requests, spike.events.queries, spike.later(load)
    rows = {
        "requests": f"{len(requests):,}",
        "feature lookup, p50": f"{1e3 * np.median(requests['seconds']):.3f} ms",
        "feature lookup, p99": f"{stats.p99(requests):.1f} ms",
        "… after a minute": f"{stats.p99(later):.1f} ms",
        "database queries": f"{len(queries):,}",
        "… at a time, at most": str(stats.peak(queries)),
        "hit share": f"{stats.hit_share(requests):.2%}",
        "wait for a busy container, p99": f"{1e3 * np.percentile(requests['late'], 99):.0f} ms",
        "simultaneous requests for one cold cell": f"{len(burst.events.requests):,}",
        "… started before the first answer": f"{burst.before_first_answer:,}",
        "… the longest": f"{burst.events.requests['seconds'].max():.2f} s",
    }
    return table(list(rows.items()), ["spike", "found"])


def main(arguments: list[str] | None = None) -> int:
    """Print the figures and the claims; return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.spike",
        description=__doc__.partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--containers", type=int, default=50, help="number of containers after the spike begins")
    parser.add_argument("--rate", type=float, default=1500.0, help="requests per second after the spike begins")
    parser.add_argument("--seconds", type=int, default=90, help="duration of each run")
    parser.add_argument("--cells", type=int, default=200, help="number of requested cells")
    parser.add_argument("--exponent", type=float, default=1.0, help="exponent of Zipf's law")
    parser.add_argument("--ttl", type=float, default=20.0, help="seconds until a value in Redis is refreshed")
    parser.add_argument("--query-ms", type=float, default=200.0, help="milliseconds added to each database query")
    parser.add_argument("--burst", "--rush", type=int, default=1000, help="number of simultaneous requests in a burst")
    options = parser.parse_args(arguments)

    step, cells = options.seconds // 3, options.cells
    load = Load(options.containers, options.rate, options.seconds, step, cells, options.exponent, options.ttl)
    with slow_database(read_dataset()) as database:
        spike = run_spike(load, database, options.query_ms / 1e3)
        burst = run_burst(int(load.popular_cells()[0]), options.burst, database)
    found = claims(load, spike, burst)
    print(figures(load, spike, burst), claim_table(found), sep="\n\n")
    return 0 if all(claim.holds for claim in found) else 1


if __name__ == "__main__":
    sys.exit(main())

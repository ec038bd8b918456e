"""A spike on a cold cache, naive cache-aside against ours: `python -m benchmarks.spike` (`make spike`).

Real PostgreSQL, real Valkey in cluster mode, and one process a container: each with connections and a memory of its
own, one request at a time. Cells come by Zipf's law, requests at moments that are drawn beforehand and wait for nobody
(open loop). A tenth of the containers are there from the start; the others come at the step, all at once, and with
them ten times the requests. The same moments and cells for both contestants, which run one after the other.

What is scaled down, so that a minute and a half shows what else takes a day: the TTL, from hours to seconds, and with
it how long a container's memory goes without asking Redis, and the number of cells, since a hit share depends on
requests per cell and TTL. Nothing is warmed beforehand. The query is slowed by `--query-ms`, since what counts is how
many requests come during one: 1,500 a second and 0.2 s are as 10,000 a second and 30 ms. docs/explanation/spike.md reads it all.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from benchmarks import load_stats as tally
from benchmarks.container import LEVELS, Contestant
from benchmarks.measure import table
from benchmarks.plot import Panel, svg
from benchmarks.scenario import Load, Run, Rush, first_requests, run
from benchmarks.slow_database import slow_database
from database.dataset import read_dataset

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "spike.svg"
CONTESTANTS: tuple[Contestant, ...] = get_args(Contestant)


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that is promised, and what was found."""

    what: str
    wanted: str
    found: str
    holds: bool


def claims(ours: Run, rush: Rush) -> list[Claim]:
    """What docs/explanation/features.md promises, as found."""
    queries, ttl = ours.seen.queries, ours.load.ttl
    gap, at_once, share = tally.shortest_gap(queries), tally.peak_of_a_cell(queries), tally.hit_share(ours.late)
    many, asked = len(rush.seen.requests), max(rush.counted, len(rush.seen.queries))
    return [
        Claim("queries per cell and TTL", "at most 1.20", f"{ours.per_ttl:.2f}", ours.per_ttl <= 1.2),
        Claim("shortest time between two for a cell", f"{0.8 * ttl:.1f} s", f"{gap:.1f} s", gap >= 0.8 * ttl),
        Claim("most at one time for a cell", "1", str(at_once), at_once == 1),
        Claim("hit share after a minute", "99 %", f"{share:.2%}", share >= 0.99),
        Claim(
            "queries as PostgreSQL counts them", f"{len(queries):,}", f"{ours.counted:,}", ours.counted == len(queries)
        ),
        Claim(f"queries for {many:,} first requests at once", "1", str(asked), asked == 1),
        Claim("of these answered", f"{many:,}", f"{rush.answered:,}", rush.answered == many),
    ]


def figures(runs: Sequence[Run]) -> str:
    """Both side by side."""

    def row(name: str, *cells: str) -> tuple[str, ...]:
        return (name, *cells)

    seen = [each.seen for each in runs]
    milliseconds = [1e3 * each.requests["seconds"] for each in seen]
    late = [each.requests["late"] for each in seen]
    shares = [tally.levels(each.requests) for each in seen]
    rows = [
        row("requests", *(f"{len(each.requests):,}" for each in seen)),
        row("feature stage, p50", *(f"{np.percentile(each, 50):.3f} ms" for each in milliseconds)),
        row("feature stage, p99", *(f"{np.percentile(each, 99):.1f} ms" for each in milliseconds)),
        row("… after a minute", *(f"{1e3 * np.percentile(each.late['seconds'], 99):.1f} ms" for each in runs)),
        row("database queries", *(f"{len(each.queries):,}" for each in seen)),
        row("… as PostgreSQL counts them", *(f"{each.counted:,}" for each in runs)),
        row("… per cell and TTL", *(f"{each.per_ttl:.2f}" for each in runs)),
        row("… at one time, most", *(str(tally.peak(each.queries)) for each in seen)),
        row("… at one time for one cell, most", *(str(tally.peak_of_a_cell(each.queries)) for each in seen)),
        row("hit share", *(f"{tally.hit_share(each.requests):.2%}" for each in seen)),
        row("hit share after a minute", *(f"{tally.hit_share(each.late):.2%}" for each in runs)),
        *(row(f"… {level}", *(f"{each[level]:.2%}" for each in shares)) for level in LEVELS),
        row("began late for want of a container, p99", *(f"{1e3 * np.percentile(each, 99):.0f} ms" for each in late)),
    ]
    return table(("", *(each.contestant for each in runs)), rows)


def figures_of_rushes(rushes: Sequence[Rush]) -> str:
    """Both side by side, with many first requests at once."""
    seen = [each.seen for each in rushes]
    rows = [
        ("requests", *(f"{len(each.requests):,}" for each in seen)),
        ("… begun before the first answer", *(f"{each.early:,}" for each in rushes)),
        ("… answered", *(f"{each.answered:,}" for each in rushes)),
        ("longest", *(f"{each.requests['seconds'].max():.2f} s" for each in seen)),
        ("tries to ask the database", *(f"{len(each.queries):,}" for each in seen)),
        ("queries that reached PostgreSQL", *(f"{each.counted:,}" for each in rushes)),
    ]
    return table(("first requests for one cold cell, at once", *(each.contestant for each in rushes)), rows)


def picture(runs: Sequence[Run]) -> str:
    """Both over time."""
    load = runs[0].load
    each = [(run.seen, run.start, load.seconds) for run in runs]
    panels = [
        Panel("Requests", "a second", [tally.by_second(s.requests["start"], t, n).tolist() for s, t, n in each]),
        Panel("Database queries", "a second", [tally.by_second(s.queries["start"], t, n).tolist() for s, t, n in each]),
        Panel(
            "Queries for one and the same cell",
            "at one time, most",
            [tally.peak_of_a_cell_by_second(s.queries, t, n).tolist() for s, t, n in each],
        ),
        Panel(
            "Feature stage, p99",
            "ms over the last 5 s, logarithmic",
            [(1e3 * tally.percentile_by_second(s.requests, t, n, 99, window=5)).tolist() for s, t, n in each],
            "log",
        ),
        Panel(
            "Answered without the database",
            "% of requests",
            [(100 * tally.hit_share_by_second(s.requests, t, n)).tolist() for s, t, n in each],
            low=50.0,
            high=100.0,
        ),
    ]
    subtitle = (
        f"{load.containers} containers, {load.cells} cells by Zipf’s law, TTL {load.ttl:g} s, cold cache at the start; "
        "one process a container"
    )
    return svg(
        "A spike on a cold cache",
        subtitle,
        [run.contestant for run in runs],
        panels,
        [(load.step, "ten times the load")],
    )


def main(arguments: list[str] | None = None) -> int:
    """Run both; print tables and claims; 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spike", description=__doc__.partition("\n")[0])
    parser.add_argument("--containers", type=int, default=50, help="after the step (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=1500.0, help="requests a second after it (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=90, help="of each run (default: %(default)s)")
    parser.add_argument("--cells", type=int, default=200, help="that are asked for (default: %(default)s)")
    parser.add_argument("--exponent", type=float, default=1.0, help="of Zipf's law (default: %(default)s)")
    parser.add_argument("--ttl", type=float, default=20.0, help="seconds (default: %(default)s)")
    parser.add_argument("--query-ms", type=float, default=200.0, help="added to each query (default: %(default)s)")
    parser.add_argument("--rush", type=int, default=1000, help="first requests for one cell (default: %(default)s)")
    parser.add_argument("--picture", type=Path, default=PICTURE, help="SVG to write (default: docs/images/spike.svg)")
    options = parser.parse_args(arguments)

    load = Load(
        options.containers,
        options.rate,
        options.seconds,
        options.seconds // 3,
        options.cells,
        options.exponent,
        options.ttl,
    )
    dataset = read_dataset()
    with slow_database(dataset, 0.0) as database:
        runs = [run(each, load, database, options.query_ms / 1e3, dataset.version) for each in CONTESTANTS]
        processes = max(options.rush // 40, 1)
        each, cell = -(-options.rush // processes), int(load.asked()[0])
        rushes = [first_requests(who, cell, processes, each, database, dataset.version) for who in CONTESTANTS]
    print(figures(runs), end="\n\n")
    print(figures_of_rushes(rushes), end="\n\n")
    found = claims(runs[-1], rushes[-1])
    lines = [(each.what, each.wanted, each.found, "PASS" if each.holds else "FAIL") for each in found]
    print(table(("ours", "wanted", "found", ""), lines))
    options.picture.parent.mkdir(parents=True, exist_ok=True)
    options.picture.write_text(picture(runs), encoding="utf-8")
    return 0 if all(each.holds for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())

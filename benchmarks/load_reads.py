"""How much a load of 10 million rows slows down the feature reads of a serving process.

Real PostgreSQL, which waits for the disk as in production, and real Valkey run on this machine. The project's loader
copies a dataset beside the active one, switches to it, and drops the old one, while another process reads features:
queries of cells that were not read before, and whole lookups, of which 95 in 100 are in Redis. In the same round it
reads with nothing else going on, and beside processes that only compute, to tell what PostgreSQL costs from what the
shared processors cost.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from statistics import median
from time import monotonic, sleep
from typing import Final

import numpy as np
import psycopg2
from numpy.typing import NDArray

from benchmarks.measure import parser, table, verdict
from benchmarks.reader import KINDS, LOOKUP, QUERY, TURN, busy_neighbours, reading
from benchmarks.synthetic import Synthetic, cells_of
from chalicelib.config.settings import Settings
from chalicelib.features.deadline import Deadline
from chalicelib.services import build_cache
from database.load import drop, load
from database.switch import activate, rollout_text
from local.stack import postgres, valkey

ROWS: Final = 10_000_000
ANIMALS: Final = 30_000
MOST_RATIO: Final = 2.0
SETTLING: Final = 0.1
"""Time after a commit and a drop that counts as their own, as a share of other phases: each is over at once, but its
effects are not."""

IDLE: Final = "nothing"
COPY, INDEXES, COMMIT, ACTIVATE, DROP = "COPY", "indexes, attach", "commit", "activate", "drop the old one"
LOAD: Final = "the whole load"
OF_A_LOAD: Final = (COPY, INDEXES, COMMIT)
GOAL: Final = (COPY, LOAD)
"""What may slow down reads `MOST_RATIO` times at most."""
NEIGHBOURS: Final = {"1 busy process": 1, "2 busy processes": 2}
ORDER: Final = (IDLE, *OF_A_LOAD, LOAD, ACTIVATE, DROP, *NEIGHBOURS)

_PHASE_OF_STEP: Final = {"cells": "", "pairs of animal and cell": COPY, "indexes": INDEXES, "commit": COMMIT}
"""The phase that ends with each step that the loader reports. The first one has small tables, and belongs to none."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A time during which something went on, in seconds of `time.monotonic`."""

    round: int
    name: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Return how long it lasted."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Slowdown:
    """The reads of one kind during one phase: medians over the rounds. `reads`, `failed`: their numbers in all rounds.

    `median`: of a read's own seconds. `p99`: with the wait for the read before, since a delay would otherwise count for
    one read only, whatever its length. `median_ratio`, `p99_ratio`: compared with nothing going on in the same round.
    """

    name: str
    lasts: float
    reads: int
    failed: int
    median: float
    median_ratio: float
    p99: float
    p99_ratio: float


class Timeline:
    """The phases of all rounds. `settling`: seconds after a commit that count as its own."""

    def __init__(self, settling: float) -> None:
        self._settling = settling
        self.phases: list[Phase] = []
        self.round = 0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Note a phase that lasts as long as the block."""
        start = monotonic()
        yield
        self.phases.append(Phase(self.round, name, start, monotonic()))

    def steps(self) -> Callable[[str], None]:
        """Return what the loader reports its steps to. Each phase begins with the end of the one before."""
        since = monotonic()

        def report(line: str) -> None:
            nonlocal since
            step = line.rpartition("  ")[2].partition(":")[0]
            if step == "commit":
                sleep(self._settling)
            if step in _PHASE_OF_STEP:
                now = monotonic()
                self.phases.append(Phase(self.round, _PHASE_OF_STEP[step], since, now))
                since = now

        return report


def measure(rows: int, rounds: int, seconds: float) -> tuple[Sequence[Phase], NDArray[np.void]]:
    """Return the phases of all rounds, and the reads. `seconds`: how long a phase of nothing or of neighbours lasts."""
    cells = cells_of(3)
    shuffled = np.random.default_rng(5).permutation(cells).tolist()
    settling = SETTLING * seconds
    timeline = Timeline(settling)

    def dataset(number: int) -> Synthetic:
        return Synthetic(f"round-{number}", cells, (), -(-rows // len(cells)), min(ANIMALS, rows // 100))

    with postgres.serve(durable=True) as server, valkey.serve() as redis:
        settings = Settings(redis_url=redis.url, database_url=server.url, memory_cells=0)
        with closing(psycopg2.connect(server.url)) as connection, closing(build_cache(settings)) as cache:

            def switch(number: int) -> None:
                activate(connection, f"round-{number}")
                cache.announce(rollout_text(connection), settings.features_hard_ttl, Deadline.after(5))

            load(connection, dataset(0).dataset(), report=lambda _: None)
            switch(0)
            with reading(settings, shuffled) as reader:
                for timeline.round in range(1, rounds + 1):
                    print(f"round {timeline.round} of {rounds}", file=sys.stderr, flush=True)
                    with timeline.phase(IDLE):
                        sleep(seconds)
                    load(connection, dataset(timeline.round).dataset(), report=timeline.steps())
                    with timeline.phase(ACTIVATE):
                        switch(timeline.round)
                        sleep(TURN)  # until Redis has the hot cells of the new version
                    with timeline.phase(DROP):
                        drop(connection, f"round-{timeline.round - 1}")
                        sleep(settling)
                    with timeline.phase(IDLE):
                        sleep(seconds)
                    for name, number in NEIGHBOURS.items():
                        with busy_neighbours(number), timeline.phase(name):
                            sleep(seconds)
    return timeline.phases, reader.reads


def slowdowns(phases: Sequence[Phase], reads: NDArray[np.void], kind: str) -> list[Slowdown]:
    """Return the slowdown of one kind of reads during each phase, in order. Reads count where they were due."""
    reads = reads[reads["kind"] == KINDS.index(kind)]
    rounds = sorted({phase.round for phase in phases})
    idle = [_within(reads, _phases(phases, number, (IDLE,))) for number in rounds]
    found = []
    for name in ORDER:
        its = [_phases(phases, number, OF_A_LOAD if name == LOAD else (name,)) for number in rounds]
        taken = [_within(reads, each) for each in its]
        lasts = median(sum(phase.seconds for phase in each) for each in its)
        failed = sum(int(np.isinf(each["seconds"]).sum()) for each in taken)
        middle = _compared(taken, idle, lambda some: _percentile(some["seconds"], 50))
        slow = _compared(taken, idle, lambda some: _percentile(some["seconds"] + some["waited"], 99))
        found.append(Slowdown(name, lasts, sum(map(len, taken)), failed, *middle, *slow))
    return found


def slowdown_table(kind: str, found: Sequence[Slowdown]) -> str:
    """Return the table of one kind of reads."""
    rows = []
    for each in found:
        row = [each.name, f"{each.lasts:.1f} s", f"{each.reads:,}", f"{each.failed:,}"]
        for seconds, ratio in ((each.median, each.median_ratio), (each.p99, each.p99_ratio)):
            row += [
                f"{seconds * 1e3:.2f} ms",
                f"{ratio:.2f}",
                verdict(ratio <= MOST_RATIO) if each.name in GOAL else "",
            ]
        rows.append(row)
    head = ["lasts", "reads", "failed", "median", "ratio", f"at most {MOST_RATIO:g}"]
    return table(rows, [f"{kind}, while this goes on", *head, "p99", "ratio", f"at most {MOST_RATIO:g}"])


def _phases(phases: Sequence[Phase], number: int, names: Sequence[str]) -> list[Phase]:
    return [each for each in phases if each.round == number and each.name in names]


def _within(reads: NDArray[np.void], phases: Sequence[Phase]) -> NDArray[np.void]:
    """Return the reads that were due in one of the phases."""
    return reads[np.any([(phase.start <= reads["due"]) & (reads["due"] < phase.end) for phase in phases], axis=0)]


def _compared(
    taken: Sequence[NDArray[np.void]], idle: Sequence[NDArray[np.void]], figure: Callable[[NDArray[np.void]], float]
) -> tuple[float, float]:
    """Return a figure of the reads and its ratio to that of idle ones, each the median of all rounds."""
    found, base = ([figure(each) for each in several] for several in (taken, idle))
    return median(found), median(one / other for one, other in zip(found, base, strict=True))


def _percentile(seconds: NDArray[np.float64], percent: float) -> float:
    return float(np.percentile(seconds, percent, method="higher")) if len(seconds) else np.nan


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table of queries and one of whole lookups."""
    options = parser(__doc__, 3, "loads")
    options.add_argument("--rows", type=int, default=ROWS, help="rows of a dataset (default: %(default)s)")
    text = "seconds to read with nothing going on, and beside each busy process (default: %(default)s)"
    options.add_argument("--seconds", type=float, default=10, help=text)
    given = options.parse_args(arguments)
    phases, reads = measure(given.rows, given.rounds, given.seconds)
    titles = {QUERY: "queries of new cells", LOOKUP: "whole lookups, 95 % in Redis"}
    print("\n\n".join(slowdown_table(title, slowdowns(phases, reads, kind)) for kind, title in titles.items()))


if __name__ == "__main__":
    main()

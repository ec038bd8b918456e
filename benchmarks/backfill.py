"""Simulate a backfill of a million photos: hours, dollars and throttled calls, by concurrency.

The time of each photo is drawn from backfill_times.csv: percentiles of the processor time that photos of camera traps
took on one core of the machine that measured them. What only AWS has is assumed, and stands in `Assumed`. Each batch of
a hundred photos goes as in the function: two photos are fetched ahead, one is identified, its line is written. The
state machine gives out batches, and waits before retries, as infra/backfill.yaml says.
"""

import csv
import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import table
from infra.chalice_project import function_settings
from infra.cost import current_prices
from infra.cost.page import share_of_core
from infra.cost.variants import BACKFILL_BATCH as BATCH
from infra.cost.variants import backfill_bill
from testing.aws import definition

CONCURRENCIES = (10, 20, 40, 80, 160)
PHOTOS = 1_000_000
TIMES = Path(__file__).with_name("backfill_times.csv")
MEMORY = 1769


@dataclass(frozen=True, slots=True)
class Assumed:
    """What was not measured, because only AWS has it. `docs/how-to/deploy.md` lists it among the claims to prove.

    `slower`: how much longer a core of Lambda takes than the one that was measured. `init`: seconds of a cold start.
    `get`, `put`: median seconds of S3 for a photo and a line, with the spread `sigma` of their logarithm. `crash`:
    share of calls that end early, of which a part of the time is lost. `stream`: containers that the stream keeps busy,
    as many as it may in prod.
    """

    slower: float = 2.0
    init: float = 1.5
    get: float = 0.08
    put: float = 0.04
    sigma: float = 0.5
    crash: float = 0.002
    stream: int = 10


@dataclass(slots=True)
class Outcome:
    """What came of a run. `seconds`: from its start to its end. `billed`: seconds of the function."""

    seconds: float = 0.0
    billed: float = 0.0
    calls: int = 0
    throttled: int = 0
    crashed: int = 0
    started: int = 0

    @property
    def photo_ms(self) -> float:
        """Return the billed milliseconds of a photo."""
        return self.billed * 1e3 / PHOTOS


def read_times() -> dict[str, NDArray[np.float64]]:
    """Return the percentiles 0 to 100 of the seconds of a photo, by its size."""
    with TIMES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {size: np.array([float(row[size]) for row in rows]) / 1e3 for size in rows[0] if size != "percent"}


def batch_seconds(size: str, assumed: Assumed, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the seconds of each batch of a million photos of a size, without cold starts."""
    batches, percents = PHOTOS // BATCH, read_times()[size]
    end = np.zeros(batches)
    fetchers = np.zeros((batches, 2))
    taken = [np.zeros(batches)] * 3
    for _ in range(BATCH):
        identified = np.interp(random.uniform(0, 100, batches), np.arange(101), percents) * assumed.slower
        identified *= share_of_core(MEMORY)
        fetched, written = (
            median * random.lognormal(0, assumed.sigma, batches) for median in (assumed.get, assumed.put)
        )
        free = fetchers.argmin(axis=1)
        begun = np.maximum(fetchers[np.arange(batches), free], taken[0])  # three photos ahead at most
        fetchers[np.arange(batches), free] = begun + fetched
        begin = np.maximum(end, begun + fetched)
        taken = [*taken[1:], begin]
        end = begin + identified + written
    return end


def simulate(
    batches: Sequence[float], concurrency: int, reserve: int, assumed: Assumed, random: np.random.Generator
) -> Outcome:
    """Run batches, `concurrency` at a time, on a function with `reserve` containers. A batch that waits keeps its turn.

    A crash loses a part of a call's time, and the next call has only the photos without a line.
    """
    throttled, failed = definition()["States"]["Photos"]["ItemProcessor"]["States"]["Batch"]["Retry"]
    left, outcome, busy, idle = iter(batches), Outcome(), 0, 0
    events: list[tuple[float, int, str, float, int]] = []
    number = 0

    def at(time: float, what: str, seconds: float, attempt: int) -> None:
        nonlocal number
        number += 1
        heapq.heappush(events, (time, number, what, seconds, attempt))

    for seconds in [next(left) for _ in range(min(concurrency, len(batches)))]:
        at(0.0, "call", seconds, 0)
    while events:
        time, _, what, seconds, attempt = heapq.heappop(events)
        outcome.seconds = time
        if what == "call" and busy + assumed.stream >= reserve:
            outcome.throttled += 1
            at(time + _pause(throttled, attempt, random), "call", seconds, attempt + 1)
        elif what == "call":
            cold = assumed.init if not idle else 0.0
            outcome.started += not idle
            busy, idle = busy + 1, max(idle - 1, 0)
            outcome.calls += 1
            crashes = random.random() < assumed.crash
            lasts = cold + seconds * (random.random() if crashes else 1.0)
            outcome.billed += lasts
            at(time + lasts, "crashed" if crashes else "done", max(seconds + cold - lasts, 0.0), 0)
        else:
            busy -= 1
            if what == "crashed":
                outcome.crashed += 1
                at(time + _pause(failed, 0, random), "call", seconds, 0)
            else:
                idle += 1
                if (following := next(left, None)) is not None:
                    at(time, "call", following, 0)
    return outcome


def _pause(retry: dict[str, Any], attempt: int, random: np.random.Generator) -> float:
    """Return the seconds before a retry, with full jitter."""
    longest = min(retry["IntervalSeconds"] * retry["BackoffRate"] ** attempt, retry["MaxDelaySeconds"])
    return float(random.uniform(0, longest))


def concurrency_table(assumed: Assumed, reserve: int) -> str:
    """Return the hours, the cost and the throttled calls by concurrency, for both sizes of photos."""
    rows, prices = [], current_prices()
    for size in read_times():
        batches = batch_seconds(size, assumed, np.random.default_rng(1)).tolist()
        for concurrency in CONCURRENCIES:
            for containers in sorted({reserve, max(concurrency + assumed.stream, reserve)}):
                found = simulate(batches, concurrency, containers, assumed, np.random.default_rng(2))
                cost = sum(backfill_bill(found.photo_ms, MEMORY, prices, found.calls).values())
                row = [size, concurrency, containers, f"{found.seconds / 3600:.1f}", f"{PHOTOS / found.seconds:.0f}"]
                rows.append([*row, f"{cost:.2f}", f"{found.throttled:,}", f"{found.started:,}", f"{found.crashed:,}"])
    head = ["photos", "batches at a time", "reserve", "hours", "photos a second", "USD"]
    return table(rows, [*head, "throttled calls", "cold starts", "crashed calls"])


def main() -> None:
    """Print the table."""
    assumed, reserve = Assumed(), int(function_settings("prod")["batch"]["reserved_concurrency"])
    medians = " and ".join(f"{values[50] * 1e3:.0f} ms for {size}" for size, values in read_times().items())
    print(
        f"A million photos, in batches of {BATCH}. Median processor time of a photo, as measured: {medians}. Lambda is"
    )
    print(f"assumed to take {assumed.slower:g} times as long. Waits for S3, cold starts and crashes are assumed too.\n")
    print(concurrency_table(assumed, reserve))


if __name__ == "__main__":
    main()

"""Simulate a day: its metrics as log lines, for the preview.

The app's own records and emitter write the metrics of the API and of warming. Those of the web tier and of batches are
made up, with their real names, units and dimensions; and so are those that only AWS emits, marked `"simulated": true`.
"""

import io
from collections.abc import Iterator
from random import Random
from typing import Literal, get_args

from chalicelib.telemetry.drift import Shift, of_shift
from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.metrics import DIMENSIONS
from chalicelib.telemetry.record import Notes, of_warming
from dashboards.figures import CONTAINERS, read_limits
from dashboards.project import ROOT, SERVICE
from dashboards.simulation import schedule
from dashboards.simulation.aws_metrics import Api, Beside, lines_of
from dashboards.simulation.traffic import DEFAULTS, Traffic

STAGE = "prod"
SEED = 3
BURST, LONG_BURST = 1.045, 1.5
"""Requests in a burst on a usual and on a bad day, as a multiple of the stage's limit of containers."""

Case = Literal["firmware", "season", "temperature"]
CASES: tuple[Case, ...] = get_args(Case)
_SHIFTS: dict[Case, dict[str, Shift]] = {
    "firmware": {
        "quality": Shift(2.1, "good -27, others +24, soft +6"),
        "why_not": Shift(1.0, "nothing -16, others +13, unclear +9"),
        "subject": Shift(0.2, "animal -14, unclear +10, none +5"),
        "confidence": Shift(0.24, "0.9 -10, 0.8 -7, 0.4 +5"),
    },
    "season": {"taxa": Shift(1.2, "AU Aves -21, US Aves -21, AU Reptilia +18")},
    "temperature": {"confidence": Shift(1.6, "0.9 -28, 0.8 -19, 0.4 +15")},
}
"""The populations that drift in each case, as the app's own code computed them from photos that change this way."""


def lines(seed: int = SEED, *, bad: bool = False, drift: Case | None = None) -> Iterator[str]:
    """Yield the lines of embedded metrics for each minute of the day.

    `bad`: requests exceed the limit of containers until the alarm `page` fires. `drift`: why photos or answers change.
    """
    random, limits = Random(seed), read_limits(STAGE, ROOT)  # noqa: S311  a simulation
    containers, traffic, drifts = int(limits[CONTAINERS]), Traffic(random), Random(f"drift {seed}")  # noqa: S311
    buffer, now = io.StringIO(), schedule.START
    emitter = Emitter(SERVICE, STAGE, buffer, now=lambda: now)
    api = Api(random, STAGE, float(limits["LIMIT_DATABASE_ACU"]), traffic)
    beside = Beside(seed, STAGE)
    excess, window = (LONG_BURST, schedule.LONG_BURST) if bad else (BURST, schedule.BURST)
    for minute in range(-15, schedule.MINUTES):  # before the day begins, so that no alarm counts anything as missing
        begin, runs, records, most, throttled = schedule.START + 60 * minute, [], [], 0, 0
        if minute % DEFAULTS.warming.minutes == 0 and not schedule.WARMING_SILENT.has(begin):
            now = begin + 2.0
            runs.append(traffic.warm(now))
            emitter.emit(of_warming(f"{random.getrandbits(128):032x}", runs[0]))
            if minute % 60 == 15:  # once an hour, when no store is down
                for notes in drift_of_hour(drifts, begin, drift):
                    emitter.emit(notes)
        burst = round(excess * containers) if window.has(begin) else 0
        for arrival in schedule.arrivals(random, minute, burst) if minute >= 0 else ():
            if traffic.busy(arrival) >= containers:
                throttled += 1
                continue
            record = traffic.request(arrival)
            now = arrival + record.total
            emitter.emit(record.summary())
            records.append(record)
            most = max(most, traffic.busy(arrival))
        if minute >= 0:
            resources = *api.minute(begin, records, most, throttled, runs), *beside.tier(begin), *beside.inbox(begin)
            buffer.writelines(lines_of(resources, begin))
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
        elif minute >= -3:
            buffer.writelines(lines_of(beside.tier(begin), begin))


def drift_of_hour(random: Random, now: float, case: Case | None) -> Iterator[Notes]:
    """Yield the metrics of each population in the hour before `now` (seconds since 1970)."""
    shifts = _SHIFTS[case] if case and schedule.DRIFTING.has(now - 3600) else {}
    passed = (now - schedule.DRIFTING.begin) / (60 * schedule.DRIFTING.length)
    growth = passed**2 if case == "season" else 1.0  # a season comes in hours, not weeks
    for population in DIMENSIONS["population"].values:
        distance, moved = shifts.get(population, Shift(0.0, ""))
        distance = abs(distance * growth * random.gauss(1, 0.1) + random.gauss(0, 0.005))
        photos = round(60 * schedule.rate((now - schedule.START) / 60 - 30))
        yield of_shift(population, Shift(round(distance, 4), moved), photos, 1)

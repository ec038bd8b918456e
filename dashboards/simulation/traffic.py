"""Simulate the requests of the day as the app's own records, from which the metrics are written, and the containers.

Feature lookups and warming are simulated only as far as metrics show them: Redis, a container's memory, leases and
breakers each affect a fixed share of the lookups.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from chalicelib import errors
from chalicelib.config.settings import Settings
from chalicelib.features.codec import CellAnimals
from chalicelib.features.features import NO_LOCATION, CacheLevel, Features, Trace, degraded, features_of
from chalicelib.features.warming import WarmingReport
from chalicelib.shadow import Result, of_comparison
from chalicelib.telemetry.record import Failure, Notes, Outcome, Record, of_features
from dashboards.simulation import schedule

if TYPE_CHECKING:
    from chalicelib.location import Source
    from chalicelib.model.shares import Here

DEFAULTS = Settings()
VERSION = "b0491d054589"
CELLS, HOT = 6000, 400
"""Number of cells that requests come from, and of those that warming keeps in Redis."""
IN_MEMORY, FRESH, STALE, WARMED = 0.4, 0.65, 0.1, 0.6
"""Share of lookups that find the cell in memory; shares of the others that find a fresh or a stale value in Redis; and
share of the fresh values that warming wrote."""
REFILL = 600.0
"""Seconds until Redis has two thirds of its usual values again after it was flushed."""
NO_ANIMALS, WAITED = 0.03, 0.05
"""Share of cells that have no animals, and share of misses that wait for a lease."""
TRIED, OPENED = 0.4, 0.5
"""If a store is down: share of calls that find its breaker closed, and share of these calls that open the breaker."""
_IDS, _WEIGHTS, _STATUS = np.arange(500, dtype=np.int32), np.ones(500, np.float32), np.ones(500, np.uint8)


def filled(now: float) -> float:
    """Return the share of its usual cells that Redis has now: below 1 for a while after it is flushed."""
    since = now - schedule.FLUSH.begin
    return 1 - exp(-since / REFILL) if since >= 0 else 1.0


class Lookups:
    """Simulates all lookups. `commands`: sent to Redis; `queries`: to the database, since the caller's last reset."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.commands = self.queries = 0

    def at(self, now: float) -> tuple[Features, float]:
        """Return the features of a cell, and the seconds that the lookup took."""
        random = self._random
        count = 0 if random.random() < NO_ANIMALS else round(random.uniform(40, 140))
        found = CellAnimals(0, VERSION, ("AU",) if count else (), _IDS[:count], _WEIGHTS[:count], _STATUS[:count])
        if random.random() < IN_MEMORY:
            return features_of(found, "memory"), 0.00003
        level: CacheLevel = "miss"
        faults, opened, seconds = (
            tuple[str, ...](),
            tuple[str, ...](),
            random.lognormvariate(-6.4, 0.35),
        )  # median 1.7 ms
        if schedule.REDIS_DOWN.has(now):
            level = "bypass"
            faults, opened, seconds = self._failed("redis", "timeout", DEFAULTS.redis.connect)
        else:
            self.commands += 1
            draw = random.random() / (filled(now) or 1e-9)
            if draw < FRESH:
                return features_of(found, "hit", trace=Trace(warmed=random.random() < WARMED)), seconds
            if draw < FRESH + STALE:
                level = "stale"
        if schedule.DATABASE_DOWN.has(now):
            faults, opened, waited = self._failed("postgres", "unreachable", DEFAULTS.database.connect)
            trace = Trace(opened=opened)
            features = features_of(found, "stale", faults, trace) if level == "stale" else degraded(faults, trace)
            return features, seconds + waited
        self.queries += 1
        took = random.lognormvariate(-4.7, 0.5)  # median 9 ms
        waits, asks = (1, 0) if random.random() < WAITED else (0, 1)
        trace = Trace(asks, round(asks * took * 1e3, 1), waits, round(waits * took * 1e3, 1), opened)
        return features_of(found, "miss" if level == "stale" else level, faults, trace), seconds + took

    def _failed(self, store: str, fault: str, timeout: float) -> tuple[tuple[str, ...], tuple[str, ...], float]:
        """Return the fault, the breakers that it opens, and the seconds of a call to a store that is down."""
        random = self._random
        if random.random() >= TRIED:
            return (f"{store}_breaker_open",), (), 0.0
        return (f"{store}_{fault}",), (store,) * (random.random() < OPENED), timeout + random.uniform(0.0, 0.02)

    def warm(self, now: float) -> WarmingReport:
        """Run cache warming once."""
        random = self._random
        report = WarmingReport(hits=1000, warmed_hits=round(1000 * random.uniform(0.5, 0.7)))
        report.seconds = random.lognormvariate(-1.4, 0.2)
        if schedule.REDIS_DOWN.has(now):
            report.faults.append("redis_timeout")
            return report
        due = 0 if schedule.DATABASE_DOWN.has(now) else round(HOT * (random.uniform(0.01, 0.04) + 1 - filled(now)))
        report.considered, report.skipped, report.refreshed, report.queries = HOT, HOT - due, due, int(due > 0)
        return report


IDENTIFY, ANIMALS, UPLOADS, IDENTIFY_UPLOAD = "/identify", "/animals", "/uploads", "/uploads/{id}/identify"

_ROUTES = {IDENTIFY: 0.88, ANIMALS: 0.06, UPLOADS: 0.03, IDENTIFY_UPLOAD: 0.03}
_MISTAKES: Mapping[type[errors.ClientError], float] = {
    errors.LocationMissing: 0.55,
    errors.PhotoUnreadable: 0.16,
    errors.UnsupportedMediaType: 0.13,
    errors.PhotoTooLarge: 0.09,
    errors.LocationInvalid: 0.07,
}
_RANKS = {"species": 0.58, "breed": 0.12, "genus": 0.08, "family": 0.09, "order": 0.06, "class": 0.07}
_SOURCES: Mapping["Source", float] = {"exif": 0.55, "request": 0.38, "none": 0.07}
REJECTED, FAILED, NO_ANIMAL, UNEXPECTED = 0.03, 0.00015, 0.03, 0.015
"""Shares of requests that are rejected or fail, or whose photo has no animal, or one that does not live there."""
PACKS = {"birds": 0.35, "insects": 0.15}
SECOND_LOOKS, BOXED = 0.3, 0.1
"""Shares of identifications that ask a pack, get a second look, or have boxes."""
SHADOW: Mapping[Result, float] = {"same": 0.935, "narrower": 0.008, "wider": 0.007, "other": 0.01, "missed": 0.04}
"""Shares of identifications by the result of the comparison with a dataset in shadow; `missed`: none was made."""
NAMES = ("koala", "red fox", "mallard", "tabby", "house finch", "impala", "robin", "ibex", "bullfrog", "monarch")
MODEL_VERSION = "71d949d78aae"
IDLE = 420.0
"""Seconds after which Lambda removes an idle container."""


@dataclass(slots=True)
class SimulatedRecord(Record):
    """A record with a simulated duration. `total`: the duration in seconds."""

    total: float = 0.0

    def elapsed(self) -> float:
        """Return the duration in milliseconds, rounded to 0.1."""
        return round(self.total * 1e3, 1)


class Traffic:
    """Simulates the requests of the day."""

    def __init__(self, random: Random, lookups: Lookups) -> None:
        self._random, self._lookups = random, lookups
        self._free: list[float] = []  # for each container, when its last request ends

    def busy(self, now: float) -> int:
        """Return the number of containers that are serving a request."""
        return sum(free > now for free in self._free)

    def request(self, arrival: float) -> SimulatedRecord:
        """Simulate one request, in the container that worked last or in a new one."""
        random = self._random
        self._free = [free for free in self._free if arrival - free < IDLE]
        idle = [free for free in self._free if free <= arrival]
        record = SimulatedRecord(f"{random.getrandbits(128):032x}", self._one_of(_ROUTES))
        if idle:
            self._free.remove(max(idle))
        else:
            record.initialisation = random.lognormvariate(0.35, 0.18)  # median 1.4 s
        if record.route == UPLOADS:
            record.total = random.lognormvariate(-5.5, 0.4)
        elif record.route == ANIMALS:
            self._look_up(record, arrival)
        else:
            self._identify(record, arrival, cold=not idle)
        record.total += sum(record.seconds.values()) + random.uniform(0.0005, 0.002)
        self._free.append(arrival + record.total + (record.initialisation or 0.0))
        return record

    def _look_up(self, record: SimulatedRecord, arrival: float) -> Features:
        features, record.seconds["features"] = self._lookups.at(arrival)
        record.note(of_features(None, features))
        return features

    def _identify(self, record: SimulatedRecord, arrival: float, *, cold: bool) -> None:
        random, error, draw = self._random, None, self._random.random()
        if draw < FAILED + REJECTED:
            error = errors.InternalError("simulated") if draw < FAILED else self._one_of(_MISTAKES)("simulated")
            record.failure = Failure.of(error)
        pixels = min(random.lognormvariate(2.3, 0.45) * (1.6 if record.route == IDENTIFY_UPLOAD else 1.0), 60.0)
        if not isinstance(error, errors.UnsupportedMediaType | errors.PhotoTooLarge):
            size = round(pixels * 240_000 * random.uniform(0.7, 1.4))
            record.note(Notes({"PhotoBytes": size, "PhotoMegapixels": round(pixels, 1)}))
        record.seconds["photo"] = pixels * 0.003 * random.lognormvariate(0, 0.25) * (1.7 if cold else 1.0)
        if isinstance(error, errors.ClientError):
            return
        record.seconds["location"] = random.lognormvariate(-8.1, 0.4)
        source, features = self._one_of(_SOURCES), NO_LOCATION
        if source == "none":
            record.note(of_features(None, features))
        else:
            features = self._look_up(record, arrival)
        record.seconds["scoring"] = random.lognormvariate(-3.9, 0.12) * (1.5 if cold else 1.0)
        if error:
            return
        record.note(self._outcome(features, source, record).notes())
        if schedule.IN_SHADOW.has(arrival) and features.mode == "narrowed":
            result = self._one_of(SHADOW)
            gain = random.gauss(0.004, 0.03) if result == "same" else None
            record.note(of_comparison("dataset", result, gain, "e41b6d0c2a97"))

    def _outcome(self, features: Features, source: "Source", record: SimulatedRecord) -> Outcome:
        """Return the outcome of an identification, from which metrics are counted."""
        random, animals = self._random, None
        here: Here | None = None
        if is_narrowed := features.mode == "narrowed":
            here = "unexpected" if random.random() < UNEXPECTED else "native"
        if random.random() < BOXED:
            animals = round(random.lognormvariate(0.2, 0.5))
            record.seconds["boxes"] = random.lognormvariate(-2.6, 0.15)
        name, is_named = NAMES[int(random.paretovariate(1.2)) % len(NAMES)], random.random() >= NO_ANIMAL
        asked = (name for name, share in PACKS.items() if random.random() < share)
        return Outcome(
            source=source,
            taxon=name.replace(" ", "-"),
            name=name,
            # Narrowing makes the model more confident, since similar animals from other places drop out.
            score=round(random.betavariate(5.0, 1.3 if is_narrowed else 2.2), 4),
            here=here,
            rank=self._one_of(_RANKS) if is_named else None,
            model_version=MODEL_VERSION,
            packs={name: round(random.lognormvariate(2.9, 0.15), 1) for name in asked},
            has_animal=is_named,
            is_unexpected=is_named and here == "unexpected",
            looked_twice=random.random() < SECOND_LOOKS,
            animals=animals,
        )

    def _one_of[T](self, shares: Mapping[T, float]) -> T:
        return self._random.choices(list(shares), list(shares.values()))[0]

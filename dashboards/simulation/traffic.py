"""Simulate the requests of the day as the app's own records, from which the metrics are written, and the containers.

Feature lookups and warming are simulated only as far as metrics show them: Redis, a container's memory, leases and
breakers each affect a fixed share of the lookups.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from random import Random
from typing import Any

import numpy as np

from chalicelib import errors
from chalicelib.config.settings import Settings
from chalicelib.features.codec import CellAnimals
from chalicelib.features.features import NO_LOCATION, CacheLevel, Features, Trace, degraded, features_of
from chalicelib.features.warming import WarmingReport
from chalicelib.shadow import Result, of_comparison
from chalicelib.telemetry.record import Failure, Notes, Outcome, Record, of_features
from dashboards.simulation import schedule

DEFAULTS = Settings()
HOT = 400
"""Number of cells that warming keeps in Redis."""
IDLE = 420.0
"""Seconds after which Lambda removes an idle container."""
_IDS, _WEIGHTS, _STATUS = np.arange(500, dtype=np.int32), np.ones(500, np.float32), np.ones(500, np.uint8)

# The shares of requests and of identifications

IDENTIFY, ANIMALS, UPLOADS, IDENTIFY_UPLOAD = "/identify", "/animals", "/uploads", "/uploads/{id}/identify"
_ROUTES = {IDENTIFY: 0.88, ANIMALS: 0.06, UPLOADS: 0.03, IDENTIFY_UPLOAD: 0.03}
_MISTAKES: Mapping[type[errors.ClientError], float] = {
    errors.LocationMissing: 0.55,
    errors.PhotoUnreadable: 0.16,
    errors.UnsupportedMediaType: 0.13,
} | {errors.PhotoTooLarge: 0.09, errors.LocationInvalid: 0.07}
_RANKS = {"species": 0.58, "breed": 0.12, "genus": 0.08, "family": 0.09, "order": 0.06, "class": 0.07}
_SOURCES: Mapping[Any, float] = {"exif": 0.55, "request": 0.38, "none": 0.07}
_PACKS = {"birds": 0.35, "insects": 0.15}
_SHADOW: Mapping[Result, float] = {"same": 0.935, "narrower": 0.008, "wider": 0.007, "other": 0.01, "missed": 0.04}
"""By the result of the comparison with a dataset in shadow; `missed`: none was made."""
_NAMES = ("koala", "red fox", "mallard", "tabby", "house finch", "impala", "robin", "ibex", "bullfrog", "monarch")


def filled(now: float) -> float:
    """Return the share of its usual cells that Redis has now: below 1 for a while after it is flushed."""
    since = now - schedule.FLUSH.begin
    return 1 - exp(-since / 600) if since >= 0 else 1.0


@dataclass(slots=True)
class SimulatedRecord(Record):
    """A record with a simulated duration. `total`: the duration in seconds."""

    total: float = 0.0

    def elapsed(self) -> float:
        """Return the duration in milliseconds, rounded to 0.1."""
        return round(self.total * 1e3, 1)


class Traffic:
    """Simulates the requests of the day, and warming.

    `commands`, `queries`: those sent to Redis and to the database since the caller's last reset.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._free: list[float] = []  # for each container, when its last request ends
        self.commands = self.queries = 0

    def busy(self, now: float) -> int:
        """Return the number of containers that are serving a request."""
        return sum(free > now for free in self._free)

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
        features, record.seconds["features"] = self._features(arrival)
        record.note(of_features(None, features))
        return features

    def _features(self, now: float) -> tuple[Features, float]:
        """Return the features of a cell, and the seconds that the lookup took."""
        random = self._random
        count = 0 if random.random() < 0.03 else round(random.uniform(40, 140))
        areas = ("AU",) if count else ()
        found = CellAnimals(0, "b0491d054589", areas, _IDS[:count], _WEIGHTS[:count], _STATUS[:count])
        if random.random() < 0.4:  # in the container's memory
            return features_of(found, "memory"), 0.00003
        level: CacheLevel = "bypass"
        if schedule.REDIS_DOWN.has(now):
            faults, opened, seconds = self._failed("redis", "timeout", DEFAULTS.redis.connect)
        else:
            level, faults, opened, seconds = "miss", (), (), random.lognormvariate(-6.4, 0.35)  # median 1.7 ms
            self.commands += 1
            draw = random.random() / (filled(now) or 1e-9)
            if draw < 0.65:
                return features_of(found, "hit", trace=Trace(warmed=random.random() < 0.6)), seconds
            if draw < 0.75:
                level = "stale"
        if schedule.DATABASE_DOWN.has(now):
            faults, opened, waited = self._failed("postgres", "unreachable", DEFAULTS.database.connect)
            trace = Trace(opened=opened)
            features = features_of(found, "stale", faults, trace) if level == "stale" else degraded(faults, trace)
            return features, seconds + waited
        self.queries += 1
        took = random.lognormvariate(-4.7, 0.5)  # median 9 ms
        waits, asks = (1, 0) if random.random() < 0.05 else (0, 1)  # for another process's lease
        trace = Trace(asks, round(asks * took * 1e3, 1), waits, round(waits * took * 1e3, 1), opened)
        return features_of(found, "miss" if level == "stale" else level, faults, trace), seconds + took

    def _failed(self, store: str, fault: str, timeout: float) -> tuple[tuple[str, ...], tuple[str, ...], float]:
        """Return the fault, the breakers that it opens, and the seconds of a call to a store that is down."""
        random = self._random
        if random.random() >= 0.4:
            return (f"{store}_breaker_open",), (), 0.0
        return (f"{store}_{fault}",), (store,) * (random.random() < 0.5), timeout + random.uniform(0.0, 0.02)

    def _identify(self, record: SimulatedRecord, arrival: float, *, cold: bool) -> None:
        random, error, draw = self._random, None, self._random.random()
        if draw < 0.03:
            error = errors.InternalError("simulated") if draw < 0.00015 else self._one_of(_MISTAKES)("simulated")
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
        is_narrowed, is_named = features.mode == "narrowed", random.random() >= 0.03
        is_unexpected = is_narrowed and random.random() < 0.015
        animals = round(random.lognormvariate(0.2, 0.5)) if random.random() < 0.1 else None
        if animals is not None:
            record.seconds["boxes"] = random.lognormvariate(-2.6, 0.15)
        name = _NAMES[int(random.paretovariate(1.2)) % len(_NAMES)]
        packs = [pack for pack, share in _PACKS.items() if random.random() < share]
        outcome = Outcome(
            source=source,
            taxon=name.replace(" ", "-"),
            name=name,
            # Narrowing makes the model more confident, since similar animals from other places drop out.
            score=round(random.betavariate(5.0, 1.3 if is_narrowed else 2.2), 4),
            here=("unexpected" if is_unexpected else "native") if is_narrowed else None,
            rank=self._one_of(_RANKS) if is_named else None,
            model_version="71d949d78aae",
            packs={pack: round(random.lognormvariate(2.9, 0.15), 1) for pack in packs},
            has_animal=is_named,
            is_unexpected=is_named and is_unexpected,
            looked_twice=random.random() < 0.3,
            animals=animals,
        )
        record.note(outcome.notes())
        if schedule.IN_SHADOW.has(arrival) and is_narrowed:
            result = self._one_of(_SHADOW)
            gain = random.gauss(0.004, 0.03) if result == "same" else None
            record.note(of_comparison("dataset", result, gain, "e41b6d0c2a97"))

    def _one_of[T](self, shares: Mapping[T, float]) -> T:
        return self._random.choices(list(shares), list(shares.values()))[0]

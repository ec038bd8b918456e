"""Who asks on the simulated day: photos, places, mistakes; and what the model makes of it, as records of requests."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, cast

from chalicelib import errors
from chalicelib.api.responses import (
    Answer,
    Candidate,
    FeaturesUsed,
    Here,
    ModelUsed,
    Place,
    PredictedTaxon,
    Source,
    Timings,
)
from chalicelib.features.features import NO_LOCATION, Features
from chalicelib.telemetry.record import Failure, Record
from cloudwatch.simulation.fleet import Container, Fleet

if TYPE_CHECKING:
    from chalicelib.photo.decode import Photo

IDENTIFY, ANIMALS, UPLOADS, IDENTIFY_UPLOAD = "/identify", "/animals", "/uploads", "/uploads/{id}/identify"

_ROUTES = ((IDENTIFY, 0.88), (ANIMALS, 0.06), (UPLOADS, 0.03), (IDENTIFY_UPLOAD, 0.03))
_MISTAKES: Sequence[tuple[type[errors.ClientError], float]] = (
    (errors.LocationMissing, 0.55),
    (errors.PhotoUnreadable, 0.16),
    (errors.UnsupportedMediaType, 0.13),
    (errors.PhotoTooLarge, 0.09),
    (errors.LocationInvalid, 0.07),
)
_RANKS = (
    ("species", 0.58),
    ("breed", 0.12),
    ("genus", 0.08),
    ("family", 0.09),
    ("order", 0.06),
    ("class", 0.05),
    ("kingdom", 0.02),
)
_SOURCES = (("exif", 0.55), ("request", 0.38), ("none", 0.07))
MISTAKEN, BROKEN, NO_ANIMAL, UNEXPECTED = 0.03, 0.00015, 0.03, 0.015
"""Shares of requests: turned down, failed for a fault of ours, without an animal, with one that does not live there."""
NAMES = ("koala", "red fox", "mallard", "tabby", "house finch", "impala", "robin", "ibex", "bullfrog", "monarch")
_MODEL = ModelUsed("faunalens-efficientnet-lite2", "927898b77542")


@dataclass(frozen=True, slots=True)
class Sent:
    """A photo as far as metrics know it."""

    size_in_bytes: int
    megapixels: float


@dataclass(slots=True)
class Told(Record):
    """A record whose time is told by the simulation, in seconds, not by the clock."""

    total: float = 0.0

    def elapsed(self) -> float:
        """Time from door to door, in milliseconds to a tenth."""
        return round(self.total * 1e3, 1)


class Traffic:
    """Makes the requests of the day. `cells`: where they are, the busiest first."""

    def __init__(self, random: Random, cells: Sequence[int], texts: Sequence[str]) -> None:
        self._random = random
        self._texts = dict(zip(cells, texts, strict=True))
        self._cells = cells
        self._demand = list(accumulate(1 / (place + 4) ** 0.7 for place in range(len(cells))))  # Zipf, flat at its top

    def ask(self, moment: float, fleet: Fleet) -> Told:
        """One request at a moment, answered by the fleet."""
        random = self._random
        container, started = fleet.container(moment)
        record = Told(f"{random.getrandbits(128):032x}", self._one_of(_ROUTES))
        if started:
            record.initialisation = random.lognormvariate(0.35, 0.18)  # 1.4 s in the middle
        if record.route == UPLOADS:
            record.total = random.lognormvariate(-5.5, 0.4)
        elif record.route == ANIMALS:
            self._look_up(record, moment, fleet, container)
        else:
            self._identify(record, moment, fleet, container, slow=started)
        record.total += sum(record.seconds.values()) + random.uniform(0.0005, 0.002)
        container.free = moment + record.total + (record.initialisation or 0.0)
        return record

    def _look_up(self, record: Told, moment: float, fleet: Fleet, container: Container) -> None:
        record.features, record.seconds["features"] = fleet.features(self._cell(), moment, container)

    def _identify(self, record: Told, moment: float, fleet: Fleet, container: Container, *, slow: bool) -> None:
        random = self._random
        error = self._mistake()
        pixels = min(random.lognormvariate(2.3, 0.45) * (1.6 if record.route == IDENTIFY_UPLOAD else 1.0), 60.0)
        if not isinstance(error, errors.UnsupportedMediaType | errors.PhotoTooLarge):
            sent = Sent(round(pixels * 240_000 * random.uniform(0.7, 1.4)), round(pixels, 1))
            record.photo = cast("Photo", sent)  # metrics read only these two
        record.seconds["photo"] = pixels * 0.003 * random.lognormvariate(0, 0.25) * (1.7 if slow else 1.0)
        if isinstance(error, errors.ClientError):
            record.failure = Failure.of(error)
            return
        record.seconds["location"] = random.lognormvariate(-8.1, 0.4)
        source = cast("Source", self._one_of(_SOURCES))
        cell = None if source == "none" else self._cell()
        if cell is None:
            record.features = NO_LOCATION
        else:
            record.features, record.seconds["features"] = fleet.features(cell, moment, container)
        record.seconds["scoring"] = random.lognormvariate(-3.9, 0.12) * (1.5 if slow else 1.0)
        if error:
            record.failure = Failure.of(error)
        else:
            record.answer = self._answer(record, record.features, source, cell)

    def _mistake(self) -> errors.HTTPError | None:
        draw = self._random.random()
        if draw < BROKEN:
            return errors.InternalError("simulated")
        return self._one_of(_MISTAKES)("simulated") if draw < BROKEN + MISTAKEN else None

    def _answer(self, record: Told, features: Features, source: Source, cell: int | None) -> Answer:
        random = self._random
        # Narrowing makes the model surer: look-alikes from elsewhere are out of the way.
        score = random.betavariate(5.0, 1.3 if features.mode == "narrowed" else 2.2)
        known = features.mode == "narrowed"
        here: Here | None = ("unexpected" if random.random() < UNEXPECTED else "native") if known else None
        animal = int(random.paretovariate(1.2)) % 398
        name = NAMES[animal % len(NAMES)]
        best = Candidate(animal, name, name, "species", round(score, 4), round(score * 0.93, 4), here)
        rank = self._one_of(_RANKS)
        nothing = random.random() < NO_ANIMAL
        text = None if cell is None else self._texts[cell]
        return Answer(
            message="",
            prediction=None if nothing else PredictedTaxon(name, name, rank, best.score),
            candidates=(best,),
            animal_probability=0.4 if nothing else 0.99,
            location=Place(source, text, None, features.areas),
            features=FeaturesUsed(features.mode, features.cache, len(features.animals), features.version),
            model=_MODEL,
            timings_ms=Timings(0.0, 0.0, 0.0, 0.0),
            request_id=record.request_id,
        )

    def _cell(self) -> int:
        return self._random.choices(self._cells, cum_weights=self._demand)[0]

    def _one_of[T](self, table: Sequence[tuple[T, float]]) -> T:
        draw = self._random.random() * sum(share for _, share in table)
        for each, share in table:
            draw -= share
            if draw < 0:
                return each
        return table[-1][0]

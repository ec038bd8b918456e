"""The metrics of photos, features, identifications and runs, and their properties for queries."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from chalicelib.location import text_of
from chalicelib.telemetry.metrics import DIMENSIONS
from chalicelib.telemetry.record import Notes

if TYPE_CHECKING:
    from chalicelib.features.features import Features
    from chalicelib.features.warming import WarmingReport
    from chalicelib.identification import Identification, Source
    from chalicelib.model.shares import Here
    from chalicelib.photo.photos import PhotoFacts

_MODES = {"narrowed": "Narrowed", "no_location": "NoLocation", "unknown_area": "UnknownArea", "degraded": "Degraded"}
_LEVELS = {
    "memory": "MemoryHits",
    "hit": "CacheHits",
    "stale": "StaleHits",
    "miss": "CacheMisses",
    "bypass": "CacheBypasses",
}
_CACHE_FAULTS = ("redis_", "value_corrupt", "version_corrupt")
_DATABASE_FAULTS = ("postgres_", "lease_failed")
"""Prefixes of the fault codes that count as faults of Redis and of PostgreSQL. `lease_failed` means that the database
had just failed for another process. All other codes, such as `flight_timeout` and `clock_skew`, count as neither."""


def of_photos(photos: "Sequence[PhotoFacts]") -> Notes:
    """Return the metrics of a request's photos: their total size in bytes and in megapixels."""
    size, megapixels = sum(photo.size_in_bytes for photo in photos), sum(photo.megapixels for photo in photos)
    return Notes({"PhotoBytes": size, "PhotoMegapixels": megapixels})


def of_features(cell: int | None, features: "Features") -> Notes:
    """Return the metrics and properties of a feature lookup: source, numbers and faults."""
    metrics: dict[str, float] = {name: int(name == _MODES[features.mode]) for name in _MODES.values()}
    metrics["CacheErrors"] = sum(fault.startswith(_CACHE_FAULTS) for fault in features.faults)
    metrics["DatabaseErrors"] = sum(fault.startswith(_DATABASE_FAULTS) for fault in features.faults)
    trace = features.trace
    if features.mode != "no_location":
        metrics |= {name: int(name == _LEVELS[features.cache]) for name in _LEVELS.values()}
        metrics |= {
            "AnimalsInCell": len(features.found.animals),
            "DatabaseQueries": trace.queries,
            "DatabaseLatency": trace.query_ms,
            "LeaseWaits": trace.lease_waits,
            "BreakerOpenings": len(trace.opened),
        }
    properties: dict[str, Any] = {} if cell is None else {"cell": text_of(cell)}
    properties |= {"mode": features.mode, "cache": features.cache, "features_version": features.version}
    if features.faults:
        properties["faults"] = list(features.faults)
    return Notes(metrics, properties, details=list(trace.details))


class Outcome(NamedTuple):
    """The values of an identification from which its metrics and properties are made.

    `taxon`, `name`, `score` and `here`: of the likeliest animal. `rank`: of the predicted taxon, or None. `packs`: the
    milliseconds of each pack, by name. `has_animal`: whether the photo shows an animal, named or not. `is_unexpected`:
    whether no animal of the predicted taxon is known to live in the cell. `animals`: number of boxes of animals, or
    None without boxes.
    """

    source: "Source"
    taxon: str
    name: str
    score: float
    here: "Here | None"
    rank: str | None
    model_version: str
    packs: Mapping[str, float]
    has_animal: bool = True
    is_unexpected: bool = False
    photos: int = 1
    looked_twice: bool = False
    animals: int | None = None

    @classmethod
    def of(cls, found: "Identification") -> Self:
        """Return the outcome of an identification."""
        recognised = found.recognised
        scores, decision, boxes = recognised.together.scores, recognised.together.decision, recognised.boxes
        (best,) = scores.likeliest(1)
        return cls(
            source=found.source,
            taxon=best.taxon_id,
            name=best.name,
            score=round(float(scores.probabilities[best.output_index]), 4),
            here=recognised.prior.here(best),
            rank=decision.prediction.taxon.rank if decision.prediction else None,
            model_version=recognised.model.version,
            packs={run.pack.name: run.milliseconds for run in scores.packs},
            has_animal=decision.is_animal,
            is_unexpected=decision.is_unexpected,
            photos=len(found.photos),
            looked_twice=recognised.looked_twice,
            animals=len(boxes.animals) if boxes else None,
        )

    def notes(self) -> Notes:
        """Return the metrics, properties and dimensions of the identification."""
        is_named = self.rank is not None
        metrics: dict[str, float] = {
            "Identifications": 1,
            "LocationFromExif": int(self.source == "exif"),
            "LocationFromRequest": int(self.source == "request"),
            "TopScore": self.score,
            "Predictions": int(is_named),
            "NoAnimal": int(not self.has_animal),
            "UnexpectedAnimals": int(self.is_unexpected),
            "PackRuns": len(self.packs),
        }
        metrics |= {"PackLatency": round(sum(self.packs.values()), 1)} if self.packs else {}
        metrics |= {"Boxed": 1} if self.animals is not None else {}
        metrics["SecondLooks"] = int(self.looked_twice)
        properties: dict[str, Any] = {
            "location_source": self.source,
            "taxon": self.taxon,
            "animal_name": self.name,
            "here": self.here,
            "rank": self.rank,
            "model_version": self.model_version,
            "packs": list(self.packs),
            "photos": self.photos,
        }
        rank = self.rank if self.rank in DIMENSIONS["rank"].values else "other"
        return Notes(metrics, properties, {"rank": rank} if is_named else {})


def of_warming(request_id: str, report: "WarmingReport") -> Notes:
    """Return the metrics and properties of a run of cache warming."""
    metrics: dict[str, float] = {
        "WarmingRuns": 1,
        "WarmingLatency": round(report.seconds * 1e3, 1),
        "WarmingRefreshed": report.refreshed,
        "WarmingSkipped": report.skipped,
        "WarmingFailed": report.failed,
        "WarmingFaults": len(report.faults),
    }
    if report.useful is not None:
        metrics["WarmingUseful"] = report.useful
    of_run = {"considered": report.considered, "queries": report.queries, "quiet": report.quiet}
    return Notes(metrics, {"request_id": request_id, **of_run, "faults": report.faults})


def of_batch(
    request_id: str, seconds: float, *, identified: int, unreadable: int, skipped: int, failed: int, queries: int
) -> Notes:
    """Return the metrics of a run of the batch function. `queries`: to PostgreSQL; the other numbers: of photos."""
    metrics: dict[str, float] = {
        "BatchRuns": 1,
        "BatchLatency": round(seconds * 1e3, 1),
        "BatchIdentified": identified,
        "BatchUnreadable": unreadable,
        "BatchSkipped": skipped,
        "BatchFailed": failed,
    }
    return Notes(metrics, {"request_id": request_id, "queries": queries})


def of_damaged_value() -> Notes:
    """Return the metrics of a value about a taxon in Redis that cannot be used."""
    return Notes({"CacheErrors": 1}, {"faults": ["value_corrupt"]})


def of_correction(request_id: str) -> Notes:
    """Return the metrics of a person's correction of an answer, without the text that the person wrote."""
    return Notes({"Corrections": 1}, {"request_id": request_id})

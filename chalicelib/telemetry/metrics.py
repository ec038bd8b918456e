"""Every metric that can be emitted, and every dimension that it can be emitted under. The registry alone.

What fills a record is in record.py, what writes it in emitter.py. docs/reference/metrics.md is made from this, and
`python -m cloudwatch lint` compares dashboards and alarms with it.

Each metric is emitted under (service, stage), and once more for each dimension in its `by`. Every combination of
dimension values is a metric of its own on the bill, so each dimension's values are few and listed here: the cell, the
animal, the model and the request are properties of the line, for Logs Insights.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chalicelib.errors import ClientError

NAMESPACE = "Faunalens"
COMMON = ("service", "stage")
"""Dimensions of every metric."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric that can be emitted: its CloudWatch unit, what it means, and the dimensions it has a set for besides."""

    unit: str
    help: str
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dimension:
    """What a dimension tells apart. `values`: all that it can have; none listed: one a deployment, from a setting."""

    help: str
    values: tuple[str, ...] = ()

    @property
    def bound(self) -> int:
        """The most values that one deployment can emit."""
        return max(1, len(self.values))


def _codes(kind: type[ClientError] = ClientError) -> Iterator[str]:
    """Codes of all errors that are the client's."""
    for each in kind.__subclasses__():
        yield each.code
        yield from _codes(each)


DIMENSIONS: Mapping[str, Dimension] = {
    "service": Dimension("name of the service, setting `SERVICE`"),
    "stage": Dimension("deployed stage, setting `STAGE`"),
    "route": Dimension("path of the API", ("/identify", "/animals", "/uploads", "/uploads/{id}/identify")),
    "code": Dimension("why a request was turned down; docs/reference/errors.md lists them", tuple(_codes())),
    "rank": Dimension(
        "rank of the predicted taxon; `other` is all ranks between these, such as tribe, which the property `rank` has",
        ("kingdom", "phylum", "class", "order", "family", "genus", "species", "breed", "other"),
    ),
}

METRICS: Mapping[str, Metric] = {
    "Requests": Metric("Count", "requests that reached the app", by=("route",)),
    "Faults": Metric("Count", "requests that failed on our side (5xx)", by=("route",)),
    "Rejections": Metric("Count", "requests that were turned down (4xx)", by=("code",)),
    "Latency": Metric("Milliseconds", "whole request", by=("route",)),
    "PhotoLatency": Metric("Milliseconds", "decoding and shrinking the photo"),
    "LocationLatency": Metric("Milliseconds", "finding out where the photo was taken"),
    "FeaturesLatency": Metric("Milliseconds", "getting the features of the cell"),
    "ScoringLatency": Metric("Milliseconds", "running the model"),
    "ColdStarts": Metric("Count", "requests that were a process's first"),
    "InitLatency": Metric(
        "Milliseconds",
        "getting a process ready, from the first line of `app.py` until model and parts are there; told by the "
        "process's first request",
    ),
    "PhotoBytes": Metric("Bytes", "size of the photo as sent"),
    "PhotoMegapixels": Metric("None", "size of the photo in millions of pixels"),
    "LocationFromExif": Metric("Count", "identifications at the place that the photo's EXIF says"),
    "LocationFromRequest": Metric("Count", "identifications at the place that the request says"),
    "Identifications": Metric("Count", "photos that were answered, also that no animal is on them"),
    "Narrowed": Metric("Count", "requests that had the features of their place"),
    "NoLocation": Metric("Count", "identifications without a place, as asked"),
    "UnknownArea": Metric("Count", "requests for a place of which nothing is known, such as the open sea"),
    "Degraded": Metric("Count", "requests whose features could not be had"),
    "MemoryHits": Metric("Count", "features found in the process's memory"),
    "CacheHits": Metric("Count", "features found in Redis"),
    "StaleHits": Metric("Count", "features past their soft expiry that answered all the same"),
    "CacheMisses": Metric("Count", "features that came from PostgreSQL"),
    "CacheBypasses": Metric("Count", "features that were looked for without Redis"),
    "CacheErrors": Metric(
        "Count", "faults of Redis, or of what lay in it, met on the way; property `faults` has their codes"
    ),
    "DatabaseErrors": Metric("Count", "faults of PostgreSQL met on the way; property `faults` has their codes"),
    "DatabaseQueries": Metric("Count", "queries to PostgreSQL, failed ones included"),
    "DatabaseLatency": Metric("Milliseconds", "time that a request spent on queries to PostgreSQL"),
    "LeaseWaits": Metric("Count", "polls for features that another request was fetching"),
    "LeaseWaitLatency": Metric("Milliseconds", "time that a request waited for another's features"),
    "BreakerOpenings": Metric("Count", "circuit breakers of Redis or PostgreSQL that this request opened"),
    "WarmedHits": Metric("Count", "features that the warming schedule had put where they were found"),
    "AnimalsInCell": Metric("Count", "animals known to live in the cell"),
    "TopScore": Metric("None", "score of the likeliest animal, 0 to 1"),
    "Predictions": Metric("Count", "identifications that name a taxon, however wide", by=("rank",)),
    "NoAnimal": Metric("Count", "identifications that recognised no animal"),
    "UnexpectedAnimals": Metric("Count", "likeliest animals that do not live at the place"),
    "WarmingRuns": Metric("Count", "runs of the warming schedule"),
    "WarmingLatency": Metric("Milliseconds", "a whole run of the warming schedule"),
    "WarmingConsidered": Metric("Count", "cells that a run looked after"),
    "WarmingRefreshed": Metric("Count", "cells that a run fetched and wrote"),
    "WarmingSkipped": Metric("Count", "cells that were good for a while yet"),
    "WarmingFailed": Metric("Count", "cells that a run could not refresh, also for want of time"),
    "WarmingQueries": Metric("Count", "queries of a run to PostgreSQL"),
    "WarmingFaults": Metric("Count", "faults that a run met; property `faults` has their codes"),
    "WarmingUseful": Metric("None", "share of hits of the last two hours that were on warmed features, 0 to 1"),
}


def billed() -> int:
    """The most metrics that one deployment can be billed for: each combination of dimension values counts."""
    return sum(1 + sum(DIMENSIONS[dimension].bound for dimension in metric.by) for metric in METRICS.values())

"""The registry of all metrics and their dimensions.

record.py computes the values and emf.py writes them. docs/reference/metrics.md is generated from this registry, and
`python -m dashboards lint` checks dashboards and alarms against it.

Each metric is emitted with the dimensions (service, stage), and again with each dimension in its `by`. CloudWatch bills
every combination of dimension values as a metric, so a dimension has only the few values listed here. Cell, animal,
model and request are properties of the line instead, for Logs Insights.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from chalicelib.errors import AccessError, ClientError, TaxonError, TransportError

MOST = 90
"""Maximum number of metrics of a deployment, one for each value of a dimension: CloudWatch accepts 100 in a directive,
and bills each. A number that no graph needs every minute is a property of the line."""

NAMESPACE = "Faunalens"
COMMON = ("service", "stage")
"""Dimensions that every metric has."""
TIER = "web"
"""Value of the dimension `tier`, which all metrics of the web tier have. So the tier and the function that it invokes
never count a request twice."""


class Metric(NamedTuple):
    """A metric: its CloudWatch unit, its meaning, and its dimensions other than `COMMON`."""

    unit: str
    help: str
    by: tuple[str, ...] = ()


class Dimension(NamedTuple):
    """A dimension: its meaning and possible values. No `values` means one value per deployment, from a setting."""

    help: str
    values: tuple[str, ...] = ()


def _codes(kind: type[ClientError] = ClientError) -> Iterator[str]:
    """Yield the codes of all client errors that a route can raise."""
    for each in kind.__subclasses__():
        if each not in (AccessError, TaxonError, TransportError):
            yield each.code
            yield from _codes(each)


DIMENSIONS: Mapping[str, Dimension] = {
    "service": Dimension("service name, from the setting `SERVICE`"),
    "stage": Dimension("deployment stage, from the setting `STAGE`"),
    "tier": Dimension("`web` for all metrics of the web tier; no other metric has this dimension", (TIER,)),
    "route": Dimension("API path", ("/identify", "/animals", "/uploads", "/uploads/{id}/identify")),
    "code": Dimension("error code of a rejected request; see docs/reference/errors.md", tuple(_codes())),
    "rank": Dimension(
        "rank of the predicted taxon; `other` stands for every other rank, such as order or tribe",
        ("family", "genus", "species", "breed", "other"),
    ),
    "population": Dimension(
        "what is compared: the score of the likeliest animal, what the photo shows, why an answer is wide or missing, "
        "the group of animals by country, whether animals are known to live there, the quality of the photo",
        ("confidence", "subject", "why_not", "taxa", "expected", "quality"),
    ),
}

METRICS: Mapping[str, Metric] = {
    "Requests": Metric("Count", "requests that reached the app", by=("route",)),
    "Faults": Metric("Count", "requests that failed with a server error (5xx)", by=("route",)),
    "Rejections": Metric("Count", "requests rejected with a client error (4xx)", by=("code",)),
    "Latency": Metric("Milliseconds", "duration of a request", by=("route",)),
    "PhotoLatency": Metric("Milliseconds", "time to decode and resize the photo"),
    "FeaturesLatency": Metric("Milliseconds", "time to look up the features of the cell"),
    "ScoringLatency": Metric("Milliseconds", "time to run the model"),
    "ColdStarts": Metric("Count", "process starts; each is counted at the first request of the process"),
    "InitLatency": Metric("Milliseconds", "start of a process, from the first line of `app.py` until all is ready"),
    "PhotoBytes": Metric("Bytes", "size of the photo file"),
    "PhotoMegapixels": Metric("None", "size of the photo in megapixels"),
    "LocationFromExif": Metric("Count", "identifications with the location from EXIF"),
    "LocationFromRequest": Metric("Count", "identifications with the location from the request"),
    "Identifications": Metric("Count", "completed identifications, including those without an animal"),
    "Narrowed": Metric("Count", "requests that used the features of their cell"),
    "NoLocation": Metric("Count", "identifications with `location=none`"),
    "UnknownArea": Metric("Count", "requests for a cell without known animals, such as open sea"),
    "Degraded": Metric("Count", "requests answered without features because Redis or PostgreSQL failed"),
    "MemoryHits": Metric("Count", "features found in the memory of the process"),
    "CacheHits": Metric("Count", "features found in Redis"),
    "StaleHits": Metric("Count", "features used although they were stale (past their soft TTL)"),
    "CacheMisses": Metric("Count", "features queried from PostgreSQL because Redis did not have them"),
    "CacheBypasses": Metric("Count", "feature lookups whose result did not come through Redis"),
    "CacheErrors": Metric("Count", "faults of Redis or of its values during lookups; `faults` has the codes"),
    "DatabaseErrors": Metric("Count", "faults of PostgreSQL during lookups; `faults` has the codes"),
    "DatabaseQueries": Metric("Count", "queries to PostgreSQL, including failed ones"),
    "DatabaseLatency": Metric("Milliseconds", "time that a request spent on queries to PostgreSQL"),
    "LeaseWaits": Metric("Count", "polls of Redis while another request held the lease of the cell"),
    "BreakerOpenings": Metric("Count", "times that the circuit breaker of Redis or PostgreSQL opened"),
    "AnimalsInCell": Metric("Count", "animals known to live in the cell"),
    "TopScore": Metric("None", "score of the likeliest animal, 0 to 1"),
    "Predictions": Metric("Count", "identifications with a predicted taxon of any rank", by=("rank",)),
    "NoAnimal": Metric("Count", "identifications of photos that seem to show no animal"),
    "PackRuns": Metric("Count", "packs that scored a photo after the general model; the property `packs` names them"),
    "PackLatency": Metric("Milliseconds", "time that the packs of an identification took, part of `ScoringLatency`"),
    "SecondLooks": Metric("Count", "identifications in doubt, so that the models scored a part of the photo too"),
    "Boxed": Metric("Count", "identifications with boxes"),
    "BoxLatency": Metric("Milliseconds", "time to find boxes, and to identify the animals in them"),
    "UnexpectedAnimals": Metric("Count", "predictions none of whose animals is known to live in the cell"),
    "ShadowComparisons": Metric(
        "Count",
        "comparisons of an answer with that of a dataset or model in shadow; 0 for one that failed or was late",
    ),
    "ShadowDifferences": Metric(
        "Count", "comparisons in which shadow gave another taxon; the property `shadow_taxon` has it"
    ),
    "ShadowGain": Metric("None", "score in shadow less the score in the answer, if the taxon is the same; -1 to 1"),
    "Drift": Metric(
        "None",
        "population stability index of the last whole hour, from 0; the property `moved` has the classes that moved",
        by=("population",),
    ),
    "WarmingRuns": Metric("Count", "runs of cache warming"),
    "WarmingLatency": Metric("Milliseconds", "duration of a warming run"),
    "WarmingRefreshed": Metric("Count", "cells that a run fetched and wrote to Redis"),
    "WarmingSkipped": Metric("Count", "cells that a run skipped because their features were still fresh"),
    "WarmingFailed": Metric("Count", "cells that a run did not refresh because of an error or lack of time"),
    "WarmingFaults": Metric("Count", "faults during a run; the property `faults` has the codes"),
    "WarmingUseful": Metric("None", "share of hits in the last two hours that were on warmed features, 0 to 1"),
    "BatchRuns": Metric("Count", "runs of the batch function on photos"),
    "BatchLatency": Metric("Milliseconds", "duration of a run on a batch of photos"),
    "BatchIdentified": Metric("Count", "photos of batches that were identified"),
    "BatchUnreadable": Metric("Count", "photos of batches that have no answer and never will; their lines say why"),
    "BatchSkipped": Metric("Count", "photos of batches that had a line already"),
    "BatchFailed": Metric("Count", "photos of batches that have to be tried again, because a dependency failed"),
}

TIER_METRICS: Mapping[str, Metric] = {
    "InvokeLatency": Metric("Milliseconds", "time that the web tier waited for the function"),
    "InvokeFaults": Metric(
        "Count", "invocations that Lambda throttled, or that failed or timed out; the log has codes"
    ),
    "QueueLength": Metric("Count", "largest number of photos that waited for an invocation in a minute, by task"),
    "QueueRefusals": Metric(
        "Count", "requests refused because too many waited or arrived, and connections over the limit"
    ),
    "Drained": Metric("Count", "requests that a task answered after SIGTERM"),
    "CutOff": Metric("Count", "requests that a task left without an answer when it ended"),
    "Corrections": Metric(
        "Count", "answers that a person called wrong; `python -m faunalens.web corrections` lists them"
    ),
}
"""Metrics that only the web tier emits, in addition to those of every request."""

OF_TIER_REQUESTS = ("Requests", "Faults", "Rejections", "Latency", "ColdStarts", "InitLatency")
"""Metrics of a request that the web tier emits, which has neither model nor features."""

ALL_METRICS: Mapping[str, Metric] = {**METRICS, **TIER_METRICS}


def max_billed_metrics() -> int:
    """Return the maximum number of metrics billed for one deployment: all combinations of dimension values."""
    return sum(map(_series, METRICS.values()))


def max_billed_of_tier() -> int:
    """Return the maximum number of metrics billed in addition for a deployment's web tier."""
    return sum(map(_series, [*(METRICS[name] for name in OF_TIER_REQUESTS), *TIER_METRICS.values()]))


def _series(metric: Metric) -> int:
    return 1 + sum(max(1, len(DIMENSIONS[dimension].values)) for dimension in metric.by)

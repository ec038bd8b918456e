"""What AWS itself would measure on the simulated day: API Gateway, Lambda, ElastiCache, Aurora, S3, the logs.

In reality these never come as embedded metrics; they stand in the simulation's file in that form, a line a minute and
resource, each marked `"simulated": true`. Where they follow from requests they do so here too.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from random import Random

from chalicelib.telemetry.record import WarmingRecord
from cloudwatch.files import Placeholders
from cloudwatch.project import SERVICE
from cloudwatch.simulation import day
from cloudwatch.simulation.fleet import Fleet
from cloudwatch.simulation.traffic import Told

type Values = float | Sequence[float]

_UNITS = {
    "Latency": "Milliseconds",
    "Duration": "Milliseconds",
    "SuccessfulReadRequestLatency": "Microseconds",
    "SuccessfulWriteRequestLatency": "Microseconds",
    "ReadLatency": "Seconds",
    "CommitLatency": "Milliseconds",
    "CacheHitRate": "Percent",
    "ACUUtilization": "Percent",
    "CPUUtilization": "Percent",
    "BytesUsedForCache": "Bytes",
    "VolumeBytesUsed": "Bytes",
    "BucketSizeBytes": "Bytes",
    "IncomingBytes": "Bytes",
}
"""Of those that do not count; docs of each service."""
_OVERHEAD = 0.012
"""Seconds that API Gateway adds."""
_VALUE_BYTES = 420
"""Bytes of one cell's features in Redis."""
_LINE_BYTES = 2600
"""Bytes that one request logs."""


class AwsMetrics:
    """Counts what happens in a minute, and tells it as AWS would. `most_capacity`: of the stage's database, ACU."""

    def __init__(self, random: Random, stage: str, most_capacity: float) -> None:
        self._random = random
        self._function = f"{SERVICE}-{stage}"
        self._stage = stage
        self._bucket = f"{self._function}-photos-{Placeholders().account}"
        self._most_capacity = most_capacity
        self._capacity = 0.5
        self._bytes_in_bucket = 40e9
        self._clear()

    def _clear(self) -> None:
        self._durations: list[float] = []
        self._latencies: list[float] = []
        self._warmings: list[float] = []
        self._containers = 0
        self._started = 0
        self._rejected = self._failed = self._throttled = 0
        self._hits = self._misses = 0

    def asked(self, record: Told, busy: int) -> None:
        """A request, and how many containers were at work when it came."""
        self._containers = max(self._containers, busy)
        milliseconds = record.total * 1e3
        initialisation = (record.initialisation or 0.0) * 1e3
        self._started += record.initialisation is not None
        self._durations.append(milliseconds)
        self._latencies.append(milliseconds + initialisation + _OVERHEAD * 1e3 * self._random.lognormvariate(0, 0.3))
        if record.failure:
            self._rejected += record.failure.status < 500
            self._failed += record.failure.status >= 500
        if record.features and record.features.cache in {"hit", "miss", "stale"}:
            self._hits += record.features.cache != "miss"
            self._misses += record.features.cache == "miss"

    def turned_away(self) -> None:
        """A request that found all containers at work, and the function at its limit."""
        self._throttled += 1

    def warmed(self, run: WarmingRecord) -> None:
        """A run of the warming function."""
        self._warmings.append(run.report.seconds * 1e3)

    def minute(self, begin: float, fleet: Fleet) -> Iterator[str]:
        """The lines of the minute that began then."""
        stamp = round((begin + 59.9) * 1e3)
        for namespace, dimensions, metrics in self._told(begin, fleet):
            yield _line(stamp, namespace, dimensions, metrics)
        fleet.commands = fleet.queries = 0
        self._clear()

    def _told(self, begin: float, fleet: Fleet) -> Iterator[tuple[str, Mapping[str, str], Mapping[str, Values]]]:
        function = {"FunctionName": self._function}
        group = f"/aws/lambda/{self._function}"
        if self._latencies:
            calls: dict[str, Values] = {
                "Count": len(self._latencies) + self._throttled,
                "Latency": _rounded(self._latencies),
                "4XXError": self._rejected,
                "5XXError": self._failed + self._throttled,
            }
            yield "AWS/ApiGateway", {"ApiName": SERVICE, "Stage": self._stage}, calls
            runs: dict[str, Values] = {
                "Invocations": len(self._durations),
                "Duration": _rounded(self._durations),
                "Errors": 0,
                "Throttles": self._throttled,
                "ConcurrentExecutions": self._containers,
            }
            yield "AWS/Lambda", function, runs
            yield "AWS/Logs", {"LogGroupName": group}, self._logged(len(self._durations))
        if self._warmings:
            warm = f"{self._function}-warm"
            runs = {"Invocations": len(self._warmings), "Duration": _rounded(self._warmings), "Errors": 0}
            yield "AWS/Lambda", {"FunctionName": warm}, runs
            yield "AWS/Logs", {"LogGroupName": f"{group}-warm"}, self._logged(len(self._warmings))
        if begin not in day.REDIS_DOWN:
            yield "AWS/ElastiCache", {"clusterId": self._function}, self._redis(fleet)
        if begin not in day.DATABASE_DOWN:
            yield "AWS/RDS", {"DBClusterIdentifier": self._function}, self._database(fleet)
        if (begin - day.START) % 86400 == 0:
            for metric, storage, value in (
                ("BucketSizeBytes", "StandardStorage", self._bytes_in_bucket),
                ("NumberOfObjects", "AllStorageTypes", round(self._bytes_in_bucket / 6e6)),
            ):
                yield "AWS/S3", {"BucketName": self._bucket, "StorageType": storage}, {metric: value}

    def _logged(self, runs: int) -> Mapping[str, Values]:
        return {"IncomingBytes": runs * _LINE_BYTES, "EMFValidationErrors": 0, "EMFParsingErrors": 0}

    def _redis(self, fleet: Fleet) -> Mapping[str, Values]:
        random = self._random
        asked = self._hits + self._misses
        commands = min(fleet.commands, 400)
        values: dict[str, Values] = {
            "BytesUsedForCache": 2_000_000 + _VALUE_BYTES * len(fleet.redis),
            "CurrItems": len(fleet.redis) + 40,
            "CurrConnections": 3 + 2 * self._containers,
            "NewConnections": 2 * self._started,
            "ElastiCacheProcessingUnits": 60 + fleet.commands * 1.3,
            "CacheHits": self._hits,
            "CacheMisses": self._misses,
            "SuccessfulReadRequestLatency": _rounded([random.lognormvariate(5.4, 0.4) for _ in range(commands + 1)]),
            "SuccessfulWriteRequestLatency": _rounded([random.lognormvariate(5.6, 0.4) for _ in range(9)]),
        }
        values |= dict.fromkeys(
            ("ThrottledCmds", "Evictions", "AuthenticationFailures", "IamAuthenticationThrottling"), 0.0
        )
        return values | {"CacheHitRate": 100.0 * self._hits / asked} if asked else values

    def _database(self, fleet: Fleet) -> Mapping[str, Values]:
        random = self._random
        wanted = 0.5 + min(fleet.queries, 200) * 0.012
        self._capacity += (wanted - self._capacity) * (0.5 if wanted > self._capacity else 0.07)
        return {
            "ServerlessDatabaseCapacity": round(self._capacity * 2) / 2,
            "ACUUtilization": round(100 * self._capacity / self._most_capacity, 1),
            "CPUUtilization": round(min(6 + fleet.queries * 0.35 + random.random() * 2, 95), 1),
            "DatabaseConnections": min(self._containers, max(fleet.queries, 0)) + 1,
            "ReadLatency": round(random.lognormvariate(-7.6, 0.3), 6),
            "CommitLatency": round(random.lognormvariate(0.6, 0.3), 2),
            "VolumeBytesUsed": 268_435_456,
            "VolumeReadIOPs": fleet.queries * 3,
            "VolumeWriteIOPs": random.randrange(4),
        }


def _line(stamp: int, namespace: str, dimensions: Mapping[str, str], metrics: Mapping[str, Values]) -> str:
    listed = [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in metrics]
    directive = {"Namespace": namespace, "Dimensions": [list(dimensions)], "Metrics": listed}
    told = {"_aws": {"Timestamp": stamp, "CloudWatchMetrics": [directive]}, "simulated": True}
    return json.dumps({**told, **dimensions, **metrics}, separators=(",", ":")) + "\n"


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 1) for value in values]

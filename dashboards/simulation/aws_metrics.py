"""Simulate the metrics that AWS itself emits: API Gateway, Lambda, ElastiCache, Aurora, S3 and CloudWatch Logs.

AWS does not emit these as embedded metrics, but the simulation does: it writes one line per minute and resource, marked
`"simulated": true`. Metrics that depend on requests are computed from the simulated requests.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random

from chalicelib.features.warming import WarmingReport
from dashboards.files import Placeholders
from dashboards.lint.known_metrics import aws_metrics
from dashboards.project import SERVICE
from dashboards.simulation import schedule
from dashboards.simulation.traffic import CELLS, Lookups, SimulatedRecord

type Values = Mapping[str, float | Sequence[float]]
type Resource = tuple[str, Mapping[str, str], Values]
"""Namespace, dimensions and metrics of a resource on AWS."""

_OVERHEAD = 12.0
"""Milliseconds that API Gateway adds."""
_VALUE_BYTES = 420
"""Bytes of one cell's features in Redis."""
_LINE_BYTES = 2600
"""Bytes that one request logs."""


def lines_of(resources: Iterable[Resource], begin: float) -> Iterator[str]:
    """Yield a line for each resource, for the minute that started at `begin` (seconds since 1970)."""
    stamp = round((begin + 59.9) * 1e3)
    for namespace, dimensions, metrics in resources:
        listed = [{"Name": name, "Unit": aws_metrics()[namespace][name].unit} for name in metrics]
        directive = {"Namespace": namespace, "Dimensions": [list(dimensions)], "Metrics": listed}
        head = {"_aws": {"Timestamp": stamp, "CloudWatchMetrics": [directive]}, "simulated": True}
        yield json.dumps({**head, **dimensions, **metrics}, separators=(",", ":")) + "\n"


class AwsMetrics:
    """Counts events and writes AWS's metrics for each minute. `most_capacity`: the database's limit in ACU."""

    def __init__(self, random: Random, stage: str, most_capacity: float, lookups: Lookups) -> None:
        self._random, self._lookups, self._stage, self._function = random, lookups, stage, f"{SERVICE}-{stage}"
        self._most_capacity, self._capacity = most_capacity, 0.5
        self._reset()

    def _reset(self) -> None:
        self._durations, self._latencies, self._warmings = list[float](), list[float](), list[float]()
        self._containers, self._counts = 0, Counter[str]()
        self._lookups.commands = self._lookups.queries = 0

    def add_request(self, record: SimulatedRecord, busy: int) -> None:
        """Count a request. `busy`: number of containers that were serving requests when the request arrived."""
        self._containers = max(self._containers, busy)
        self._counts["started"] += record.initialisation is not None
        milliseconds = record.total * 1e3
        overhead = (record.initialisation or 0.0) * 1e3 + _OVERHEAD * self._random.lognormvariate(0, 0.3)
        self._durations.append(round(milliseconds, 1))
        self._latencies.append(round(milliseconds + overhead, 1))
        if record.failure:
            self._counts["rejected" if record.failure.status < 500 else "failed"] += 1
        if cache := record.notes.properties.get("cache"):
            self._counts[cache] += 1

    def add_throttled(self) -> None:
        """Count a request that Lambda rejected because all containers were busy."""
        self._counts["throttled"] += 1

    def add_warming(self, report: WarmingReport) -> None:
        """Count a run of the warming function."""
        self._warmings.append(round(report.seconds * 1e3, 1))

    def lines_of_minute(self, begin: float) -> Iterator[str]:
        """Yield the lines of the minute that started at `begin` (seconds since 1970), and reset the counts."""
        yield from lines_of(self._resources(begin), begin)
        self._reset()

    def _resources(self, begin: float) -> Iterator[Resource]:
        counts = self._counts
        if self._latencies:
            calls: Values = {
                "Count": len(self._latencies) + counts["throttled"],
                "Latency": self._latencies,
                "4XXError": counts["rejected"],
                "5XXError": counts["failed"] + counts["throttled"],
            }
            yield "AWS/ApiGateway", {"ApiName": SERVICE, "Stage": self._stage}, calls
            extra = {"Throttles": counts["throttled"], "ConcurrentExecutions": self._containers}
            yield from self._function_metrics(self._function, self._durations, extra)
        if self._warmings:
            yield from self._function_metrics(f"{self._function}-warm", self._warmings, {})
        if begin not in schedule.REDIS_DOWN:
            yield "AWS/ElastiCache", {"clusterId": self._function}, self._redis(begin)
        if begin not in schedule.DATABASE_DOWN:
            yield "AWS/RDS", {"DBClusterIdentifier": self._function}, self._database()
            for number in (1, 2):  # the writer, and the reader if there is one
                instance = {"DBInstanceIdentifier": f"{self._function}-{number}"}
                yield "AWS/RDS", instance, {"IamDbAuthConnectionFailureThrottling": 0}
        if begin == schedule.START:
            bucket = {"BucketName": f"{self._function}-photos-{Placeholders().account}"}
            yield "AWS/S3", {**bucket, "StorageType": "StandardStorage"}, {"BucketSizeBytes": 40e9}
            yield "AWS/S3", {**bucket, "StorageType": "AllStorageTypes"}, {"NumberOfObjects": 6667}

    def _function_metrics(self, name: str, durations: list[float], extra: Values) -> Iterator[Resource]:
        runs = len(durations)
        yield "AWS/Lambda", {"FunctionName": name}, {"Invocations": runs, "Duration": durations, "Errors": 0, **extra}
        logged: Values = {"IncomingBytes": runs * _LINE_BYTES, "EMFValidationErrors": 0, "EMFParsingErrors": 0}
        yield "AWS/Logs", {"LogGroupName": f"/aws/lambda/{name}"}, logged

    def _redis(self, begin: float) -> Values:
        random, commands = self._random, self._lookups.commands
        keys = round(CELLS * self._lookups.filled(begin))
        hits, misses = self._counts["hit"] + self._counts["stale"], self._counts["miss"]
        reads = [round(random.lognormvariate(5.4, 0.4), 1) for _ in range(min(commands, 400) + 1)]
        values: Values = {
            "BytesUsedForCache": 2_000_000 + _VALUE_BYTES * keys,
            "CurrItems": keys + 40,
            "CurrConnections": 3 + 2 * self._containers,
            "NewConnections": 2 * self._counts["started"],
            "ElastiCacheProcessingUnits": 60 + commands * 1.3,
            "CacheHits": hits,
            "CacheMisses": misses,
            "SuccessfulReadRequestLatency": reads,
            "SuccessfulWriteRequestLatency": [round(random.lognormvariate(5.6, 0.4), 1) for _ in range(9)],
            **dict.fromkeys(("ThrottledCmds", "Evictions", "AuthenticationFailures", "IamAuthenticationThrottling"), 0),
        }
        return {**values, "CacheHitRate": 100.0 * hits / (hits + misses)} if hits + misses else values

    def _database(self) -> Values:
        random, queries = self._random, self._lookups.queries
        wanted = 0.5 + min(queries, 200) * 0.012
        self._capacity += (wanted - self._capacity) * (0.5 if wanted > self._capacity else 0.07)
        return {
            "ServerlessDatabaseCapacity": round(self._capacity * 2) / 2,
            "ACUUtilization": round(100 * self._capacity / self._most_capacity, 1),
            "CPUUtilization": round(min(6 + queries * 0.35 + random.random() * 2, 95), 1),
            "DatabaseConnections": min(self._containers, queries) + 1,
            "IamDbAuthConnectionFailureThrottling": 0,
            "ReadLatency": round(random.lognormvariate(-7.6, 0.3), 6),
            "CommitLatency": round(random.lognormvariate(0.6, 0.3), 2),
            "VolumeBytesUsed": 268_435_456,
            "VolumeReadIOPs": queries * 3,
            "VolumeWriteIOPs": random.randrange(4),
        }

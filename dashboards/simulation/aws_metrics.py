"""Simulate the metrics that AWS itself emits, and what runs beside the API function: the web tier and the inbox.

AWS does not emit these as embedded metrics, but the simulation does: it writes one line per minute and resource, marked
`"simulated": true` if it is AWS's. Metrics that depend on requests are computed from the simulated requests.

The web tier is a load balancer and tasks on Fargate, with a few visitors a minute. Cameras with a modem send the inbox
a photo every other minute. One memory card is copied to it at night, and another while the database is down, so that
its photos fail and are delivered again until the database is back.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from random import Random
from typing import Any

from chalicelib.features.warming import WarmingReport
from chalicelib.telemetry.metrics import TIER
from dashboards.files import Placeholders
from dashboards.lint.known_metrics import OURS, known_metrics
from dashboards.project import BALANCER, SERVICE, TARGETS
from dashboards.simulation import schedule
from dashboards.simulation.traffic import IDENTIFY, SimulatedRecord, Traffic, filled

type Values = Mapping[str, float | Sequence[float]]
type Resource = tuple[str, Mapping[str, str], Values]
"""Namespace, dimensions and metrics of a resource."""
_READABLE: Values = {"EMFValidationErrors": 0, "EMFParsingErrors": 0}


def lines_of(resources: Iterable[Resource], begin: float) -> Iterator[str]:
    """Yield a line for each resource, for the minute that started at `begin` (seconds since 1970)."""
    stamp = round((begin + 59.9) * 1e3)
    for namespace, dimensions, metrics in resources:
        listed = [{"Name": name, "Unit": _units()[namespace, name]} for name in metrics]
        directive = {"Namespace": namespace, "Dimensions": [list(dimensions)], "Metrics": listed}
        head: dict[str, Any] = {"_aws": {"Timestamp": stamp, "CloudWatchMetrics": [directive]}}
        head |= {} if namespace == OURS else {"simulated": True}
        yield json.dumps({**head, **dimensions, **metrics}, separators=(",", ":")) + "\n"


@cache
def _units() -> dict[tuple[str, str], str]:
    return {(namespace, name): each.unit for namespace, some in known_metrics().items() for name, each in some.items()}


def _milliseconds(seconds: Iterable[float]) -> list[float]:
    return [round(each * 1e3, 1) for each in seconds]


def _function(name: str, seconds: Iterable[float], **more: float) -> Iterator[Resource]:
    """Yield the metrics of a function on Lambda and of its log, to which each run writes 2,600 bytes."""
    took = _milliseconds(seconds)
    runs: Values = {"Invocations": len(took), "Duration": took, "Errors": 0, **more}
    yield "AWS/Lambda", {"FunctionName": name}, runs
    yield "AWS/Logs", {"LogGroupName": f"/aws/lambda/{name}"}, {"IncomingBytes": len(took) * 2600, **_READABLE}


class Api:
    """The metrics of AWS for the API. `most_capacity`: the database's limit in ACU."""

    def __init__(self, random: Random, stage: str, most_capacity: float, traffic: Traffic) -> None:
        self._random, self._traffic, self._name = random, traffic, f"{SERVICE}-{stage}"
        self._most_capacity, self._capacity = most_capacity, 0.5

    def minute(
        self, begin: float, records: Sequence[SimulatedRecord], busy: int, throttled: int, runs: Sequence[WarmingReport]
    ) -> Iterator[Resource]:
        """Yield the metrics of a minute. `busy`: most containers in use; `runs`: of warming."""
        random, name = self._random, self._name
        if records:
            statuses = [record.failure.status for record in records if record.failure]
            overheads = ((each.initialisation or 0) + 0.012 * random.lognormvariate(0, 0.3) for each in records)
            calls: Values = {
                "Count": len(records) + throttled,
                "Latency": _milliseconds(each.total + more for each, more in zip(records, overheads, strict=True)),
                "4XXError": sum(status < 500 for status in statuses),
                "5XXError": sum(status >= 500 for status in statuses) + throttled,
            }
            stage = name.removeprefix(f"{SERVICE}-")
            yield "AWS/ApiGateway", {"ApiName": SERVICE, "Stage": stage}, calls
            used = {"Throttles": throttled, "ConcurrentExecutions": busy}
            yield from _function(name, [record.total for record in records], **used)
        if runs:
            yield from _function(f"{name}-warm", [report.seconds for report in runs])
        if not schedule.REDIS_DOWN.has(begin):
            yield "AWS/ElastiCache", {"clusterId": name}, self._redis(begin, records, busy)
        if not schedule.DATABASE_DOWN.has(begin):
            yield "AWS/RDS", {"DBClusterIdentifier": name}, self._database(busy)
            for number in (1, 2):  # the writer, and the reader if there is one
                instance = {"DBInstanceIdentifier": f"{name}-{number}"}
                yield "AWS/RDS", instance, {"IamDbAuthConnectionFailureThrottling": 0}
        if begin == schedule.START:
            bucket = {"BucketName": f"{name}-photos-{Placeholders().account}"}
            yield "AWS/S3", {**bucket, "StorageType": "StandardStorage"}, {"BucketSizeBytes": 40e9}
            yield "AWS/S3", {**bucket, "StorageType": "AllStorageTypes"}, {"NumberOfObjects": 6667}
        self._traffic.commands = self._traffic.queries = 0

    def _redis(self, begin: float, records: Sequence[SimulatedRecord], busy: int) -> Values:
        commands, keys = self._traffic.commands, round(6000 * filled(begin))
        levels = Counter(record.notes.properties.get("cache") for record in records)
        hits, misses = levels["hit"] + levels["stale"], levels["miss"]
        values: Values = {
            "BytesUsedForCache": 2_000_000 + 420 * keys,  # bytes of one cell's features
            "CurrItems": keys + 40,
            "CurrConnections": 3 + 2 * busy,
            "NewConnections": 2 * sum(record.initialisation is not None for record in records),
            "ElastiCacheProcessingUnits": 60 + commands * 1.3,
            "CacheHits": hits,
            "CacheMisses": misses,
            "SuccessfulReadRequestLatency": self._drawn(5.4, min(commands, 400) + 1),
            "SuccessfulWriteRequestLatency": self._drawn(5.6, 9),
            **dict.fromkeys(("ThrottledCmds", "Evictions", "AuthenticationFailures", "IamAuthenticationThrottling"), 0),
        }
        return {**values, "CacheHitRate": 100.0 * hits / (hits + misses)} if hits + misses else values

    def _drawn(self, logarithm: float, number: int) -> list[float]:
        return [round(self._random.lognormvariate(logarithm, 0.4), 1) for _ in range(number)]

    def _database(self, busy: int) -> Values:
        random, queries = self._random, self._traffic.queries
        wanted = 0.5 + min(queries, 200) * 0.012
        self._capacity += (wanted - self._capacity) * (0.5 if wanted > self._capacity else 0.07)
        return {
            "ServerlessDatabaseCapacity": round(self._capacity * 2) / 2,
            "ACUUtilization": round(100 * self._capacity / self._most_capacity, 1),
            "CPUUtilization": round(min(6 + queries * 0.35 + random.random() * 2, 95), 1),
            "DatabaseConnections": min(busy, queries) + 1,
            "IamDbAuthConnectionFailureThrottling": 0,
            "ReadLatency": round(random.lognormvariate(-7.6, 0.3), 6),
            "CommitLatency": round(random.lognormvariate(0.6, 0.3), 2),
            "VolumeBytesUsed": 268_435_456,
            "VolumeReadIOPs": queries * 3,
            "VolumeWriteIOPs": random.randrange(4),
        }


_CARDS = {schedule.Window(2 * 60, 20): 100, schedule.Window(schedule.DATABASE_DOWN.start - 5, 10): 30}
"""Time at which a card is copied → number of its photos per minute."""


class Beside:
    """The web tier, with 15 % of the expected requests to the API, and the inbox, each with the app's metrics too.

    All is drawn apart from the requests to the API, so that the API's day does not depend on it.
    """

    def __init__(self, seed: int, stage: str) -> None:
        self._random, self._name = Random(f"beside {seed}"), f"{SERVICE}-{stage}"  # noqa: S311  a simulation
        self._ours = {"service": SERVICE, "stage": stage}
        self._placeholders = Placeholders(stage).values()
        self._waiting = 0

    def tier(self, begin: float) -> Iterator[Resource]:
        """Yield the metrics of the load balancer and of the tasks in a minute."""
        random, expected = self._random, schedule.rate((begin - schedule.START) / 60 + 0.5) * 0.15
        count, tasks = max(0, round(random.gauss(expected, expected**0.5))), min(4, max(2, round(expected / 8)))
        # one in 50 is a cold start
        calls = [random.lognormvariate(-1.9, 0.35) + 1.6 * (random.random() < 0.02) for _ in range(count)]
        times = [seconds + random.lognormvariate(-3.2, 0.3) for seconds in calls]
        failed, rejected = (
            sum(random.random() < share for _ in calls) for share in (0.3 * schedule.BURST.has(begin), 0.02)
        )
        latencies: Values = {"Requests": count, "Latency": _milliseconds(times)}
        requests = {"Faults": failed, "Rejections": rejected, "InvokeFaults": failed}
        invoked: Values = {"InvokeLatency": _milliseconds(calls)}
        queue = [max(0, round(count / tasks) - 12 - task) for task in range(tasks)]
        pulse: Values = {"QueueLength": queue, **dict.fromkeys(("QueueRefusals", "Drained", "CutOff"), 0)}
        ours = {**self._ours, "tier": TIER}
        yield OURS, ours, {**latencies, **invoked, **requests, **pulse}
        yield OURS, {**ours, "route": IDENTIFY}, latencies
        files = 3 * count  # of the page, which visitors load for each photo; the tasks' own metrics do not count them
        answered: Values = {
            "RequestCount": count + files,
            "HTTPCode_Target_2XX_Count": count + files - failed,
            "HTTPCode_Target_3XX_Count": count,
            "HTTPCode_Target_4XX_Count": 0,
            "HTTPCode_Target_5XX_Count": failed,
            "HTTPCode_ELB_5XX_Count": 0,
            "ActiveConnectionCount": (count + files) // 2 + 1,
            "ProcessedBytes": count * 900_000 + 4_000,
            # with the time that the photo is on its way
            "TargetResponseTime": [time + random.lognormvariate(-0.2, 0.6) for time in times] + [0.002] * files,
        }
        balancer = {"LoadBalancer": self._placeholders[BALANCER]}
        yield "AWS/ApplicationELB", balancer, answered
        hosts = {"HealthyHostCount": tasks, "UnHealthyHostCount": 0}
        yield "AWS/ApplicationELB", balancer | {"TargetGroup": self._placeholders[TARGETS]}, hosts
        load = 3 + 100 * count * 0.012 / (60 * 0.25 * tasks)
        used: Values = {
            "CPUUtilization": [load * random.uniform(0.8, 1.2) for _ in range(tasks)],
            "MemoryUtilization": [random.uniform(17, 22) for _ in range(tasks)],
        }
        yield "AWS/ECS", {"ClusterName": self._name, "ServiceName": TIER}, used
        yield "AWS/Events", {"RuleName": f"{self._name}-{TIER}-rolled-back"}, {"TriggeredRules": 0}
        yield "AWS/Logs", {"LogGroupName": f"/aws/ecs/{self._name}-{TIER}"}, _READABLE

    def inbox(self, begin: float) -> Iterator[Resource]:
        """Yield the metrics of the queue of new photos and of the batch function in a minute. Call it in order."""
        random, is_down = self._random, schedule.DATABASE_DOWN.has(begin)
        sent = sum(photos for window, photos in _CARDS.items() if window.has(begin)) + int(begin % 120 == 0)
        photos = self._waiting + sent
        took = [4.5 * random.lognormvariate(0, 0.2) * min(10, photos - first) / 10 for first in range(0, photos, 10)]
        if took:
            unreadable = 0 if is_down else sum(random.random() < 0.01 for _ in range(photos))
            identified, failed = (0, photos) if is_down else (photos - unreadable, 0)
            runs: Values = {"BatchRuns": len(took), "BatchLatency": _milliseconds(took), "BatchSkipped": 0}
            counts = {"BatchIdentified": identified, "BatchUnreadable": unreadable, "BatchFailed": failed}
            yield OURS, self._ours, {**runs, **counts}
            yield from _function(f"{self._name}-batch", took, Throttles=0, ConcurrentExecutions=min(2, len(took)))
        self._waiting = photos if is_down else 0  # the queue delivers failed photos again
        queue = {
            "ApproximateNumberOfMessagesVisible": 0,
            "ApproximateNumberOfMessagesNotVisible": self._waiting,
            "ApproximateAgeOfOldestMessage": self._waiting // 4,
            "NumberOfMessagesSent": sent,
        }
        yield "AWS/SQS", {"QueueName": f"{self._name}-inbox"}, queue
        yield "AWS/SQS", {"QueueName": f"{self._name}-inbox-dead"}, {"ApproximateNumberOfMessagesVisible": 0}
        machine = "arn:aws:states:{REGIONNAME}:{ACCOUNTID}:stateMachine:".format_map(self._placeholders) + self._name
        ends = dict.fromkeys(("ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed"), 0)
        for name in ("backfill", "backfill-webhook"):
            yield "AWS/States", {"StateMachineArn": f"{machine}-{name}"}, ends

"""Simulate the metrics that AWS itself emits, and what runs beside the API function: the web tier and the inbox.

AWS does not emit these as embedded metrics, but the simulation does: it writes one line per minute and resource, marked
`"simulated": true`. Metrics that depend on requests are computed from the simulated requests.

The web tier is a load balancer and tasks on Fargate, with a few visitors a minute. Cameras with a modem send the inbox
a photo every other minute. One memory card is copied to it at night, and another while the database is down, so that
its photos fail and are delivered again until the database is back.
"""

import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random

from chalicelib import errors
from chalicelib.features.warming import WarmingReport
from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.metrics import TIER
from chalicelib.telemetry.record import Failure, Invoked, of_batch
from dashboards.files import Placeholders
from dashboards.lint.known_metrics import aws_metrics
from dashboards.project import BALANCER, SERVICE, TARGETS
from dashboards.simulation import schedule
from dashboards.simulation.traffic import IDENTIFY, SimulatedRecord, Traffic, filled
from faunalens.web.admission import Pulse

type Values = Mapping[str, float | Sequence[float]]
type Resource = tuple[str, Mapping[str, str], Values]
"""Namespace, dimensions and metrics of a resource on AWS."""
_READABLE: Values = {"EMFValidationErrors": 0, "EMFParsingErrors": 0}


def lines_of(resources: Iterable[Resource], begin: float) -> Iterator[str]:
    """Yield a line for each resource, for the minute that started at `begin` (seconds since 1970)."""
    stamp = round((begin + 59.9) * 1e3)
    for namespace, dimensions, metrics in resources:
        listed = [{"Name": name, "Unit": aws_metrics()[namespace][name].unit} for name in metrics]
        directive = {"Namespace": namespace, "Dimensions": [list(dimensions)], "Metrics": listed}
        head = {"_aws": {"Timestamp": stamp, "CloudWatchMetrics": [directive]}, "simulated": True}
        yield json.dumps({**head, **dimensions, **metrics}, separators=(",", ":")) + "\n"


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
    """The web tier, with 15 % of the expected requests to the API, and the inbox. Metrics of the app go to `out`.

    All is drawn apart from the requests to the API, so that the API's day does not depend on it.
    """

    def __init__(self, seed: int, stage: str, out: io.StringIO) -> None:
        self._random, self._now, self._name = Random(f"beside {seed}"), schedule.START, f"{SERVICE}-{stage}"  # noqa: S311  a simulation
        self._tier, self._inbox = (
            Emitter(SERVICE, stage, out, now=lambda: self._now, tier=tier) for tier in (TIER, "")
        )
        self._placeholders = Placeholders(stage).values()
        self._waiting = 0

    def tier(self, begin: float) -> Iterator[Resource]:
        """Emit the tasks' metrics of a minute. Yield AWS's metrics of the load balancer and tasks in this minute."""
        random, expected = self._random, schedule.rate((begin - schedule.START) / 60 + 0.5) * 0.15
        count, tasks = max(0, round(random.gauss(expected, expected**0.5))), min(4, max(2, round(expected / 8)))
        records = [self._request(begin + random.uniform(0, 59)) for _ in range(count)]
        failed = sum(record.invoked is not None and record.invoked.failed for record in records)
        self._now = begin + 59.9
        for task in range(tasks):
            Pulse(waiting=max(0, round(count / tasks) - 12 - task)).beat(self._tier.emit)
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
        }
        balancer = {"LoadBalancer": self._placeholders[BALANCER]}
        yield "AWS/ApplicationELB", balancer, answered
        if records:  # with the time that the photo is on its way
            times = [round(record.total + random.lognormvariate(-0.2, 0.6), 3) for record in records]
            yield "AWS/ApplicationELB", balancer, {"TargetResponseTime": times + [0.002] * files}
        hosts = {"HealthyHostCount": tasks, "UnHealthyHostCount": 0}
        yield "AWS/ApplicationELB", balancer | {"TargetGroup": self._placeholders[TARGETS]}, hosts
        load = 3 + 100 * count * 0.012 / (60 * 0.25 * tasks)
        used: Values = {
            "CPUUtilization": [round(load * random.uniform(0.8, 1.2), 2) for _ in range(tasks)],
            "MemoryUtilization": [round(random.uniform(17, 22), 2) for _ in range(tasks)],
        }
        yield "AWS/ECS", {"ClusterName": self._name, "ServiceName": TIER}, used
        yield "AWS/Events", {"RuleName": f"{self._name}-{TIER}-rolled-back"}, {"TriggeredRules": 0}
        yield "AWS/Logs", {"LogGroupName": f"/aws/ecs/{self._name}-{TIER}"}, _READABLE

    def _request(self, now: float) -> SimulatedRecord:
        random = self._random
        record = SimulatedRecord(f"{random.getrandbits(128):032x}", IDENTIFY)
        seconds = random.lognormvariate(-1.9, 0.35) + (1.6 if random.random() < 0.02 else 0.0)  # a cold start
        busy = schedule.BURST.has(now) and random.random() < 0.3
        record.invoked = Invoked(round(seconds * 1e3, 1), failed=busy)
        if busy or random.random() < 0.02:
            error = errors.Unavailable("simulated") if busy else errors.PhotoUnreadable("simulated")
            record.failure = Failure.of(error)
        record.total = seconds + random.lognormvariate(-3.2, 0.3)
        self._now = now
        self._tier.emit(record.summary())
        return record

    def inbox(self, begin: float) -> Iterator[Resource]:
        """Emit the metrics of a minute's batches. Yield AWS's metrics of the queue and the batch function, in order."""
        random, is_down, took = self._random, schedule.DATABASE_DOWN.has(begin), list[float]()
        sent = sum(photos for window, photos in _CARDS.items() if window.has(begin)) + int(begin % 120 == 0)
        self._waiting += sent
        for first in range(0, self._waiting, 10):
            photos = min(10, self._waiting - first)
            took.append(4.5 * random.lognormvariate(0, 0.2) * photos / 10)
            self._now = begin + min(sum(took) / 2, 59)  # of two containers
            unreadable = 0 if is_down else sum(random.random() < 0.01 for _ in range(photos))
            counts = {"identified": 0 if is_down else photos - unreadable, "unreadable": unreadable}
            counts |= {"failed": photos if is_down else 0, "skipped": 0, "queries": int(random.random() < 0.05)}
            self._inbox.emit(of_batch(f"{random.getrandbits(128):032x}", took[-1], **counts))
        self._waiting *= is_down  # the queue delivers failed photos again
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
        if took:
            yield from _function(f"{self._name}-batch", took, Throttles=0, ConcurrentExecutions=min(2, len(took)))

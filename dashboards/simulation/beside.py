"""Simulate what runs beside the API function: the web tier, and the inbox of new photos with its batch function.

The tier is a load balancer and tasks on Fargate, with a few visitors a minute. Its requests are drawn apart
from those of the API function, so that the function's day does not depend on the tier.

Cameras with a modem send the inbox a photo every other minute. One memory card is copied to it at night, and another
while the database is down, so that its photos fail and are delivered again until the database is back.
"""

import io
from collections.abc import Iterator
from random import Random

from chalicelib import errors
from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.measures import of_batch
from chalicelib.telemetry.metrics import TIER
from chalicelib.telemetry.record import Failure, Invoked
from dashboards.files import Placeholders
from dashboards.project import BALANCER, SERVICE, TARGETS
from dashboards.simulation import schedule
from dashboards.simulation.aws_metrics import Resource, Values
from dashboards.simulation.traffic import IDENTIFY, SimulatedRecord
from faunalens.web.admission import Pulse

TASKS, MOST_TASKS = 2, 4
SHARE = 0.15
"""Requests to the tier, as a share of the expected requests to the API function."""
_FILES = 3
"""Number of the page's files that visitors load for each photo. The tasks' own metrics do not count these requests."""
_PHOTO = 900_000
"""Size of a photo in bytes."""

_CARDS = {schedule.Window(2 * 60, 20): 100, schedule.Window(schedule.DATABASE_DOWN.start - 5, 10): 30}
"""Time at which a card is copied → number of its photos per minute."""
_CONTAINERS = 2
_BATCH = 10
_SECONDS = 4.5
"""Duration of a batch in seconds."""
_READABLE: Values = {"EMFValidationErrors": 0, "EMFParsingErrors": 0}


class SimulatedTier:
    """Simulates the web tier of a stage. `buffer`: where its tasks write their lines of metrics."""

    def __init__(self, seed: int, stage: str, buffer: io.StringIO) -> None:
        self._random, self._now = Random(f"tier {seed}"), schedule.START  # noqa: S311  a simulation
        self._emitter = Emitter(SERVICE, stage, buffer, now=lambda: self._now, tier=TIER)
        values = Placeholders(stage).values()
        self._balancer, self._cluster = {"LoadBalancer": values[BALANCER]}, f"{SERVICE}-{stage}"
        self._targets = {**self._balancer, "TargetGroup": values[TARGETS]}

    def minute(self, begin: float) -> Iterator[Resource]:
        """Emit the tasks' metrics of a minute. Yield AWS's metrics of the load balancer and tasks in this minute."""
        random, minute = self._random, (begin - schedule.START) / 60
        expected = schedule.rate(minute + 0.5) * SHARE
        count = max(0, round(random.gauss(expected, expected**0.5)))
        tasks = min(MOST_TASKS, max(TASKS, round(expected / 8)))
        records = [self._request(begin + random.uniform(0, 59)) for _ in range(count)]
        failed = sum(record.failure is not None and record.failure.status >= 500 for record in records)
        for task in range(tasks):
            self._now = begin + 59.9
            Pulse(waiting=max(0, round(count / tasks) - 12 - task)).beat(self._emitter.emit)
        requests = count * (1 + _FILES)
        uploads = [random.lognormvariate(-0.2, 0.6) for _ in records]  # with the time that the photo is on its way
        answered: Values = {
            "RequestCount": requests,
            "HTTPCode_Target_2XX_Count": requests - failed,
            "HTTPCode_Target_3XX_Count": count,
            "HTTPCode_Target_4XX_Count": 0,
            "HTTPCode_Target_5XX_Count": failed,
            "HTTPCode_ELB_5XX_Count": 0,
            "ActiveConnectionCount": requests // 2 + 1,
            "ProcessedBytes": count * _PHOTO + 4_000,
        }
        yield "AWS/ApplicationELB", self._balancer, answered
        if records:
            times = [round(record.total + upload, 3) for record, upload in zip(records, uploads, strict=True)]
            yield "AWS/ApplicationELB", self._balancer, {"TargetResponseTime": times + [0.002] * count * _FILES}
        yield "AWS/ApplicationELB", self._targets, {"HealthyHostCount": tasks, "UnHealthyHostCount": 0}
        load = 3 + 100 * count * 0.012 / (60 * 0.25 * tasks)
        used: Values = {
            "CPUUtilization": [round(load * random.uniform(0.8, 1.2), 2) for _ in range(tasks)],
            "MemoryUtilization": [round(random.uniform(17, 22), 2) for _ in range(tasks)],
        }
        yield "AWS/ECS", {"ClusterName": self._cluster, "ServiceName": TIER}, used
        name = f"{self._cluster}-{TIER}"
        yield "AWS/Events", {"RuleName": f"{name}-rolled-back"}, {"TriggeredRules": 0}
        yield "AWS/Logs", {"LogGroupName": f"/aws/ecs/{name}"}, _READABLE

    def _request(self, now: float) -> SimulatedRecord:
        random = self._random
        record = SimulatedRecord(f"{random.getrandbits(128):032x}", IDENTIFY)
        seconds = random.lognormvariate(-1.9, 0.35) + (1.6 if random.random() < 0.02 else 0.0)  # a cold start
        busy = now in schedule.BURST and random.random() < 0.3
        record.invoked = Invoked(round(seconds * 1e3, 1), failed=busy)
        if busy:
            record.failure = Failure.of(errors.Unavailable("simulated"))
        elif random.random() < 0.02:
            record.failure = Failure.of(errors.PhotoUnreadable("simulated"))
        record.total = seconds + random.lognormvariate(-3.2, 0.3)
        self._now = now
        self._emitter.emit(record.summary())
        return record


class Inbox:
    """Simulates the queue of new photos and the batch function. Call `minute` in order. `out`: for metric lines."""

    def __init__(self, seed: int, stage: str, out: io.StringIO) -> None:
        self._random, self._now = Random(f"inbox {seed}"), schedule.START  # noqa: S311  a simulation
        self._name = f"{SERVICE}-{stage}"
        self._emitter = Emitter(SERVICE, stage, out, now=lambda: self._now)
        self._waiting = 0

    def minute(self, begin: float) -> Iterator[Resource]:
        """Emit the metrics of a minute's batches. Yield AWS's metrics of this minute. `begin`: seconds since 1970."""
        sent = sum(photos for window, photos in _CARDS.items() if begin in window) + int(begin % 120 == 0)
        self._waiting += sent
        is_down, durations, left = begin in schedule.DATABASE_DOWN, list[float](), self._waiting
        while left and sum(durations) < _CONTAINERS * 55:
            photos = min(_BATCH, left)
            left -= photos
            durations.append(_SECONDS * self._random.lognormvariate(0, 0.2) * photos / _BATCH)
            self._now = begin + sum(durations) / _CONTAINERS
            unreadable = 0 if is_down else sum(self._random.random() < 0.01 for _ in range(photos))
            counts = {"identified": 0 if is_down else photos - unreadable, "unreadable": unreadable}
            request_id, queries = f"{self._random.getrandbits(128):032x}", int(self._random.random() < 0.05)
            failed = photos if is_down else 0
            self._emitter.emit(of_batch(request_id, durations[-1], **counts, failed=failed, skipped=0, queries=queries))
        yield from self._queues(sent, 0 if is_down else left, self._waiting - left if is_down else 0)
        self._waiting = self._waiting if is_down else left  # the queue delivers failed photos again
        if durations:
            took, busy = [round(each * 1e3, 1) for each in durations], min(_CONTAINERS, len(durations))
            runs: Values = {"Invocations": len(durations), "Duration": took, "Errors": 0, "Throttles": 0}
            yield "AWS/Lambda", {"FunctionName": f"{self._name}-batch"}, {**runs, "ConcurrentExecutions": busy}
            yield "AWS/Logs", {"LogGroupName": f"/aws/lambda/{self._name}-batch"}, _READABLE

    def _queues(self, sent: int, visible: int, hidden: int) -> Iterator[Resource]:
        """Yield the metrics of the queues and state machines. `hidden`: failed photos, to be delivered again later."""
        queue = {
            "ApproximateNumberOfMessagesVisible": visible,
            "ApproximateNumberOfMessagesNotVisible": hidden,
            "ApproximateAgeOfOldestMessage": (visible + hidden) * _SECONDS // (_BATCH * _CONTAINERS),
            "NumberOfMessagesSent": sent,
        }
        yield "AWS/SQS", {"QueueName": f"{self._name}-inbox"}, queue
        yield "AWS/SQS", {"QueueName": f"{self._name}-inbox-dead"}, {"ApproximateNumberOfMessagesVisible": 0}
        machines = f"arn:aws:states:{Placeholders().region}:{Placeholders().account}:stateMachine:{self._name}"
        ends = dict.fromkeys(("ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed"), 0)
        for machine in ("backfill", "backfill-webhook"):
            yield "AWS/States", {"StateMachineArn": f"{machines}-{machine}"}, ends

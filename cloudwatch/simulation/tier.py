"""Simulate the web tier: a load balancer and tasks on Fargate, with a few visitors a minute.

Its requests are its own, apart from those of the fleet, so that the day of the fleet does not depend on it.
"""

import io
from collections.abc import Iterator
from random import Random

from chalicelib import errors
from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.metrics import TIER
from chalicelib.telemetry.record import Failure, Invoked
from cloudwatch.files import Placeholders
from cloudwatch.project import BALANCER, SERVICE, TARGETS
from cloudwatch.simulation import schedule
from cloudwatch.simulation.aws_metrics import Resource, Values
from cloudwatch.simulation.fleet import SimulatedClock
from cloudwatch.simulation.traffic import IDENTIFY, SimulatedRecord
from web.pulse import Pulse

TASKS, MOST_TASKS = 2, 4
SHARE = 0.15
"""Requests of the tier, as a share of the fleet's expected requests."""
_FILES = 3
"""Files of the page that visitors load for each photo. No task counts them."""
_PHOTO = 900_000
"""Bytes of a photo on its way through the load balancer."""


class SimulatedTier:
    """The tier of a stage. `buffer`: where its tasks write their lines of metrics."""

    def __init__(self, seed: int, stage: str, buffer: io.StringIO) -> None:
        self._random, self._clock = Random(f"tier {seed}"), SimulatedClock()  # noqa: S311  a simulation
        self._emitter = Emitter(SERVICE, stage, buffer, now=self._clock.time, tier=TIER)
        values = Placeholders(stage).values()
        balancer, self._cluster = {"LoadBalancer": values[BALANCER]}, f"{SERVICE}-{stage}"
        self._balancer, self._targets = balancer, {**balancer, "TargetGroup": values[TARGETS]}

    def minute(self, begin: float) -> Iterator[Resource]:
        """Emit the tasks' metrics of a minute. Yield those of AWS: namespace, dimensions and values."""
        random, minute = self._random, (begin - schedule.START) / 60
        expected = schedule.rate(minute + 0.5) * SHARE
        count = max(0, round(random.gauss(expected, expected**0.5)))
        tasks = min(MOST_TASKS, max(TASKS, round(expected / 8)))
        records = [self._request(begin + random.uniform(0, 59)) for _ in range(count)]
        failed = sum(record.failure is not None and record.failure.status >= 500 for record in records)
        for task in range(tasks):
            self._clock.now = begin + 59.9
            self._emitter.emit(Pulse(waiting=max(0, round(count / tasks) - 12 - task)))
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
        rule = {"RuleName": f"{self._cluster}-{TIER}-rolled-back"}
        yield "AWS/Events", rule, {"TriggeredRules": 0}
        logged = {"LogGroupName": f"/aws/ecs/{self._cluster}-{TIER}"}
        yield "AWS/Logs", logged, {"EMFValidationErrors": 0, "EMFParsingErrors": 0}

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
        self._clock.now = now
        self._emitter.emit(record)
        return record

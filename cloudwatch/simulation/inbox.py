"""Simulate the stream: cards of photos that are put into the inbox, its queue, and the batch function.

Cameras with a modem send a photo every other minute. A card comes at night, and another while the database is down, so
that its photos come again half an hour later.
"""

from collections import deque
from collections.abc import Iterator
from random import Random
from typing import TextIO

from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.runs import BatchRecord
from cloudwatch.files import Placeholders
from cloudwatch.project import SERVICE
from cloudwatch.simulation import schedule
from cloudwatch.simulation.aws_metrics import Resource

_CARDS = {schedule.Window(2 * 60, 20): 100, schedule.Window(schedule.DATABASE_DOWN.start - 5, 10): 30}
"""When a card is copied, and its photos a minute."""
_CONTAINERS = 2
_BATCH = 10
_SECONDS = 4.5
"""Time of a batch."""
_AGAIN = 30
"""Minutes until a failed message comes again."""


class Inbox:
    """The queue of new photos, and the batch function. Call `minute` for each minute in turn. `out`: for its lines."""

    def __init__(self, seed: int, stage: str, out: TextIO) -> None:
        self._random = Random(f"inbox {seed}")  # noqa: S311  a simulation
        self._name = f"{SERVICE}-{stage}"
        self._now = schedule.START
        self._emitter = Emitter(SERVICE, stage, out, now=lambda: self._now)
        self._waiting: deque[float] = deque()  # when each message was sent
        self._failed: deque[tuple[float, float]] = deque()  # when each comes again, and when it was sent

    def minute(self, begin: float) -> Iterator[Resource]:
        """Emit the records of a minute's batches, and yield what AWS measures. `begin`: seconds since 1970."""
        sent = sum(photos for window, photos in _CARDS.items() if begin in window) + int(begin % 120 == 0)
        self._waiting.extend([begin] * sent)
        while self._failed and self._failed[0][0] <= begin:
            self._waiting.append(self._failed.popleft()[1])
        durations, ends = list[float](), [begin] * _CONTAINERS
        while self._waiting and min(ends) < begin + 55:
            photos = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            durations.append(_SECONDS * self._random.lognormvariate(0, 0.2) * len(photos) / _BATCH)
            ends[ends.index(min(ends))] = self._now = min(ends) + durations[-1]
            self._emitter.emit(self._record(photos, begin, durations[-1]))
        yield from self._queues(begin + 60, sent)
        if durations:
            runs: dict[str, float | list[float]] = {
                "Invocations": len(durations),
                "Duration": [round(each * 1e3, 1) for each in durations],
                "Errors": 0,
                "Throttles": 0,
                "ConcurrentExecutions": min(_CONTAINERS, len(durations)),
            }
            yield "AWS/Lambda", {"FunctionName": f"{self._name}-batch"}, runs

    def _record(self, photos: list[float], begin: float, seconds: float) -> BatchRecord:
        unreadable, failed = sum(self._random.random() < 0.01 for _ in photos), 0
        if begin in schedule.DATABASE_DOWN:
            failed, unreadable = len(photos), 0
            self._failed.extend((begin + 60 * _AGAIN, each) for each in photos)
        request_id = f"{self._random.getrandbits(128):032x}"
        identified = len(photos) - unreadable - failed
        return BatchRecord(request_id, identified, unreadable, 0, failed, int(self._random.random() < 0.05), seconds)

    def _queues(self, now: float, sent: int) -> Iterator[Resource]:
        left = [*self._waiting, *(each for _, each in self._failed)]
        queue = {
            "ApproximateNumberOfMessagesVisible": len(self._waiting),
            "ApproximateNumberOfMessagesNotVisible": len(self._failed),
            "ApproximateAgeOfOldestMessage": round(now - min(left)) if left else 0,
            "NumberOfMessagesSent": sent,
        }
        yield "AWS/SQS", {"QueueName": f"{self._name}-inbox"}, queue
        yield "AWS/SQS", {"QueueName": f"{self._name}-inbox-dead"}, {"ApproximateNumberOfMessagesVisible": 0}
        machines = f"arn:aws:states:{Placeholders().region}:{Placeholders().account}:stateMachine:{self._name}"
        for machine in ("backfill", "backfill-webhook"):
            ends = {"ExecutionsStarted": 0, "ExecutionsSucceeded": 0, "ExecutionsFailed": 0}
            yield "AWS/States", {"StateMachineArn": f"{machines}-{machine}"}, ends

"""What answers the simulated day: containers with their memory and breakers, Redis, and the database.

It follows chalicelib/features/lookup.py in outline, with the defaults of its settings, so that the day's metrics tell
what the service would tell: levels, faults, waits and breakers come about here, and only times are drawn from a hat.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np

from chalicelib.config.settings import Settings
from chalicelib.features.features import CacheLevel, Features, Mode
from chalicelib.features.trace import Trace
from cloudwatch.simulation import day

DEFAULTS = Settings()
IDLE = 420.0
"""Seconds after which an idle container is taken away."""
VERSION = "b0491d054589"
AREAS = ("AU",)
_NOTHING = np.empty(0, np.int32), np.empty(0, np.float32), np.empty(0, np.uint8)
_NO_BREAKER = -1.0


@dataclass(slots=True)
class Breaker:
    """A count of failures in a row, and until when the dependency is left alone."""

    failures: int = 0
    until: float = _NO_BREAKER

    def fail(self, now: float) -> bool:
        """Count a failure; whether it opened the breaker."""
        self.failures += 1
        if self.failures < DEFAULTS.breaker_failures:
            return False
        self.until = now + DEFAULTS.breaker_reset_timeout
        return True

    def succeed(self) -> None:
        """The dependency answered."""
        self.failures, self.until = 0, _NO_BREAKER


@dataclass(slots=True)
class Held:
    """A value in Redis or in memory: until when it is not stale, and who wrote it."""

    soft: float
    warmed: bool


@dataclass(slots=True, eq=False)
class Container:
    """One execution environment; one request at a time."""

    free: float = 0.0
    memory: dict[int, tuple[float, Held]] = field(default_factory=dict)
    redis: Breaker = field(default_factory=Breaker)
    postgres: Breaker = field(default_factory=Breaker)


@dataclass(slots=True)
class Visit:
    """One look-up while it goes on; times in seconds."""

    took: float = 0.0
    faults: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    queries: int = 0
    query_seconds: float = 0.0
    waits: int = 0
    wait_seconds: float = 0.0


class Fleet:
    """All of it, over the cells that people ask for; `land`: animals of each cell, 0 where nothing is known."""

    def __init__(self, random: Random, cells: Sequence[int], land: Sequence[int]) -> None:
        self._random = random
        self._animals = dict(zip(cells, land, strict=True))
        self._containers: list[Container] = []
        self._leases: dict[int, float] = {}
        self.redis: dict[int, Held] = {}
        self.commands = 0
        self.queries = 0

    def container(self, now: float) -> tuple[Container, bool]:
        """The container that takes a request, and whether it had to be started."""
        self._containers = [each for each in self._containers if now - each.free < IDLE]
        idle = [each for each in self._containers if each.free <= now]
        if idle:
            return max(idle, key=lambda each: each.free), False
        self._containers.append(Container())
        return self._containers[-1], True

    def busy(self, now: float) -> int:
        """Containers at work."""
        return sum(each.free > now for each in self._containers)

    def flush(self) -> None:
        """All that was in Redis is gone."""
        self.redis.clear()

    def write(self, cell: int, now: float, *, warmed: bool) -> Held:
        """Put a cell's features into Redis."""
        jitter = 1 + DEFAULTS.features_jitter * self._random.uniform(-1, 1)
        share = 1.0 if self._animals[cell] else DEFAULTS.features_empty_ttl
        held = Held(now + DEFAULTS.features_soft_ttl * jitter * share, warmed)
        self.redis[cell] = held
        self.commands += 2
        return held

    def features(self, cell: int, now: float, container: Container) -> tuple[Features, float]:
        """The features of a cell as a container comes by them, and the seconds that it took."""
        fresh, held = container.memory.get(cell, (0.0, None))
        if held is not None and now < min(fresh, held.soft):
            return self._found("memory", held, cell, Visit()), 0.00003
        visit = Visit()
        if not self._redis_answers(now, container, visit):
            return self._without_redis(cell, now, container, visit)
        value = self.redis.get(cell)
        if value is not None and now < value.soft:
            return self._kept("hit", value, cell, now, container, visit)
        if now < container.postgres.until:
            visit.faults.append("postgres_breaker_open")
            return self._best_left(value, cell, now, container, visit)
        lease = self._leases.get(cell, 0.0)
        if now < lease:
            if value is not None:
                return self._kept("stale", value, cell, now, container, visit)
            visit.wait_seconds = lease - now
            visit.waits = 1 + int(visit.wait_seconds / 0.012)
            visit.took += visit.wait_seconds
            value = self.redis.get(cell)
            if value is not None:
                return self._kept("hit", value, cell, now, container, visit)
            visit.faults.append("lease_failed")
            return self._best_left(None, cell, now, container, visit)
        if not self._database_answers(now, container, visit):
            self._leases[cell] = now + DEFAULTS.features_retry_pause
            return self._best_left(value, cell, now, container, visit)
        self._leases[cell] = now + visit.took
        return self._kept("miss", self.write(cell, now, warmed=False), cell, now, container, visit)

    def _redis_answers(self, now: float, container: Container, visit: Visit) -> bool:
        if now < container.redis.until:
            visit.faults.append("redis_breaker_open")
            return False
        if now in day.REDIS_DOWN:
            visit.faults.append("redis_timeout")
            visit.took += DEFAULTS.redis_connect + self._random.uniform(0.0, 0.02)
            if container.redis.fail(now):
                visit.opened.append("redis")
            return False
        container.redis.succeed()
        self.commands += 1
        visit.took += self._random.lognormvariate(-6.4, 0.35)  # 1.7 ms in the middle
        return True

    def _database_answers(self, now: float, container: Container, visit: Visit) -> bool:
        if now < container.postgres.until:
            visit.faults.append("postgres_breaker_open")
            return False
        self.queries += 1
        visit.queries += 1
        if now in day.DATABASE_DOWN:
            visit.faults.append("postgres_unreachable")
            spent = DEFAULTS.database_connect + self._random.uniform(0.0, 0.02)
            if container.postgres.fail(now):
                visit.opened.append("postgres")
        else:
            container.postgres.succeed()
            spent = self._random.lognormvariate(-4.7, 0.5)  # 9 ms in the middle
        visit.query_seconds += spent
        visit.took += spent
        return spent < DEFAULTS.database_connect

    def _without_redis(self, cell: int, now: float, container: Container, visit: Visit) -> tuple[Features, float]:
        _, held = container.memory.get(cell, (0.0, None))
        if held is not None and now < held.soft:
            return self._found("memory", held, cell, visit), visit.took
        if self._database_answers(now, container, visit):
            return self._kept(
                "bypass", Held(now + DEFAULTS.features_soft_ttl, warmed=False), cell, now, container, visit
            )
        return self._best_left(None, cell, now, container, visit)

    def _best_left(
        self, value: Held | None, cell: int, now: float, container: Container, visit: Visit
    ) -> tuple[Features, float]:
        if value is not None:
            return self._kept("stale", value, cell, now, container, visit)
        _, held = container.memory.get(cell, (0.0, None))
        if held is not None:
            return self._found("stale", held, cell, visit), visit.took
        nothing = Features("degraded", "bypass", None, (), *_NOTHING, faults=tuple(visit.faults), trace=_trace(visit))
        return nothing, visit.took

    def _kept(
        self, level: CacheLevel, value: Held, cell: int, now: float, container: Container, visit: Visit
    ) -> tuple[Features, float]:
        container.memory[cell] = (now + DEFAULTS.memory_fresh, value)
        return self._found(level, value, cell, visit), visit.took

    def _found(self, level: CacheLevel, value: Held, cell: int, visit: Visit) -> Features:
        count = self._animals[cell]
        mode: Mode = "narrowed" if count else "unknown_area"
        return Features(
            mode,
            level,
            VERSION,
            AREAS if count else (),
            np.arange(count, dtype=np.int32),
            np.ones(count, np.float32),
            np.ones(count, np.uint8),
            tuple(visit.faults),
            _trace(visit, warmed=value.warmed),
        )


def _trace(visit: Visit, *, warmed: bool = False) -> Trace:
    return Trace(
        visit.queries,
        round(visit.query_seconds * 1e3, 1),
        visit.waits,
        round(visit.wait_seconds * 1e3, 1),
        tuple(visit.opened),
        warmed,
    )

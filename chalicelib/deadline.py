"""How long to wait for a dependency, and when to stop asking it, in objects whose clocks a simulation can replace."""

import random
import time as clocks
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Self


class Deadline:
    """The moment by which an operation must end: the time `at` on the clock `now`, which a simulation may replace.

    It is passed down as a value, so that no callee adds a timeout of its own.

    >>> Deadline.after(1.5).within(0.4).left() <= 0.4
    True
    """

    __slots__ = ("at", "now")

    def __init__(self, at: float, now: Callable[[], float] = monotonic) -> None:
        self.at, self.now = at, now

    @classmethod
    def after(cls, seconds: float, now: Callable[[], float] = monotonic) -> Self:
        """Return the deadline that is `seconds` from now."""
        return cls(now() + seconds, now)

    def left(self) -> float:
        """Return the remaining seconds; 0 or less once the deadline has passed."""
        return self.at - self.now()

    def within(self, seconds: float) -> "Deadline":
        """Return the earlier of this deadline and the deadline that is `seconds` from now."""
        return Deadline(min(self.at, self.now() + seconds), self.now)


class Clock:
    """The clocks of this machine, in seconds: `time` for expiry dates, `monotonic` for durations, `sleep` for waiting.

    Simulations and tests override these methods.
    """

    time = staticmethod(clocks.time)
    monotonic = staticmethod(clocks.monotonic)
    sleep = staticmethod(clocks.sleep)


TIMEOUT = 2
"""A timeout counts as this many failures, because a request that waits for a silent server delays other requests."""


class Breaker:
    """The circuit breaker of one dependency: after consecutive failures, a process stops calling it for a while.

        closed ── `failures` in a row ──► open ── `reset_timeout` ──► half-open: one caller probes
          ▲                                ▲                                │
          └─────────── success ────────────┼────────────────────────────────┤
                                           └─────────── failure ────────────┘

    Each attempt is allowed first, and its result is recorded. Each process (Lambda container) has its own breakers. The
    library pybreaker takes ten times as long per call, and does not handle a probe that never returns because its
    container was frozen. Here, the next caller probes after another `reset_timeout`.

    `failures`: number of consecutive failures that opens the breaker. `reset_timeout`: seconds for which the breaker
    stays open, with a jitter of ±25 % so that containers do not probe at the same time. `now`: the monotonic clock by
    default; a simulation passes its own.
    """

    def __init__(self, failures: int, reset_timeout: float, now: Callable[[], float] = monotonic) -> None:
        self._limit = failures
        self._reset_timeout = reset_timeout
        self._now = now
        self._failures = 0
        self._probe_at = 0.0  # on the monotonic clock; 0 while closed
        self._lock = Lock()

    @property
    def is_open(self) -> bool:
        """Return whether `allows()` would refuse an attempt now. Unlike `allows()`, this does not start a probe."""
        return self._probe_at != 0.0 and self._now() < self._probe_at

    @property
    def has_failed(self) -> bool:
        """Return whether an attempt has failed since the last one that succeeded."""
        return self._failures > 0

    def allows(self) -> bool:
        """Return whether the caller may call the dependency now. A half-open breaker allows one caller, the probe."""
        if self._probe_at == 0.0:
            return True
        with self._lock:
            if self._now() < self._probe_at:
                return False
            self._probe_at = self._next_probe()
            return True

    def record_success(self) -> None:
        """Record that an attempt succeeded."""
        if self._failures or self._probe_at:
            with self._lock:
                self._failures, self._probe_at = 0, 0.0

    def record_failure(self, count: int = 1) -> bool:
        """Record a failed attempt, which counts as `count` failures. Return whether it opened the breaker (again)."""
        with self._lock:
            self._failures += count
            if self._failures < self._limit:
                return False
            self._probe_at = self._next_probe()
            return True

    def _next_probe(self) -> float:
        return self._now() + self._reset_timeout * random.uniform(0.75, 1.25)  # noqa: S311 — jitter, not a secret

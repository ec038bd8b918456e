"""A circuit breaker: stop calling a dependency for a while after consecutive failures.

    closed ── `failures` in a row ──► open ── `reset_timeout` ──► half-open: one caller probes
      ▲                                ▲                                │
      └─────────── success ────────────┼────────────────────────────────┤
                                       └─────────── failure ────────────┘

The state belongs to one process (one Lambda container). pybreaker costs ten times as much per call and does not
handle a probe that never returns because its process was frozen or killed; here the next caller probes after another
`reset_timeout`.
"""

import random
from collections.abc import Callable
from threading import Lock
from time import monotonic


class Breaker:
    """Counts consecutive failures and decides whether to call a dependency.

    Call `allows()` before each attempt, and `record_success()` or `record_failure()` after it.
    `failures`: consecutive failures that open the breaker. `reset_timeout`: seconds that it stays open, with a jitter
    of ±25 %, so that containers do not probe at the same time. `now` reads the
    monotonic clock; a simulation passes its own.
    """

    def __init__(self, failures: int, reset_timeout: float, now: Callable[[], float] | None = None) -> None:
        self._limit = failures
        self._reset_timeout = reset_timeout
        self._now = now
        self._failures = 0
        self._probe_at = 0.0  # on the monotonic clock; 0 while closed
        self._lock = Lock()

    @property
    def is_open(self) -> bool:
        """Whether an attempt would be refused now. Does not use up the probe."""
        return self._probe_at != 0.0 and self._time() < self._probe_at

    def allows(self) -> bool:
        """Return whether to attempt a call now. A half-open breaker allows only the first caller, the probe."""
        if self._probe_at == 0.0:
            return True
        with self._lock:
            if self._time() < self._probe_at:
                return False
            self._probe_at = self._next_probe()
            return True

    def record_success(self) -> None:
        """Record that an attempt succeeded."""
        if self._failures or self._probe_at:
            with self._lock:
                self._failures = 0
                self._probe_at = 0.0

    def record_failure(self) -> bool:
        """Record that an attempt failed. Return whether this opened or reopened the breaker."""
        with self._lock:
            self._failures += 1
            if self._failures < self._limit:
                return False
            self._probe_at = self._next_probe()
            return True

    def _next_probe(self) -> float:
        return self._time() + self._reset_timeout * random.uniform(0.75, 1.25)  # noqa: S311  jitter, not a secret

    def _time(self) -> float:
        return (self._now or monotonic)()

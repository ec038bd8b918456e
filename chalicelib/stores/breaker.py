"""A circuit breaker: after some failures in a row a dependency is left alone for a while.

    closed ── `failures` in a row ──► open ── `rest` seconds ──► half-open: one caller tries
      ▲                                ▲                              │
      └────────── it worked ───────────┼──────────────────────────────┤
                                       └────────── it failed ─────────┘

State belongs to one process (one Lambda container); nothing is shared. A few lines of our own: pybreaker
does the same behind listeners, storages and a tenfold cost per call, and has no notion of a probe that never
came back (its caller was frozen or killed), which here frees the place after another `rest`.
"""

import random
from threading import Lock
from time import monotonic


class Breaker:
    """Counts failures in a row and says whether to try.

    Ask `allows()` before each try and tell the outcome with `worked()` or `failed()`.
    `failures`: in a row, until it opens. `rest`: seconds that it stays open, give or take a quarter, so that
    a thousand containers do not probe in step.
    """

    def __init__(self, failures: int, rest: float) -> None:
        self._limit = failures
        self._rest = rest
        self._failures = 0
        self._probe_at = 0.0  # on the monotonic clock; 0 while closed
        self._lock = Lock()

    @property
    def is_open(self) -> bool:
        """Whether a try now would be refused; asks without taking the probe's place."""
        return self._probe_at != 0.0 and monotonic() < self._probe_at

    def allows(self) -> bool:
        """Whether to try now; in half-open state only the first caller is let through."""
        if self._probe_at == 0.0:
            return True
        with self._lock:
            if monotonic() < self._probe_at:
                return False
            self._probe_at = self._next_probe()
            return True

    def record_success(self) -> None:
        """The try came back as it should."""
        if self._failures or self._probe_at:
            with self._lock:
                self._failures = 0
                self._probe_at = 0.0

    def record_failure(self) -> bool:
        """The try failed; True if this opened the breaker, be it for the first time or again."""
        with self._lock:
            self._failures += 1
            if self._failures < self._limit:
                return False
            self._probe_at = self._next_probe()
            return True

    def _next_probe(self) -> float:
        return monotonic() + self._rest * random.uniform(0.75, 1.25)  # noqa: S311 — spread, not a secret

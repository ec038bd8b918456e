"""How fast to ask a service: as many requests at once as it bears, and no more a second than it allows."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Condition
from time import monotonic

FIRST = 2
"""Requests at once in the beginning."""
_PARAMETER = re.compile(r";\s*([a-z]+)=(\d+)")


class Pace:
    """The requests of one run, which adapt to the service: one more at once after each full round without a refusal,
    half as many after a refusal (AIMD, as TCP does). Thread-safe. `most`: most requests at once.
    """

    def __init__(self, most: int, clock: Callable[[], float] = monotonic) -> None:
        self._most, self._clock = most, clock
        self._changed = Condition()
        self._allowed, self._running, self._in_a_row = min(FIRST, most), 0, 0
        self._interval, self._next, self._halved = 0.0, 0.0, 0.0

    @property
    def allowed(self) -> int:
        """Return the number of requests that may run at once."""
        return self._allowed

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until a request may be sent; it runs until the block ends."""
        with self._changed:
            while self._running >= self._allowed or self._clock() < self._next:
                left = self._next - self._clock()
                self._changed.wait(left if left > 0 else None)
            self._running += 1
            self._next = max(self._next, self._clock() + self._interval)
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def succeeded(self, headers: Mapping[str, str]) -> None:
        """Note an answer, with its headers about limits (RateLimit and RateLimit-Policy)."""
        with self._changed:
            self._in_a_row += 1
            if self._in_a_row >= self._allowed and self._allowed < self._most:
                self._allowed, self._in_a_row = self._allowed + 1, 0
            quotas = [(each.get("q", 0), each.get("w", 0)) for each in _items(headers.get("ratelimit-policy", ""))]
            self._interval = max((window / quota for quota, window in quotas if quota), default=0.0)
            for each in _items(headers.get("ratelimit", "")):
                if each.get("r") == 0:
                    self._next = max(self._next, self._clock() + each.get("t", 0))
            self._changed.notify_all()

    def refused(self, retry_after: float) -> None:
        """Note a refusal (429 or 503): half as many requests at once, and none for `retry_after` seconds."""
        with self._changed:
            moment = self._clock()
            if moment >= self._halved:  # the refusals of one round count once
                self._allowed = max(1, self._allowed // 2)
                self._halved = moment + retry_after
            self._in_a_row = 0
            self._next = max(self._next, moment + retry_after)
            self._changed.notify_all()


def _items(header: str) -> list[dict[str, int]]:
    """Return the numbers of each limit in a header, by name, such as those of `"key";q=100;w=60`."""
    return [{name: int(number) for name, number in _PARAMETER.findall(item)} for item in header.split(",")]

"""Cases of slow sign-ins. docs/reference/faults.md shows them."""

from dataclasses import dataclass
from typing import Literal

from testing.faults.case import Expected, degraded

Slow = Literal["PostgreSQL", "Redis"]


@dataclass(frozen=True, slots=True)
class SignInCase:
    """A store that takes `seconds` to sign a container in, whose process freezes between lookups or not."""

    store: Slow
    seconds: float
    freezes: bool

    def __str__(self) -> str:
        return f"{self.store} {self.seconds:g} s {'frozen' if self.freezes else 'running'}"

    @property
    def until_through(self) -> Expected:
        """The lookups of uncached cells until the sign-in is through."""
        if self.store == "PostgreSQL":
            return degraded("postgres_signing_in", within=0.8)
        return Expected("bypass", ("redis_signing_in",), 0.6)


AFTER = Expected("miss", within=0.3)
"""The lookups of uncached cells from then on."""
PAUSE = 0.25
"""Seconds from the end of a lookup to the next."""
LATE = PAUSE + 0.35
"""Longest time from the moment when the server signs in until the end of the first lookup that uses it, seconds."""
CASES = tuple(
    SignInCase(store, seconds, freezes)
    for store in ("PostgreSQL", "Redis")
    for seconds in (0.7, 3.0, 20.0)
    for freezes in (False, True)
)

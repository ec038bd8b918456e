"""Cases of busy connections, wrong clocks, faults of both servers, and slow sign-ins."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.faults.case import Expected, FaultCase, Row, connected, degraded, fault
from tests.faults.proxy import Proxy
from tests.faults.rig import Rig

HOUR, DAY = 3600.0, 86_400.0

POOL = Row("all connections of the process in use", "none", Expected("bypass", ("redis_pool_exhausted",), 1.0))
CLOCK_OF_ANOTHER = Row("value written with a clock an hour ahead", "fresh", Expected("hit", ("clock_skew",)))
CLOCK_BEHIND = Row("our own clock an hour behind", "fresh", Expected("hit", ("clock_skew",)))
CLOCK_AHEAD = Row("our own clock a day ahead", "fresh", Expected("miss"))
REDIS = (POOL, CLOCK_OF_ANOTHER, CLOCK_BEHIND, CLOCK_AHEAD)


def both(change: Callable[[Proxy], None]) -> Callable[[Rig], object]:
    """Return a function that changes what the proxies of both servers do."""

    def change_both(rig: Rig) -> None:
        change(rig.redis_proxy)
        change(rig.postgres_proxy)

    return change_both


DOWN, HUNG = (fault(both(change), both(Proxy.restore)) for change in (Proxy.refuse, Proxy.hold))
GONE = degraded("redis_unreachable", "postgres_unreachable")
TIMED_OUT = degraded("redis_timeout", "postgres_timeout", within=1.6)
BOTH_CASES: tuple[FaultCase[Rig], ...] = (
    connected("both down", DOWN, {"memory": Expected("memory", ("redis_unreachable",)), "fresh": GONE, "none": GONE}),
    connected("both hung", HUNG, {"memory": Expected("memory", ("redis_timeout",), 0.6), "none": TIMED_OUT}),
)

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
SIGN_INS = tuple(
    SignInCase(store, seconds, freezes)
    for store in ("PostgreSQL", "Redis")
    for seconds in (0.7, 3.0, 20.0)
    for freezes in (False, True)
)

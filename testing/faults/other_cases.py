"""What fits no table of single faults, with what is answered. docs/reference/faults.md shows it beside them."""

from testing.faults.case import Answer, Row, degraded

HOUR, DAY = 3600.0, 86_400.0

POOL = Row("every connection of the process in use", "none", Answer("bypass", ("redis_pool_exhausted",), 1.0))
CLOCK_OF_ANOTHER = Row("value from a clock that is an hour ahead", "fresh", Answer("hit", ("clock_skew",)))
CLOCK_BEHIND = Row("our own clock an hour behind", "fresh", Answer("hit", ("clock_skew",)))
CLOCK_AHEAD = Row("our own clock a day ahead", "fresh", Answer("miss"))
REDIS = (POOL, CLOCK_OF_ANOTHER, CLOCK_BEHIND, CLOCK_AHEAD)

BUSY = Row("hung, and another thread waits for it", "none", degraded("postgres_timeout", within=1.2))
POSTGRES = (BUSY,)

DOWN = (
    Row("both down", "held", Answer("memory", ("redis_unreachable",))),
    Row("both down", "fresh", degraded("redis_unreachable", "postgres_unreachable")),
    Row("both down", "none", degraded("redis_unreachable", "postgres_unreachable")),
)
HUNG = (
    Row("both hung", "held", Answer("memory", ("redis_timeout",), 0.6)),
    Row("both hung", "none", degraded("redis_timeout", "postgres_timeout", within=1.6)),
)
HELD_STALE = Row(
    "both down, and the process holds a stale value",
    "held",
    Answer("stale", ("redis_unreachable", "postgres_unreachable")),
)
PAST_HARD = Row(
    "both down, and the process holds a value past its hard expiry",
    "held",
    degraded("redis_unreachable", "postgres_unreachable"),
)
BOTH = (*DOWN, *HUNG, HELD_STALE, PAST_HARD)

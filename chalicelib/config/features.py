"""Settings of the features of cells: lifetimes, time limits of lookups, and cache warming."""

from dataclasses import dataclass

from chalicelib.config import casts
from chalicelib.config.field import seconds, setting


@dataclass(frozen=True, slots=True)
class TtlPolicy:
    """Lifetimes of cached features, in seconds.

    While one process refreshes a value after `soft`, the others still serve it. Because of `jitter`, cells filled at
    the same time do not turn stale at the same time.
    """

    soft: float = seconds("FEATURES_SOFT_TTL", 21_600.0, below=("FEATURES_HARD_TTL",))
    """Soft TTL: age at which features in Redis are stale, so that a request refreshes them; must be below
    `FEATURES_HARD_TTL`."""
    hard: float = setting("FEATURES_HARD_TTL", 259_200.0, casts.lifetime, unit="s")
    """Hard TTL: age at which Redis deletes features; until then they are served if the database is down."""
    empty_factor: float = setting("FEATURES_EMPTY_TTL_FACTOR", 0.25, casts.fraction, alias="FEATURES_EMPTY_TTL")
    """Factor for both TTLs of a cell without known animals, such as open sea."""
    jitter: float = setting("FEATURES_JITTER", 0.1, casts.fraction)
    """Random jitter of both TTLs, as a share: 0.1 is ±10 %."""


@dataclass(frozen=True, slots=True)
class FeaturePolicy:
    """Lifetimes of features in Redis and in process memory, and the time limits of lookups, in seconds.

    A `lease` is longer than a query may take, so that there are never two queries for the same cell.
    """

    ttl: TtlPolicy = TtlPolicy()
    total: float = seconds("FEATURES_TOTAL", 1.5)
    """Total time one request may spend on features, even after failures; time in the queue of the HTTP server counts
    too, but at least 0.2 s remain for the lookup."""
    lease: float = seconds("FEATURES_LEASE", 1.2)
    """Lifetime of the lease under which a request queries the database; must be above `DATABASE_TOTAL`."""
    retry_pause: float = seconds("FEATURES_REST", 1.0)
    """Pause after a failed query, during which no request queries the database for the same cell."""
    memory_cells: int = setting("MEMORY_CELLS", 1024, casts.non_negative_int)
    """Maximum number of cells that one process keeps in memory; 0 disables the memory cache."""
    fresh: float = seconds("MEMORY_FRESH", 60.0)
    """Time for which features in memory are used without checking Redis."""
    version: float = seconds("VERSION_FRESH", 10.0)
    """Time for which a process caches the active dataset's version; a switch takes effect within this time."""


@dataclass(frozen=True, slots=True)
class WarmingPlan:
    """When cache warming runs, how many cells it keeps warm, and when it refreshes their values."""

    minutes: int = setting("WARM_MINUTES", 5, casts.positive_int, unit="min")
    """Interval of cache warming; a change requires a new deployment."""
    reserve: float = seconds("WARM_RESERVE", 3.0)
    """A warming run stops this long before Lambda's timeout."""
    hottest: int = setting("WARM_HOTTEST", 200, casts.positive_int)
    """Number of most requested cells that warming keeps fresh, along with their neighbours."""
    margin: float = seconds("WARM_MARGIN", 900.0)
    """Warming refreshes features that turn stale within this time; keep it above `WARM_MINUTES`."""
    ahead: float = seconds("WARM_AHEAD", 3600.0)
    """If warming has to query the database, it also refreshes features that turn stale within this time."""
    quiet: int = setting("WARM_QUIET", 1, casts.non_negative_int)
    """With fewer requests than this in the last two hours, warming fetches only missing features, so that the database
    can pause."""
    statement: float = seconds("WARM_STATEMENT", 20.0)
    """Timeout of warming's query, which fetches many cells at once."""

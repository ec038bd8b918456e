"""Settings of the stores: time limits, addresses and sign-in of Redis, PostgreSQL and S3."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from chalicelib.config import casts
from chalicelib.config.field import seconds, setting


@dataclass(frozen=True, slots=True)
class Budget:
    """Time limits for one dependency, in seconds.

    `connect`: a request's wait for a new connection. `command`: one command or query. `total`: all calls of one
    request, including retries.
    """

    connect: float
    command: float
    total: float


@dataclass(frozen=True, slots=True)
class StoreSettings(Budget):
    """Time limits and circuit breaker of Redis or of PostgreSQL."""

    sign_in: float = seconds("SIGN_IN", 40.0)
    """Timeout for opening a connection to PostgreSQL or Redis, including TLS and sign-in; a request waits no longer
    than `DATABASE_CONNECT` or `REDIS_CONNECT`, and the next request continues; cache warming waits this long."""
    breaker_failures: int = setting("BREAKER_FAILURES", 3, casts.positive_int)
    """Consecutive failures that open the circuit breaker of Redis or PostgreSQL; a timeout counts as two."""
    breaker_reset_timeout: float = seconds("BREAKER_REST", 5.0)
    """Time for which a circuit breaker stays open before one request tries again."""

    def patient(self) -> Self:
        """Return the settings of a client that waits for the whole sign-in, for work outside requests."""
        return replace(self, connect=self.sign_in, total=self.sign_in + self.total)


@dataclass(frozen=True, slots=True)
class RedisSettings(StoreSettings):
    """Address, sign-in and time limits of Redis."""

    url: str = setting("REDIS_URL", "redis://localhost:6379", casts.redis_url)
    """URL of Redis 7 or Valkey: a single server, a cluster or ElastiCache Serverless; `rediss://` uses TLS."""
    prefix: str = setting("REDIS_PREFIX", "faunalens:", casts.key_prefix)
    """Beginning of every key, so that stages can share a Redis; the user of `infra/faunalens.yaml` may only use keys
    that begin with `faunalens`."""
    ca: Path | None = setting("REDIS_CA", None, Path)
    """CA bundle for `rediss://` instead of the system's."""
    iam_cache: str = setting("REDIS_IAM_CACHE", "")
    """Name of the ElastiCache Serverless cache at `REDIS_URL`, to sign in with IAM; if empty, IAM is not used."""
    connect: float = seconds("REDIS_CONNECT", 0.3)
    """Longest time that one request waits for a new connection to Redis."""
    command: float = seconds("REDIS_COMMAND", 0.15, below=("FEATURES_TOTAL",))
    """Timeout of one Redis command or pipeline; must be below `FEATURES_TOTAL`, otherwise the circuit breaker would not
    count timeouts."""
    total: float = seconds("REDIS_TOTAL", 0.4)
    """Total time of one Redis call, including the retry."""
    idle: float = seconds("REDIS_IDLE", 240.0)
    """Idle time after which a Redis connection is replaced before its next use; keep it below the 350 s after which
    AWS's networks drop idle connections."""
    connections: int = setting("REDIS_CONNECTIONS", 16, casts.positive_int)
    """Maximum number of concurrent Redis calls per process."""


@dataclass(frozen=True, slots=True)
class DatabaseSettings(StoreSettings):
    """Address, sign-in and time limits of PostgreSQL."""

    url: str = setting(
        "DATABASE_URL", "postgresql://faunalens@localhost:5432/faunalens", casts.url("postgresql", "postgres")
    )
    """URL of the PostgreSQL database with the features; without a password if `DATABASE_IAM` is true."""
    ca: Path | None = setting("DATABASE_CA", None, Path)
    """CA bundle, such as that of RDS; if set, the server's certificate is verified (`verify-full`)."""
    iam: bool = setting("DATABASE_IAM", False)
    """Sign in to PostgreSQL with an IAM token instead of a password."""
    connect: float = seconds("DATABASE_CONNECT", 0.5)
    """Longest time that one request waits for a new connection to PostgreSQL."""
    command: float = seconds("DATABASE_STATEMENT", 0.8, below=("DATABASE_TOTAL", "FEATURES_TOTAL"))
    """Timeout of one query (PostgreSQL's `statement_timeout`); must be below `DATABASE_TOTAL` and `FEATURES_TOTAL`,
    otherwise the circuit breaker would not count timeouts."""
    total: float = seconds("DATABASE_TOTAL", 1.0, below=("FEATURES_LEASE",))
    """Total time one request may spend on PostgreSQL, including reconnecting; must be below `FEATURES_LEASE`."""
    idle: float = seconds("DATABASE_IDLE", 60.0)
    """Idle time after which PostgreSQL closes a connection, so that frozen containers keep no connection open."""


@dataclass(frozen=True, slots=True)
class S3Settings(Budget):
    """The bucket of photos that are too large for one request, and the time limits of S3."""

    bucket: str = setting("PHOTO_BUCKET", "")
    """S3 bucket for photos that are too large for one request; if empty, uploads are disabled."""
    upload_seconds: int = setting("UPLOAD_SECONDS", 300, casts.positive_int, unit="s")
    """Lifetime of an upload form."""
    batch_exif_location: bool = setting("BATCH_EXIF_LOCATION", False)
    """Whether the result lines of batches contain the exact position from EXIF."""
    connect: float = seconds("S3_CONNECT", 1.0)
    """Timeout for connecting to S3."""
    command: float = seconds("S3_READ", 3.0)
    """Timeout for each read from S3."""
    total: float = seconds("S3_TOTAL", 10.0)
    """Total time of fetching a photo from S3, with its retry; API Gateway times out at 29 s."""

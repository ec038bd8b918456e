"""Every setting of Faunalens, with its environment variable, default, unit and meaning.

`Settings.from_environment(os.environ)` reads the environment once; no other code reads it.
`python -m docs.generate` writes docs/reference/settings.md from this module.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chalicelib.config import casts
from chalicelib.config.field import read, seconds, setting
from chalicelib.config.rate_limits import RateLimit, rate_limits

ROOT = Path(__file__).parents[2]


def _default_model() -> Path:
    """Return the path of `model/faunalens.onnx`: next to the app, or on `sys.path`, which includes Lambda's layer."""
    candidates = [Path(folder, "model", "faunalens.onnx") for folder in (str(ROOT), *sys.path)]
    return next((path for path in candidates if path.is_file()), candidates[0])


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings with their defaults. Frozen: built once and passed down."""

    service: str = setting("SERVICE", "faunalens", casts.text, help="service name in metrics")
    stage: str = setting(
        "STAGE", "local", casts.text, help="deployment stage in metrics and logs, such as `dev` or `prod`"
    )
    log_level: str = setting(
        "LOG_LEVEL", "INFO", casts.one_of("DEBUG", "INFO", "WARNING", "ERROR"), help="lowest level to log"
    )
    log_format: str = setting(
        "LOG_FORMAT", "json", casts.one_of("json", "text"), help="format of log lines: `json`, or `text` for a terminal"
    )
    function: str = setting(
        "AWS_LAMBDA_FUNCTION_NAME", "local", casts.text, help="function name in logs; Lambda sets it"
    )

    metrics_file: Path | None = setting(
        "METRICS_FILE", None, casts.path, help="file to append embedded metrics to; standard output if unset"
    )
    behind_api: bool = setting(
        "_HANDLER",
        False,
        lambda handler: handler == "app.app",
        help="name of the handler, set by Lambda; if it is `app.app`, the services are built during initialisation",
    )

    api_keys: bool = setting(
        "API_KEYS",
        False,
        casts.boolean,
        help="whether API Gateway demands an API key of callers; `infra up` sets it. The page then sends its own key",
    )
    rate_limits: tuple[RateLimit, ...] = setting(
        "RATE_LIMITS",
        (),
        rate_limits,
        help="limits in front of the API, for the header `RateLimit-Policy`; `infra up` sets it. "
        "`/identify service=6300/60` is 6,300 requests in 60 s",
    )

    lambda_memory: int = setting(
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        0,
        casts.non_negative_int,
        unit="MiB",
        help="memory of the function; Lambda sets it",
    )

    model_path: Path = setting(
        "MODEL_PATH",
        _default_model(),
        casts.path,
        help="ONNX model; docs/how-to/model.md lists the files that must be in the same folder",
    )
    model_threads: int = setting(
        "MODEL_THREADS", 0, casts.non_negative_int, help="threads per inference; 0 uses one per processor"
    )
    boxes: bool = setting(
        "BOXES",
        False,
        casts.boolean,
        help="whether answers find each animal, person and vehicle in the photo if a request does not say; takes more "
        "time (model/packs/README.md has figures)",
    )

    photo_max_bytes: int = setting(
        "PHOTO_MAX_BYTES", 20_000_000, casts.positive_int, unit="bytes", help="largest photo accepted"
    )
    photo_max_megapixels: float = setting(
        "PHOTO_MAX_MEGAPIXELS",
        64.0,
        casts.positive_number,
        unit="megapixels",
        help="largest number of pixels accepted; checked in the photo's header, before decoding",
    )
    photo_decode_bytes: int = setting(
        "PHOTO_DECODE_BYTES",
        0,
        casts.non_negative_int,
        unit="bytes",
        help="memory that all photos share while they are decoded; a photo that needs more than this is rejected; 0 "
        "means 400 MB, or on Lambda all of the function's remaining memory",
    )
    photo_decode_seconds: float = seconds(
        "PHOTO_DECODE_SECONDS",
        5.0,
        help="time limit for decoding a photo; only the decoders of JPEG and PNG can be stopped",
    )

    photo_bucket: str = setting(
        "PHOTO_BUCKET",
        "",
        casts.text,
        help="S3 bucket for photos that are too large for one request; if empty, uploads are disabled",
    )
    upload_seconds: int = setting(
        "UPLOAD_SECONDS", 300, casts.positive_int, unit="s", help="lifetime of an upload form"
    )
    batch_exif_location: bool = setting(
        "BATCH_EXIF_LOCATION", False, casts.boolean, help="whether lines of batches have the exact position in EXIF"
    )
    s3_connect: float = seconds("S3_CONNECT", 1.0, help="timeout for connecting to S3")
    s3_read: float = seconds("S3_READ", 3.0, help="timeout for each read from S3")
    s3_total: float = seconds(
        "S3_TOTAL", 10.0, help="total time of fetching a photo from S3, with its retry; API Gateway times out at 29 s"
    )

    prior_floor: float = setting(
        "PRIOR_FLOOR",
        0.02,
        casts.fraction,
        help="weight of an animal not known to live in the cell; docs/explanation/narrowing.md explains the value",
    )
    season_floor: float = setting(
        "SEASON_FLOOR",
        1.0,
        casts.fraction,
        help="share of its weight that an animal keeps in a month in which nobody records it, if the dataset has "
        "seasons; 1 disables seasons",
    )
    animal_threshold: float = setting(
        "ANIMAL_THRESHOLD",
        0.6,
        casts.fraction,
        help="minimum probability that the photo shows an animal to say so, named or not "
        "(docs/explanation/field.md explains the value)",
    )
    rank_threshold: float = setting(
        "RANK_THRESHOLD",
        0.83,
        casts.fraction,
        help="minimum probability of a taxon to become the prediction (docs/explanation/field.md explains the value); "
        "where a pack has looked, it is 0.7 for a species and 0.6 for a wider taxon",
    )
    degraded_threshold: float = setting(
        "DEGRADED_THRESHOLD",
        0.9,
        casts.fraction,
        help="the same without the features of the place, because they could not be read",
    )
    second_look: bool = setting(
        "SECOND_LOOK",
        True,
        casts.boolean,
        help="whether models look again, at the animal alone, if a photo leaves a doubt; takes twice the time and "
        "more for such photos (docs/explanation/field.md says what it is worth)",
    )

    database_url: str = setting(
        "DATABASE_URL",
        "postgresql://faunalens@localhost:5432/faunalens",
        casts.url("postgresql", "postgres"),
        help="URL of the PostgreSQL database with the features; without a password if `DATABASE_IAM` is true",
    )
    database_ca: Path | None = setting(
        "DATABASE_CA",
        None,
        casts.path,
        help="CA bundle, such as that of RDS; if set, the server's certificate is verified (`verify-full`)",
    )
    database_iam: bool = setting(
        "DATABASE_IAM", False, casts.boolean, help="sign in to PostgreSQL with an IAM token instead of a password"
    )
    sign_in: float = seconds(
        "SIGN_IN",
        40.0,
        help="timeout for opening a connection to PostgreSQL or Redis, including TLS and sign-in; a request waits no "
        "longer than `DATABASE_CONNECT` or `REDIS_CONNECT`, and the next request continues; cache warming waits this "
        "long",
    )
    database_connect: float = seconds(
        "DATABASE_CONNECT", 0.5, help="longest time that one request waits for a new connection to PostgreSQL"
    )
    database_statement: float = seconds(
        "DATABASE_STATEMENT",
        0.8,
        help="timeout of one query (PostgreSQL's `statement_timeout`); must be below `DATABASE_TOTAL` and "
        "`FEATURES_TOTAL`, otherwise the circuit breaker would not count timeouts",
        below=("database_total", "features_total"),
    )
    database_total: float = seconds(
        "DATABASE_TOTAL",
        1.0,
        help="total time one request may spend on PostgreSQL, including reconnecting; must be below `FEATURES_LEASE`",
        below=("features_lease",),
    )
    database_idle: float = seconds(
        "DATABASE_IDLE",
        60.0,
        help="idle time after which PostgreSQL closes a connection, so that frozen containers keep no connection open",
    )

    aws_region: str = setting(
        "AWS_REGION", "us-east-1", casts.text, help="AWS region of the upload bucket and of IAM tokens"
    )

    redis_url: str = setting(
        "REDIS_URL",
        "redis://localhost:6379",
        casts.redis_url,
        help="URL of Redis 7 or Valkey: a single server, a cluster or ElastiCache Serverless; `rediss://` uses TLS",
    )
    redis_ca: Path | None = setting(
        "REDIS_CA", None, casts.path, help="CA bundle for `rediss://` instead of the system's"
    )
    redis_iam_cache: str = setting(
        "REDIS_IAM_CACHE",
        "",
        casts.text,
        help="name of the ElastiCache Serverless cache at `REDIS_URL`, to sign in with IAM; if empty, IAM is not used",
    )
    redis_connect: float = seconds(
        "REDIS_CONNECT", 0.3, help="longest time that one request waits for a new connection to Redis"
    )
    redis_command: float = seconds(
        "REDIS_COMMAND",
        0.15,
        help="timeout of one Redis command or pipeline; must be below `FEATURES_TOTAL`, otherwise the circuit breaker "
        "would not count timeouts",
        below=("features_total",),
    )
    redis_total: float = seconds("REDIS_TOTAL", 0.4, help="total time of one Redis call, including the retry")
    redis_idle: float = seconds(
        "REDIS_IDLE",
        240.0,
        help="idle time after which a Redis connection is replaced before its next use; keep it below the 350 s "
        "after which AWS's networks drop idle connections",
    )
    redis_connections: int = setting(
        "REDIS_CONNECTIONS", 16, casts.positive_int, help="maximum number of concurrent Redis calls per process"
    )

    features_total: float = seconds(
        "FEATURES_TOTAL",
        1.5,
        help="total time one request may spend on features, even after failures; time in the queue of the HTTP server "
        "counts too, but at least 0.2 s remain for the lookup",
    )
    features_soft_ttl: float = seconds(
        "FEATURES_SOFT_TTL",
        21_600.0,
        help="soft TTL: age at which features in Redis are stale, so that a request refreshes them",
    )
    features_hard_ttl: float = setting(
        "FEATURES_HARD_TTL",
        259_200.0,
        casts.lifetime,
        unit="s",
        help="hard TTL: age at which Redis deletes features; until then they are served if the database is down",
    )
    features_empty_ttl: float = setting(
        "FEATURES_EMPTY_TTL",
        0.25,
        casts.fraction,
        help="factor for both TTLs of a cell without known animals, such as open sea",
    )
    features_jitter: float = setting(
        "FEATURES_JITTER", 0.1, casts.fraction, help="random jitter of both TTLs, as a share: 0.1 is ±10 %"
    )
    features_lease: float = seconds(
        "FEATURES_LEASE",
        1.2,
        help="lifetime of the lease under which a request queries the database; must be above `DATABASE_TOTAL`",
    )
    features_retry_pause: float = seconds(
        "FEATURES_REST",
        1.0,
        help="pause after a failed query, during which no request queries the database for the same cell",
    )
    memory_cells: int = setting(
        "MEMORY_CELLS",
        1024,
        casts.non_negative_int,
        help="maximum number of cells that one process keeps in memory; 0 disables the memory cache",
    )
    memory_fresh: float = seconds(
        "MEMORY_FRESH", 60.0, help="time for which features in memory are used without checking Redis"
    )
    version_fresh: float = seconds(
        "VERSION_FRESH",
        10.0,
        help="time for which a process caches the active dataset's version; a switch takes effect within this time",
    )
    breaker_failures: int = setting(
        "BREAKER_FAILURES",
        3,
        casts.positive_int,
        help="consecutive failures that open the circuit breaker of Redis or PostgreSQL; a timeout counts as two",
    )
    breaker_reset_timeout: float = seconds(
        "BREAKER_REST", 5.0, help="time for which a circuit breaker stays open before one request tries again"
    )

    warm_minutes: int = setting(
        "WARM_MINUTES",
        5,
        casts.positive_int,
        unit="min",
        help="interval of cache warming; a change requires a new deployment",
    )
    warm_reserve: float = seconds("WARM_RESERVE", 3.0, help="a warming run stops this long before Lambda's timeout")
    warm_hottest: int = setting(
        "WARM_HOTTEST",
        200,
        casts.positive_int,
        help="number of most requested cells that warming keeps fresh, along with their neighbours",
    )
    warm_margin: float = seconds(
        "WARM_MARGIN",
        900.0,
        help="warming refreshes features that turn stale within this time; keep it above `WARM_MINUTES`",
    )
    warm_ahead: float = seconds(
        "WARM_AHEAD",
        3600.0,
        help="if warming has to query the database, it also refreshes features that turn stale within this time",
    )
    warm_quiet: int = setting(
        "WARM_QUIET",
        1,
        casts.non_negative_int,
        help="with fewer requests than this in the last two hours, warming fetches only missing features, so that the "
        "database can pause",
    )
    warm_statement: float = seconds(
        "WARM_STATEMENT", 20.0, help="timeout of warming's query, which fetches many cells at once"
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read all settings; an empty variable counts as unset. Raises `SettingError`, which names the variable."""
        return read(cls, environment)

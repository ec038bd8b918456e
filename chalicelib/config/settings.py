"""Every setting of Faunalens, read from the environment once.

`Settings.from_environment(os.environ)` is the only reader of the environment; each field has its variable,
default, unit and meaning here, from which docs/reference/settings.md is generated (`python -m docs.generate`).
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chalicelib.config import casts
from chalicelib.config.field import read, setting

ROOT = Path(__file__).parents[2]


def _model() -> Path:
    """The model beside the app; or where else Python looks, since Lambda has `vendor/` among the dependencies."""
    places = [Path(folder, "model", "faunalens.onnx") for folder in (str(ROOT), *sys.path)]
    return next((place for place in places if place.is_file()), places[0])


@dataclass(frozen=True, slots=True)
class Budget:
    """How long one dependency may take; seconds.

    `connect`: opening a connection. `command`: one command or query. `total`: all of it for one request,
    retries included.

    >>> Budget(connect=0.3, command=0.15, total=0.4).command
    0.15
    """

    connect: float
    command: float
    total: float


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set, with its defaults. Frozen: built once and passed down."""

    service: str = setting("SERVICE", "faunalens", casts.text, help="name of the service in metrics and logs")
    stage: str = setting("STAGE", "local", casts.text, help="stage that metrics and logs are counted under")
    log_level: str = setting(
        "LOG_LEVEL", "INFO", casts.one_of("DEBUG", "INFO", "WARNING", "ERROR"), help="least level that is logged"
    )
    log_format: str = setting(
        "LOG_FORMAT", "json", casts.one_of("json", "text"), help="form of log lines: `json`, or `text` for a terminal"
    )
    function: str = setting(
        "AWS_LAMBDA_FUNCTION_NAME", "local", casts.text, help="set by Lambda itself; the function's name in logs"
    )

    metrics_file: Path | None = setting(
        "METRICS_FILE", None, casts.path, help="file that embedded metrics are appended to; standard output if not set"
    )
    behind_api: bool = setting(
        "_HANDLER",
        False,
        lambda handler: handler == "app.app",
        help="set by Lambda itself; the function behind the API (`app.app`) gets ready during initialisation",
    )

    model_path: Path = setting(
        "MODEL_PATH",
        _model(),
        casts.path,
        help="ONNX model; `labels.csv` and `taxa.csv` lie beside it, and where its animals live if they are others",
    )
    model_threads: int = setting(
        "MODEL_THREADS", 0, casts.count, help="threads of one inference; 0 takes one a processor"
    )

    photo_max_bytes: int = setting(
        "PHOTO_MAX_BYTES", 20_000_000, casts.at_least_one, unit="bytes", help="largest photo that is read"
    )
    photo_max_megapixels: float = setting(
        "PHOTO_MAX_MEGAPIXELS",
        64.0,
        casts.positive,
        unit="megapixels",
        help="most pixels that are decoded, checked in the photo's header",
    )

    photo_bucket: str = setting(
        "PHOTO_BUCKET", "", casts.text, help="S3 bucket for photos too large for a request; empty: no uploads"
    )
    upload_seconds: int = setting(
        "UPLOAD_SECONDS",
        300,
        casts.at_least_one,
        unit="s",
        help="how long a photo can be uploaded after it was asked for",
    )
    s3_connect: float = setting("S3_CONNECT", 1.0, casts.positive, unit="s", help="longest wait for a connection to S3")
    s3_read: float = setting(
        "S3_READ", 3.0, casts.positive, unit="s", help="longest silence of S3 while it sends a photo"
    )
    s3_total: float = setting(
        "S3_TOTAL",
        10.0,
        casts.positive,
        unit="s",
        help="longest that one request waits for a photo from S3, the retry included; API Gateway gives up after 29",
    )

    prior_floor: float = setting(
        "PRIOR_FLOOR",
        0.02,
        casts.share,
        help="weight of an animal that does not live in the cell; docs/explanation/narrowing.md says how it was chosen",
    )
    animal_threshold: float = setting(
        "ANIMAL_THRESHOLD",
        0.7,
        casts.share,
        help="least probability of an animal for a prediction; model/README.md says how it was chosen",
    )
    rank_threshold: float = setting(
        "RANK_THRESHOLD", 0.7, casts.share, help="share of the probability that the predicted taxon holds"
    )

    database_url: str = setting(
        "DATABASE_URL",
        "postgresql://faunalens@localhost:5432/faunalens",
        casts.url("postgresql", "postgres"),
        help="PostgreSQL with the features; without a password for IAM",
    )
    database_ca: Path | None = setting(
        "DATABASE_CA",
        None,
        casts.path,
        help="certificates to trust, such as the RDS bundle; if set, the server has to prove its name (`verify-full`)",
    )
    database_iam: bool = setting(
        "DATABASE_IAM", False, casts.flag, help="sign in to PostgreSQL with an IAM token in place of a password"
    )
    database_connect: float = setting(
        "DATABASE_CONNECT", 0.5, casts.positive, unit="s", help="longest wait for a connection to PostgreSQL"
    )
    database_statement: float = setting(
        "DATABASE_STATEMENT",
        0.8,
        casts.positive,
        unit="s",
        help="longest query; PostgreSQL itself ends it (statement timeout); below `DATABASE_TOTAL` and "
        "`FEATURES_TOTAL`, since only a wait in vain of this length counts for the breaker",
        below=("database_total", "features_total"),
    )
    database_total: float = setting(
        "DATABASE_TOTAL",
        1.0,
        casts.positive,
        unit="s",
        help="longest that one request spends on PostgreSQL, reconnecting included; below `FEATURES_LEASE`",
        below=("features_lease",),
    )
    database_idle: float = setting(
        "DATABASE_IDLE",
        60.0,
        casts.positive,
        unit="s",
        help="PostgreSQL closes a connection idle for longer, so that frozen containers hold none and Aurora can pause",
    )

    aws_region: str = setting("AWS_REGION", "us-east-1", casts.text, help="region that IAM tokens are signed for")

    redis_url: str = setting(
        "REDIS_URL",
        "redis://localhost:6379",
        casts.redis_url,
        help="Redis 7 or Valkey: one server, a cluster or ElastiCache Serverless; `rediss` is TLS",
    )
    redis_ca: Path | None = setting(
        "REDIS_CA", None, casts.path, help="certificates to trust for `rediss` in place of the system's"
    )
    redis_iam_cache: str = setting(
        "REDIS_IAM_CACHE",
        "",
        casts.text,
        help="ElastiCache Serverless cache to sign in to with an IAM token, as the user in `REDIS_URL`; empty: no IAM",
    )
    redis_connect: float = setting(
        "REDIS_CONNECT",
        0.3,
        casts.positive,
        unit="s",
        help="longest wait for a connection to Redis, TLS and sign-in included",
    )
    redis_command: float = setting(
        "REDIS_COMMAND",
        0.15,
        casts.positive,
        unit="s",
        help="longest wait for the answer to one message to Redis; below `FEATURES_TOTAL`, for the breaker's sake too",
        below=("features_total",),
    )
    redis_total: float = setting(
        "REDIS_TOTAL", 0.4, casts.positive, unit="s", help="longest that one step spends on Redis, the retry included"
    )
    redis_idle: float = setting(
        "REDIS_IDLE",
        240.0,
        casts.positive,
        unit="s",
        help="connections to Redis idle for longer are replaced before use; below the 350 s after which AWS drops them",
    )
    redis_connections: int = setting(
        "REDIS_CONNECTIONS", 16, casts.at_least_one, help="most connections of one process to one Redis server"
    )

    features_total: float = setting(
        "FEATURES_TOTAL",
        1.5,
        casts.positive,
        unit="s",
        help="longest that a request spends on features, whatever breaks",
    )
    features_soft_ttl: float = setting(
        "FEATURES_SOFT_TTL",
        21_600.0,
        casts.positive,
        unit="s",
        help="age at which features in Redis are asked for anew",
    )
    features_hard_ttl: float = setting(
        "FEATURES_HARD_TTL",
        259_200.0,
        casts.positive,
        unit="s",
        help="age at which features are gone from Redis: how long they outlive a database that is down",
    )
    features_empty_ttl: float = setting(
        "FEATURES_EMPTY_TTL",
        0.25,
        casts.share,
        help="share of both ages for a cell of which nothing is known, such as open sea",
    )
    features_jitter: float = setting(
        "FEATURES_JITTER", 0.1, casts.share, help="share by which each age is longer or shorter, at random"
    )
    features_lease: float = setting(
        "FEATURES_LEASE",
        1.2,
        casts.positive,
        unit="s",
        help="life of the lease of whoever asks the database about a cell; above `DATABASE_TOTAL`",
    )
    features_rest: float = setting(
        "FEATURES_REST",
        1.0,
        casts.positive,
        unit="s",
        help="time after a failed query in which nobody asks for the same cell",
    )
    memory_cells: int = setting(
        "MEMORY_CELLS", 1024, casts.count, help="cells that one process keeps in memory; 0 keeps none"
    )
    memory_fresh: float = setting(
        "MEMORY_FRESH", 60.0, casts.positive, unit="s", help="time for which memory answers without asking Redis"
    )
    version_fresh: float = setting(
        "VERSION_FRESH",
        10.0,
        casts.positive,
        unit="s",
        help="time for which a process believes which dataset is active: a switch is seen everywhere by then",
    )
    breaker_failures: int = setting(
        "BREAKER_FAILURES",
        3,
        casts.at_least_one,
        help="failures in a row after which Redis or PostgreSQL is left alone",
    )
    breaker_rest: float = setting(
        "BREAKER_REST",
        5.0,
        casts.positive,
        unit="s",
        help="time for which it is left alone before one request tries again",
    )

    warm_minutes: int = setting(
        "WARM_MINUTES", 5, casts.at_least_one, unit="min", help="how often warming runs; read when the app is deployed"
    )
    warm_reserve: float = setting(
        "WARM_RESERVE", 3.0, casts.positive, unit="s", help="time that warming leaves of what Lambda grants it"
    )
    warm_hottest: int = setting(
        "WARM_HOTTEST",
        200,
        casts.at_least_one,
        help="cells in most demand that warming looks after, with their neighbours",
    )
    warm_margin: float = setting(
        "WARM_MARGIN",
        900.0,
        casts.positive,
        unit="s",
        help="warming refreshes what turns stale sooner than this; above its interval",
    )
    warm_ahead: float = setting(
        "WARM_AHEAD",
        3600.0,
        casts.positive,
        unit="s",
        help="once warming asks the database, it also refreshes what turns stale sooner than this",
    )
    warm_quiet: int = setting(
        "WARM_QUIET",
        1,
        casts.count,
        help="with fewer requests in the last two hours, warming lets values turn stale and the database sleep",
    )
    warm_statement: float = setting(
        "WARM_STATEMENT",
        20.0,
        casts.positive,
        unit="s",
        help="longest query of warming, which asks for many cells at once",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read all settings; an empty variable counts as unset. Raises `SettingError` that names what is wrong."""
        return read(cls, environment)

"""Every setting of Faunalens, with its environment variable, default, unit and meaning.

`Settings.from_environment(os.environ)` reads the environment once; no other code reads it.
`python -m docs.generate` writes docs/reference/settings.md from this module.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self, get_args

from chalicelib.config import casts
from chalicelib.config.casts import RateLimit
from chalicelib.config.features import FeaturePolicy, WarmingPlan
from chalicelib.config.field import read, seconds, setting, variables
from chalicelib.config.stores import DatabaseSettings, RedisSettings, S3Settings
from chalicelib.errors import SettingError

ROOT = Path(__file__).parents[2]
When = Literal["always", "doubt", "never"]
"""Which photos the detector for camera traps sees; `ModelSettings.camera_traps` explains the values."""
EngineName = Literal["local", "megadetector", "speciesnet"]
"""What identifies photos: our models, or a package of another project."""
ENGINES: tuple[EngineName, ...] = get_args(EngineName)


def _default_model() -> Path:
    """Return the path of `model/faunalens.onnx`: next to the app, or on `sys.path`, which includes Lambda's layer."""
    candidates = [Path(folder, "model", "faunalens.onnx") for folder in (str(ROOT), *sys.path)]
    return next((path for path in candidates if path.is_file()), candidates[0])


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where the app runs, and what the deployment put in front of it."""

    stage: str = setting("STAGE", "local")
    """Deployment stage in metrics and logs, such as `dev` or `prod`."""
    function: str = setting("AWS_LAMBDA_FUNCTION_NAME", "local")
    """Function name in logs; Lambda sets it."""
    release: str = setting("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
    """Version of the function; Lambda sets it. The drift check compares its photos with earlier ones."""
    runtime_api: str = setting("AWS_LAMBDA_RUNTIME_API", "")
    """Host and port of Lambda's Runtime API; Lambda sets it."""
    region: str = setting("AWS_REGION", "us-east-1")
    """AWS region of the upload bucket and of IAM tokens."""
    lambda_memory: int = setting("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 0, casts.non_negative_int, unit="MiB")
    """Memory of the function; Lambda sets it."""
    behind_api: bool = setting("_HANDLER", False, lambda handler: handler == "app.app")
    """Name of the handler, set by Lambda; if it is `app.app`, the services are built during initialisation."""
    api_keys: bool = setting("API_KEYS", False)
    """Whether API Gateway demands an API key of callers; `infra up` sets it. The page then sends its own key."""
    rate_limits: tuple[RateLimit, ...] = setting("RATE_LIMITS", (), casts.rate_limits)
    """Limits in front of the API, for the header `RateLimit-Policy`; `infra up` sets it. `/identify service=6300/60` is
    6,300 requests in 60 s."""
    pictures: tuple[str, ...] = setting(
        "PICTURES",
        (
            "https://api.inaturalist.org",
            "https://inaturalist-open-data.s3.amazonaws.com",
            "https://www.wikidata.org",
            "https://upload.wikimedia.org",
        ),
        casts.origins,
    )
    """Servers from which browsers load pictures of animals when a person asks for them, separated by spaces: first
    iNaturalist's API, then the hosts of its pictures, and Wikidata with the host of its pictures; `off`: no pictures.
    The server of Faunalens calls none of them."""


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """Settings of logs, metrics and the version in shadow."""

    service: str = setting("SERVICE", "faunalens")
    """Service name in metrics."""
    log_level: str = setting("LOG_LEVEL", "INFO", casts.one_of("DEBUG", "INFO", "WARNING", "ERROR"))
    """Lowest level to log."""
    log_format: str = setting("LOG_FORMAT", "json", casts.one_of("json", "text"))
    """Format of log lines: `json`, or `text` for a terminal."""
    shadow_share: float = setting("SHADOW_SHARE", 0.0, casts.fraction)
    """Share of the photos that a version with `SHADOW_SETTINGS` also identifies, after the answer; clients never get
    its answers, which are only compared (docs/how-to/model.md)."""
    shadow_settings: tuple[tuple[str, str], ...] = setting("SHADOW_SETTINGS", (), casts.assignments)
    """Settings of the version in shadow that differ from these, such as `PACKS_PATH=/opt/packs`."""
    metrics_file: Path | None = setting("METRICS_FILE", None, Path)
    """File to append embedded metrics to; standard output if unset."""


@dataclass(frozen=True, slots=True)
class PhotoLimits:
    """Limits of the photos that are accepted. `max_seconds`: for opening a photo, and again for decoding it."""

    max_bytes: int = setting("PHOTO_MAX_BYTES", 20_000_000, casts.positive_int, unit="bytes")
    """Largest photo accepted."""
    max_megapixels: float = setting("PHOTO_MAX_MEGAPIXELS", 65.0, casts.positive_number, unit="megapixels")
    """Largest number of pixels accepted; checked in the photo's header, before decoding."""
    max_seconds: float = seconds("PHOTO_DECODE_SECONDS", 5.0)
    """Time limit for decoding a photo; only the decoders of JPEG and PNG can be stopped."""
    decode_bytes: int = setting("PHOTO_DECODE_BYTES", 0, casts.non_negative_int, unit="bytes")
    """Memory that all photos share while they are decoded; a photo that needs more than this is rejected; 0 means 400
    MB, or on Lambda all of the function's remaining memory."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Settings of the models, and of how they score photos."""

    path: Path = setting("MODEL_PATH", _default_model(), Path)
    """ONNX model; docs/how-to/model.md lists the files that must be in the same folder."""
    packs: Path | None = setting("PACKS_PATH", None, Path)
    """Folder with further packs, in addition to those beside the model; for example on a web tier's disk, for packs too
    large for Lambda's package."""
    engine: EngineName = setting("ENGINE", "local", casts.one_of(*ENGINES))
    """What identifies photos on the web tier: `local`, our models; or `megadetector` or `speciesnet`, as in `faunalens
    identify --engine`. Lambda and its batches run `local` only, because PyTorch exceeds Lambda's 250 MB."""
    engine_weights: str = setting("ENGINE_WEIGHTS", "")
    """Weights for an `ENGINE` other than `local`: a name that its package knows, a file or a folder."""
    threads: int = setting("MODEL_THREADS", 0, casts.non_negative_int)
    """Threads per inference; 0 uses one per processor."""
    second_look: bool = setting("SECOND_LOOK", True)
    """Whether models also score the part with the animal if the whole photo leaves a doubt; such photos take twice the
    time or more (docs/explanation/field.md has the gain)."""
    camera_traps: When = setting("CAMERA_TRAP_DETECTOR", "doubt", casts.one_of("always", "doubt", "never"))
    """Which photos the detector for camera traps sees beside the general detector; `doubt`: grey, dark and doubtful
    photos; the command line and batches use `always` (model/packs/README.md has its cost and gain)."""
    boxes: bool = setting("BOXES", False)
    """Whether to find each animal, person and vehicle in a photo if the request does not say; this takes more time
    (model/packs/README.md has figures)."""

    @property
    def is_own(self) -> bool:
        """Return whether models are in use that are not of this release, and so may not fit together."""
        return self.packs is not None or self.path != _default_model()

    def for_batches(self) -> Self:
        """Return the settings for a study's photos: the detector for camera traps sees them all, unless it is off."""
        return self if self.camera_traps == "never" else replace(self, camera_traps="always")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How scores become an answer: the lowest weight of an animal, and the lowest probability of a statement."""

    prior_floor: float = setting("PRIOR_FLOOR", 0.02, casts.fraction)
    """Weight of an animal not known to live in the cell; docs/explanation/narrowing.md explains the value."""
    season_floor: float = setting("SEASON_FLOOR", 1.0, casts.fraction)
    """Share of its weight that an animal keeps in a month without records of it, if the dataset has seasons; 1 disables
    seasons."""
    animal: float = setting("ANIMAL_THRESHOLD", 0.6, casts.fraction)
    """Least probability of an animal, named or not, with which an answer says that the photo shows one
    (docs/explanation/field.md explains the value)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings with their defaults, in groups by what they configure. Frozen: built once and passed down."""

    deployment: Deployment = Deployment()
    telemetry: TelemetrySettings = TelemetrySettings()
    photo: PhotoLimits = PhotoLimits()
    model: ModelSettings = ModelSettings()
    thresholds: Thresholds = Thresholds()
    redis: RedisSettings = RedisSettings()
    database: DatabaseSettings = DatabaseSettings()
    s3: S3Settings = S3Settings()
    features: FeaturePolicy = FeaturePolicy()
    warming: WarmingPlan = WarmingPlan()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read all settings; an empty variable counts as unset. Raises `SettingError`, which names the variable."""
        return read(cls, environment)

    def with_our_models(self) -> "Settings":
        """Return these settings. Raises `SettingError` if they name an engine that does not fit in Lambda's package."""
        if self.model.engine != "local":
            raise SettingError(
                f"ENGINE is '{self.model.engine}', which does not fit in Lambda's package; expected 'local'. The web "
                "tier (`python -m faunalens.web`) and `faunalens identify` run other engines"
            )
        return self

    def candidate(self, environment: Mapping[str, str]) -> "Settings | None":
        """Return the settings of the version in shadow, or None if its share of photos is 0. Raises `SettingError`."""
        return self.changed(environment, self.telemetry.shadow_settings) if self.telemetry.shadow_share else None

    @classmethod
    def changed(cls, environment: Mapping[str, str], changes: tuple[tuple[str, str], ...]) -> "Settings":
        """Read the settings from a changed environment. Raises `SettingError`, also for an unknown name or engine."""
        known = variables(cls)
        if unknown := {name for name, _ in changes} - known.keys() - {each.alias for each in known.values()}:
            raise SettingError(f"{min(unknown)} is no setting; docs/reference/settings.md lists them")
        if (engine := dict(changes).get("ENGINE", "")) not in ("", "local"):
            raise SettingError(f"ENGINE is '{engine}', but a version to compare has our models alone; leave ENGINE out")
        return cls.from_environment({**environment, **dict(changes)})
